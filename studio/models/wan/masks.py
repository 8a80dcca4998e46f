"""Which rows of a forward see which: block-causal masks over chunks of frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Mask = tuple[tuple[bool, ...], ...]  # of each row, whether it sees each key


def attention_mask(rows: Sequence[int], frames: Sequence[int], chunk: int, causal: bool = True) -> Mask | None:
    """Say which keys each row sees; None: all see all. frames: the frame number of every key; rows: each row's own key.

    A row sees earlier frames (any, if not causal) and its own chunk: itself and the rows around it, `chunk` at a time,
    counted from the last row. Of rows of one frame number only the first is seen by other chunks, and not by its
    alternatives.
    """
    main = [frame not in frames[:key] for key, frame in enumerate(frames)]
    mask: list[tuple[bool, ...]] = []
    for end in reversed(range(len(rows), 0, -chunk)):
        together = rows[max(0, end - chunk) : end]
        own = [frames[row] for row in together]
        others = [main[key] and may_see(frame, own, causal) for key, frame in enumerate(frames)]
        mask += [tuple(other or key in together for key, other in enumerate(others))] * len(together)
    return None if all(all(row) for row in mask) else tuple(mask)


def may_see(frame: int, own: Sequence[int], causal: bool) -> bool:
    """Whether a chunk of frames `own` looks at a frame outside of it: an earlier one, or any but its alternative."""
    return frame < min(own) if causal else frame not in own


def block_bias(mask: Mask | None, tokens: int, like: Tensor) -> Tensor | None:
    """Give 0 where a token may look and -inf where it may not, (rows·tokens, keys·tokens); None where all is seen."""
    if mask is None:
        return None
    hidden = ~torch.tensor(mask).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    return torch.zeros(hidden.shape, dtype=like.dtype).masked_fill(hidden, float("-inf")).to(like.device)
