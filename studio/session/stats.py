"""What a session tells of itself."""

from __future__ import annotations

from typing import TypedDict

from studio.controls import Pause
from studio.engine import Engine
from studio.session.pace import Pace
from studio.session.take import Recorder


class Stats(TypedDict):
    """A session over its last frames.

    skip_rate: the share (0..1) that the similarity filter skipped; frame: the next one's number; revision: the one in
    force; problem: what is wrong with the recording's file, or with the pictures; error: what stopped the thread;
    draw_ms, decode_ms: of the last draws (`Pace.draw_ms`).
    """

    fps: float
    tick_ms: float
    draw_ms: float
    decode_ms: float
    skip_rate: float
    frame: int
    revision: int
    paused: bool
    recording: bool
    problem: str | None
    error: str | None


def stats_of(engine: Engine, pace: Pace, recorder: Recorder, error: BaseException | None) -> Stats:
    """Give the stats of a session that is made of these."""
    draw_ms, decode_ms = pace.draw_ms
    return {
        "fps": round(pace.fps, 2),
        "tick_ms": round(pace.mean_tick_ms, 2),
        "draw_ms": round(draw_ms, 2),
        "decode_ms": round(decode_ms, 2),
        "skip_rate": round(pace.skip_rate, 3),
        "frame": engine.frame,
        "revision": engine.revision,
        "paused": engine.state[Pause].paused,
        "recording": recorder.recording,
        "problem": recorder.problem or engine.problem,
        "error": str(error) if error else None,
    }
