"""What a session can go back to: checkpoints of what was played, thinned with age, and the branches that were left.

A `Stretch` is a checkpoint and all that took effect from there to the next; stretches follow one another without a gap
from the first to the present frame. So any frame between can be had again: from the checkpoint before it, by the
controls. Nothing here draws; `rewind.py` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import NamedTuple

import numpy as np
from torch import Tensor

from studio.controls import Prompt
from studio.engine import Engine, EngineSnapshot
from studio.frames import Frame
from studio.score import Event, Score
from studio.session.room import Room, Rooms
from studio.session.take import memory_of

MOST_BYTES = 144 * 10**6  # of all checkpoints and controls together
# Frames ago, up to which checkpoints are so many frames apart. A third of a second near by, so that the page goes back
# to a checkpoint itself and draws nothing twice.
SPACING = ((240, 8), (1440, 120), (2**32, 480))
COPYING = 0.03  # of the time, at most, that goes into copying checkpoints that are large
MOST_BRANCHES = 8
ONE_MOVE = 24  # frames between two moves of a mix's weights that are drawn as one


@dataclass(frozen=True)
class SessionSnapshot:
    """All of a session at a frame: go back to it, or branch from it as often as you like."""

    engine: EngineSnapshot
    score: Score
    scheduled: tuple[Event, ...] = ()


@dataclass(eq=False)
class Stretch:
    """A checkpoint, and what was played from there to the next.

    start: what the session was before its first frame; is_clean: whether it had no past there, and what was sent for
    that frame is in force already. scheduled: the frames after which a preset had other controls to come, and these.
    hashes: of the frames that were shown. bytes: of the checkpoint, at most; control_bytes: of the events.
    """

    start: SessionSnapshot
    is_clean: bool = False
    events: list[Event] = field(default_factory=list)
    scheduled: list[tuple[int, tuple[Event, ...]]] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    bytes: int = 0
    control_bytes: int = 0

    def __post_init__(self) -> None:
        self.bytes = self.bytes or bytes_of(self.start.engine) + 8 * len(self.start.score.events)

    @property
    def frame(self) -> int:
        """The number of its first frame."""
        return self.start.engine.frame

    def add(self, event: Event) -> None:
        """Take in a control that took effect."""
        self.events.append(event)
        self.control_bytes += memory_of(event.control)

    def until(self, frame: int) -> Stretch:
        """Give a copy with what was before a frame."""
        scheduled = [(at, later) for at, later in self.scheduled if at < frame]
        hashes = self.hashes[: frame - self.frame]
        part = Stretch(self.start, self.is_clean, scheduled=scheduled, hashes=hashes, bytes=self.bytes)
        for event in self.events:
            if event.frame < frame:
                part.add(event)
        return part

    def joined(self, later: Stretch) -> Stretch:
        """Give a copy that goes on to the end of the next stretch, without the checkpoint between."""
        return replace(
            self,
            events=[*self.events, *later.events],
            scheduled=[*self.scheduled, *later.scheduled],
            hashes=[*self.hashes, *later.hashes],
            control_bytes=self.control_bytes + later.control_bytes,
        )

    def scheduled_at(self, frame: int) -> tuple[Event, ...]:
        """Give what a preset still had to play before a frame of this stretch."""
        return ([self.start.scheduled] + [later for at, later in self.scheduled if at < frame])[-1]


@dataclass(frozen=True, eq=False)
class Branch:
    """What was played and left, to be returned to.

    fork: the first frame it does not share with what was played instead; words: the prompt it was left under.
    stretches: all of it that is kept; the last begins at its end. id: a number that stays with it, whatever it is
    called; is_named: whether a person gave it its name, and wants it kept.
    """

    name: str
    fork: int
    words: str
    stretches: tuple[Stretch, ...]
    id: int = 0
    is_named: bool = False

    @property
    def frame(self) -> int:
        """The number of the frame it goes on with."""
        return self.stretches[-1].frame


class Branches(list[Branch]):
    """The branches that a session left, the oldest first: at most `MOST_BRANCHES`."""

    _last = 0

    def named(self, name: str | int) -> Branch:
        """Give the branch of a name or an id; raises ValueError with those there are."""
        for branch in self:
            if name in (branch.name, branch.id):
                return branch
        names = ", ".join(branch.name for branch in self) or "none yet"
        raise ValueError(f"branch is {name!r}; there are: {names}")

    def leave(self, fork: int, words: str, stretches: tuple[Stretch, ...]) -> Branch:
        """Add a branch and give it. Of too many the oldest goes that no person has named, or else the oldest."""
        self._last += 1
        number = self._last
        while any(branch.name == f"branch {number}" for branch in self):
            number += 1
        branch = Branch(f"branch {number}", fork, words, stretches, self._last)
        while len(self) >= MOST_BRANCHES:
            self.remove(next((one for one in self if not one.is_named), self[0]))
        self.append(branch)
        return branch

    def rename(self, name: str | int, new: str) -> Branch:
        """Give a branch another name, and give it; raises ValueError if there is none, or the name is taken."""
        place = self.index(self.named(name))
        if not new.strip():
            raise ValueError("a branch's name is empty; write one")
        if any(branch.name == new for branch in [*self[:place], *self[place + 1 :]]):
            raise ValueError(f"there is a branch {new!r}; give another name")
        self[place] = replace(self[place], name=new, is_named=True)
        return self[place]


class History:
    """Checkpoints of one session, from its last clean start as far back as memory allows, and the branches it left.

    Not for several threads at once, but for what only reads.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """most_bytes: that checkpoints, controls and branches may take together."""
        self.most_bytes = most_bytes
        self.stretches: list[Stretch] = []
        self.branches = Branches()
        self.is_fresh = True  # the next frame has no past: it begins a stretch
        self._came_to: int | None = None  # the frame that was last gone to: what was played is what came after
        self.rooms = Rooms(lambda engine: checkpoint_bytes(engine))
        self._large_bytes = 0  # that may be taken while checkpoints are large
        self._rests_until = 0.0  # by the clock: when the next large one may be copied

    # While it is played

    def begin(self, start: SessionSnapshot | None = None) -> None:
        """Begin anew, at a snapshot or with what comes next; branches stay."""
        self.stretches, self._came_to = ([Stretch(start)] if start else []), None
        self.is_fresh = start is None

    def add(self, event: Event) -> None:
        """Take in a control that took effect."""
        if self.stretches:
            self.stretches[-1].add(event)

    def add_frame(self, frame: Frame, scheduled: tuple[Event, ...]) -> None:
        """Take in a frame that was shown, and what a preset has still to play after it."""
        if not self.stretches:
            return
        last = self.stretches[-1]
        last.hashes.append(frame.hash)
        if scheduled != last.scheduled_at(frame.index + 1):
            last.scheduled.append((frame.index, scheduled))
        if len(last.hashes) % SPACING[0][1] == 0:
            self._bound()

    def wants_checkpoint(self, engine: Engine) -> bool:
        """Whether one is due before the engine's next frame: between two chunks, and only if there is room for it.

        Large ones are copied so seldom that it takes little of the time.
        """
        near = SPACING[0][1]
        apart = engine.frame - self.stretches[-1].frame if self.stretches else SPACING[-1][0]
        if apart < near or engine.ahead:
            return False
        room = self.rooms.room(engine, self.most_bytes, near, SPACING[1][0])
        self._large_bytes = room.limit if room.is_large else 0
        rests = room.is_large and time.monotonic() < self._rests_until
        return room.count > 0 and apart >= room.apart and not rests

    def room(self, engine: Engine) -> Room | None:
        """Give how many checkpoints of this engine are held; None before its first was due."""
        return self.rooms.known(engine, self.most_bytes)

    def add_checkpoint(self, start: SessionSnapshot, is_clean: bool = False, took: float = 0.0) -> None:
        """Begin a stretch; what is old is thinned, and what is too much goes. Clean starts stay.

        took: seconds that it took to copy.
        """
        self.stretches = aged([*self.stretches, Stretch(start, is_clean)])
        self._rests_until = time.monotonic() + took / COPYING
        self.is_fresh = False
        self._bound()

    # What there is

    @property
    def start(self) -> int:
        """The first frame that can be had again."""
        if not self.stretches:
            raise ValueError("nothing that was played is kept; play on, and go back later")
        return self.stretches[0].frame

    @property
    def bytes(self) -> int:
        """What all of it takes, at most; a checkpoint that branches share counts once."""
        every = [one for line in (self.stretches, *(branch.stretches for branch in self.branches)) for one in line]
        return sum({id(one.start): one.bytes for one in every}.values()) + sum(one.control_bytes for one in every)

    def stretch_of(self, frame: int) -> Stretch:
        """Give the stretch that a frame is in; raises ValueError for one that is no longer kept."""
        for one in reversed(self.stretches):
            if one.frame <= frame:
                return one
        raise ValueError(f"frame {frame} is not kept; the first that is kept is {self.start}")

    def nearest(self, frame: int) -> int:
        """Give the frame of the checkpoint nearest to a frame: going back there draws nothing twice."""
        return min((one.frame for one in tuple(self.stretches)), key=lambda one: abs(one - frame), default=frame)

    # Back, and over to a branch

    def leave(self, end: SessionSnapshot, fork: int, always: bool = False) -> Branch | None:
        """Keep what is played as a branch that goes on from `end`; None if nothing was played or set since `fork`.

        always: as a branch in any case, also of nothing that was played.
        """
        if not self.stretches and not always:
            return None
        since = max(fork, fork if self._came_to is None else self._came_to)
        was_set = any(event.frame >= since for one in self.stretches for event in one.events)
        if end.engine.frame <= since and not was_set and not always:
            return None
        return self.branches.leave(fork, end.engine.state[Prompt].title, (*self.stretches, Stretch(end)))

    def cut(self, frame: int) -> Stretch:
        """Go back to before a frame: the stretch it was in, to be played again to there."""
        place = self.stretches.index(self.stretch_of(frame))
        last = self.stretches[place].until(frame)
        self.stretches, self._came_to, self.is_fresh = [*self.stretches[:place], last], frame, False
        self._bound()
        return last

    def take_up(self, branch: Branch) -> Stretch:
        """Go over to a branch: the stretch that begins at its end."""
        self.stretches, self._came_to, self.is_fresh = aged(branch.stretches), None, False  # all is worth keeping
        self.branches.remove(branch)
        self._bound()
        return self.stretches[-1]

    # How much is kept

    def _bound(self) -> None:
        """Give up what is too much: the checkpoints of branches alone, then the oldest, then the oldest branch."""
        while self.bytes > max(self.most_bytes, self._large_bytes):
            shared = {id(one.start) for one in self.stretches}
            slim = [slimmed(branch, shared) for branch in self.branches]
            if any(len(one.stretches) < len(before.stretches) for one, before in zip(slim, self.branches, strict=True)):
                self.branches[:] = slim
            elif len(self.stretches) > 1:
                oldest, *self.stretches = self.stretches
                self.branches[:] = [without(branch, oldest) for branch in self.branches]
            elif self.branches:
                del self.branches[0]
            else:  # a camera's pictures since a clean start, and no room for a checkpoint behind them
                self.stretches = []


