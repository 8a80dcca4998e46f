"""Pictures of the subjects that the embedded model remembers, by the words it reads in a label."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from studio.world.subject_pictures import subject_picture

if TYPE_CHECKING:
    from studio.controls import OwnSubject
    from studio.models.pocket.appearance import AppearanceMemory

log = logging.getLogger("studio")


def sprite(label: str) -> np.ndarray | None:
    """Give the picture of the subject that a label names: uint8 (192, 192, 4), straight alpha; None for other words.

    A label names what the embedded model reads in it, see `Pocket.reads`: it says a subject's name or is near to one of
    its words. The subject looks to the left. Read-only; the last few are remembered.
    """
    name = subject(label)
    return None if name is None else subject_picture(name)


@lru_cache(maxsize=512)
def subject(label: str) -> str | None:
    """Give the name of the subject that a label names, or None.

    A name itself needs no sentence encoder; other words do, and name nothing where it is neither installed nor to be
    had.
    """
    from studio.models.pocket.appearance import read_label
    from studio.models.pocket.sentence_encoder import TextEncoderMissing, text_encoder

    memory, labels = remembered()
    if (plain := " ".join(label.lower().split())) in labels:
        return plain
    try:
        vector = text_encoder()([label])
    except TextEncoderMissing as error:
        log.warning("only subjects' own names can be read in labels: %s", error)
        return None
    name, is_known = read_label(memory, labels, label, vector)
    return name if is_known else None


@lru_cache(maxsize=512)
def own(label: str, owned: tuple[OwnSubject, ...]) -> OwnSubject | None:
    """Give the subject of one's own that a label names, as the embedded model reads it; None for other words.

    Without the sentence encoder only a name or a word itself does.
    """
    from studio.controls.subject import named_exactly
    from studio.models.pocket.own_subjects import named
    from studio.models.pocket.sentence_encoder import TextEncoderMissing, text_encoder

    try:
        return named(label, owned, remembered()[0], lambda text: text_encoder()([text]))
    except TextEncoderMissing as error:
        log.warning("only the own names of your subjects can be read in labels: %s", error)
        return named_exactly(label, owned)


@lru_cache(maxsize=64)
def own_picture(one: OwnSubject) -> np.ndarray:
    """Give the picture of a subject of one's own, uint8 (s, s, 4), read-only: the same array while it is remembered."""
    pixels = np.ascontiguousarray(one.pixels)
    pixels.flags.writeable = False
    return pixels


@lru_cache(maxsize=1)
def remembered() -> tuple[AppearanceMemory, tuple[str, ...]]:
    """Read the embedded model's memory of subjects, and their names."""
    from safetensors.torch import load_file

    from studio.models.pocket.appearance import AppearanceMemory
    from studio.models.pocket.model import WEIGHTS

    config = json.loads((WEIGHTS / "config.json").read_text(encoding="utf-8"))
    memory = AppearanceMemory(**config["memory"])
    memory.load_state_dict(load_file(WEIGHTS / "memory.safetensors"))
    return memory.requires_grad_(False), tuple(config["labels"])
