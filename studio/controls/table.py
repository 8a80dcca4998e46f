"""Every kind of control, by its name in messages and scores."""

from __future__ import annotations

from collections.abc import Iterator

from studio.controls.backdrop import Backdrop
from studio.controls.base import Control
from studio.controls.camera import Camera
from studio.controls.cutout import CutOut
from studio.controls.free_motion import FreeMotion
from studio.controls.live import Live
from studio.controls.lora import Lora
from studio.controls.pause import Pause
from studio.controls.picture import Picture
from studio.controls.place import Place
from studio.controls.prompt import Prompt
from studio.controls.region import Region
from studio.controls.sampling import Sampling
from studio.controls.similarity import Similarity
from studio.controls.sink import Sink
from studio.controls.state import ControlState
from studio.controls.stroke import Erase, Stroke
from studio.controls.structure import Structure
from studio.controls.subject import Subject

CONTROLS: dict[str, type[Control]] = {
    "prompt": Prompt,
    "sampling": Sampling,
    "picture": Picture,
    "live": Live,
    "similarity": Similarity,
    "structure": Structure,
    "sink": Sink,
    "lora": Lora,
    "subject": Subject,
    "cutout": CutOut,
    "free_motion": FreeMotion,
    "stroke": Stroke,
    "erase": Erase,
    "region": Region,
    "backdrop": Backdrop,
    "camera_motion": Camera,
    "place": Place,
    "pause": Pause,
}


def opening_events(state: ControlState, frame: int) -> Iterator[tuple[int, Control]]:
    """Yield the (frame, control) pairs that fold to this state again: what a take that begins at a frame starts with.

    Strokes keep the frame they took effect at, so a path goes on where it is.
    """
    for kind in CONTROLS.values():
        yield from kind.opening(state, frame)