def fork_from(stretches: Sequence[Stretch], branch: Branch) -> int:
    """Give the frame up to which a branch is surely the same as what is played; the first that is kept, if none is."""
    own = {id(one.start) for one in stretches}
    shared = [one.frame for one in branch.stretches if id(one.start) in own]
    return min(branch.fork, max(shared)) if shared else min((one.frame for one in stretches), default=0)


class Change(NamedTuple):
    """A prompt that took effect: its words, and how they came in.

    style: "recache", "keep" or "cut", what became of the frames that were kept; or "blend": they came in over so many
    frames, by themselves or as somebody moved the weights of a mix.
    """

    frame: int
    words: str
    style: str
    frames: int = 0


def prompts(stretches: Sequence[Stretch]) -> list[Change]:
    """Give every change of prompt in them, in order; a mix whose weights go on moving is one."""
    changes: list[Change] = []
    before: Prompt | None = None
    for event in (event for one in stretches for event in tuple(one.events)):
        if isinstance(prompt := event.control, Prompt):
            change = Change(event.frame, prompt.title, "blend" if prompt.blend else prompt.switch, prompt.blend)
            if before is not None and is_moved(before, prompt, event.frame - changes[-1].frame - changes[-1].frames):
                first = changes.pop().frame
                change = Change(first, prompt.title, "blend", event.frame - first)
            changes.append(change)
            before = prompt
    return changes


