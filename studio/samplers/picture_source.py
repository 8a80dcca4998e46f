"""What an image model's frames begin from: the picture that comes in, or what is painted under each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from studio.controls import Picture
from studio.samplers.source import Source
from studio.underpaint.backdrop import Underpainting, moves, shows_all, still

if TYPE_CHECKING:
    from studio.controls import Control, ControlState
    from studio.models.base import Model
    from studio.underpaint.pocket_stream import PocketSnapshot


@dataclass(frozen=True, eq=False)
class Beginning:
    """What one frame begins from. latent: (C, h, w), None for noise alone; painted: the underpainting (H, W, 3).

    seen: the same, where it shows all that strokes say.
    """

    latent: Tensor | None
    painted: np.ndarray | None = None
    seen: np.ndarray | None = None


class PictureSource(Source):
    """What an image model's frames begin from, one after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.painting = Underpainting(model.size) if model.capabilities.strokes == "underpainting" else None
        self._encoded = lru_cache(maxsize=1)(self._encode)
        self._last: tuple[np.ndarray, Tensor] | None = None  # the last underpainting and its latent

    def begin(self, state: ControlState, number: int) -> Beginning:
        """Give what a picture begins from, by its number: once for each, in their order."""
        painted, data = self.painting and self.painting.paint(state, number), state[Picture].data
        if painted is not None:
            return Beginning(self._latent(painted), painted, painted if shows_all(state) else None)
        return Beginning(self._encoded(data) if data else None)

    def prepare(self, control: Control) -> None:
        if self.painting:
            self.painting.prepare(control)

    def is_restless(self, state: ControlState) -> bool:
        return self.painting is not None and moves(state)

    def seen(self, state: ControlState, number: int) -> np.ndarray | None:
        if not (self.painting and shows_all(state)):
            return None
        return still(state, number, self.model.size, self.painting.view)

    def snapshot(self) -> tuple[PocketSnapshot | None, np.ndarray | None]:
        """Give all that it holds, see `Underpainting.snapshot`; good for any number of restores."""
        return self.painting.snapshot() if self.painting else (None, None)

    def restore(self, stream: PocketSnapshot | None = None, view: np.ndarray | None = None) -> None:
        """Go back to a snapshot, bit for bit; without one to a clean start."""
        if self.painting:
            self.painting.restore(stream, view)

    def snapshot_bytes(self, state: ControlState) -> int:
        """Compute the most bytes that a snapshot takes."""
        return self.painting.snapshot_bytes(state) if self.painting else 0

    def _encode(self, picture: bytes | np.ndarray) -> Tensor:
        """Give the latent (C, h, w) of a picture, of those that came in the newest is remembered."""
        return self.model.encode_picture(picture).to(self.model.device, torch.float32)

    def _latent(self, painted: np.ndarray) -> Tensor:
        """Give the latent of an underpainting: the last one's where nothing has moved."""
        if self._last is None or not np.array_equal(self._last[0], painted):
            self._last = painted, self._encode(painted)
        return self._last[1]
