"""The command line: `studio run`, `render`, `replay`, `train`, `evaluate`, `bench`, `doctor`."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from studio import __version__
from studio.controls import ControlError
from studio.models import MissingWeights, UnknownModel
from studio.presets import PresetError
from studio.score import Digest, Score, ScoreError, render, replay


class UsageError(ValueError):
    """An argument that cannot be: says what is possible."""


# What a person can do something about: shown as one sentence. Anything else is our mistake, and shown whole.
TOLD = (ControlError, ScoreError, PresetError, UnknownModel, MissingWeights, UsageError, OSError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    # Before torch is loaded: threads that wait should sleep, or two processes on two cores slow each other tenfold.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    logging.basicConfig(level=logging.WARNING, format="studio: %(message)s", stream=sys.stderr)
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except TOLD as error:
        print(f"studio: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("studio: stopped", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    top = argparse.ArgumentParser(prog="studio", description="Paint, type, and watch generated video stream.")
    top.add_argument("--version", action="version", version=f"studio {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about)
        added.set_defaults(run=run)
        return added

    page = command("run", run_page, "open the studio's page")
    page.add_argument("--model", default="pocket", help="what to play (default: %(default)s)")
    page.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for other machines too")
    page.add_argument("--port", type=int, default=None, help="port (default: the first free one from 7860)")
    page.add_argument("--takes", type=Path, default=Path("takes"), help="folder for takes (default: %(default)s)")
    page.add_argument("--open", action="store_true", help="open a browser too")

    video = command("render", run_render, "play a take again into a video file")
    video.add_argument("score", type=Path, help="a score that was recorded (.jsonl)")
    video.add_argument("-o", "--output", type=Path, default=None, help="the file (default: the score's name, .mp4)")
    video.add_argument("--fps", type=int, default=24, help="frames a second (default: %(default)s)")

    again = command("replay", run_replay, "make a take's frames again and compare them with the recording's")
    again.add_argument("score", type=Path, help="a score that was recorded (.jsonl)")
    again.add_argument("--hash", action="store_true", help="print every frame's hash")

    training = command("train", run_train, "train the pocket model; goes on where it was stopped")
    training.add_argument("--recipe", default="cpu", help="cpu or h100 (default: %(default)s)")
    training.add_argument("--folder", type=Path, default=Path("runs/pocket"), help="checkpoints (default: %(default)s)")
    training.add_argument("--out", type=Path, default=None, help="where the weights go (default: into the package)")

    for name, run, about in (
        ("evaluate", run_evaluate, "measure what the model draws, on held-out words and paths"),
        ("bench", run_bench, "measure speed and response on this machine"),
    ):
        measure = command(name, run, about)
        measure.add_argument("--model", default="pocket", help="which model (default: %(default)s)")
        measure.add_argument("--seed", type=int, default=0, help="of all that is random (default: %(default)s)")
        measure.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
        measure.add_argument("--quick", action="store_true", help="a tenth of the work, to see that it runs")

    check = command("doctor", run_doctor, "what this machine can do, and what to do about what it cannot")
    check.add_argument("--port", type=int, default=7860, help="the port to look at (default: %(default)s)")
    return top


def run_page(arguments: argparse.Namespace) -> None:
    from studio.ui.app import launch

    launch(
        arguments.model,
        arguments.host,
        arguments.port,
        open_browser=arguments.open,
        takes=arguments.takes,
    )


def run_render(arguments: argparse.Namespace) -> None:
    score = Score.read(arguments.score)
    path = arguments.output or arguments.score.with_suffix(".mp4")
    print(render(score, path, fps=arguments.fps, progress=bar))


def run_replay(arguments: argparse.Namespace) -> int:
    """One line a frame with --hash, then the total; 1 if the recording's differs."""
    score = Score.read(arguments.score)
    digest = Digest()
    for frame in bar(replay(score), score.length):
        digest.add(frame)
        if arguments.hash:
            print(f"{frame.index} {frame.hash}")
    recorded = score.header.digest
    if recorded and recorded != str(digest):
        print(
            f"studio: the frames differ from the recording's: {digest} here, {recorded} recorded. Frames are the same "
            "only on the same kind of processor, number of threads and version of torch, and if no line was changed",
            file=sys.stderr,
        )
        return 1
    print(f"{digest} {digest.frames} frames, {'as recorded' if recorded else 'no hash was recorded'}")
    return 0


def run_train(arguments: argparse.Namespace) -> None:
    from studio.training import recipe

    if arguments.recipe not in recipe.RECIPES:
        raise UsageError(f"no recipe is called {arguments.recipe!r}; there are: {', '.join(recipe.RECIPES)}")
    options = {"out": arguments.out} if arguments.out else {}
    for report in recipe.train(arguments.folder, arguments.recipe, **options):
        print("  ".join(f"{name} {shown(value)}" for name, value in report.items()), flush=True)


def run_evaluate(arguments: argparse.Namespace) -> None:
    from studio.evaluation.evaluate import evaluate
    from studio.models import load

    less = {"count": 20, "long": 1} if arguments.quick else {}
    measured(arguments, lambda: evaluate(load(arguments.model), arguments.seed, progress=bar, **less))


def run_bench(arguments: argparse.Namespace) -> None:
    from studio.bench import FULL, QUICK, bench

    measured(arguments, lambda: bench(arguments.model, arguments.seed, QUICK if arguments.quick else FULL))


def run_doctor(arguments: argparse.Namespace) -> int:
    from studio.doctor import examine

    findings = list(examine(arguments.port))
    for finding in findings:
        print(finding)
    return 1 if any(finding.stops for finding in findings) else 0


def measured(arguments: argparse.Namespace, measure: Callable[[], dict[str, Any]]) -> None:
    """Print what was measured; what libraries print meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        figures = measure()
    print(json.dumps(figures) if arguments.json else "\n".join(table(figures)))


def table(figures: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Nested figures as indented lines."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from table(value, indent + "  ")
        else:
            yield f"{indent}{name:{width}}  {shown(value)}"


def shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def bar(items: Iterable[Any], total: int | None = None, desc: str | None = None) -> Iterable[Any]:
    """The items, with a progress bar on standard error where that is a terminal."""
    from tqdm import tqdm

    return tqdm(items, total=total, desc=desc, file=sys.stderr, disable=not sys.stderr.isatty())