def is_moved(before: Prompt, prompt: Prompt, since: int) -> bool:
    """Whether a prompt is the one before it with other weights, so many frames later."""
    return prompt.texts == before.texts and bool(prompt.mix) and not prompt.blend and 0 <= since <= ONE_MOVE


def thinned(stretches: Sequence[Stretch], keeps: Callable[[Stretch, int], bool]) -> list[Stretch]:
    """Give the stretches with those joined to the one before them whose checkpoints do not stay; the ends stay.

    keeps: (stretch, frames from the checkpoint before it to the one after it) -> whether its checkpoint stays.
    """
    kept = list(stretches[:1])
    for place, one in enumerate(stretches[1:], 1):
        is_last = place == len(stretches) - 1
        if is_last or keeps(one, stretches[place + 1].frame - kept[-1].frame):
            kept.append(one)
        else:
            kept[-1] = kept[-1].joined(one)
    return kept


def aged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Give the stretches without the checkpoints that are too near to each other for their age; clean starts stay."""
    now = stretches[-1].frame
    return thinned(stretches, lambda one, apart: one.is_clean or apart > spacing(now - one.frame))


def slimmed(branch: Branch, shared: set[int]) -> Branch:
    """Give a branch with the checkpoints that are shared, and those of its ends."""
    return replace(branch, stretches=tuple(thinned(branch.stretches, lambda one, _: id(one.start) in shared)))


def without(branch: Branch, oldest: Stretch) -> Branch:
    """Give a branch without the stretch it began with, if that is this one."""
    first, *rest = branch.stretches
    return replace(branch, stretches=tuple(rest)) if rest and first.start is oldest.start else branch


def spacing(age: int) -> int:
    """Give how many frames lie between two checkpoints that are so many frames old."""
    return next(apart for most, apart in SPACING if age <= most)


def checkpoint_bytes(engine: Engine) -> int:
    """Compute the most bytes that a checkpoint of this engine takes, from shapes, before one is made.

    A decoder's own state is not in it: it is kept as it is, without a copy, and counted once it is there.
    """
    height, width = engine.model.size
    return engine.sampler.snapshot_bytes(engine.state) + 2 * height * width * 3


def bytes_of(value: object) -> int:
    """Count the bytes of all tensors and pictures in a snapshot, each memory once."""
    memories: dict[int, int] = {}
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Tensor):
            memories[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
        elif isinstance(one, np.ndarray):
            memories[one.ctypes.data] = one.nbytes
        elif isinstance(one, tuple | list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one.values()
        elif is_dataclass(one):
            waiting += [getattr(one, each.name) for each in fields(one)]
    return sum(memories.values())
