"""How many checkpoints there is room for: computed from shapes, before the first is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from studio.controls import Sampling
from studio.hub.machine import this_machine

if TYPE_CHECKING:
    from studio.engine import Engine

FEW = 16  # checkpoints by the most that one takes, which is about twice what it does; fewer are spread over the span
LARGE_SHARE = 8  # one part in so many of the machine's free memory is for checkpoints that are large


@dataclass(frozen=True)
class Room:
    """What is held of one kind of checkpoint.

    need: bytes of one, at most; limit: bytes that all may take together; count: how many fit; apart: frames from one to
    the next; is_large: whether one takes more than is set aside for any model, and free memory is used instead.
    """

    need: int
    limit: int
    count: int
    apart: int
    is_large: bool = False

    @classmethod
    def of(cls, need: int, most: int, free: Callable[[], int], near: int, span: int) -> Room:
        """Compute it. most: bytes set aside; free: gives what the machine has free; near: frames that two checkpoints
        are apart where many fit; span: frames that they are to reach back, where few do.
        """
        is_large = need > most
        limit = max(most, free() // LARGE_SHARE) if is_large else most
        count = limit // need
        return cls(need, limit, count, near if count >= FEW else max(near, span // max(count, 1)), is_large)


class Rooms:
    """What was computed for each engine, by its number of steps; it goes with the engine."""

    def __init__(self, compute: Callable[[Engine], int], free: Callable[[], int] | None = None) -> None:
        """compute: gives the bytes of an engine's checkpoint; free: what the machine has free, in bytes."""
        self._compute = compute
        self._free = free or (lambda: this_machine().memory)
        self._known: WeakKeyDictionary[Engine, dict[tuple[int, int], Room]] = WeakKeyDictionary()

    def room(self, engine: Engine, most: int, near: int, span: int) -> Room:
        """Give the room of an engine as it plays now; computed once for each number of steps."""
        known = self._known.setdefault(engine, {})
        key = engine.state[Sampling].steps, most
        if key not in known:
            known[key] = Room.of(self._compute(engine), most, self._free, near, span)
        return known[key]

    def known(self, engine: Engine, most: int) -> Room | None:
        """Give what was computed of an engine as it plays now; None before its first checkpoint was due."""
        return self._known.get(engine, {}).get((engine.state[Sampling].steps, most))
