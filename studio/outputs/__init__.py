"""Where frames go. `SINKS` is the table; a sink has `put(frame)` and `close()` (studio.frames.FrameSink).

To add one: a file here and its line in `SINKS`.
"""

from __future__ import annotations

import importlib
from typing import Any

from studio.frames import FrameSink

SINKS: dict[str, str] = {
    "latest": "studio.outputs.latest:Latest",
    "video": "studio.outputs.video:VideoFile",
    "pictures": "studio.outputs.pictures:Pictures",
}


def make(name: str, *args: Any, **options: Any) -> FrameSink:
    """A sink by its name; its module is loaded only now."""
    if name not in SINKS:
        raise ValueError(f"no sink is called {name!r}; there are: {', '.join(SINKS)}")
    module, factory = SINKS[name].split(":")
    return getattr(importlib.import_module(module), factory)(*args, **options)
