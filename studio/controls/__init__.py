"""What a person can set. One frozen dataclass a file: what it is, when it is valid, how it folds, how it is shown.

To add a control: a file here and its line in `CONTROLS` (`table.py`). The panel, the link, scores and the page's undo
follow from it.
"""

from __future__ import annotations

from studio.controls.backdrop import Backdrop
from studio.controls.base import Control
from studio.controls.camera import Camera
from studio.controls.cutout import CutOut, cutouts
from studio.controls.errors import ControlError
from studio.controls.facing import Facing, facings
from studio.controls.free_motion import FreeMotion
from studio.controls.live import Live
from studio.controls.lora import Lora, lora_weights
from studio.controls.messages import describe, from_message, state_message, to_message
from studio.controls.pause import Pause
from studio.controls.picture import Picture
from studio.controls.place import Place
from studio.controls.prompt import Mix, Prompt, active_prompts
from studio.controls.region import Region, regions
from studio.controls.sampling import Sampling
from studio.controls.similarity import Similarity
from studio.controls.sink import Sink
from studio.controls.state import ControlState, Held
from studio.controls.stroke import Erase, Stroke, strokes
from studio.controls.structure import Structure
from studio.controls.subject import OwnSubject, Subject, own_subjects
from studio.controls.table import CONTROLS, opening_events

__all__ = [
    "CONTROLS",
    "Backdrop",
    "Camera",
    "Control",
    "ControlError",
    "ControlState",
    "CutOut",
    "Erase",
    "Facing",
    "FreeMotion",
    "Held",
    "Live",
    "Lora",
    "Mix",
    "OwnSubject",
    "Pause",
    "Picture",
    "Place",
    "Prompt",
    "Region",
    "Sampling",
    "Similarity",
    "Sink",
    "Stroke",
    "Structure",
    "Subject",
    "active_prompts",
    "cutouts",
    "describe",
    "facings",
    "from_message",
    "lora_weights",
    "opening_events",
    "own_subjects",
    "regions",
    "state_message",
    "strokes",
    "to_message",
]
