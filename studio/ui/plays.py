"""What of a model can be set: what the page shows, and the words for what it leaves aside."""

from __future__ import annotations

from collections.abc import Mapping

from studio.controls import CONTROLS
from studio.models.base import Model, optional


def plays(model: Model) -> list[str]:
    """Give what of a model can be set: the kinds of control it takes, and beside them the parts of one that act on it.

    What would do nothing is left out, so that the page does not show it.
    """
    refuses, independent = optional(model, "refuses"), optional(model, "independent")
    kinds = [kind for kind in CONTROLS if kind not in refuses]
    pictures = "picture" in kinds and hasattr(model, "encode_picture")
    lacking = {
        "picture": pictures,
        "similarity": pictures and independent,
        "structure": pictures and independent,
        "lora": bool(optional(model, "loras")),
        "sink": not independent,
    }
    parts = {
        "cache": not independent,
        "noise": independent,
        "camera": pictures and independent,  # a video model's picture is its first frame, a still
        "steps": several_steps(model),
    }
    return [kind for kind in kinds if lacking.get(kind, True)] + [part for part, acts in parts.items() if acts]


def several_steps(model: Model) -> bool:
    """Whether a person can choose how many steps the model's schedule has."""

    def playable(steps: int) -> bool:
        try:
            return bool(model.sigmas(steps))
        except ValueError:
            return False

    return sum(playable(steps) for steps in range(1, 9)) > 1


def refusals(name: str, refused: Mapping[str, str]) -> str:
    """Say which kinds of control a model does not take: {kind: why}."""
    told = {kind: why for kind, why in refused.items() if CONTROLS[kind].clears not in refused}
    return " ".join(f"{name} takes no {CONTROLS[kind].plural or kind}: {why}." for kind, why in told.items())
