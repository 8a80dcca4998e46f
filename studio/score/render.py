"""A take made into a video offline: as it was, or anew with more steps, at another size, on another model.

What the model does not take of it is left out and said. Where the same model draws both, they are compared frame by
frame: more steps of a model that is told all a frame shows give the same film, finer.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import Control, ControlError, ControlState, Pause, Sampling, strokes
from studio.score.environment import environment
from studio.score.events import Event
from studio.score.format import Score, ScoreError
from studio.score.replay import digest_difference, playable_model, replay
from studio.score.writer import Digest

if TYPE_CHECKING:
    from studio.frames import Frame
    from studio.models.base import Model
    from studio.score.compare import Difference

Progress = Callable[[Iterable["Frame"], int], Iterable["Frame"]]
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Fitted:
    """A take as a model plays it. notes: what of it is otherwise, in words."""

    score: Score
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rendering:
    """A take that was rendered.

    score: what was played for it, which replays to the same frames; difference: from the frames that the take had, None
    where they cannot be had here, or nothing was to be otherwise; notes: as `Fitted`, and the verdict, in words.
    """

    path: Path
    score: Score
    difference: Difference | None = None
    notes: tuple[str, ...] = ()


def fit(score: Score, model: Model, *, steps: int | None = None, sampler: str | None = None) -> Fitted:
    """Give what of a take a model plays, as a take of that model, with other steps or another sampler if given.

    Another model than it was recorded on plays its own number of steps unless told. A take that begins in mid-play
    begins clean where that moment was another model's. Raises ScoreError for steps or a sampler that the model has not.
    """
    from studio.samplers import samplers_of

    header, (height, width) = score.header, model.size
    same = is_of(score, model)
    steps = steps or (None if same or header.model == model.name else model.capabilities.steps)
    if sampler and sampler not in samplers_of(model):
        raise ScoreError(f"sampler is {sampler!r}; {model.name} is played by: {', '.join(samplers_of(model))}")
    notes = list[str]()
    chosen = sampler or (header.sampler if header.sampler in samplers_of(model) else model.capabilities.sampler)
    if not sampler and chosen != header.sampler:
        notes.append(f"{model.name} is not played by {header.sampler}: {chosen} is taken")
    keeps = bool(score.snapshot) and same and chosen == header.sampler
    if score.snapshot and not keeps:
        notes.append("the take began in mid-play on other terms, so its first moments are drawn anew")
    events = list(fitted_events(score, model, steps, notes))
    processor, torch = environment(str(model.device))
    fitted = replace(
        header, model=model.name, weights=model.weights_id, width=width, height=height, sampler=chosen,
        frames=score.length, digest="", processor=processor, torch=torch,
    )  # fmt: skip
    return Fitted(Score(fitted, events, score.snapshot if keeps else b""), tuple(notes))


def is_of(score: Score, model: Model) -> bool:
    """Whether a take was played on this model, at its size."""
    height, width = model.size
    return (score.header.weights, score.header.height, score.header.width) == (model.weights_id, height, width)


def fitted_events(score: Score, model: Model, steps: int | None, notes: list[str]) -> Iterator[Event]:
    """Yield the events that a model plays; why others are left out, once a kind, goes into the notes."""
    from studio.models.playable import check, initial_state, nearest_sampling

    told = set[str]()
    opening = score.opening()
    if steps and Sampling.kind not in opening.slots:
        yield Event(score.header.start, with_steps(initial_state(model)[Sampling], steps, model))
    for event in score.events:
        control: Control = event.control
        if isinstance(control, Pause):
            continue
        try:
            if isinstance(control, Sampling):
                wanted = with_steps(control, steps, model) if steps else control
                control = nearest_sampling(model, wanted)
                if control != wanted and "sampling" not in told:
                    notes.append(f"{model.name} does not play all of the sampling; the nearest is taken")
                    told.add("sampling")
            check(model, control)
        except ControlError as error:
            if control.kind not in told:
                notes.append(f"left out: {error}")
            told.add(control.kind)
            continue
        yield replace(event, control=control)


def with_steps(sampling: Sampling, steps: int, model: Model) -> Sampling:
    """Give a sampling with so many steps; raises ScoreError where the model has no schedule of as many."""
    from studio.models.playable import check

    try:
        wanted = replace(sampling, steps=steps, t_index_list=())
        check(model, replace(wanted, delta=1.0))
    except ControlError as error:
        raise ScoreError(f"the take cannot be rendered so: {error}") from error
    return wanted


def render_again(
    score: Score,
    path: str | Path,
    model: Model,
    *,
    steps: int | None = None,
    sampler: str | None = None,
    fps: int = 24,
    enlarge: int = 1,
    progress: Progress | None = None,
) -> Rendering:
    """Do all of `render_frames`. `progress(frames, total)` may wrap the frames to show how far it is."""
    made: list[Rendering] = []

    def frames() -> Iterator[Frame]:
        played = render_frames(score, path, model, steps=steps, sampler=sampler, fps=fps, enlarge=enlarge)
        made.append((yield from played))

    for _ in progress(frames(), score.length) if progress else frames():
        pass
    return made[0]


def render_frames(
    score: Score,
    path: str | Path,
    model: Model,
    *,
    steps: int | None = None,
    sampler: str | None = None,
    fps: int = 24,
    enlarge: int = 1,
) -> Generator[Frame, None, Rendering]:
    """Play a take on a loaded model, whichever it is, into a file of the ending's kind (`outputs.OUTPUTS`).

    enlarge: how many times as wide and high the file's pictures are, 1..4.

    Yields each frame once it is written, and returns what was rendered; closed before, the file holds what there was.
    It carries the score of what is in it, and can be given wherever a score can.
    Raises OutputError for another ending, ScoreError for what cannot be played.
    """
    from studio.outputs import open_output
    from studio.outputs.enlarge import Enlarged

    check_frames(score)
    fitted = fit(score, model, steps=steps, sampler=sampler)
    compared = Compared(score, fitted.score, model)
    played = fitted.score if compared.is_anew else score
    output, digest = Enlarged(open_output(path, fps, played.text), enlarge), Digest()
    try:
        for frame in compared.frames():
            output.put(frame)
            digest.add(frame)
            yield frame
    finally:
        output.close()
    verdict = compared.verdict(digest)
    made = fitted.score.ended(digest.frames, str(digest))
    return Rendering(output.path, made, compared.difference, (*fitted.notes, *([verdict] if verdict else [])))


def check_frames(score: Score) -> None:
    """Raise ScoreError for a take of no frame."""
    if not score.length:
        raise ScoreError("the take has no frame, so there is nothing to render; record one that runs a moment")


class Compared:
    """The frames of a take as it is rendered, beside those it had, where the same model had drawn those too."""

    def __init__(self, score: Score, made: Score, model: Model) -> None:
        from studio.score.compare import Comparison

        self._score, self._made, self._model = score, made, model
        self._comparison = Comparison(score.length)
        self.is_changed = (made.events, made.header.sampler) != (
            [event for event in score.events if not isinstance(event.control, Pause)],
            score.header.sampler,
        )
        self.has_original = is_of(score, model) and score.header.sampler == made.header.sampler

    @property
    def is_anew(self) -> bool:
        """Whether it is otherwise than it was played, or on another model."""
        return self.is_changed or not self.has_original

    def frames(self) -> Iterator[Frame]:
        """Yield the frames that are rendered."""
        frames = replay(self._made, self._model)
        if not (self.is_changed and self.has_original):
            yield from frames
            return
        from studio.trajectory import placements

        originals = zip(replay(self._score, self._model), states(self._score), strict=True)
        for (original, state), frame in zip(originals, frames, strict=True):
            self._comparison.add(original.picture, frame.picture, placements(strokes(state), frame.index))
            yield frame

    @property
    def difference(self) -> Difference | None:
        """How far the two are apart; None where they were not compared."""
        return self._comparison.result()

    def verdict(self, digest: Digest) -> str:
        """Say whether it is the same film; nothing where it is the same to the bit, or nobody can know."""
        header = self._score.header
        if difference := self.difference:
            return str(difference)
        if not is_of(self._score, self._model):
            here, there = named(self._made), named(self._score)
            return f"another film: the take was played on {there}, and this is {here}"
        if self.is_changed:
            return f"another film: the take was played by {header.sampler}, and this is {self._made.header.sampler}"
        return digest_difference(header, digest, self._model) or ""


def named(score: Score) -> str:
    """Name what a take is of: model, size and weights."""
    header = score.header
    return f"{header.model} at {header.width}x{header.height} (weights {header.weights})"


def states(score: Score) -> Iterator[ControlState]:
    """Yield the controls in force in each frame of a take."""
    state, start = score.opening(), score.header.start
    waiting = deque(event for event in score.events if event.frame > start)
    for frame in range(start, start + score.length):
        while waiting and waiting[0].frame <= frame:
            state = state.after(waiting.popleft().control, frame)
        yield state.at(frame)


def render(
    score: Score | str | Path,
    path: str | Path,
    *,
    model: Model | str | None = None,
    fps: int = 24,
    steps: int | None = None,
    sampler: str | None = None,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Play a take again into a file of the ending's kind (`outputs.OUTPUTS`), `fps` frames to the second.

    model: the take's own, loaded if need be; the name or folder of another renders it anew on that. steps, sampler,
    size (H, W): anew with these. What is otherwise then, and whether it is the same film, is said in the log.
    `progress(frames, total)` may wrap the frames to show how far it is. Raises OutputError for another ending, before
    anything is loaded.
    """
    from studio.models.loader import load
    from studio.outputs import open_output

    score = score if isinstance(score, Score) else Score.read(score)
    check_frames(score)
    open_output(path, fps)  # says of another ending what can be written; it writes nothing yet
    if isinstance(model, str) or size:
        chosen = model if isinstance(model, str) else score.header.model
        loaded = load(chosen, size=size) if size else load(chosen)
    else:
        loaded = playable_model(score, model)
    rendering = render_again(score, path, loaded, steps=steps, sampler=sampler, fps=fps, progress=progress)
    for note in rendering.notes:
        log.warning(note)
    return rendering.path
