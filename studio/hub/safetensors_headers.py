"""How many numbers files of weights hold, by the headers of safetensors alone.

Nothing here raises for a file that cannot be read: whoever loads it says better what is wrong with it.
"""

from __future__ import annotations

import json
import math
import operator
import struct
from collections import Counter
from pathlib import Path
from typing import Any

from studio.models.weight_files import variant_of

LARGEST_HEADER = 100_000_000  # bytes, as the format itself allows
METADATA = "__metadata__"  # the one entry that is no tensor


def count_parameters(path: Path) -> int:
    """Count the numbers in the safetensors file or files of a path; a folder's variants count once.

    Of a file of another kind: as many as its bytes would be in half precision.
    """
    if path.is_file():
        return count_in_header(path) if path.suffix == ".safetensors" else path.stat().st_size // 2
    counts: Counter[str | None] = Counter()
    for file in path.glob("*.safetensors"):
        counts[variant_of(file)] += count_in_header(file)
    return max(counts.values(), default=0)


def count_in_header(file: Path, prefix: str = "") -> int:
    """Count the numbers in a safetensors file, of the names that begin so; 0 where its header cannot be read."""
    try:
        entries = {name: entry for name, entry in read_header(file).items() if name != METADATA}
        ours = [entry["shape"] for name, entry in entries.items() if name.startswith(prefix)]
        return sum(math.prod(map(operator.index, shape)) for shape in ours)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return 0


def read_header(file: Path) -> dict[str, Any]:
    """Read the header of a safetensors file: name -> dtype, shape, place; an empty one where it cannot be read."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if length > min(file.stat().st_size, LARGEST_HEADER):
                return {}
            header = json.loads(opened.read(length))
    except (OSError, ValueError, RecursionError, struct.error):
        return {}
    return header if isinstance(header, dict) else {}


def read_object(path: Path) -> dict[str, Any]:
    """Read the object a JSON file holds; an empty one where it cannot be read."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}
