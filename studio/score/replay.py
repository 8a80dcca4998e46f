"""A take played again: its frames, bit for bit. Only here and in `render` does a score meet a model."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.controls import ControlError
from studio.score.environment import environment
from studio.score.events import Event
from studio.score.format import Header, Score, ScoreError
from studio.score.writer import Digest

if TYPE_CHECKING:
    from studio.engine import Engine
    from studio.frames import Frame
    from studio.models.base import Model

log = logging.getLogger("studio")


def replay(score: Score | str | Path, model: Model | None = None) -> Iterator[Frame]:
    """Make every frame of a take again: the same frames, bit for bit, on the same kind of machine.

    model: a loaded one, to save loading it. A take that does not begin clean (`Header.clean`) says so in the log.
    Raises ScoreError before the first frame if the take cannot be played here.
    """
    from studio.engine import Engine
    from studio.samplers import SAMPLERS
    from studio.score.snapshot import unpack_snapshot

    score = score if isinstance(score, Score) else Score.read(score)
    header = score.header
    if not header.clean:
        log.warning(
            "the take does not begin at a clean start, for it was not recorded: its frames are much like those that "
            "were seen, and not the same"
        )
    if header.sampler not in SAMPLERS:
        raise ScoreError(f"the take's sampler is {header.sampler!r}; there are: {', '.join(SAMPLERS)}; correct line 1")
    engine = Engine(playable_model(score, model), header.sampler, start=header.start, state=score.opening())
    if score.snapshot:
        engine.restore(unpack_snapshot(score, engine.model))
    waiting = [event for event in score.events if event.frame > header.start]
    return play_events(engine, waiting, score.length)


def play_events(engine: Engine, waiting: Sequence[Event], frames: int) -> Iterator[Frame]:
    """Yield so many frames of an engine, each event applied before its frame."""
    applied = 0
    for index in range(engine.frame, engine.frame + frames):
        due = applied
        while due < len(waiting) and waiting[due].frame <= index:
            due += 1
        engine.apply([(number + 1, waiting[number].control) for number in range(applied, due)])
        applied = due
        try:
            frame = engine.step()
        except ControlError as error:  # a session checks what it is sent; a file may have been changed since
            raise ScoreError(
                f"the take cannot be played at frame {index}: {error}; correct or take out its line"
            ) from error
        yield frame


def playable_model(score: Score, model: Model | None) -> Model:
    """Give the model a take was played on, loaded if need be; raises ScoreError if it is another."""
    header = score.header
    model = load_model(header) if model is None else model
    if model.weights_id != header.weights:
        raise ScoreError(
            f"the take was played on weights {header.weights} of {header.model}, here are {model.weights_id}; "
            "install the studio version it was recorded with, or give the options it was played with (LoRAs, decoder); "
            f"`studio render --model {header.model}` renders it on the weights that are here: another film"
        )
    height, width = model.size
    if (width, height) != (header.width, header.height):
        raise ScoreError(
            f"the take is {header.width}x{header.height}, the model {header.model} makes {width}x{height}; "
            f"`studio render --size {height}x{width}` renders it at that size: another film"
        )
    return model


def load_model(header: Header) -> Model:
    """Load the model a header names, a name or a folder, at the take's size; nothing is downloaded for it."""
    from studio.hub.download import find_downloaded
    from studio.models.errors import UnknownModel
    from studio.models.loader import accepted_options, load
    from studio.models.registry import MODELS

    try:
        sized = "size" in accepted_options(header.model)
    except UnknownModel as error:
        raise ScoreError(
            f"the take's model is {header.model!r}; this studio has: {', '.join(MODELS)}, and any folder that is where "
            "the take says; update the studio, or say where the model is now: --model"
        ) from error
    entry = MODELS.get(header.model)
    if entry and any(find_downloaded(part) is None for part in entry.parts.values()):
        raise ScoreError(
            f"the take was played on {header.model}, which is not on this machine; `studio models get {header.model}` "
            "downloads it"
        )
    return load(header.model, size=(header.height, header.width)) if sized else load(header.model)


def digest_difference(header: Header, digest: Digest, model: Model) -> str | None:
    """Say that the frames made here on a model are not the recording's, and why; None if they are, or nobody knows."""

    if not header.digest or header.digest == str(digest):
        return None
    intro = f"the frames differ from the recording's: {digest} here, {header.digest} recorded. "
    pairs = zip(("processor", "torch"), (header.processor, header.torch), environment(str(model.device)))
    changed = [f"{name} {here} here, {there} there" for name, there, here in pairs if there and there != here]
    if changed:
        return f"{intro}They were made on another machine: {'; '.join(changed)}; such frames differ by a little"
    if not (header.processor and header.torch):
        return (
            f"{intro}The take does not say what it was made on; frames are the same only on the same class of "
            "processor and version of torch, and if no line was changed"
        )
    return (
        f"{intro}Processor and torch are those of the recording, so a line was changed, or the studio draws otherwise"
    )
