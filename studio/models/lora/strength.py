"""How strong a LoRA is, as it was trained: alpha over the rank, or over its root where it is rank-stabilised."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from studio.models.lora.source import Settings

PEFT_ALPHA = PEFT_RANK = 8  # of a PEFT config that says neither


def scale_of(parts: Mapping[str, Tensor], names: Sequence[str], settings: Settings) -> float:
    """Give what the product of a layer's parts is multiplied by.

    An alpha among the parts is divided by the rank: kohya's trainers write it so that this is right, rank-stabilised
    ones too. Else the settings say it, as PEFT reads them; where nobody does, alpha is the rank. names: what the layer
    is called in the settings' patterns.
    """
    rank = rank_of(parts)
    if "alpha" in parts:
        return float(parts["alpha"]) / rank if rank else 1.0
    if not settings.keys() & {"r", "lora_alpha", "alpha", "peft_type", "alpha_pattern", "use_rslora"}:
        return 1.0
    rank = rank or matching(settings.get("rank_pattern"), names, settings.get("r", PEFT_RANK))
    default = settings.get("lora_alpha", settings.get("alpha", PEFT_ALPHA))
    alpha = matching(settings.get("alpha_pattern"), names, default)
    return float(alpha) / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def rank_of(parts: Mapping[str, Tensor]) -> int:
    """Give the rank of a layer's parts; 0 for those without one, as a LoKr of two whole factors."""
    ranked = ("down", "embedding_down", "hada_w1_b", "lokr_w1_b", "lokr_w2_b")
    return next((parts[name].shape[0] for name in ranked if name in parts), 0)


def matching(patterns: Mapping[str, Any] | None, names: Sequence[str], default: Any) -> Any:
    """Give the value of the first pattern that one of the names ends with, as PEFT matches them, else the default."""
    for pattern, value in (patterns or {}).items():
        if any(matches(pattern, name) for name in names):
            return value
    return default


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, a name or a regular expression, is a name or its end from a dot on."""
    try:
        return re.fullmatch(rf"(?:.*\.)?(?:{pattern})", name) is not None
    except re.error:
        return name == pattern
