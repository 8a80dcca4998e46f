"""A session: an engine played by messages, on a thread of its own or step by step."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.controls import Control, ControlError, ControlState, Erase, Pause, Picture, Prompt, Sampling, opening_events
from studio.controls.base import shown
from studio.engine import Engine, EngineSnapshot
from studio.frames import Frame, FrameSink
from studio.models.loader import load
from studio.models.playable import supports
from studio.presets import Preset
from studio.score import Digest, Event, Header, Score, ScoreWriter
from studio.session.playout import Playout

if TYPE_CHECKING:
    from studio.models.base import Model

RECEIPTS = 1000
RECENT = 32  # frames the rate is measured over
SHORTEST_WAIT, LONGEST_WAIT = 0.005, 0.1  # seconds, after a frame that was skipped
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Receipt:
    """A control took effect: its revision, its kind, and the first frame made under it."""

    revision: int
    kind: str
    frame: int


class Inbox:
    """What was sent and has not taken effect: one control a slot, the last one. Any thread may put."""

    def __init__(self) -> None:
        self.revision = 0
        self.arrived = threading.Condition()
        self._waiting: dict[Hashable, tuple[int, Control]] = {}

    def put(self, control: Control) -> int:
        with self.arrived:
            self.revision += 1
            # Taken out first, so that it also takes the last place: an erasure of all strokes sent before it stays so.
            self._waiting.pop(control.slot, None)
            self._waiting[control.slot] = (self.revision, control)
            self.arrived.notify_all()
            return self.revision

    def take(self, *, only: Hashable | None = None) -> list[tuple[int, Control]]:
        """Empty it, or only one slot of it; (revision, control) in the order of sending."""
        with self.arrived:
            slots = [slot for slot in self._waiting if only is None or slot == only]
            return [self._waiting.pop(slot) for slot in slots]

    def wait(self, timeout: float) -> None:
        """Until something is put or somebody wakes it, or so many seconds."""
        with self.arrived:
            self.arrived.wait(timeout)

    def wait_for_new(self, timeout: float) -> None:
        """The same, and not at all if something is there."""
        with self.arrived:
            self.arrived.wait_for(lambda: self._waiting, timeout)

    def wake(self) -> None:
        with self.arrived:
            self.arrived.notify_all()


class Turn:
    """A lock that goes by order of arrival: a thread that steps without end cannot keep the others out."""

    def __init__(self) -> None:
        self._door, self._room = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._door:
            self._room.acquire()

    def __exit__(self, *_: object) -> None:
        self._room.release()


@dataclass
class Take:
    """What was played since the last clean start; `writer` and `digest` while it is recorded.

    Of a take that is not recorded only the newest picture is kept: a camera's would fill the memory.
    """

    score: Score
    writer: ScoreWriter | None = None
    digest: Digest | None = None

    def add(self, event: Event) -> None:
        if isinstance(event.control, Picture) and not self.digest:
            self._drop_picture()
        self.score.events.append(event)
        if self.writer:
            self.writer.add(event)

    def _drop_picture(self) -> None:
        """Take the newest picture away."""
        events = self.score.events
        for place in reversed(range(len(events))):
            if isinstance(events[place].control, Picture):
                del events[place]
                return


def thinned(score: Score) -> Score:
    """A copy of the take with no picture but the newest."""
    *_, newest = (None, *(event for event in score.events if isinstance(event.control, Picture)))
    kept = [event for event in score.events if event is newest or not isinstance(event.control, Picture)]
    return Score(score.header, kept)


@dataclass(frozen=True)
class SessionSnapshot:
    """All of a session at a frame: go back to it, or branch from it as often as you like."""

    engine: EngineSnapshot
    score: Score
    coming: tuple[Event, ...] = ()


@dataclass
class Pace:
    """When the last frames were made, which of them were skipped, and how long the others took."""

    made: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    skipped: deque[bool] = field(default_factory=lambda: deque(maxlen=RECENT))
    tick_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def add(self, now: float, frame: Frame) -> None:
        self.made.append(now)
        self.skipped.append(frame.skipped)
        if not frame.skipped:
            self.tick_ms.append(frame.tick_ms)

    @property
    def skip_rate(self) -> float:
        skipped = tuple(self.skipped)
        return sum(skipped) / len(skipped) if skipped else 0.0

    @property
    def fps(self) -> float:
        made = tuple(self.made)
        return (len(made) - 1) / (made[-1] - made[0]) if len(made) > 1 and made[-1] > made[0] else 0.0

    @property
    def mean_tick_ms(self) -> float:
        ticks = tuple(self.tick_ms)
        return sum(ticks) / len(ticks) if ticks else 0.0


class Session:
    """An engine on a model, played by messages.

    Many sessions may share one model: each frame is the same as if it played alone. `send` may be called from any
    thread; `step` makes exactly one frame; `start` runs the same steps on a thread.
    """

    def __init__(
        self, model: Model | str, *, sampler: str | None = None, size: tuple[int, int] | None = None, start: int = 0
    ) -> None:
        """model: a loaded one, a name from MODELS or a folder; size: (height, width), if it can be had in several;

        sampler: a name of `samplers_of(model)`, the one the model was made for if None.
        """
        options: dict[str, Any] = {"size": size} if size else {}
        self.model = load(model, **options) if isinstance(model, str) else model
        if size and tuple(self.model.size) != tuple(size):
            raise ValueError(f"{self.model.name} makes {self.model.size}, not {size} (height, width); leave size out")
        self.engine = Engine(self.model, sampler, start=start)
        self.engine.prepare(self.engine.state[Prompt])  # what the model lacks to read words is told now, not mid-stream
        self.sinks: list[FrameSink] = []
        self.receipts: deque[Receipt] = deque(maxlen=RECEIPTS)
        self.error: BaseException | None = None
        self._inbox = Inbox()
        self._turn = Turn()
        self._pace, self._playout = Pace(), Playout()
        self._coming: list[Event] = []
        self._taken_over: set[Hashable] = set()  # slots a person set since the last frame
        self._thread: threading.Thread | None = None
        self._running = False
        self._take = self._begun()

    # What is sent

    def send(self, control: Control) -> int:
        """Set a control; returns its revision. It takes effect in the next frame, unless a later one of its slot comes.

        Raises ControlError to the sender for what cannot be; the stream goes on.
        """
        if not isinstance(control, Control):
            raise ControlError(f"a session is sent controls such as Prompt or Stroke, got {shown(control)}")
        while True:
            engine = self.engine
            engine.check(control)
            engine.prepare(control)
            with self._inbox.arrived:
                if engine is self.engine:  # not handed over to another model meanwhile
                    self._taken_over.add(control.slot)
                    return self._inbox.put(control)

    def play(self, preset: Preset) -> int:
        """Take all strokes away and send a preset's controls, the later ones when their frame has come.

        What a person sends meanwhile takes its slot over: the preset's later controls of that slot do not come.
        Returns the revision of the last one sent at once.
        """
        for event in preset.events:
            self.engine.check(event.control)
            self.engine.prepare(event.control)
        with self._turn:
            self._inbox.put(Erase("*"))
            for event in preset.events:
                if event.frame == 0:
                    self._inbox.put(event.control)
            now, self._taken_over = self.engine.frame, set()
            self._coming = [replace(event, frame=now + event.frame) for event in preset.events if event.frame > 0]
            return self._inbox.revision

    # What comes out

    def step(self) -> Frame | None:
        """Apply what was sent and make one frame; None only while paused.

        While paused everything but Pause waits, so what is in force never runs ahead of the pictures.
        """
        with self._turn:
            self._apply(self._inbox.take(only=Pause.kind))
            if self.engine.state[Pause].paused:
                return None
            taken, self._taken_over = self._taken_over, set()
            self._coming = [event for event in self._coming if event.control.slot not in taken]
            while self._coming and self._coming[0].frame <= self.engine.frame:
                self._inbox.put(self._coming.pop(0).control)
            self._apply(self._inbox.take())
            frame = self.engine.step()
            if self._running:
                due = self._playout.due(time.monotonic(), frame.tick_ms / 1e3, self.engine.ahead)
                frame = replace(frame, due=due)
            self._pace.add(frame.due or time.monotonic(), frame)
            if self._take.digest:
                self._take.digest.add(frame)
            self._put(frame)
            return frame

    def _apply(self, sent: Sequence[tuple[int, Control]]) -> None:
        self.engine.apply(sent)
        for revision, control in sent:
            self.receipts.append(Receipt(revision, control.kind, self.engine.frame))
            self._take.add(Event(self.engine.frame, control))

    def _put(self, frame: Frame) -> None:
        """Give the frame to every sink; one whose file cannot be written is closed and left, the stream goes on."""
        for sink in tuple(self.sinks):
            try:
                sink.put(frame)
            except OSError as error:
                log.warning("%s takes no more frames: %s", type(sink).__name__, error)
                self.sinks.remove(sink)

    @property
    def stats(self) -> dict[str, Any]:
        """Over the last frames: fps, tick_ms, and skip_rate, the share (0..1) that the similarity filter skipped; the
        next frame's number; the revision in force; what is going on.
        """
        writer = self._take.writer
        return {
            "fps": round(self._pace.fps, 2),
            "tick_ms": round(self._pace.mean_tick_ms, 2),
            "skip_rate": round(self._pace.skip_rate, 3),
            "frame": self.engine.frame,
            "revision": self.engine.revision,
            "paused": self.engine.state[Pause].paused,
            "recording": self._take.digest is not None,
            "problem": writer.problem if writer else None,
            "error": str(self.error) if self.error else None,
        }

    # On a thread

    def start(self, fps: float | None = None) -> None:
        """Step on a thread of its own, at most `fps` frames a second, until `stop`.

        Where a model makes a chunk's pictures at once, they are put into the sinks at once; each says when it is due.
        """
        if self._thread and self.error:  # it is ending
            self._thread.join()
        if self.running:
            return
        if fps is not None and not fps > 0:
            raise ValueError(f"fps is {fps}; give a number above 0, or None for as fast as it goes")
        self.error, self._running, self._playout = None, True, Playout(fps)
        self._thread = threading.Thread(target=self._run, name="studio-session", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the frame it is at; raises what had stopped it before, if anything did."""
        self._running = False
        self._inbox.wake()
        if self._thread:
            self._thread.join()
            self._thread = None
        if self.error:
            error, self.error = self.error, None
            raise error

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._running:
                frame = self.step()
                if frame is None:
                    self._inbox.wait(0.05)
                    continue
                if frame.skipped:  # nothing to do: about as long as drawing it would have taken, or until it is needed
                    wait = self._pace.mean_tick_ms / 1e3
                    self._inbox.wait_for_new(min(max(wait, SHORTEST_WAIT), LONGEST_WAIT))
                time.sleep(self._playout.wait(time.monotonic()))
        except BaseException as error:  # ours, not the person's: kept for `stop`, which raises it
            self.error = error
            log.exception("the session stopped at frame %d", self.engine.frame)

    # Takes

    def record(self, path: str | Path | None = None) -> int:
        """Begin a take at the present frame, from a clean start; returns its first frame's number.

        With a path it is also written there line by line while it is played, so that a crash loses nothing.
        """
        with self._turn:
            self._finish_take()
            self.engine.restart(self.engine.frame)
            self._take = self._begun()
            self._take.digest = Digest()
            if path is not None:
                self._take.writer = ScoreWriter(path, self._take.score.header)
                for event in self._take.score.events:
                    self._take.writer.add(event)
            return self.engine.frame

    def stop_recording(self) -> Score:
        """The take that `record` began. Its file, if it has one, is complete."""
        with self._turn:
            score = self._finish_take()
        if score is None:
            raise RuntimeError("nothing is being recorded; call record() first")
        return score

    def _finish_take(self) -> Score | None:
        """End the recording, if there is one; what is played goes on being kept in `score`."""
        take = self._take
        if take.digest is None:
            return None
        score = take.score.finished(take.digest)
        if take.writer:
            take.writer.finish(score)
        self._take = Take(thinned(take.score))
        return score

    @property
    def recording(self) -> bool:
        return self._take.digest is not None

    @property
    def score(self) -> Score:
        """What was played since the last reset or record, to the frame before the next.

        While nothing is recorded it holds no picture but the newest, and so replays a camera's take only from there on.
        """
        with self._turn:
            score = self._take.score.copy()
            score.header = replace(score.header, frames=self.engine.frame - score.header.start, digest="")
            return score

    def reset(self, seed: int | None = None) -> None:
        """Back to frame 0 with an empty cache; the controls stay, with another seed if given. Ends a recording."""
        with self._turn:
            self._finish_take()
            self._apply(self._inbox.take())
            state = self.engine.state.restarted(0)
            if seed is not None:
                state = state.after(replace(state[Sampling], seed=seed), 0)
            self._coming = []
            self.engine.restart(0, state)
            self._take = self._begun()

    def hand_over(self, model: Model) -> dict[str, str]:
        """Go on, from the next frame, on another loaded model and its sampler, under the controls in force it takes.

        Gives the kinds it does not take, each with the reason; sampling that it cannot play becomes the nearest it can.
        Ends a recording and begins a take. The present model plays on while the new one is shown the words in force.
        """
        engine = Engine(model)
        prepare_all(engine, engine.adapt(self.engine.state)[0])
        with self._turn:
            self._finish_take()
            with self._inbox.arrived:  # so nothing comes that was checked by the one and would be played by the other
                self._apply(self._inbox.take())
                state, refused = engine.adapt(self._with_steps_for(model))
                prepare_all(engine, state)
                engine.restart(self.engine.frame, state)
                engine.revision = self.engine.revision
                self.engine, self.model = engine, model
            self._coming = [event for event in self._coming if supports(model, event.control)]
            engine.prepare(*(event.control for event in self._coming))
            self._take = self._begun()
        return refused

    def _with_steps_for(self, model: Model) -> ControlState:
        """The controls in force, with the next model's own number of steps if they have the present model's."""
        state = self.engine.state
        if state[Sampling].steps != self.model.capabilities.steps:
            return state
        return state.updated(replace(state[Sampling], steps=model.capabilities.steps))

    def _begun(self) -> Take:
        """A take that begins at the next frame, with what is in force as its first events."""
        engine, (height, width) = self.engine, self.model.size
        name, model = engine.sampler_name, self.model
        header = Header(model.name, model.weights_id, width, height, engine.frame, sampler=name)
        events = [Event(frame, control) for frame, control in opening_events(engine.state, engine.frame)]
        return Take(Score(header, events))

    # Back and forth in time

    def snapshot(self) -> SessionSnapshot:
        """The session as it is between two frames."""
        with self._turn:
            return SessionSnapshot(self.engine.snapshot(), self._take.score.copy(), tuple(self._coming))

    def restore(self, snapshot: SessionSnapshot) -> None:
        """Go on from a snapshot, of this session or another on the same model. Ends a recording."""
        with self._turn:
            header = snapshot.score.header
            if (header.model, header.weights) != (self.model.name, self.model.weights_id):
                raise ValueError(f"the snapshot is of {header.model}; hand over to it, then restore")
            self._finish_take()
            self.engine.restore(snapshot.engine)
            self._take = Take(thinned(snapshot.score))
            self._coming = list(snapshot.coming)

    def close(self) -> None:
        """Stop, finish what is being recorded, and close the sinks."""
        try:
            self.stop()
        finally:
            self._finish_take()
            while self.sinks:
                self.sinks.pop().close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def prepare_all(engine: Engine, state: ControlState) -> None:
    """Have the engine's model read all the words of a state."""
    engine.prepare(*(control for _, control in opening_events(state, engine.frame)))


def open(
    model: Model | str = "pocket",
    *,
    prompt: str | None = None,
    seed: int = 0,
    sampler: str | None = None,
    size: tuple[int, int] | None = None,
) -> Session:
    """A session on a model, with its first prompt and seed set; it makes a frame at every `step()`."""
    session = Session(model, sampler=sampler, size=size)
    session.send(replace(session.engine.state[Sampling], seed=seed))
    if prompt is not None:
        session.send(Prompt(prompt))
    return session
