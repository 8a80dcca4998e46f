"""Ways to push a picture away from what it should not be, each a function `guide(denoise, rows) -> (x0, rows)`.

In terms of the clean latent all of them are one line: away from an anchor. They differ in where the anchor comes from.
To add one: write the function, and its line in `GUIDANCES`. The samplers of video and of image models play it, the
sampling control takes its name and the page shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.guidance.base import Denoise, Guidance, Guide, R, discount_anchor, guide_away, guide_from_anchor
from studio.guidance.full import full_guidance
from studio.guidance.none import no_guidance
from studio.guidance.residual import initialize_guidance, self_guidance

if TYPE_CHECKING:
    from torch import Tensor

    from studio.controls import Sampling

GUIDANCES: dict[str, Guidance] = {
    "none": Guidance(no_guidance),
    "full": Guidance(full_guidance),
    "self": Guidance(self_guidance, is_residual=True),
    "initialize": Guidance(initialize_guidance, is_residual=True),
}


def active_guidance(sampling: Sampling) -> Guidance:
    """Give the guidance that a sampling means: at scale 1 every one is none, bit for bit and at no cost."""
    return GUIDANCES["none" if sampling.scale == 1 else sampling.guidance]


def apply_guidance(denoise: Denoise[R], rows: Sequence[R]) -> tuple[list[Tensor], list[R]]:
    """Guide every row as its own sampling says, all of them by one call of `denoise`.

    Args:
        denoise: The model, see `Denoise`.
        rows: The rows of a tick, oldest first. In a causal stream all share a sampling; elsewhere any may differ.

    Returns:
        The guided clean latents (chunk, C, h, w) and the rows with what their guidance keeps, in the order of `rows`.
    """
    groups: dict[Guide, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(active_guidance(row.sampling).guide, []).append(place)
    _, results = _guide_groups(denoise, [(guide, [rows[i] for i in places]) for guide, places in groups.items()], ())
    guided = {}
    for places, (clean, kept) in zip(groups.values(), results, strict=True):
        guided |= zip(places, zip(clean, kept, strict=True), strict=True)
    return [guided[i][0] for i in range(len(rows))], [guided[i][1] for i in range(len(rows))]


def _guide_groups(
    denoise: Denoise[R], groups: Sequence[tuple[Guide, Sequence[R]]], asked: tuple[Sequence[R], ...]
) -> tuple[Sequence[Sequence[Tensor]], list[tuple[Sequence[Tensor], Sequence[R]]]]:
    """Run the groups' guidances inside of one another, so that what all of them ask is one call.

    asked: the batches of the groups outside of these. Gives the answers to `asked`, and each group's result.
    """
    if not groups:
        return denoise(*asked), []
    (guide, rows), *others = groups
    answers: Sequence[Sequence[Tensor]] = ()
    results: list[tuple[Sequence[Tensor], Sequence[R]]] = []

    def denoise_with_others(*batches: Sequence[R]) -> Sequence[Sequence[Tensor]]:
        nonlocal answers, results
        answers, results = _guide_groups(denoise, others, (*asked, *batches))
        return answers[len(asked) :]

    guided = guide(denoise_with_others, rows)
    return answers[: len(asked)], [guided, *results]


__all__ = [
    "GUIDANCES",
    "Denoise",
    "Guidance",
    "Guide",
    "active_guidance",
    "apply_guidance",
    "discount_anchor",
    "guide_away",
    "guide_from_anchor",
]
