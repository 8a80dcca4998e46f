"""How fast the studio is on this machine, and how soon it answers. `bench()` gives one JSON-able dict."""

from __future__ import annotations

import datetime
import os
import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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


def bench(model: Any = "pocket", seed: int = 0, plan: Plan = FULL) -> dict[str, Any]:
    """Every figure, of a model by name or a loaded one, at its default setting with one subject on a path.

    fps, tick_ms, engine_overhead: steps one after another, without a page; tick_ms is the median. fps_end_to_end: on
    the session's thread, through the mailbox and JPEG, as a page would read it. control_to_picture_ticks, sweep: see
    `studio.bench.response`. fps_at_N: over the 64 frames around frame N, null if the plan ends before.
    """
    from studio.bench import rates, response
    from studio.models import load

    model = load(model) if isinstance(model, str) else model
    return {
        "model": model.name,
        "seed": seed,
        **rates.steps(model, seed, plan.frames),
        "fps_end_to_end": rates.end_to_end(model, seed, plan.seconds),
        "control_to_picture_ticks": response.changes(model, seed, plan.trials),
        "sweep": response.sweeps(model, seed, plan.sweeps, plan.sweep_seconds),
        "rss_mb": resident(),
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def resident() -> float:
    """Resident memory of this process in MB: now where the system tells (Linux), else the most so far."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        return round(int(line.split()[1]) / 1024, 1)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (1024**2 if sys.platform == "darwin" else 1024), 1)


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy that was: the load counts this process too."""
    import torch

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
