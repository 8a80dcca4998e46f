"""The two pictures of subjects that the art has twice: their planes for the transformer, their levels for the decoder.

Which one is shown is `Placement.pose`; "" is the picture that a subject has in the memory.
"""

from collections.abc import Callable
from functools import lru_cache

from torch import Tensor

from studio.models.pocket.guide import Levels, sprite_levels
from studio.models.pocket.own_subjects import plane_of
from studio.world.poses import BODY, FACE, POSES, is_first, pose_picture, said_pose

Reads = Callable[[str], tuple[str, bool]]  # a label -> the subject it is read as, and whether it names it


def pose_of(label: str, subject: str, is_moving: bool) -> str:
    """Give the pose of a subject under a label: what the label says, else its body while it moves, its face at rest."""
    if subject not in POSES:
        return ""
    return said_pose(label) or (BODY if is_moving else FACE)


def posed_levels(first: Callable[[str], Levels], reads: Reads) -> Callable[[str, str], Levels]:
    """Give what recalls a label's picture in a pose; first: its picture in the memory."""
    second = lru_cache(maxsize=32)(lambda subject, pose: sprite_levels(pose_picture(subject, pose)))
    return lambda label, pose: first(label) if has_first(label, pose, reads) else second(reads(label)[0], pose)


def posed_plane(across: Tensor | None, first: Callable[[str], Tensor], reads: Reads) -> Callable[[str, str], Tensor]:
    """Give what recalls a label's plane in a pose, made of the second picture as one's own subjects' are.

    across: the filter by which it is made; without one, all are as the memory has them.
    """
    if across is None:
        return lambda label, pose: first(label)
    second = lru_cache(maxsize=32)(lambda subject, pose: plane_of(pose_picture(subject, pose), across))
    return lambda label, pose: first(label) if has_first(label, pose, reads) else second(reads(label)[0], pose)


def has_first(label: str, pose: str, reads: Reads) -> bool:
    """Whether a pose is shown by the picture that the memory has for the label."""
    return not pose or is_first(reads(label)[0], pose)
