"""Back and forth in time: rewinding, branches, and keeping what was just shown."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

from studio.controls import opening_events
from studio.engine import Engine
from studio.frames import Frame
from studio.models.base import Model
from studio.score import Digest, Event, Header, Score
from studio.score.snapshot import pack_snapshot, unpack_snapshot
from studio.session.history import Branch, History, SessionSnapshot, Stretch, fork_from
from studio.session.inbox import Inbox
from studio.session.runner import Runner
from studio.session.take import Recorder, Take, new_take
from studio.session.turn import Turn


class Rewindable(Runner):
    """What of a session goes back and forth in time. history: what it can go back to."""

    model: Model
    engine: Engine
    history: History
    _turn: Turn
    _recorder: Recorder
    _inbox: Inbox

    @abstractmethod
    def _apply(self, *, only: Hashable | None = None, due: int | None = None) -> None:
        """Put what was sent in force."""

    def snapshot(self) -> SessionSnapshot:
        """Give the session as it is between two frames."""
        with self._turn:
            return self._snapshot()

    def restore(self, snapshot: SessionSnapshot) -> None:
        """Go on from a snapshot, of this session or another on the same model. Ends a recording."""
        with self._turn:
            check_model(snapshot.score.header, self.model)
            self._go_on_from(snapshot)
            self.history.begin(snapshot)

    def rewind(self, frame: int) -> Branch | None:
        """Go back to before a frame: it is the next to be made, under what was in force then. Ends a recording.

        Exact: from the checkpoint before it, by the controls that took effect since. What was played from there on is
        kept as a branch, which is given. Raises ValueError for a frame that is not kept, or that is to come.
        """
        with self._turn:
            if frame > self.engine.frame:
                raise ValueError(f"frame {frame} is still to come; the last one made is {self.engine.frame - 1}")
            if frame == self.engine.frame:
                return None
            self.history.stretch_of(frame)
            self._apply()  # what waits was set now, not then
            branch = self.history.leave(self._snapshot(), frame)
            self._play_again(self.history.cut(frame), frame)
            return branch

    def go_to(self, name: str) -> Branch | None:
        """Go over to a branch and on from its end; what is played now becomes a branch, which is given.

        Ends a recording. Raises ValueError if there is no such branch.
        """
        with self._turn:
            wanted = self.history.branches.named(name)
            self._apply()
            left = self.history.leave(self._snapshot(), fork_from(self.history.stretches, wanted))
            self._go_on_from(self.history.take_up(wanted).start)
            return left

    def keep(self, frames: int) -> Score:
        """Give the last frames that were shown as a take that replays bit for bit, though nobody recorded.

        It begins at the checkpoint before them, so it may be a little longer; or later, at the last clean start or
        where less is kept. Raises ValueError where nothing is.
        """
        with self._turn:
            history = self.history
            first = history.stretch_of(max(history.start, self.engine.frame - frames))
            stretches = history.stretches[history.stretches.index(first) :]
            starts = [place for place, one in enumerate(stretches) if one.is_clean]
            first, *_ = stretches = stretches[starts[-1] if starts else 0 :]
            events = [event for one in stretches for event in one.events]
            return self._score(first, events, [hash for one in stretches for hash in one.hashes])

    def bookmark(self, path: str | Path) -> Path:
        """Write the session as it is between two frames into a file that `open_bookmark` goes on from; gives its path.

        It is a score of no frames that begins with a checkpoint. Raises OSError if it cannot be written.
        """
        with self._turn:
            self._apply()
            score = self._score(Stretch(self._snapshot()), list(self._inbox.scheduled), [])
        return score.write(path)

    def open_bookmark(self, path: str | Path) -> None:
        """Go on from a bookmark, or from the beginning of a take that was kept. Ends a recording.

        Raises ScoreError for a file that is none, ValueError for one of another model.
        """
        score = Score.read(path)
        check_model(score.header, self.model)
        if score.header.sampler != self.engine.sampler_name:
            raise ValueError(
                f"the bookmark was drawn by the sampler {score.header.sampler}, this session draws by "
                f"{self.engine.sampler_name}; open a session with the other one"
            )
        engine = unpack_snapshot(score, self.model)
        start = score.header.start
        opening = [event for event in score.events if event.frame <= start]
        later = () if score.length else tuple(event for event in score.events if event.frame > start)
        self.restore(SessionSnapshot(engine, replace(score, events=opening), later))

    def _mark_clean_start(self) -> None:
        """Remember where the next frame begins, if it has no past, with what is in force in it."""
        if self.history.is_fresh:
            self.history.add_checkpoint(self._snapshot(), is_clean=True)

    def _remember(self, frame: Frame) -> None:
        """Take a frame that was shown into the history, and a checkpoint after it when it is time."""
        self.history.add_frame(frame, self._inbox.scheduled)
        if self.history.wants_checkpoint(self.engine):
            began = time.monotonic()
            snapshot = self._snapshot()
            self.history.add_checkpoint(snapshot, took=time.monotonic() - began)

    def _forget_line(self) -> None:
        """Keep what was played as a branch: what comes next has nothing to do with it."""
        if self.history.stretches:
            self.history.leave(self._snapshot(), self.history.start)
        self.history.begin()

    def _snapshot(self) -> SessionSnapshot:
        return SessionSnapshot(self.engine.snapshot(), self._recorder.score(), self._inbox.scheduled)

    def _go_on_from(self, snapshot: SessionSnapshot) -> None:
        self._recorder.finish()
        self.engine.restore(snapshot.engine)
        self._recorder.begin(Take.of(snapshot.score))
        self._inbox.scheduled = snapshot.scheduled

    def _play_again(self, stretch: Stretch, frame: int) -> None:
        """Play a stretch from its checkpoint to before a frame; nobody is shown it."""
        self._go_on_from(stretch.start)
        waiting = list(stretch.events)
        while self.engine.frame < frame:
            while waiting and waiting[0].frame <= self.engine.frame:
                event = waiting.pop(0)
                self.engine.apply([(self.engine.revision, event.control)])
                self._recorder.add(event)
            self.engine.step()
        self._inbox.scheduled = stretch.scheduled_at(frame)

    def _score(self, first: Stretch, events: list[Event], hashes: list[str]) -> Score:
        """Give a score from a checkpoint on; from a clean start it needs none."""
        digest = Digest()
        for hash in hashes:
            digest.add_hash(hash)
        held = first.start.engine
        opening = [Event(at, control) for at, control in opening_events(held.state, first.frame)]
        header = replace(
            new_take(self.engine).header, start=first.frame, frames=len(hashes), digest=str(digest) if hashes else ""
        )
        snapshot = b"" if first.is_clean else pack_snapshot(held)
        return Score(header, [*opening, *events], snapshot)


def check_model(header: Header, model: Model) -> None:
    """Raise ValueError if a take was not played on this model."""
    if (header.model, header.weights) != (model.name, model.weights_id):
        raise ValueError(f"the snapshot is of {header.model}; hand over to it, then restore")
