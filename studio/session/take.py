"""The take a session plays: what took effect and when, and the recording of it."""

from __future__ import annotations

from pathlib import Path

from studio.controls import Picture, opening_events
from studio.engine import Engine
from studio.frames import Frame
from studio.score import Digest, Event, Header, Score, ScoreWriter


def new_take(engine: Engine) -> Score:
    """Give a take that begins at the engine's next frame, with what is in force as its first events."""
    model, (height, width) = engine.model, engine.model.size
    header = Header(model.name, model.weights_id, width, height, engine.frame, sampler=engine.sampler_name)
    return Score(header, [Event(frame, control) for frame, control in opening_events(engine.state, engine.frame)])


def with_newest_picture(score: Score) -> Score:
    """Give a copy of the take with no picture but the newest."""
    *_, newest = (None, *(event for event in score.events if isinstance(event.control, Picture)))
    kept = [event for event in score.events if event is newest or not isinstance(event.control, Picture)]
    return Score(score.header, kept)


class Recorder:
    """What was played since the last clean start, and whether it is being recorded: into memory, or a file too.

    Of a take that is not recorded only the newest picture is kept: a camera's would fill the memory.
    """

    def __init__(self, take: Score) -> None:
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

    def begin(self, take: Score) -> None:
        """Go on with another take, which is not recorded; the one before was finished."""
        self._take, self._writer, self._digest = take, None, None

    def record(self, take: Score, path: str | Path | None) -> None:
        """Begin to record a take, with a path into a file too, line by line."""
        self.begin(take)
        self._digest = Digest()
        if path is not None:
            self._writer = ScoreWriter(path, take.header)
            for event in take.events:
                self._writer.add(event)

    def add(self, event: Event) -> None:
        """Keep a control that takes effect."""
        if isinstance(event.control, Picture) and not self.recording:
            self._drop_picture()
        self._take.events.append(event)
        if self._writer:
            self._writer.add(event)

    def add_frame(self, frame: Frame) -> None:
        """Count a frame that was made."""
        if self._digest:
            self._digest.add(frame)

    def finish(self) -> Score | None:
        """End the recording and give its score; None if there is none. What is played goes on being kept."""
        if self._digest is None:
            return None
        score = self._take.ended(self._digest.frames, str(self._digest))
        if self._writer:
            self._writer.finish(score)
        self.begin(with_newest_picture(self._take))
        return score

    def score(self, frame: int | None = None) -> Score:
        """Give a copy of the take so far; frame: the number of the next, by which its length is known."""
        if frame is None:
            return Score(self._take.header, list(self._take.events))
        return self._take.ended(frame - self._take.header.start)

    def _drop_picture(self) -> None:
        """Take the newest picture away."""
        events = self._take.events
        for place in reversed(range(len(events))):
            if isinstance(events[place].control, Picture):
                del events[place]
                return
