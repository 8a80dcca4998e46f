"""What was played, kept: as a take though nobody recorded, as a bookmark on disk, as a line to be drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from studio.controls import opening_events
from studio.score import Digest, Event, Score
from studio.score.snapshot import pack_snapshot, unpack_snapshot
from studio.session.history import Branch, SessionSnapshot, Stretch
from studio.session.rewind import Rewindable, check_model
from studio.session.take import new_take


class Keeping(Rewindable):
    """What of a session keeps what was played, and takes it up again."""

    def line(self, branch: str | int | None = None) -> tuple[Stretch, ...]:
        """Give all that is kept of a branch, by its name or id, or (None) of what is played; it changes no more.

        Raises ValueError if there is no such branch.
        """
        with self._turn:
            if branch is not None:
                return self.history.branches.named(branch).stretches
            stretches = self.history.stretches
            return (*stretches[:-1], *(one.until(self.engine.frame) for one in stretches[-1:]))

    def keep(self, frames: int, branch: str | int | None = None) -> Score:
        """Give the last frames that were shown as a take that replays bit for bit, though nobody recorded.

        It begins at the checkpoint before them, so it may be a little longer; or later, at the last clean start or
        where less is kept. branch: a branch's instead, by its name or id. Raises ValueError where nothing is.
        """
        stretches = self.line(branch)
        if not stretches:
            raise ValueError("nothing that was played is kept; play on, and keep it later")
        end = stretches[-1].frame + len(stretches[-1].hashes)
        first = max(place for place, one in enumerate(stretches) if one.frame <= end - frames or place == 0)
        starts = [place for place, one in enumerate(stretches) if one.is_clean and place > first]
        return self._score(stretches[starts[-1] if starts else first :])

    def mark(self) -> Branch:
        """Keep the session as it is between two frames as a branch, and play on; it lives as long as the session."""
        with self._turn:
            self._apply()
            end = self._snapshot()
            self.history.leave(end, end.engine.frame, always=True)
            return self.history.branches[-1]

    def drop(self, branch: str | int) -> None:
        """Let a branch go, by its name or id; raises ValueError if there is none."""
        with self._turn:
            self.history.branches.remove(self.history.branches.named(branch))

    def bookmark(self, path: str | Path, title: str = "") -> Path:
        """Write the session as it is between two frames into a file that `open_bookmark` goes on from; gives its path.

        It is a score of no frames that begins with a checkpoint. title: what a person calls it. Raises OSError if it
        cannot be written.
        """
        with self._turn:
            self._apply()
            end, later = self._snapshot(), list(self._inbox.scheduled)
        score = self._score([Stretch(end)], later)
        return replace(score, header=replace(score.header, title=title)).write(path)

    def open_bookmark(self, path: str | Path) -> Branch | None:
        """Go on from a bookmark, or from the beginning of a take that was kept. Ends a recording.

        What was played becomes a branch, which is given. Raises ScoreError for a file that is none, ValueError for one
        of another model.
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
        snapshot = SessionSnapshot(engine, replace(score, events=opening), later)
        with self._turn:
            self._apply()
            left = self._forget_line()
            self._go_on_from(snapshot)
            self.history.begin(snapshot)
        return left

    def _score(self, stretches: Sequence[Stretch], later: Sequence[Event] = ()) -> Score:
        """Give a score of what was played in these; from a clean start it needs no snapshot."""
        first, digest = stretches[0], Digest()
        hashes = [hash for one in stretches for hash in one.hashes]
        for hash in hashes:
            digest.add_hash(hash)
        held = first.start.engine
        opening = [Event(at, control) for at, control in opening_events(held.state, first.frame)]
        events = [event for one in stretches for event in one.events]
        header = replace(
            new_take(self.engine).header, start=first.frame, frames=len(hashes), digest=str(digest) if hashes else ""
        )
        return Score(header, [*opening, *events, *later], b"" if first.is_clean else pack_snapshot(held))
