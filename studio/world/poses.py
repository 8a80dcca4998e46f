"""Subjects that the art shows twice: a face, which looks at whoever watches, and a body, which goes somewhere."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.world.subject_pictures import codes, open_code

FACE, BODY = "face", "body"


class Poses(NamedTuple):
    """The emoji codes of a subject's two pictures, of which one is the picture that it has in its pack."""

    face: str
    body: str


POSES: Mapping[str, Poses] = MappingProxyType(
    {
        "dog": Poses("1f436", "1f415"),
        "cat": Poses("1f431", "1f408"),
        "tiger": Poses("1f42f", "1f405"),
        "monkey": Poses("1f435", "1f412"),
        "rabbit": Poses("1f430", "1f407"),
        "mouse": Poses("1f42d", "1f401"),
        "cow": Poses("1f42e", "1f404"),
        "pig": Poses("1f437", "1f416"),
        "horse": Poses("1f434", "1f40e"),
        "dragon": Poses("1f432", "1f409"),
        "chick": Poses("1f425", "1f424"),
        "man": Poses("1f468", "1f6b6-200d-2642-fe0f"),
        "woman": Poses("1f469", "1f6b6-200d-2640-fe0f"),
        "person": Poses("1f9d1", "1f6b6"),
    }
)
# Words of a label that settle which of the two is meant, whether it moves or not.
SAYING: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("face", "head", "portrait"), FACE),
        **dict.fromkeys(("standing", "walking", "running", "trotting", "galloping", "body"), BODY),
    }
)


def first_code(label: str) -> str:
    """Give the code of the picture that a subject of two poses has in its pack."""
    return codes("sprites").get(label) or codes("added")[label]


def second_codes() -> dict[str, str]:
    """Give "label pose" -> code of the pictures that are packed for a second pose, for `pack_pictures`."""
    return {
        f"{label} {pose}": code
        for label, poses in POSES.items()
        for pose, code in poses._asdict().items()
        if code != first_code(label)
    }


def said_pose(label: str) -> str:
    """Give the pose that a label's words settle, "" where they do not."""
    return next((SAYING[word] for word in label.lower().split() if word in SAYING), "")


def is_first(label: str, pose: str) -> bool:
    """Whether a pose of a subject is the picture that it has in its pack; so is any of one that has no two."""
    return label not in POSES or getattr(POSES[label], pose) == first_code(label)


@lru_cache(maxsize=32)
def pose_picture(label: str, pose: str) -> NDArray[np.uint8]:
    """Give a subject's picture in a pose, "face" or "body", as `subject_picture` does; KeyError where it has no two."""
    return open_code(getattr(POSES[label], pose))
