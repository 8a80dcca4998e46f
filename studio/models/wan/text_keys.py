"""What cross-attention sees of the texts: every block's keys and values, computed once a text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from weakref import ref

import torch
from torch import Tensor

from studio.conditioning import PromptStates
from studio.models.libraries import Net
from studio.models.wan.norms import rms_norm

KEPT_TEXTS = 3  # texts whose keys are kept; while prompts blend there is a new one a chunk


@dataclass(frozen=True)
class TextKeys:
    """What one block's cross-attention sees of the texts of G rows (or of 1, when all are told the same).

    keys, values: (G, L, heads, head). Or folded, for short texts: keys (G, width, heads·L), scaled, and values that are
    already projected out, (G, heads·L, width): two products instead of four, and no rearranging.
    picture_keys, picture_values: likewise of a picture's tokens, (G, N, heads, head), of an image-to-video net.
    """

    keys: Tensor
    values: Tensor
    folded: bool = False
    picture_keys: Tensor | None = None
    picture_values: Tensor | None = None


def text_keys(net: Net, text: Tensor, fold: bool, picture: Tensor | None = None) -> list[TextKeys]:
    """Compute every block's view of text (B, F, L, D), B·F rows; folded where asked for and worth it.

    picture: tokens (B·F, N, E) that an image-to-video net is told beside it.
    """
    states = net.condition_embedder.text_embedder(text).flatten(0, 1)
    if picture is not None:
        return pictured_keys(net, states, net.condition_embedder.image_embedder(picture))
    views = []
    for block in net.blocks:
        attn = block.attn2
        keys = rms_norm(attn.to_k(states), attn.norm_k).unflatten(-1, (attn.heads, -1))
        values = attn.to_v(states).unflatten(-1, (attn.heads, -1))
        short = attn.heads * states.shape[1] <= states.shape[2]
        views.append(fold_into_products(attn, keys, values) if fold and short else TextKeys(keys, values))
    return views


def pictured_keys(net: Net, text: Tensor, picture: Tensor) -> list[TextKeys]:
    """Compute every block's view of embedded text (G, L, width) and of a picture's embedded tokens (G, N, width)."""
    views = []
    for block in net.blocks:
        attn = block.attn2
        keys = rms_norm(attn.to_k(text), attn.norm_k), rms_norm(attn.add_k_proj(picture), attn.norm_added_k)
        values = attn.to_v(text), attn.add_v_proj(picture)
        (key, shown_key), (value, shown_value) = (
            [part.unflatten(-1, (attn.heads, -1)) for part in parts] for parts in (keys, values)
        )
        views.append(TextKeys(key, value, picture_keys=shown_key, picture_values=shown_value))
    return views


def fold_into_products(attn: Net, keys: Tensor, values: Tensor) -> TextKeys:
    """Fold keys and values (G, L, heads, head) into two matrices: a head's numbers in its place, zeros elsewhere."""
    own = torch.eye(attn.heads, dtype=keys.dtype, device=keys.device)[:, None, :, None]
    keys, values = (
        (part.transpose(1, 2)[:, :, :, None] * own).flatten(3).flatten(1, 2)
        for part in (keys * keys.shape[-1] ** -0.5, values)
    )
    return TextKeys(keys.transpose(1, 2).contiguous(), attn.to_out[0](values) - attn.to_out[0].bias, folded=True)


class TextKeyMemory:
    """Which texts have their keys and values with them: the last few, as each takes much (of Wan-1.3B 94 MB).

    They are kept by the text's own `PromptStates` and freed with it. Rows under several texts are computed together,
    and kept by the first.
    """

    def __init__(self, most: int = KEPT_TEXTS) -> None:
        self.most = most
        self._kept: OrderedDict[Hashable, tuple[ref[PromptStates], Hashable]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many texts have their keys, those that are gone among them."""
        return len(self._kept)

    def __deepcopy__(self, memo: dict[int, object]) -> TextKeyMemory:
        """Start a copied network with an empty memory: it has weights of its own."""
        return TextKeyMemory(self.most)

    def get(
        self,
        prompts: Sequence[PromptStates],
        compute: Callable[[], list[TextKeys]],
        beside: Sequence[PromptStates] = (),
    ) -> list[TextKeys]:
        """Give the keys of these texts, one a row, and of those that stand beside each, computed where not kept."""
        first, others = prompts[0], tuple(ref(states) for states in (*prompts[1:], *beside))
        key = (self, others, len(beside)) if beside else (self, others)
        keys = first.computed(key, compute)
        with self._lock:
            entry = (ref(first), key)
            self._kept[entry] = entry
            self._kept.move_to_end(entry)
            while len(self._kept) > self.most:
                self._let_go(self._kept.popitem(last=False)[1])
        return keys

    def clear(self) -> None:
        """Let go of all keys: their weights have changed."""
        with self._lock:
            while self._kept:
                self._let_go(self._kept.popitem()[1])

    @staticmethod
    def _let_go(entry: tuple[ref[PromptStates], Hashable]) -> None:
        states = entry[0]()
        if states is not None:
            states.forget(entry[1])
