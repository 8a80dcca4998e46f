"""`studio models` lists what can be played, `studio models get NAME` downloads one."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict

from studio.cli.errors import UsageError
from studio.cli.output import show_download
from studio.hub.catalogue import Listing, list_models
from studio.hub.units import gigabytes
from studio.models.errors import UnknownModel
from studio.models.registry import MODELS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how the list is written, and `get`."""
    parser.add_argument("--json", action="store_true", help="one JSON list on standard output, nothing else")
    get = parser.add_subparsers(metavar="get NAME").add_parser("get", help="download a model; goes on where it stopped")
    get.set_defaults(run=run_get)
    get.add_argument("name", metavar="NAME", help="a model of `studio models`")
    get.add_argument("--yes", action="store_true", help="do not ask: its licence is known and accepted")


def run(arguments: argparse.Namespace) -> None:
    """Print every model in a few lines, what plays here first."""
    listed = list_models()
    if arguments.json:
        print(json.dumps([asdict(one) for one in listed]))
        return
    print(f"{'name':22}{'download':>10}{'memory':>10}   {'here':6}plays here")
    for one in listed:
        print("\n".join(listing_lines(one)))
    print("\n`studio models get NAME` downloads one, `studio run --model NAME` plays it; sizes are approximate")


def listing_lines(one: Listing) -> Iterator[str]:
    """Write a model as its row of the table and what is to be known of it."""
    size = gigabytes(one.download_bytes) if one.download_bytes else "-"
    plays = "no" if not one.fits else "slowly" if one.slow else "yes"
    here = "yes" if one.here else "no"
    yield f"{one.name:22}{size:>10}{gigabytes(one.memory_bytes):>10}   {here:6}{plays}"
    yield from (
        f"  {line}" for line in (one.what, one.licence, one.expect, "" if plays == "yes" else one.reason) if line
    )


def run_get(arguments: argparse.Namespace) -> None:
    """Download a model once its licence was shown and accepted."""
    from studio.hub import download

    name = arguments.name
    if name not in MODELS:
        raise UnknownModel(f"no model is called {name!r}; there are: {', '.join(MODELS)}")
    entry = MODELS[name]
    if all(download.find_downloaded(part) is not None for part in entry.parts.values()):
        print(f"{name} is here; play it with: studio run --model {name}")
        return
    print(f"{name}: {entry.what}\nlicence: {entry.licence}")
    for part in entry.parts.values():
        size = gigabytes(part.bytes)
        print(f"  https://huggingface.co/{part.repo} ({size}): {part.licence}; revision {part.revision}")
    question = f"Download about {gigabytes(entry.download_bytes)} to {download.cache_folder()}? [y/N] "
    if not arguments.yes and not ask(question):
        raise UsageError("nothing was downloaded; answer y, or give --yes once you have read the licence")
    with show_download() as progress:
        download.fetch(name, progress)
    print(f"{name} is here; play it with: studio run --model {name}")


def ask(question: str) -> bool:
    """Ask a person; no, where nobody can answer."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except (EOFError, RuntimeError):  # the second where standard input is closed
        print()
        return False
