"""What it costs to be able to go back, to audition and to record, side by side with a session that does none of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from studio.bench.paired import paired
from studio.bench.rates import WARM, new_session
from studio.controls import Prompt
from studio.engine import Engine
from studio.models.base import Model
from studio.outputs import open_output
from studio.session.history import History
from studio.session.session import Session

FRAMES = 24  # that each session plays in its turn
MINUTE = 1440  # frames of the ring that is weighed
BACK = 240  # frames: ten seconds
REWINDS = 8
AUDITIONED = "a harbour at dusk"
BASES = {"ring": "plain", "audition": "ring", "recording": "ring"}  # of which session each one's rate is a share


def instrument(model: Model | str = "pocket", seed: int = 0, rounds: int = 30, minute: int = MINUTE) -> dict[str, Any]:
    """Measure rates as shares of a session's without (`BASES`), in turn in one process, and what going back takes.

    plain: no checkpoints. ring: with them, as a session has them. audition: another prompt drawn beside the programme,
    a frame for every four. recording: into a score and a video, both written by the thread that draws. ring_mb: what
    the ring of a minute holds; rewind_ms: to the first frame of ten seconds ago, median and worst; keep_ms: the last
    half minute as a score.
    """
    from studio.models.loader import load

    model = load(model) if isinstance(model, str) else model
    with tempfile.TemporaryDirectory() as folder:
        ways: dict[str, Callable[[Session], object]] = {
            "plain": without_ring,
            "ring": lambda session: None,
            "audition": lambda session: session.audition(Prompt(AUDITIONED)),
            "recording": lambda session: record(session, Path(folder)),
        }
        sessions = {name: prepared(model, seed, way) for name, way in ways.items()}
        calls = {name: lambda session=session: play(session, FRAMES) for name, session in sessions.items()}
        timings = paired(calls, rounds)
        for session in sessions.values():
            session.close()
    rates = {f"{name}_rate": timings.ratio(base, name) for name, base in BASES.items()}
    return {"model": model.name, "rounds": rounds, **rates, **going_back(model, seed, minute)}


def prepared(model: Model, seed: int, way: Callable[[Session], object]) -> Session:
    """Give a session that plays already, in one of the ways."""
    session = new_session(model, seed)
    play(session, WARM)
    way(session)
    play(session, WARM)
    return session


def play(session: Session, frames: int) -> None:
    """Make so many frames."""
    for _ in range(frames):
        session.step()


class StartOnly(History):
    """A history that keeps where the session began, and no checkpoint after it."""

    def wants_checkpoint(self, engine: Engine) -> bool:
        return False


def without_ring(session: Session) -> None:
    """Have a session keep no checkpoint."""
    session.history = StartOnly()


def record(session: Session, folder: Path) -> None:
    """Record into a score and a video."""
    session.record(folder / "take.jsonl")
    session.outputs.append(open_output(folder / "take.mp4"))


def going_back(model: Model, seed: int, minute: int) -> dict[str, Any]:
    """Weigh the ring of a minute, and time ten seconds back and what is kept."""
    session = new_session(model, seed)
    play(session, minute)
    held, times = session.history.bytes, list[float]()
    for _ in range(REWINDS):
        begun = time.perf_counter()
        session.rewind(session.history.nearest(max(0, session.engine.frame - BACK)))
        session.step()
        times.append(time.perf_counter() - begun)
        play(session, BACK)
    begun = time.perf_counter()
    session.keep(3 * BACK)
    kept = time.perf_counter() - begun
    session.close()
    return {
        "ring_mb": round(held / 1e6, 1),
        "ring_frames": minute,
        "rewind_ms": [round(1e3 * median(times), 1), round(1e3 * max(times), 1)],
        "keep_ms": round(1e3 * kept, 1),
    }
