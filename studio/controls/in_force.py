"""The controls in force: the fold over every control sent so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from studio.controls.base import Control, ControlError
from studio.controls.facing import trail
from studio.controls.pause import Pause
from studio.controls.prompt import Prompt
from studio.controls.sampling import Sampling
from studio.controls.stroke import Erase, Stroke


@dataclass(frozen=True)
class InForce:
    """The last control of each slot. A value: `after` gives a new one.

    strokes: id -> (stroke, the frame it took effect at), the first painted first, which is the order of drawing.
    """

    prompt: Prompt = field(default_factory=lambda: Prompt("a quiet meadow on a sunny day"))
    sampling: Sampling = field(default_factory=Sampling)
    paused: bool = False
    strokes: Mapping[str, tuple[Stroke, int]] = field(default_factory=lambda: MappingProxyType({}))

    def after(self, control: Control, frame: int) -> InForce:
        """The controls in force once this one has taken effect at a frame."""
        match control:
            case Prompt():
                return replace(self, prompt=control)
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
        raise ControlError(f"InForce knows no control of kind {control.kind!r}; add its line to InForce.after")

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
        yield frame, self.prompt
        yield frame, self.sampling
        for stroke, since in self.strokes.values():
            yield since, stroke

    def restarted(self, frame: int) -> InForce:
        """The same controls as if all of them took effect at a frame: every path begins anew."""
        strokes = {id: (stroke, frame) for id, (stroke, _) in self.strokes.items()}
        return replace(self, strokes=MappingProxyType(strokes))
