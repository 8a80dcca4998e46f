"""Messages of earlier versions in today's words: scores, presets and pages of 0.2 are still read."""

from __future__ import annotations

from collections.abc import Mapping

# kind -> {name of a field in 0.2: its name today}
RENAMED: dict[str, dict[str, str]] = {"sampling": {"rungs": "steps"}}


def upgrade(message: Mapping[str, object]) -> dict[str, object]:
    """Give a control's message with every field under today's name; one that is written in it already is unchanged."""
    names = RENAMED.get(str(message.get("kind")), {})
    return {names.get(name, name) if names.get(name) not in message else name: value for name, value in message.items()}
