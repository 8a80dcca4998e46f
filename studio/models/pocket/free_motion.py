"""Whom a prompt names, standing in the scene and moving by itself: a pure function of seed, frame and subject.

Walkers stand on the calm lower middle of the picture, step to the side and back, and hop; what creeps does not hop,
what swims or flies hovers, and things stand still. Nothing here remembers: a rewind, a branch and a take show the same.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import replace

from studio.conditioning import FrameInputs
from studio.controls import OwnSubject
from studio.controls.stance import is_moving
from studio.models.pocket.poses import Reads, pose_of
from studio.trajectory import Placement
from studio.world.named_subjects import Named, named_in
from studio.world.poses import POSES
from studio.world.subject_kinds import FLIES, SIZES, STANDS, SWIMS, WALKS, kind_of

OwnNamed = Callable[[str, tuple[OwnSubject, ...]], OwnSubject | None]
PLACES: dict[int, tuple[float, ...]] = {1: (0.5,), 2: (0.3, 0.7), 3: (0.2, 0.5, 0.8)}  # across, by how many there are
WIDTHS: dict[int, float] = {1: 0.34, 2: 0.3, 3: 0.23}  # of the picture's width
GROUND = 0.9  # where feet stand
HEIGHTS: dict[str, float] = {FLIES: 0.36, SWIMS: 0.58}  # of the middle of what does not stand
# Frames: a walker stands, steps to the other side, stands, steps back; one hop in each such round.
ROUND, STEP = 192, 36
ASIDE = 0.05  # of the picture's width, from the middle of the way
HOP, HIGH = 14, 0.07  # frames and height
BREATH, BREATHING = 0.003, 48  # how little a walker sways while it stands, and frames of a sway
HOVER, HOVERING = (0.03, 0.025), (170, 76)  # of what hovers: across and down, how far and in how many frames


def labels_in(text: str) -> tuple[str, ...]:
    """Give the labels of the known subjects that a prompt names."""
    return tuple(one.label for one in named_in(text))


def all_placed(inputs: FrameInputs, reads: Reads, own: OwnNamed) -> tuple[tuple[Placement, ...], ...]:
    """Give who stands in each frame, in their poses: whom the prompt names and nobody painted, then who is painted.

    reads: a label -> the subject it is read as, and whether it names it; own: a label -> the one of one's own.
    """
    free = inputs.free
    assert free is not None, "nothing moves by itself here"

    def subject_of(label: str) -> str:
        """The name of one's own that a label names, else the known subject's."""
        mine = own(label, inputs.subjects) if inputs.subjects else None
        return f"own {mine.name}" if mine else reads(label)[0]

    def posed(one: Placement, moves: bool) -> Placement:
        pose = pose_of(one.label, subject_of(one.label), moves)
        return replace(one, pose=pose) if pose else one

    painted = {subject_of(one.label) for one in inputs.placements[0]}
    own_words, own_places = tuple(one.words for one in inputs.subjects), tuple(one.name for one in inputs.places)
    named = named_in(free.text, own_words, own_places)
    standing = [(place, one) for place, one in enumerate(named) if subject_of(one.label) not in painted]
    return tuple(
        (
            *(posed(*moved(one, place, len(named), inputs.seed, frame)) for place, one in standing),
            *(posed(one, moves) for one, moves in zip(placements, moving, strict=True)),
        )
        for frame, placements, moving in zip(free.frames, inputs.placements, free.moving, strict=True)
    )


def moved(named: Named, place: int, of: int, seed: int, frame: int) -> tuple[Placement, bool]:
    """Give where a named subject is in a frame, and whether one of two poses moves; place: which of so many it is."""
    kind, width = kind_of(named.label), WIDTHS[of] * named.scale * SIZES.get(named.label, 1.0)
    phase = zlib.crc32(f"{seed}/{named.label}".encode()) % ROUND

    def at(time: float) -> tuple[float, float]:
        across, up = way(kind, time + phase)
        return PLACES[of][place] + across, HEIGHTS.get(kind, GROUND - width / 2) - up

    x, y = at(frame)
    facing = looks(kind, frame + phase)
    one = Placement(f"free {named.label}", named.label, x, y, width, facing)
    return one, named.label in POSES and is_moving(at, frame)


def way(kind: str, time: float) -> tuple[float, float]:
    """Give how far right and up of its place a kind of subject is at a time of its own, as shares of the picture."""
    if kind == STANDS:
        return 0.0, 0.0
    if kind in HEIGHTS:
        (across, up), (slow, fast) = HOVER, HOVERING
        return across * math.sin(math.tau * time / slow), up * math.sin(math.tau * time / fast)
    sway = BREATH * math.sin(math.tau * time / BREATHING)
    return ASIDE * side(time) + sway, HIGH * hop(time) if kind == WALKS else 0.0


def side(time: float) -> float:
    """Give which side a walker is on, -1 left to 1 right: it stands, steps over, stands, and steps back."""
    half = ROUND // 2
    number, since = divmod(time, half)
    share = min(1.0, since / STEP)
    over = 1 - math.cos(math.pi * share)  # 0..2, slow at both ends
    return (over - 1) * (1 if int(number) % 2 == 0 else -1)


def hop(time: float) -> float:
    """Give how high a walker is off the ground, 0..1: a parabola, once a round, while it stands."""
    since = time % ROUND - (STEP + ROUND // 2) / 2
    share = since / HOP
    return 4 * share * (1 - share) if 0 < share < 1 else 0.0


def looks(kind: str, time: float) -> float:
    """Give which way a subject looks: where it moves, or moved last; a thing as it is drawn."""
    if kind == STANDS:
        return -1.0
    if kind in HEIGHTS:
        return 1.0 if math.cos(math.tau * time / HOVERING[0]) >= 0 else -1.0
    return 1.0 if time % ROUND < ROUND // 2 else -1.0
