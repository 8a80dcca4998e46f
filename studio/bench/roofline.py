"""What the GPU suite's networks have to compute, counted from their shapes: derived, nothing here is measured."""

from __future__ import annotations

from typing import Any

# Dense bfloat16 peaks, FLOP a second, from the vendors' data sheets.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "RTX 4090": 165e12, "RTX 5090": 210e12}
# Shares of the peak that well-written kernels reach on such shapes: matrix products, and attention with FlashAttention
# 2 (torch's own) or 3 (published: 740 TFLOP/s on an H100).
PRODUCTS, FLASH_2, FLASH_3 = 0.65, 0.38, 0.65


def wan_forward(net: dict[str, Any], rows: int, tokens: int, keys: int, words: int = 512) -> tuple[float, float]:
    """FLOP of one forward of Wan (products, attention): rows latent frames of `tokens` tokens that see `keys` tokens.

    Keys and values of the text are computed once a prompt and not counted; nor is anything that is no product.
    """
    width = net["num_attention_heads"] * net["attention_head_dim"]
    queries = rows * tokens
    layer = 2 * queries * (6 * width * width + 2 * width * net["ffn_dim"])  # q k v o, cross q o, feed-forward
    attention = 4 * queries * (keys + words) * width
    return float(net["num_layers"] * layer), float(net["num_layers"] * attention)


def wan_chunk(
    net: dict[str, Any], size: tuple[int, int], steps: int = 4, chunk: int = 3, sink: int = 3, window: int = 6
) -> tuple[float, float]:
    """FLOP (products, attention) of a chunk: its steps and its clean pass, each on the kept frames and itself."""
    tokens = (size[0] // 16) * (size[1] // 16)
    products, attention = wan_forward(net, chunk, tokens, (sink + window + chunk) * tokens)
    return (steps + 1) * products, (steps + 1) * attention


def seconds(work: tuple[float, float], peak: float, attention: float = FLASH_2) -> float:
    """The time the work takes at the shares of the peak above."""
    return work[0] / (peak * PRODUCTS) + work[1] / (peak * attention)


def peak_of(name: str) -> float | None:
    """The peak of a device by its name; None for one that is not in the table."""
    return next((peak for known, peak in PEAKS.items() if known.lower() in name.lower()), None)
