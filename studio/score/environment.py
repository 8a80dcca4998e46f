"""What the bits of a frame depend on beside a take's controls: the processor's class and the version of torch."""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple


class Environment(NamedTuple):
    """processor: what its arithmetic can be told apart by, as "AVX512 avx512_bf16 amx"; torch: its version."""

    processor: str
    torch: str


@cache
def environment(device: str = "cpu") -> Environment:
    """Give the environment that a model on a device plays in."""
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else processor_class()
    return Environment(name, str(torch.__version__))


def processor_class() -> str:
    """Give the CPU's class: the kernels torch chooses, and what oneDNN goes by besides. Needs no root, reads no file.

    AVX2 and AVX512, and AMX or bfloat16 beside it, round differently, so frames differ by a few of 255.
    """
    import torch

    found = [torch.backends.cpu.get_cpu_capability()]
    if torch.cpu._is_avx512_bf16_supported():
        found.append("avx512_bf16")
    if torch.cpu._is_amx_tile_supported():
        found.append("amx")
    if limit := os.environ.get("ONEDNN_MAX_CPU_ISA"):
        found.append(f"limited to {limit}")
    return " ".join(found)
