"""The controls in force: an immutable map by slot, and the fold over every control sent so far."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from studio.controls.base import Control

C = TypeVar("C", bound="Control")


@dataclass(frozen=True)
class Held(Generic[C]):
    """A control in its slot.

    frame: at which it took effect, where that matters (a path, a blend), else 0; before: those of its slot that still
    act while it comes in, oldest first.
    """

    control: C
    frame: int = 0
    before: tuple[Held[C], ...] = ()


@dataclass(frozen=True)
class ControlState:
    """The last control of each slot. A value: `after` gives a new one.

    `state[Prompt]` is the prompt in force, or the one in force before anybody sent any. Kinds with a slot for each
    name (strokes, LoRAs) are read with `all`. frame: the frame being drawn, which the engine fills in.
    """

    slots: Mapping[Hashable, Held[Any]] = field(default_factory=lambda: MappingProxyType({}))
    frame: int = 0

    @classmethod
    def of(cls, *controls: Control) -> ControlState:
        """Fold these controls, as if each had taken effect at frame 0."""
        return cls().updated(*controls)

    def __getitem__(self, kind: type[C]) -> C:
        """Give the control of a kind that is in force; KeyError for a kind with a slot for each name."""
        return self.held(kind).control

    def held(self, kind: type[C]) -> Held[C]:
        """Give the control of a kind with the frame it took effect at."""
        if (held := self.slots.get(kind.kind)) is not None:
            return held
        if (initial := kind.initial()) is None:
            raise KeyError(f"{kind.kind} has a slot for each name: read state.all({kind.__name__})")
        return Held(initial)

    def all(self, kind: type[C]) -> dict[str, Held[C]]:
        """Give the controls of a kind with a slot for each name, by name, the first sent first."""
        return {name: self.slots[kind.kind, name] for name in self.names(kind.kind)}

    def names(self, kind: str) -> list[str]:
        """Give the names of the slots in use of a kind with a slot for each name, the first sent first."""
        return [slot[1] for slot in self.slots if isinstance(slot, tuple) and slot[0] == kind]

    def after(self, control: Control, frame: int) -> ControlState:
        """Give the state once a control has taken effect at a frame."""
        return control.fold(self, frame)

    def updated(self, *controls: Control, frame: int = 0) -> ControlState:
        """Give the state once several controls have taken effect at a frame, in turn."""
        state = self
        for control in controls:
            state = state.after(control, frame)
        return state

    def put(self, slot: Hashable, held: Held[Any]) -> ControlState:
        """Give the state with this in a slot; a slot that is in use keeps its place in the order."""
        return replace(self, slots=MappingProxyType({**self.slots, slot: held}))

    def drop(self, *slots: Hashable) -> ControlState:
        """Give the state without these slots."""
        kept = {slot: held for slot, held in self.slots.items() if slot not in slots}
        return replace(self, slots=MappingProxyType(kept))

    def at(self, frame: int) -> ControlState:
        """Give the same controls while a frame is drawn."""
        return replace(self, frame=frame)

    def restarted(self, frame: int) -> ControlState:
        """Give the same controls as if all that are timed took effect at a frame: every path begins anew."""
        anew = {
            slot: Held(held.control.anew(), frame if held.control.timed else 0) for slot, held in self.slots.items()
        }
        return ControlState(MappingProxyType(anew))
