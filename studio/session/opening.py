"""Takes that are opened again in a session, and the line that is played, for another process to go on from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from studio.controls import Control, ControlError, ControlState, opening_events
from studio.engine import Engine, EngineSnapshot
from studio.models.base import Model
from studio.samplers import samplers_of
from studio.score import Digest, Event, Header, Score, ScoreError
from studio.score.snapshot import pack_snapshot, unpack_snapshot
from studio.session.history import History, SessionSnapshot
from studio.session.rewind import Rewindable, check_model
from studio.session.take import Take, new_take

NEAR_START = 2880  # frames from a clean start to a picture that its take is kept for: two minutes, and a small file
LEADING = 720  # frames before it, where the clean start is further
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Line:
    """What was played from a checkpoint to the present frame, and what is still to come.

    start: the checkpoint, `is_clean` if nothing was before it; bytes: of it, at most. scheduled: of a preset or a take
    that plays; waiting: what was sent and has not taken effect.
    """

    header: Header
    start: SessionSnapshot
    is_clean: bool
    bytes: int
    events: Sequence[Event]
    hashes: Sequence[str]
    scheduled: tuple[Event, ...]
    waiting: tuple[Control, ...]

    @property
    def opening(self) -> list[Event]:
        """What was in force at the checkpoint."""
        held = self.start.engine
        return [Event(at, control) for at, control in opening_events(held.state, held.frame)]

    def snapshot(self) -> bytes:
        """Pack the checkpoint; nothing for a clean start. Raises ScoreError for one that cannot be kept in a file."""
        return b"" if self.is_clean else pack_snapshot(self.start.engine)


class Openable(Rewindable):
    """What of a session comes from files: takes, and lines that another process played."""

    def open_take(self, score: Score) -> list[str]:
        """Play a take from its first frame as it was played; what is played now is kept as a branch. Ends a recording.

        What a person sets meanwhile takes its slot over, as with a preset. What of it cannot be played here is left
        out; gives what is other than it was, and why, in words.
        """
        opened = prepare_take(score, self.model, self.engine.sampler_name)
        with self._turn:
            self._apply()
            self._forget_line()
            self._recorder.finish()
            if opened.sampler != self.engine.sampler_name:  # the branches are of another
                revision, self.history = self.engine.revision, History(self.history.most_bytes)
                self.engine = Engine(self.model, opened.sampler)
                self.engine.revision = revision
            self._begin_at(score.header.start, opened.state, opened.engine)
            self._inbox.schedule(opened.events)
        return opened.remarks

    def played_since(self, start: SessionSnapshot | None = None) -> Line | None:
        """Give what was played since a checkpoint, or since the newest where that is gone; None where nothing is kept.

        It holds the session up for as long as it takes to copy a few lists.
        """
        with self._turn:
            stretches = self.history.stretches
            if not stretches:
                return None
            places = [place for place, one in enumerate(stretches) if one.start is start]
            later = stretches[places[0] if places else -1 :]
            return Line(
                replace(new_take(self.engine).header, start=later[0].frame),
                later[0].start,
                later[0].is_clean,
                later[0].bytes,
                [event for one in later for event in one.events],
                [hash for one in later for hash in one.hashes],
                self._inbox.scheduled,
                self._inbox.waiting,
            )

    def leading_to(self, frame: int) -> Score | None:
        """Give a take that ends with a frame that was shown; None where that is not kept any more.

        It begins with the last clean start where that is near, else with the checkpoint half a minute before.
        """
        with self._turn:
            before = [one for one in self.history.stretches if one.frame <= frame]
            if not before or frame >= self.engine.frame:
                return None
            near = [one for one in before if one.is_clean and frame - one.frame < NEAR_START]
            far = [one for one in before if frame - one.frame >= LEADING] or before[:1]
            parts = [one.until(frame + 1) for one in before[before.index((near or far)[-1]) :]]
            header = replace(new_take(self.engine).header, start=parts[0].frame)
        hashes, digest = [hash for one in parts for hash in one.hashes], Digest()
        for hash in hashes:
            digest.add_hash(hash)
        held = parts[0].start.engine
        opening = [Event(at, control) for at, control in opening_events(held.state, held.frame)]
        events = [event for one in parts for event in one.events]
        header = replace(header, frames=len(hashes), digest=str(digest))
        return Score(header, [*opening, *events], b"" if parts[0].is_clean else pack_snapshot(held))

    def resume(
        self, score: Score, frames: int, scheduled: Sequence[Event] = (), waiting: Sequence[Control] = ()
    ) -> None:
        """Go on from the end of a line that another process played: the same, bit for bit, on the same machine.

        score: of the line; its `frames` frames are made again, and shown to nobody. Raises ScoreError for a checkpoint
        that cannot be read, ValueError for one of another model, ControlError for what cannot be played here.
        """
        check_model(score.header, self.model)
        snapshot = unpack_snapshot(score, self.model) if score.snapshot else None
        self.engine.accept(*(event.control for event in [*score.events, *scheduled]), *waiting)
        with self._turn:
            self._begin_at(score.header.start, score.opening(), snapshot)
            later = [event for event in score.events if event.frame > score.header.start]
            digest = self._make_again(later, frames)
            self._inbox.schedule(scheduled)
        for control in waiting:
            self._inbox.put(control)
        if score.header.digest not in ("", str(digest)):
            log.warning("a session goes on from a line whose frames are made a little otherwise here: another machine?")

    def _begin_at(self, frame: int, state: ControlState, snapshot: EngineSnapshot | None) -> None:
        """Have the next frame be this one: from a snapshot, or clean under these controls."""
        self.engine.restart(frame, state)
        if snapshot is None:
            self._recorder.begin(new_take(self.engine))
            self.history.begin()
            return
        self.engine.restore(snapshot)
        take = replace(new_take(self.engine).header, clean=False)
        opening = [Event(at, control) for at, control in opening_events(state, frame)]
        self._recorder.begin(Take.of(Score(take, opening)))
        self.history.begin(self._snapshot())

    def _make_again(self, later: Sequence[Event], frames: int) -> Digest:
        """Make so many frames, shown to nobody, and put what came after them in force; gives their digest."""
        digest, waiting = Digest(), list(later)

        def apply() -> None:
            while waiting and waiting[0].frame <= self.engine.frame:
                event = waiting.pop(0)
                self.engine.apply([(self.engine.revision, event.control)])
                self._recorder.add(event)
                self.history.add(event)

        for _ in range(frames):
            apply()
            self._mark_clean_start()
            frame = self.engine.step()
            self._remember(frame)
            digest.add(frame)
        apply()
        return digest


@dataclass(frozen=True)
class OpenedTake:
    """A take as a model plays it. engine: what it goes on from, if not clean; remarks: what is other than it was."""

    state: ControlState
    events: tuple[Event, ...]
    sampler: str
    engine: EngineSnapshot | None
    remarks: list[str]


def prepare_take(score: Score, model: Model, sampler: str) -> OpenedTake:
    """Check a take's controls, have the model read its words, and say what of it is not played as it was."""
    header, remarks = score.header, difference(score.header, model)
    same_model = (header.model, header.weights) == (model.name, model.weights_id)
    if header.sampler in samplers_of(model):
        sampler = header.sampler
    else:
        remarks.append(f"its sampler {header.sampler!r} is not one of this model's, it plays with {sampler}")
    engine = Engine(model, sampler, start=header.start)
    state, refused = engine.adapt(score.opening())
    events = []
    for event in score.events:
        if event.frame > header.start:
            try:
                engine.check(event.control)
                events.append(event)
            except ControlError as error:
                refused[event.control.kind] = str(error)
    remarks += [f"left out: {kind} ({why})" for kind, why in refused.items()]
    engine.prepare(*(control for _, control in opening_events(state, header.start)), *(one.control for one in events))
    snapshot = try_snapshot(score, engine, remarks) if score.snapshot and same_model else None
    if score.snapshot and not same_model:
        remarks.append("it begins in mid-play, and here with a clean start")
    return OpenedTake(state, tuple(events), sampler, snapshot, remarks)


def difference(header: Header, model: Model) -> list[str]:
    """Say what of the model is not what a take was played on."""
    height, width = model.size
    if header.model != model.name:
        return [f"it was played on {header.model} and plays on {model.name} here, whose pictures are others"]
    if header.weights != model.weights_id:
        return [f"{header.model} had other weights ({header.weights}, here {model.weights_id}): other pictures"]
    if (header.width, header.height) != (width, height):
        return [f"it was {header.width}x{header.height} and is {width}x{height} here: other pictures"]
    return []


def try_snapshot(score: Score, engine: Engine, remarks: list[str]) -> EngineSnapshot | None:
    """Give what a take goes on from, if a frame can be made of it; a file from anywhere may hold anything."""
    try:
        snapshot = unpack_snapshot(score, engine.model)
        engine.restore(snapshot)
        engine.step()
    except ScoreError as error:
        remarks.append(f"{error}; it begins clean")
    except Exception as error:  # whatever shapes it has, a session's thread must not end by them
        log.warning("a take's snapshot cannot be played: %r", error)
        remarks.append("what it goes on from cannot be played here (damaged, or of another version); it begins clean")
    else:
        return snapshot
    return None
