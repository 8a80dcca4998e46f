"""The take a session plays: what took effect and when, and the recording of it."""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path

from studio.controls import ControlState, Picture, opening_events
from studio.engine import Engine
from studio.frames import Frame
from studio.score import Digest, Event, Header, Score, ScoreWriter
from studio.score.environment import environment

MAX_EVENTS = 20_000
MAX_BYTES = 16 * 2**20


@dataclass
class Take:
    """A take in memory: the controls in force at its start, and every one since.

    `bound` keeps it small: what is oldest goes into the controls in force, and the start moves on. The take then does
    not begin clean: its first frame had a past that is gone, so it replays like it was, and not bit for bit.
    """

    header: Header
    state: ControlState  # at the start
    snapshot: bytes = b""  # of the start, where it had a past (`Score.snapshot`)
    _events: OrderedDict[int, Event] = field(default_factory=OrderedDict)  # by a running number
    _pictures: deque[int] = field(default_factory=deque)  # those of pictures
    _added: int = 0
    _bytes: int = 0

    @classmethod
    def of(cls, score: Score) -> Take:
        """Take up a score, to go on from its end."""
        take = cls(score.header, score.opening(), score.snapshot)
        for event in score.events:
            if event.frame > score.header.start:
                take.add(event)
        take.bound()
        return take

    def add(self, event: Event) -> None:
        """Keep a control that takes effect."""
        self._added += 1
        self._events[self._added] = event
        self._bytes += memory_of(event.control)
        if isinstance(event.control, Picture):
            self._pictures.append(self._added)

    def score(self, frames: int | None = None, digest: str = "") -> Score:
        """Give a copy; frames: how many were made, if that is known; digest: of their hashes."""
        start = self.header.start
        opening = [Event(frame, control) for frame, control in opening_events(self.state, start)]
        header = replace(self.header, frames=frames, digest=digest)
        return Score(header, [*opening, *self._events.values()], self.snapshot)

    def bound(self) -> None:
        """Drop every picture but the newest, and fold what is oldest until it is within MAX_EVENTS and MAX_BYTES."""
        while len(self._pictures) > 1:
            self._drop(self._pictures.popleft())
        if self._pictures and Picture.kind in self.state.slots:
            self.state = self.state.drop(Picture.kind)
        while len(self._events) > MAX_EVENTS or self._bytes > MAX_BYTES:
            self._fold_oldest()

    def _fold_oldest(self) -> None:
        number = next(iter(self._events))
        event = self._drop(number)
        if number in self._pictures:
            self._pictures.remove(number)
        self.state = self.state.after(event.control, event.frame)
        self.header = replace(self.header, start=max(event.frame, self.header.start), clean=False)
        self.snapshot = b""

    def _drop(self, number: int) -> Event:
        event = self._events.pop(number)
        self._bytes -= memory_of(event.control)
        return event


def new_take(engine: Engine) -> Take:
    """Give a take that begins clean at the engine's next frame, with what is in force."""
    model, (height, width) = engine.model, engine.model.size
    processor, torch = environment(str(model.device))
    header = Header(
        model.name,
        model.weights_id,
        width,
        height,
        engine.frame,
        sampler=engine.sampler_name,
        processor=processor,
        torch=torch,
    )
    return Take(header, engine.state)


def memory_of(value: object) -> int:
    """Give about how many bytes a control takes: its fields; of a tuple as many times its first item as it has."""
    if is_dataclass(value):
        parts = sum(memory_of(getattr(value, one.name)) for one in fields(value))
        return sys.getsizeof(value) + sys.getsizeof(vars(value)) + parts
    if isinstance(value, tuple) and value:
        return sys.getsizeof(value) + len(value) * memory_of(value[0])
    return sys.getsizeof(value)


class Recorder:
    """What was played since the last clean start, and whether it is being recorded: into memory, or a file too.

    A take that is not recorded is kept as far as memory allows, and of its pictures only the newest: a camera's would
    fill it in seconds.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._writer: ScoreWriter | None = None
        self._digest: Digest | None = None

    @property
    def recording(self) -> bool:
        """Whether the take is kept whole."""
        return self._digest is not None

    @property
    def problem(self) -> str | None:
        """What is wrong with the take's file, in words for the person who records."""
        return self._writer.problem if self._writer else None

    def begin(self, take: Take) -> None:
        """Go on with another take, which is not recorded; the one before was finished."""
        self._take, self._writer, self._digest = take, None, None

    def record(self, take: Take, path: str | Path | None) -> None:
        """Begin to record a take, with a path into a file too, line by line."""
        self.begin(take)
        self._digest = Digest()
        if path is not None:
            self._writer = ScoreWriter(path, take.header)
            for event in take.score().events:
                self._writer.add(event)

    def add(self, event: Event) -> None:
        """Keep a control that takes effect."""
        self._take.add(event)
        if self._writer:
            self._writer.add(event)
        if not self.recording:
            self._take.bound()

    def add_frame(self, frame: Frame) -> None:
        """Count a frame that was made."""
        if self._digest:
            self._digest.add(frame)
            if self._writer:
                self._writer.checkpoint(self._digest)

    def finish(self) -> Score | None:
        """End the recording and give its score; None if there is none. What is played goes on being kept."""
        if self._digest is None:
            return None
        score = self._take.score(self._digest.frames, str(self._digest))
        if self._writer:
            self._writer.finish(score)
        self._take.bound()
        self.begin(self._take)
        return score

    def score(self, frame: int | None = None) -> Score:
        """Give a copy of the take so far; frame: the number of the next, by which its length is known."""
        return self._take.score(None if frame is None else frame - self._take.header.start)
