"""What commands write: figures on standard output, progress on standard error."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from studio.hub.progress import Progress
from studio.hub.units import gigabytes
from studio.models.registry import Part

Item = TypeVar("Item")


def print_figures(measure: Callable[[], Mapping[str, object]], as_json: bool) -> None:
    """Print what was measured; what libraries print meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr):
        figures = measure()
    print(json.dumps(figures) if as_json else "\n".join(table_lines(figures)))


def table_lines(figures: Mapping[str, object], indent: str = "") -> Iterator[str]:
    """Write nested figures as indented lines."""
    width = max((len(name) for name in figures), default=0)
    for name, value in figures.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from table_lines(value, indent + "  ")
        else:
            yield f"{indent}{name:{width}}  {format_value(value)}"


def format_value(value: object) -> str:
    """Write a figure with four digits, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def progress_bar(items: Iterable[Item], total: int | None = None, desc: str | None = None) -> Iterable[Item]:
    """Give the items, with a progress bar on standard error where that is a terminal."""
    from tqdm import tqdm

    return tqdm(items, total=total, desc=desc, file=sys.stderr, disable=not sys.stderr.isatty())


def describe_part(part: Part) -> str:
    """Write a repository that is downloaded, what comes of it, its licence and the revision."""
    return f"{part.repo} ({gigabytes(part.bytes)}): {part.licence}; revision {part.revision}"


@contextlib.contextmanager
def show_download() -> Iterator[Progress]:
    """Show a progress bar in bytes on standard error; where that is no terminal, a line a file."""
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    with tqdm(unit="B", unit_scale=True, unit_divisor=1000, file=sys.stderr, disable=not terminal) as line:
        printed: set[str] = set()

        def progress(done: int, total: int, what: str) -> None:
            line.total = total
            line.set_description_str(what.rpartition("/")[2], refresh=False)
            line.update(done - line.n)
            if not terminal and what not in printed:
                print(f"  {gigabytes(done)} of {gigabytes(total)}: {what}", file=sys.stderr, flush=True)
            printed.add(what)

        try:
            yield progress
        except KeyboardInterrupt:
            line.close()
            print("what has come is kept: run it again to go on from there", file=sys.stderr)
            raise
