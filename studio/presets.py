"""Presets: named beginnings. One JSON file each, in `presets/`:

    {"name": "Autumn river", "description": "…", "controls": [{"kind": "prompt", "text": "…"}, {"frame": 96, …}, …]}

A control with a "frame" takes effect so many frames after the preset is loaded; without one, at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.controls import ControlError, from_message
from studio.controls.base import shown
from studio.score import Event

PACKAGE = Path(__file__).parent
FOLDERS = (PACKAGE / "_presets", PACKAGE.parent / "presets")  # installed as a wheel, or a clone
MAX_CHARACTERS = 1_000_000


class PresetError(ValueError):
    """A preset that cannot be loaded: names the file and what to do."""


@dataclass(frozen=True)
class Preset:
    """A name, a sentence about it, and the controls that make it; `frame` counts from the loading."""

    name: str
    description: str
    events: tuple[Event, ...]

    @classmethod
    def read(cls, path: str | Path) -> Preset:
        """Read the preset in a file; raises PresetError."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PresetError(f"cannot read the preset {path} ({error}); check the path") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "preset") -> Preset:
        """Read the preset in a JSON text, `where` in errors; raises PresetError."""
        if len(text) > MAX_CHARACTERS:
            raise PresetError(f"{where} has {len(text)} characters, {MAX_CHARACTERS} are possible; take strokes out")
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise PresetError(f"{where} is no JSON ({error}); correct it") from error
        if not isinstance(values, dict) or not isinstance(values.get("controls"), list):
            raise PresetError(f'{where} must be an object with "name", "description" and a list "controls"')
        for key in ("name", "description"):
            if not isinstance(values.get(key), str) or not values[key].strip():
                raise PresetError(f'{where}: "{key}" is {shown(values.get(key))}; give it a short text')
        events = (parse_event(value, f"{where}, control {n}") for n, value in enumerate(values["controls"], 1))
        # Stable: the order of the file holds within a frame.
        in_order = sorted(events, key=lambda event: event.frame)
        return cls(values["name"].strip(), values["description"].strip(), tuple(in_order))


def parse_event(value: object, where: str) -> Event:
    """Read one entry of a preset's "controls"."""
    if not isinstance(value, dict):
        raise PresetError(f'{where} must be an object with a "kind", got {shown(value)}')
    frame = value.get("frame", 0)
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        raise PresetError(f'{where}: "frame" is {shown(frame)}; give how many frames after loading, 0 or more')
    try:
        return Event(frame, from_message({key: item for key, item in value.items() if key != "frame"}))
    except ControlError as error:
        raise PresetError(f"{where}: {error}") from error


def presets(folders: Iterable[Path] = FOLDERS) -> dict[str, Preset]:
    """Give every preset by its file's name without ending, in the order of names; the first folder there is counts."""
    folder = next((folder for folder in folders if folder.is_dir()), None)
    return {path.stem: Preset.read(path) for path in sorted(folder.glob("*.json"))} if folder else {}


def preset(name: str) -> Preset:
    """Give the preset of a name, or the one in a .json file; raises PresetError."""
    found = presets()
    if name in found:
        return found[name]
    if name.endswith(".json"):
        return Preset.read(name)
    raise PresetError(f"no preset is called {name!r}; there are: {', '.join(found) or 'none'}; or give a .json file")
