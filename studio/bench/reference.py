"""A checkout of another program, run beside the studio on the same shapes: how many times as fast is the studio?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.bench.errors import BenchError
from studio.bench.shapes import Shape

RUNNERS = Path(__file__).parent / "references"
PATIENCE = 1200  # seconds a runner may take


class NotRun(BenchError):
    """A checkout that is no program known here, or that did not run: says what was found and what to do."""


@dataclass(frozen=True)
class Reference:
    """A program that can be run. mark: a file every checkout of it has; of: the architecture it plays; arguments: what
    its runner is given of a shape, the checkpoint's paths and how much is timed.
    """

    name: str
    mark: str
    of: str
    runner: str
    arguments: Callable[[Shape, dict[str, Path], int], dict[str, Any]]


def streamdiffusion_arguments(shape: Shape, paths: dict[str, Path], count: int) -> dict[str, Any]:
    places = {name: str(path) for name, path in paths.items()}
    return {**places, "size": shape.size, "steps": shape.steps, "count": count, "warm": min(count, 20)}


def longlive_arguments(shape: Shape, paths: dict[str, Path], count: int) -> dict[str, Any]:
    """Its caches are made for twelve heads of 128, so a smaller shape has these too, and less of the rest."""
    net = shape.net
    names = {"num_layers": "num_layers", "ffn_dim": "ffn_dim", "text_dim": "text_dim", "freq_dim": "freq_dim"}
    given = {theirs: net[ours] for theirs, ours in names.items()}
    return {
        "net": {**given, "dim": 12 * 128, "num_heads": 12, "text_len": 512},
        "size": shape.size,
        "words": [512, net["text_dim"]],
        "chunks": max(1, count // 10),
    }


REFERENCES = (
    Reference(
        "StreamDiffusion",
        "src/streamdiffusion/pipeline.py",
        "sd-turbo",
        "streamdiffusion.py",
        streamdiffusion_arguments,
    ),
    Reference("LongLive 1.0", "pipeline/causal_inference.py", "wan-1.3b", "longlive.py", longlive_arguments),
)


def reference_at(checkout: Path) -> Reference:
    """The program a folder holds a checkout of."""
    for reference in REFERENCES:
        if (checkout / reference.mark).is_file():
            return reference
    known = "; ".join(f"{r.name} has {r.mark}" for r in REFERENCES)
    raise NotRun(f"{checkout} is no checkout of a program that can be compared: {known}; clone one and name it")


def run(
    reference: Reference, checkout: Path, python: str, shape: Shape, paths: dict[str, Path], count: int
) -> dict[str, Any]:
    """The program's figures, from a process of its own under the interpreter that has its packages."""
    arguments = {"checkout": str(checkout.resolve()), **reference.arguments(shape, paths, count)}
    command = [python, str(RUNNERS / reference.runner), json.dumps(arguments)]
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=PATIENCE, check=False
        )
    except FileNotFoundError:
        raise NotRun(f"there is no interpreter {python}; name the one of {reference.name}'s environment") from None
    except subprocess.TimeoutExpired:
        raise NotRun(f"{reference.name} took longer than {PATIENCE} s and was stopped") from None
    if done.returncode:
        stderr_tail = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise NotRun(
            f"{reference.name} did not run under {python}:\n{stderr_tail}\n"
            "If a package is missing, name the interpreter that has them, with --reference-python"
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def ratios(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """How many times as fast ours are, figure by figure that both have."""
    both = [name for name in ("denoise_fps", "fps") if name in ours and name in theirs]
    return {name: round(ours[name] / theirs[name], 2) for name in both}
