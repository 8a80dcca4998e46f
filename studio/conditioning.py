"""What a model is told about the frames it draws, beside their noisy latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What one forward is told about F latent frames, one row a frame.

    text: (F, L, D) token states of the prompt each frame is drawn under.
    tracks: (F, K, h, w) track map and other extra input channels; K may be 0.
    In training both carry a batch in front: (B, F, L, D) and (B, F, K, h, w).
    """

    text: Tensor
    tracks: Tensor

    def __post_init__(self) -> None:
        rows = self.tracks.ndim - 3
        if self.text.ndim != rows + 2 or self.text.shape[:rows] != self.tracks.shape[:rows]:
            raise ValueError(
                f"text {tuple(self.text.shape)} and tracks {tuple(self.tracks.shape)} do not describe the same frames; "
                "give (F, L, D) and (F, K, h, w), or both with the same batch in front"
            )

    def __len__(self) -> int:
        return self.text.shape[0]

    def rows(self, index: slice | Sequence[int]) -> Conditioning:
        """The conditioning of some of the frames: a slice, or their places in a list."""
        return Conditioning(self.text[index], self.tracks[index])

    def under(self, text: Tensor) -> Conditioning:
        """The same frames under another prompt, text (L, D)."""
        return Conditioning(text.to(self.text).expand(len(self), -1, -1), self.tracks)

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """All rows, in the order of the parts."""
        return Conditioning(torch.cat([part.text for part in parts]), torch.cat([part.tracks for part in parts]))
