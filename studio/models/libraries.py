"""What diffusers and transformers give: their layers and configurations are made at run time, and have no types."""

from __future__ import annotations

from typing import Any

Net = Any  # a network of theirs, a layer of one, or a block
Tokenizer = Any
