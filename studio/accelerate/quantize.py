"""Weights in 8 bits, by torchao."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
from torch import nn

QUANTIZATIONS = ("int8", "int8-dynamic", "fp8", "fp8-dynamic")
EXACT = ("time_", "text_", "embed", "proj_in", "proj_out")  # layers that stay as they are: few, small and sensitive


def quantize_reason(name: str) -> str:
    """Say why a quantization cannot be used; "" if it can."""
    if importlib.util.find_spec("torchao") is None:
        return "it needs torchao; pip install torchao"
    if name == "fp8-dynamic" and not (torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 9)):
        return "multiplying in fp8 needs an NVIDIA GPU of capability 8.9 or newer (Ada, Hopper); use fp8 or int8"
    return ""


def quantize_weights(module: nn.Module, name: str) -> None:
    """Put linear layers' weights into 8 bits, in place; see `EXACT` for those that stay."""
    quantize_ = importlib.import_module("torchao.quantization").quantize_

    weights = dict(module.named_parameters())
    quantize_(module, quantize_config(name, next(iter(weights.values())).dtype), filter_fn=should_quantize)


def quantize_config(name: str, dtype: torch.dtype) -> Any:  # torchao's, which may not be installed
    """Give torchao's configuration; of fp8-dynamic one scale a row, more exact, where torch has it: bfloat16."""
    ao = importlib.import_module("torchao.quantization")

    if name == "fp8-dynamic":
        granularity = ao.PerRow() if dtype == torch.bfloat16 else ao.PerTensor()
        return ao.Float8DynamicActivationFloat8WeightConfig(granularity=granularity)
    kinds = {
        "int8": ao.Int8WeightOnlyConfig,
        "int8-dynamic": ao.Int8DynamicActivationInt8WeightConfig,
        "fp8": ao.Float8WeightOnlyConfig,
    }
    return kinds[name]()


def should_quantize(layer: nn.Module, name: str) -> bool:
    """Tell whether a layer's weights go into 8 bits: the kernels want multiples of 16."""
    if not isinstance(layer, nn.Linear) or any(part in name for part in EXACT):
        return False
    return layer.in_features % 16 == 0 and layer.out_features % 16 == 0
