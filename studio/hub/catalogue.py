"""What can be played, and what of it here: the table a person reads, on the page and by `studio models`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from studio.hub import download, memory
from studio.models.registry import MODELS, Entry


@dataclass(frozen=True)
class Listing:
    """One model, for a person. Bytes are approximate.

    memory_bytes: what it takes while it plays, on the card (without one: in memory); here: its files are on this
    machine; fits: it can be played here; slow: but not live; reason: in words.
    """

    name: str
    what: str
    licence: str
    download_bytes: int
    memory_bytes: int
    here: bool
    fits: bool
    reason: str
    slow: bool = False


def listing(machine: memory.Machine | None = None) -> list[Listing]:
    """Every model, what plays live on this machine first, what plays slowly next, the rest last."""
    machine = machine or memory.machine()
    listed = [listed_entry(name, entry, machine) for name, entry in MODELS.items()]
    return sorted(listed, key=lambda one: (not one.fits, one.slow))  # within each, the table's order


def listed_entry(name: str, entry: Entry, machine: memory.Machine) -> Listing:
    options = {**entry.options, **entry.meant}
    found = memory.fit(memory.NETWORKS[entry.memory], machine, options, os.cpu_count() or 1)
    return Listing(
        name,
        entry.what,
        entry.licence,
        entry.bytes,
        found.need.on_device,
        all(download.here(part) is not None for part in entry.parts.values()),
        found.fits,
        found.reason,
        found.slow,
    )
