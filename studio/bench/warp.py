"""What it costs to carry noise along a flow, at the size of the video models: milliseconds a picture, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from studio.controls import Camera, ControlState, Stroke
from studio.geometry.flow import flow_at
from studio.geometry.noise_warp import latent_noise, new_field, warp_noise

SIZE, CELLS = (480, 832), (60, 104)
CHANNELS = (32, 16)  # of Wan: for the beginning and for the steps after it, or for one of them
PICTURES, ROUNDS = 4, 8
STATES = {
    "stroke_8_px": ControlState.of(Stroke("a", "fox", ((0, 0.2, 0.5), (72, 0.9, 0.5)), "path")),
    "stroke_24_px": ControlState.of(Stroke("a", "fox", ((0, 0.2, 0.5), (24, 0.9, 0.5)), "path")),
    "pan": ControlState.of(Camera(pan_x=0.01)),
    "zoom": ControlState.of(Camera(zoom=0.01)),
    "turn": ControlState.of(Camera(rotate=1)),
}


def warp(seed: int = 0, rounds: int = ROUNDS) -> dict[str, Any]:
    """Give for each number of channels and each motion: flow_ms, warp_ms and latent_ms, of a picture, the least found.

    In the process's own time: what else runs on the machine counts as little as it can. A chunk of three latent frames
    is 12 pictures, of which 3 are gathered into latents.
    """
    fields = {count: new_field(SIZE, count, seed, 0) for count in CHANNELS}
    return {str(count): {name: of_motion(field, state, seed, rounds) for name, state in STATES.items()}
            for count, field in fields.items()}  # fmt: skip


def of_motion(field: Any, state: ControlState, seed: int, rounds: int) -> dict[str, float]:
    """Give the figures of one motion."""
    flows = [flow_at(state, frame, SIZE) for frame in range(1, PICTURES + 1)]
    return {
        "flow_ms": least(lambda: flow_at(state, 3, SIZE), rounds),
        "warp_ms": round(least(lambda: warp_noise(field, flows, seed, 1), rounds) / PICTURES, 2),
        "latent_ms": round(least(lambda: latent_noise(field, CELLS), rounds) / 4, 2),
    }


def least(call: Callable[[], object], rounds: int) -> float:
    """Give the least milliseconds of the process that a call took."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    return round(1e3 * min(taken), 2)
