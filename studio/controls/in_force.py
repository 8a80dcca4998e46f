"""The controls in force: the fold over every control sent so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from studio.controls.base import Control, ControlError
from studio.controls.facing import trail
from studio.controls.lora import Lora
from studio.controls.pause import Pause
from studio.controls.picture import Picture
from studio.controls.prompt import Prompt
from studio.controls.sampling import Sampling
from studio.controls.similarity import Similarity
from studio.controls.sink import Sink
from studio.controls.stroke import Erase, Stroke
from studio.controls.structure import Structure

MOST_FADING = 8


@dataclass(frozen=True)
class InForce:
    """The last control of each slot. A value: `after` gives a new one.

    strokes: id -> (stroke, the frame it took effect at), the first painted first, which is the order of drawing.
    since: the frame the prompt took effect at; fading: the prompts before it that are still heard while it blends in,
    oldest first, each with its own frame. now: the frame being drawn, which the engine fills in. loras: name -> weight.
    """

    prompt: Prompt = field(default_factory=lambda: Prompt("a quiet meadow on a sunny day"))
    sampling: Sampling = field(default_factory=Sampling)
    paused: bool = False
    strokes: Mapping[str, tuple[Stroke, int]] = field(default_factory=lambda: MappingProxyType({}))
    since: int = 0
    fading: tuple[tuple[Prompt, int], ...] = ()
    now: int = 0
    picture: Picture = field(default_factory=Picture)
    similarity: Similarity = field(default_factory=Similarity)
    structure: Structure = field(default_factory=Structure)
    loras: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    sink: Sink = field(default_factory=Sink)

    def after(self, control: Control, frame: int) -> InForce:
        """The controls in force once this one has taken effect at a frame."""
        match control:
            case Prompt():
                return self._under(control, frame)
            case Sampling():
                return replace(self, sampling=control)
            case Pause():
                return replace(self, paused=control.paused)
            case Stroke():
                drawn = self._continued(control)
                return replace(self, strokes=MappingProxyType({**self.strokes, control.id: (drawn, frame)}))
            case Erase():
                left = {id: held for id, held in self.strokes.items() if control.id not in (id, "*")}
                return replace(self, strokes=MappingProxyType(left))
            case Picture():
                return replace(self, picture=control)
            case Similarity():
                return replace(self, similarity=control)
            case Structure():
                return replace(self, structure=control)
            case Sink():
                return replace(self, sink=control)
            case Lora():
                weights = {**self.loras, control.name: control.weight}
                kept = {name: weight for name, weight in weights.items() if weight}
                return replace(self, loras=MappingProxyType(kept))
        raise ControlError(f"InForce knows no control of kind {control.kind!r}; add its line to InForce.after")

    def _under(self, prompt: Prompt, frame: int) -> InForce:
        """Under new words; those before go on being heard while these blend in."""
        if not prompt.blend:
            return replace(self, prompt=prompt, since=0, fading=())
        chain = replace(self, now=frame).heard[-MOST_FADING:]
        fading = tuple((before, since) for before, since, _ in chain)
        return replace(self, prompt=prompt, since=frame, fading=fading)

    @property
    def heard(self) -> tuple[tuple[Prompt, int, float], ...]:
        """The prompts heard in the frame `now`, oldest first: (prompt, its frame, weight in 0..1).

        They fold: the first counts whole, each later one mixes into what came before it by its weight. With no blend
        under way it is one prompt of weight 1.
        """
        chain = [
            (prompt, since, min(1.0, max(0, self.now - since + 1) / (prompt.blend + 1)))
            for prompt, since in (*self.fading, (self.prompt, self.since))
        ]
        whole = max((place for place, (*_, weight) in enumerate(chain) if weight >= 1), default=0)
        (prompt, *_), *later = chain[whole:]
        return ((replace(prompt, blend=0), 0, 1.0), *later)

    def _continued(self, stroke: Stroke) -> Stroke:
        """A dragged stroke keeps, in its own points, the little of its history that tells which way it looks.

        So it does not matter to a replay or to a take's first frame how many messages brought it there.
        """
        if stroke.mode != "drag":
            return stroke
        before, _ = self.strokes.get(stroke.id, (stroke, 0))
        history = before.points if before.mode == "drag" and before.label == stroke.label else ()
        return replace(stroke, points=trail((*history, *stroke.points)))

    def controls(self, frame: int) -> Iterator[tuple[int, Control]]:
        """The (frame, control) pairs that fold to this value again; what a take starts with.

        Strokes keep the frame they took effect at, so a path goes on where it is.
        """
        (first, *_), *blending = replace(self, now=frame).heard
        yield frame, first
        for prompt, since, _ in blending:
            yield since, prompt
        yield frame, self.sampling
        optional = (self.picture, self.similarity, self.structure, self.sink)
        for control in optional:
            if control != type(control)():
                yield frame, control
        for name, weight in self.loras.items():
            yield frame, Lora(name, weight)
        for stroke, since in self.strokes.values():
            yield since, stroke

    def restarted(self, frame: int) -> InForce:
        """The same controls as if all of them took effect at a frame: every path begins anew."""
        strokes = {id: (stroke, frame) for id, (stroke, _) in self.strokes.items()}
        return replace(self, strokes=MappingProxyType(strokes), since=frame, fading=(), now=0)
