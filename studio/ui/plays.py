"""What the page shows of a model: what can be set, and the words for what it leaves aside."""

from __future__ import annotations

from collections.abc import Mapping

from studio.controls import CONTROLS
from studio.models.base import STROKES, Model
from studio.models.playable import playable_kinds, playable_parts


def plays(model: Model) -> list[str]:
    """Give what of a model can be set: the kinds of control it takes, and beside them the parts of one that act on it.

    What would do nothing is left out, so that the page does not show it.
    """
    return playable_kinds(model) + playable_parts(model)


def strokes_of(model: Model) -> dict[str, str]:
    """Give how a model plays strokes ("by", a key of `STROKES`), and the line that says what differs ("words")."""
    by = model.capabilities.strokes
    return {"by": by, "words": STROKES[by]}


def refusals(name: str, refused: Mapping[str, str]) -> str:
    """Say which kinds of control a model does not take: {kind: why}."""
    told = {kind: why for kind, why in refused.items() if CONTROLS[kind].clears not in refused}
    return " ".join(f"{name} takes no {CONTROLS[kind].plural or kind}: {why}." for kind, why in told.items())
