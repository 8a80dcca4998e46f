"""How subjects of one's own are drawn: each picture of a folder cut out, named, painted, and judged by its own cut-out.

The truth is the drawn world with the very cut-out composited on it, lit as any subject of it. The witness is shown all
cut-outs beside every subject that the model knows, and says which of them is nearest to what was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.controls import ControlError, Subject
from studio.controls.subject import folded, subject_of
from studio.engine import Engine
from studio.evaluation import takes
from studio.evaluation.evaluate import as_tensor
from studio.models.base import Model
from studio.underpaint.subject_cut import cut_subject
from studio.world import compositing, scenes

JUDGED = (4, 8)
KIND = "own "  # before a cut-out's name, so that the witness tells it from a subject that the model knows


def subjects_of(folder: Path, skipped: list[str] | None = None) -> list[Subject]:
    """Cut a subject out of every picture in a folder, by the names of the files; what is no picture is `skipped`.

    Raises ValueError where there is none.
    """
    found = []
    for path in sorted(path for path in Path(folder).iterdir() if path.is_file()):
        try:
            cut = cut_subject(path.read_bytes())
            pixels = np.dstack([cut.picture, cut.alpha])
            found.append(subject_of(pixels, folded(path.stem.replace("-", " ")), faces="left"))
        except ControlError as error:
            if skipped is not None:
                skipped.append(f"{path.name}: {error}")
    if not found:
        raise ValueError(f"there is no picture in {folder}; give a folder of JPEG, PNG or WebP files")
    return found


def pack_of(subjects: Iterable[Subject]) -> compositing.Sprites:
    """Give subjects of one's own as the drawn world's sprites, so that it can draw them."""
    subjects = list(subjects)
    return compositing.sprites_of([KIND + one.name for one in subjects], [one.own.pixels for one in subjects])


def judge(made: torch.Tensor, true: takes.Truth, name: str, pack: compositing.Sprites) -> dict[str, Any]:
    """Say what one frame got right; pack: all that the witness may think it sees."""
    return {
        "subject_right": takes.identify(made, true, pack) == KIND + name,
        "subject_psnr_db": takes.subject_psnr(made, true.picture, true.alpha),
        "position_error_px": takes.position_error(made, true),
    }


def own_takes(model: Model, subjects: Sequence[Subject], steps: int, seed: int) -> Iterator[list[dict[str, Any]]]:
    """Play a take of each subject, in scenes at every time of day in turn, and judge its frames."""
    rng = np.random.default_rng(seed)
    own, everything = pack_of(subjects), compositing.every_sprite()
    pack = compositing.joined(own, everything)
    for number, subject in enumerate(subjects):
        time = scenes.TIMES[number % len(scenes.TIMES)]
        take = next(one for one in iter(lambda: takes.draw_take(rng), None) if one.scene.time == time)
        take = replace(take, label=KIND + subject.name, word=subject.name, synonym=False)
        engine = Engine(model)
        engine.apply(list(enumerate((subject, *take.controls(steps)), 1)))
        rows = []
        for frame in (engine.step() for _ in range(max(JUDGED) + 1)):
            if frame.index in JUDGED:
                made = as_tensor(frame.picture)
                true = takes.truth(take, frame.index, side=made.shape[-1], pack=own)
                rows.append({"name": subject.name, "time": time} | judge(made, true, subject.name, pack))
        yield rows


def evaluate_own(
    model: Model,
    folder: Path,
    seed: int = 0,
    steps: int = 2,
    progress: Callable[..., Iterable[list[dict[str, Any]]]] = lambda judged, **_: judged,
) -> dict[str, Any]:
    """Give the figures of `studio evaluate --own`. Raises ValueError for a model or a folder that cannot be judged."""
    if not model.capabilities.labels or model.capabilities.strokes != "tracks":
        raise ValueError(f"{model.name} was not trained on the drawn world, so there is no truth to judge it by")
    skipped: list[str] = []
    subjects = subjects_of(folder, skipped)
    judged = progress(own_takes(model, subjects, steps, seed), total=len(subjects), desc="own subjects")
    rows = [row for rows in judged for row in rows]
    each = {one.name: summary([row for row in rows if row["name"] == one.name]) for one in subjects}
    by_time = {time: summary([row for row in rows if row["time"] == time]) for time in scenes.TIMES}
    about = {"model": model.name, "weights": model.weights_id, "pictures": len(subjects), "skipped": skipped}
    return {**about, **summary(rows), "by_time": by_time, "each": each}


def summary(rows: list[dict[str, Any]]) -> dict[str, float | int]:
    """Means over frames; the position over those whose subject is right."""
    right = [row for row in rows if row["subject_right"]]
    means = {
        "subject_right": [row["subject_right"] for row in rows],
        "subject_psnr_db": [row["subject_psnr_db"] for row in rows],
        "position_error_px": [row["position_error_px"] for row in right],
    }
    return {name: round(float(np.mean(values)), 3) for name, values in means.items() if values} | {"frames": len(rows)}
