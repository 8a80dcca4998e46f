"""What a model is told about the frames it draws, beside their noisy latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.controls import active_prompts

if TYPE_CHECKING:
    from studio.controls import ControlState


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What one forward is told about F latent frames, one row a frame.

    text: (F, L, D) token states of the prompt each frame is drawn under.
    tracks: (F, K, h, w) track map and other extra input channels; K may be 0.
    extra: whatever else a model's rows are told, by name, each (F, ...): pooled text, a control picture, LoRA weights.
    In training text and tracks carry a batch in front: (B, F, L, D) and (B, F, K, h, w).
    """

    text: Tensor
    tracks: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)

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
        tracks = self.tracks[index]
        text = shared(self.text, len(tracks)) if is_shared(self.text) else self.text[index]
        return Conditioning(text, tracks, {k: part[index] for k, part in self.extra.items()})

    def under(self, text: Tensor) -> Conditioning:
        """The same frames under another prompt, text (L, D)."""
        return Conditioning(text.to(self.text).expand(len(self), -1, -1), self.tracks, self.extra)

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """All rows, in the order of the parts."""
        return Conditioning(
            one_text([part.text for part in parts]),
            torch.cat([part.tracks for part in parts]),
            {name: torch.cat([part.extra[name] for part in parts]) for name in parts[0].extra},
        )


def is_shared(text: Tensor) -> bool:
    """Whether all rows of a text (F, L, D) are one piece of memory."""
    return text.ndim == 3 and (len(text) == 1 or text.stride(0) == 0)


def shared(text: Tensor, rows: int) -> Tensor:
    """The first row of a text for so many rows, without a copy."""
    return text[:1].expand(rows, -1, -1)


def identity(x: Tensor) -> tuple[Any, ...]:
    """Which memory a tensor shows, and how, as long as it lives; strides of dimensions of one do not count."""
    strides = tuple(stride for size, stride in zip(x.shape, x.stride(), strict=True) if size > 1)
    return x.untyped_storage()._cdata, x.storage_offset(), x.dtype, x.shape, strides


def one_text(texts: Sequence[Tensor]) -> Tensor:
    """All rows. Those that share memory go on doing so: so a model on an accelerator knows them for the same."""
    first = texts[0]
    if all(is_shared(text) and identity(text[0]) == identity(first[0]) for text in texts):
        return shared(first, sum(map(len, texts)))
    return torch.cat(list(texts))


def heard(state: ControlState, encode: Callable[[str], Tensor]) -> Tensor:
    """The token states (L, D) of the words in force in the frame `now`: while a prompt blends in, their mixture.

    encode: text -> (L, D), the same L for all. A weight of 0 or 1 gives a prompt's own states, bit for bit.
    """
    (first, *_), *later = active_prompts(state)
    states = encode(first.text)
    for prompt, _, weight in later:
        states = torch.lerp(states, encode(prompt.text), weight)
    return states
