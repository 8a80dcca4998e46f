"""How many numbers files of weights hold, by the headers of safetensors alone.

Nothing here raises for a file that cannot be read: whoever loads it says better what is wrong with it.
"""

from __future__ import annotations

import json
import math
import operator
import struct
from pathlib import Path
from typing import Any

LARGEST_HEADER = 100_000_000  # bytes, as the format itself allows
METADATA = "__metadata__"  # the one entry that is no tensor


def count_parameters(path: Path) -> int:
    """Count the numbers in the safetensors file or files of a path; a folder's variants count once.

    Of a file of another kind: as many as its bytes would be in half precision.
    """
    if path.is_file():
        return count_in_header(path) if path.suffix == ".safetensors" else path.stat().st_size // 2
    counts = {True: 0, False: 0}
    for file in path.glob("*.safetensors"):
        counts[".fp16" in file.name] += count_in_header(file)
    return max(counts.values())


def count_in_header(file: Path) -> int:
    """Count the numbers in a safetensors file; 0 where its header cannot be read."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(min(length, LARGEST_HEADER)))
        return sum(math.prod(map(operator.index, entry["shape"])) for name, entry in header.items() if name != METADATA)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, struct.error):
        return 0


def read_object(path: Path) -> dict[str, Any]:
    """Read the object a JSON file holds; an empty one where it cannot be read."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}
