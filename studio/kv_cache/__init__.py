"""The KV cache: keys and values of the frames a causal video model still sees.

`ring` is the cache of every model; `limited` that of models whose forwards look at fewer frames than are kept, `reread`
that of one that reads all its frames again with each chunk, `rolling_sink` one that keeps a long stream from drifting.
"""

from __future__ import annotations

import torch

from studio.kv_cache.limited import LimitedKVCache
from studio.kv_cache.reread import RereadCache
from studio.kv_cache.ring import EVICTS, POSITIONS, RECACHES, CacheSettings, CacheSnapshot, KVCache, Pass
from studio.kv_cache.rolling_sink import RollingSinkCache


def new_kv_cache(
    settings: CacheSettings,
    layers: int,
    tokens: int,
    width: int,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> KVCache:
    """Give an empty cache of the kind that the settings ask for; see `KVCache`."""
    kind = LimitedKVCache if settings.max_attention_frames else RollingSinkCache if settings.drift_guard else KVCache
    return kind(settings, layers, tokens, width, dtype, device)


__all__ = [
    "EVICTS",
    "POSITIONS",
    "RECACHES",
    "CacheSettings",
    "CacheSnapshot",
    "KVCache",
    "LimitedKVCache",
    "Pass",
    "RereadCache",
    "RollingSinkCache",
    "new_kv_cache",
]
