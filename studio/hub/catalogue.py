"""What can be played, and what of it here: the table a person reads, on the page and by `studio models`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec

from studio.hub.download import find_downloaded
from studio.hub.fit import fit
from studio.hub.machine import Machine, this_machine
from studio.models.registry import MODELS, Entry


@dataclass(frozen=True)
class Listing:
    """One model, for a person. Bytes are approximate.

    memory_bytes: what it takes while it plays, on the card (without one: in memory); here: its files are on this
    machine; fits: it can be played here; slow: but not live; reason: in words. expect: what it plays at and who
    measured it, or that nobody has.
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
    expect: str = ""


def list_models(machine: Machine | None = None) -> list[Listing]:
    """List every model, what plays live on this machine first, what plays slowly next, the rest last."""
    machine = machine or this_machine()
    listed = [list_entry(name, entry, machine) for name, entry in MODELS.items()]
    return sorted(listed, key=lambda one: (not one.fits, one.slow))  # within each, the table's order


def list_entry(name: str, entry: Entry, machine: Machine) -> Listing:
    """Describe one model of the registry, opened with its own options on a machine."""
    lacks = [words for package, words in entry.packages.items() if find_spec(package) is None]
    found = fit(entry.memory, machine, {**entry.options, **entry.defaults}, os.cpu_count() or 1)
    return Listing(
        name=name,
        what=entry.what,
        licence=entry.licence,
        download_bytes=entry.download_bytes,
        memory_bytes=found.need.device_bytes,
        here=not lacks and all(find_downloaded(part) is not None for part in entry.parts.values()),
        fits=found.fits and not lacks,
        reason="; ".join([found.reason, *(f"to install first: {words}" for words in lacks), *brought(entry)]),
        slow=found.slow,
        expect=entry.expect,
    )


def brought(entry: Entry) -> list[str]:
    """Say what a person is to bring for an entry, for the option that takes it."""
    return [f"you bring its {option}: {words}" for option, words in entry.brings.items()]
