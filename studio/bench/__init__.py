"""How fast the studio is on this machine, and how soon it answers: suites that give one JSON-able dict each.

play: a model as a person plays it (`bench`). core: what each way to save work saves, as ratios, on tiny nets
(`studio.bench.core`). grab: a hand that takes hold of moving subjects in pictures that come late (`studio.bench.grab`).
instrument: what it costs to be able to go back, to audition, to record (`studio.bench.instrument`).
gpu: the architectures of real models at full size (`studio.bench.gpu`).
warp: what it costs to carry noise along strokes and camera at 480x832 (`studio.bench.warp`).
"""

from __future__ import annotations

import datetime
import os
import platform
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.bench.errors import BenchError

if TYPE_CHECKING:
    from studio.models.base import Model

SUITES = ("play", "core", "gpu", "grab", "instrument", "warp")


@dataclass(frozen=True)
class Plan:
    """How much is measured: frames of the long run, seconds end to end, trials of a change, slider sweeps."""

    frames: int = 3032
    seconds: float = 10.0
    trials: int = 40
    sweeps: int = 5
    sweep_seconds: float = 3.0


FULL = Plan()
QUICK = Plan(frames=160, seconds=3.0, trials=8, sweeps=1)


def bench(model: Model | str = "pocket", seed: int = 0, plan: Plan = FULL) -> dict[str, Any]:
    """Every figure, of a model by name or a loaded one, at its default setting with one subject on a path.

    fps, tick_ms, engine_overhead: steps one after another, without a page; tick_ms is the median. fps_end_to_end: on
    the session's thread, through the mailbox and JPEG, as a page would read it; fps_step_by_step: so, but on one core
    (`rates.end_to_end`). control_to_picture_ticks, sweep: see `studio.bench.response`. fps_at_N: over the 64 frames
    around frame N, null if the plan ends before.
    """
    from studio.bench import rates, response
    from studio.models.loader import load

    model = load(model) if isinstance(model, str) else model
    return {
        "model": model.name,
        "seed": seed,
        **rates.steps(model, seed, plan.frames),
        **rates.end_to_end(model, seed, plan.seconds),
        "control_to_picture_ticks": response.changes(model, seed, plan.trials),
        "sweep": response.sweeps(model, seed, plan.sweeps, plan.sweep_seconds),
        "rss_mb": resident(),
        **stamp(),
    }


def suite(
    name: str,
    seed: int = 0,
    quick: bool = False,
    only: Sequence[str] = (),
    wrappers: Sequence[str] = (),
    reference: Path | None = None,
    python: str = sys.executable,
) -> dict[str, Any]:
    """The figures of a suite but play, with machine and date. The last four are the gpu suite's: see `gpu.gpu`."""
    if name == "core":
        from studio.bench.core import QUICK as FEW
        from studio.bench.core import ROUNDS, core

        figures = core(seed, FEW if quick else ROUNDS)
    elif name == "grab":
        from studio.bench.grab import grab

        figures = grab(seed, 80 if quick else 400)
    elif name == "instrument":
        from studio.bench.instrument import MINUTE, instrument

        figures = instrument(seed=seed, rounds=6 if quick else 30, minute=300 if quick else MINUTE)
    elif name == "warp":
        from studio.bench.warp import ROUNDS as MANY
        from studio.bench.warp import warp

        figures = warp(seed, 2 if quick else MANY)
    elif name == "gpu":
        from studio.bench.gpu import VARIANTS, gpu

        figures = gpu(only, wrappers or VARIANTS, quick, reference, python)
    else:
        raise BenchError(f"no suite is called {name!r}; there are: {', '.join(SUITES)}")
    return {"suite": name, "seed": seed, **figures, **stamp()}


def stamp() -> dict[str, Any]:
    """Where and when."""
    return {"machine": machine(), "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}


def resident() -> float:
    """Resident memory of this process in MB: now where the system tells (Linux), else the most so far."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS:"))
        return round(int(line.split()[1]) / 1024, 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1024**2 if sys.platform == "darwin" else 1024), 1)


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy that was: the load counts this process too."""
    import torch

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
        **({"gpu": card()} if torch.cuda.is_available() else {}),
    }


def card() -> dict[str, Any]:
    """The GPU that is used."""
    import torch

    found = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "name": found.name,
        "memory_gb": round(found.total_memory / 1e9, 1),
        "capability": f"{found.major}.{found.minor}",
        "cuda": torch.version.cuda,
    }
