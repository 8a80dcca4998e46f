"""Devices by name: which of them this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.models.errors import OptionError

if TYPE_CHECKING:
    import torch


def resolve_device(device: torch.device | str | None = None) -> torch.device:
    """Give the device of a name; None: the CUDA card, if there is one, else the processor.

    Raises OptionError, with what this machine has, for a device it has not and for a name that is none.
    """
    import torch

    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    counts = count_devices()
    names = (kind if count == 1 else f"{kind}:{number}" for kind, count in counts.items() for number in range(count))
    remedy = f"this machine has: {', '.join(names)}"
    try:
        found = torch.device(str(device).strip())
    except RuntimeError as error:
        raise OptionError(f"device is {str(device)!r}, which names none; {remedy}") from error
    if (found.index or 0) >= counts.get(found.type, 0):
        why = "torch is built without CUDA; " if found.type == "cuda" and not torch.backends.cuda.is_built() else ""
        raise OptionError(f"device is {str(device)!r}; {why}{remedy}")
    return found


def count_devices() -> dict[str, int]:
    """Count the devices of this machine that a model can be on, by kind."""
    import torch

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {"cuda": cards, "mps": int(torch.backends.mps.is_available()), "cpu": 1}
