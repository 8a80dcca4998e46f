"""A session: an engine played by messages, on a thread of its own or step by step."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Control, ControlState, Erase, Prompt, Sampling, Sink, opening_events
from studio.engine import Engine
from studio.models.loader import load
from studio.models.playable import supports
from studio.presets import Preset
from studio.score import Score
from studio.session.ahead import Ahead
from studio.session.history import History
from studio.session.inbox import Inbox, Receipt
from studio.session.keep import Keeping
from studio.session.opening import Openable
from studio.session.outputs import Outputs
from studio.session.pipeline import Gain, Pipelined
from studio.session.stats import Stats, stats_of
from studio.session.take import Recorder, new_take
from studio.session.turn import Turn

if TYPE_CHECKING:
    from studio.models.base import Model

RECEIPTS = 1000


class Session(Openable, Keeping, Pipelined, Ahead):
    """An engine on a model, played by messages.

    Many sessions may share one model: each frame is the same as if it played alone. `send` may be called from any
    thread; `step` makes exactly one frame; `start` runs the same steps on a thread.
    """

    def __init__(
        self, model: Model | str, *, sampler: str | None = None, size: tuple[int, int] | None = None, start: int = 0
    ) -> None:
        """model: a loaded one, a name from MODELS or a folder; size: (height, width), if it can be had in several;

        sampler: a name of `samplers_of(model)`, the model's own if None; start: the first frame's number.
        """
        super().__init__(Inbox())
        self.model = model_of_size(model, size)
        self.engine = Engine(self.model, sampler, start=start)
        self.engine.prepare(self.engine.state[Prompt])  # what the model lacks to read words is told now, not mid-stream
        self.outputs = Outputs()
        self.receipts: deque[Receipt] = deque(maxlen=RECEIPTS)
        self._turn, self._gain = Turn(), Gain()
        self._recorder = Recorder(new_take(self.engine))
        self.history = History()

    # What is sent

    def send(self, control: Control) -> int:
        """Set a control, give its revision. It takes effect in the next frame, unless a later one of its slot comes.

        Raises ControlError to the sender for what cannot be; the stream goes on.
        """
        return self._accepted(control, lambda: self._inbox.put(control))

    def play(self, preset: Preset) -> int:
        """Take all strokes away and send a preset's controls, the later ones when their frame has come.

        What a person sends meanwhile takes its slot over: the preset's later controls of that slot do not come.
        Gives the revision of the last one sent at once. Raises ControlError for what cannot be; then nothing is sent.
        """
        self.engine.accept(*(event.control for event in preset.events))
        with self._turn:
            at_once = (event.control for event in preset.events if event.frame == 0)
            later = (replace(event, frame=self.engine.frame + event.frame) for event in preset.events if event.frame)
            return self._inbox.put_preset((Erase("*"), *at_once), later)

    def pending_state(self) -> ControlState:
        """Give the controls in force once all that was sent has taken effect. May be called from any thread."""
        with self._inbox.lock:
            return self._inbox.fold(self.engine.state, self.engine.frame)

    @property
    def stats(self) -> Stats:
        """How it went over the last frames, and what is going on."""
        return stats_of(self.engine, self._pace, self._recorder, self.error)

    # Takes

    def record(self, path: str | Path | None = None) -> int:
        """Begin to record a take at the present frame, from a clean start; gives its first frame's number.

        With a path it is also written there line by line while it is played, so that a crash loses nothing.
        """
        with self._turn:
            self._recorder.finish()
            self.engine.restart(self.engine.frame)
            self.history.is_fresh = True
            self._recorder.record(new_take(self.engine), path)
            return self.engine.frame

    def stop_recording(self) -> Score:
        """End the take that `record` began and give it. Its file, if it has one, is complete."""
        with self._turn:
            score = self._recorder.finish()
        if score is None:
            raise RuntimeError("nothing is being recorded; call record() first")
        return score

    @property
    def recording(self) -> bool:
        """Whether a take is being recorded."""
        return self._recorder.recording

    @property
    def score(self) -> Score:
        """What was played since the last reset or record, to the frame before the next.

        While nothing is recorded it has what `Take.bound` leaves: one picture, the newest, so it replays a camera's
        take only from there on; and if it has to begin later, its header is not `clean`.
        """
        with self._turn:
            return self._recorder.score(self.engine.frame)

    def reset(self, seed: int | None = None) -> None:
        """Go back to frame 0 with an empty cache; the controls stay, with another seed if given. Ends a recording.

        What was played is kept as a branch.
        """
        with self._turn:
            self._recorder.finish()
            self._apply()
            state = self.engine.state.restarted(0)
            if seed is not None:
                state = state.after(replace(state[Sampling], seed=seed), 0)
            self._forget_line()
            self._inbox.scheduled = ()
            self.engine.restart(0, state)
            self._recorder.begin(new_take(self.engine))

    def hand_over(self, model: Model) -> dict[str, str]:
        """Go on, from the next frame, on another loaded model and its sampler, under the controls in force it takes.

        Gives the kinds it does not take, each with the reason; sampling that it cannot play becomes the nearest it can.
        Ends a recording and begins a take. The present model plays on while the new one is shown the words in force.
        """
        engine = Engine(model)
        prepare_state(engine, engine.adapt(self.engine.state)[0])
        with self._turn:
            self._recorder.finish()
            self.drop_audition(f"{model.name} plays now, so the audition on the model before has ended.")
            with self._inbox.lock:  # so nothing comes that was checked by the one and would be played by the other
                self._apply()
                state, refused = engine.adapt(with_defaults_of(model, self.engine))
                prepare_state(engine, state)
                engine.restart(self.engine.frame, state)
                engine.revision = self.engine.revision
                self.engine, self.model = engine, model
                self._inbox.scheduled = tuple(one for one in self._inbox.scheduled if supports(model, one.control))
                engine.prepare(*(one.control for one in self._inbox.scheduled))
            self._recorder.begin(new_take(engine))
            self.history = History(self.history.most_bytes)
        return refused

    def close(self) -> None:
        """Stop, finish what is being recorded, and close the outputs."""
        try:
            self.stop()
        finally:
            self._recorder.finish()
            self.outputs.close()


def model_of_size(model: Model | str, size: tuple[int, int] | None) -> Model:
    """Give the model, loaded if it is a name or a folder; raises ValueError if it is not of the size (H, W)."""
    if isinstance(model, str):
        model = load(model, size=size) if size else load(model)
    if size and tuple(model.size) != tuple(size):
        raise ValueError(f"{model.name} makes {model.size}, not {size} (height, width); leave size out")
    return model


def prepare_state(engine: Engine, state: ControlState) -> None:
    """Have an engine's model read all the words of a state."""
    engine.prepare(*(control for _, control in opening_events(state, engine.frame)))


def with_defaults_of(model: Model, engine: Engine) -> ControlState:
    """Give the controls in force, with a next model's own steps and sink policy in place of the present model's own."""
    state, mine, others = engine.state, engine.model.capabilities, model.capabilities
    if state[Sampling].steps == mine.steps:
        state = state.updated(replace(state[Sampling], steps=others.steps))
    if state[Sink].policy == mine.sink_policy != others.sink_policy:
        state = state.updated(replace(state[Sink], policy=others.sink_policy))
    return state


def open(
    model: Model | str = "pocket",
    *,
    prompt: str | None = None,
    seed: int = 0,
    sampler: str | None = None,
    size: tuple[int, int] | None = None,
) -> Session:
    """Open a session on a model, with its first prompt and seed set; it makes a frame at every `step()`."""
    session = Session(model, sampler=sampler, size=size)
    session.send(replace(session.engine.state[Sampling], seed=seed))
    if prompt is not None:
        session.send(Prompt(prompt))
    return session
