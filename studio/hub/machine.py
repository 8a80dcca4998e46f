"""What this machine has free."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path

NO_LIMIT = 1 << 62


@dataclass(frozen=True)
class Machine:
    """What is free: card, name and memory of the CUDA card (None without one); memory: of the machine. Bytes."""

    card: str | None
    card_memory: int
    memory: int


def this_machine() -> Machine:
    """Look at what this machine has free now."""
    import psutil
    import torch

    memory = min(psutil.virtual_memory().available, container_memory())
    if not torch.cuda.is_available():
        return Machine(None, 0, memory)
    return Machine(torch.cuda.get_device_name(), torch.cuda.mem_get_info()[0], memory)


def container_memory(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Give what a container's limit leaves, where there is one (cgroup 2); else a number larger than any memory."""
    try:
        limit, used = (int((root / name).read_text(encoding="utf-8")) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):  # no such file, or "max": no limit
        return NO_LIMIT
    return max(0, limit - used)


def usable_cores(root: Path = Path("/sys/fs/cgroup")) -> int:
    """Count the processor's cores that this process may use: of its affinity, and of a container's share (cgroup 2)."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = (root / "cpu.max").read_text(encoding="utf-8").split()
        return min(count, max(1, ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max": no limit
        return count
