"""Judges places of one's own: is the picture what is played on, and does a prompt turn it?

`studio evaluate --places FOLDER` takes every picture of the folder as a place, a subject pinned on it, and judges
frames 4 and 8 outside the subject: against the picture (its middle square), and against the codec's own decode
of it, which is as near as a model on this codec can come. Then the prompt says a time or a weather, and the witness
(`detector`), which has seen drawn pictures only, says what it sees. Beside that a place that the memory knows is left
out, turned by what the others have learned, and compared with its true drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from studio.controls import Control, ControlError, Place, Prompt, Sampling, Stroke
from studio.engine import Engine
from studio.evaluation.detector import Detector, load_detector
from studio.models.pocket.model import Pocket
from studio.models.pocket.own_place import features, ridge
from studio.pictures import decoded
from studio.world import scenes

NAME, SUBJECT, SIZE = "my own spot", "fox", 0.3
JUDGED = (4, 8)  # frames; the first of them alone where it is to be quick
AIM = 28.0  # dB outside the subject
# What a prompt says beside the name, and what the witness has to see then: (time, weather), empty for any.
TURNS = {"at night": ("night", ""), "at sunset": ("sunset", ""), "at dawn": ("dawn", ""), "in the fog": ("", "fog")}
TURNS |= {"in the rain": ("", "rain"), "in the snow": ("", "snow")}
Progress = Callable[..., Iterable[Any]]


def pictures_in(folder: Path) -> dict[str, bytes]:
    """Give the files in a folder that can be places, by name; ValueError where there is none."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            found[path.name] = Place(NAME, path.read_bytes()).data
        except ControlError:
            continue  # a notice, a list of sources
    if not found:
        raise ValueError(f"{folder} holds no picture that can be a place; give a folder of photographs or drawings")
    return found


def played(model: Pocket, judged: Sequence[int], text: str, *controls: Control) -> list[np.ndarray]:
    """Give the frames that are judged of a prompt and what is set with it."""
    engine, sent = Engine(model), (*controls, Prompt(text))
    engine.accept(*sent)
    engine.apply(list(enumerate(sent, 1)))
    frames = [engine.step() for _ in range(max(judged) + 1)]
    return [frame.picture for frame in frames if frame.index in judged]


def psnr(made: np.ndarray, true: np.ndarray, where: np.ndarray | None = None) -> float:
    """dB of uint8 pictures (H, W, 3), in the part that is marked (H, W)."""
    squared = (made.astype(float) - true.astype(float)) ** 2
    return float(-10 * np.log10(max(squared[where if where is not None else ...].mean(), 1e-3) / 255**2))


def outside(side: int, x: float, y: float) -> np.ndarray:
    """Mark what is outside the subject, a cell's width away from it: (side, side)."""
    down, across = np.mgrid[:side, :side] / side
    return np.maximum(abs(across - x), abs(down - y)) > SIZE / 2 + 1 / 16


def named(detector: Detector, picture: np.ndarray) -> tuple[str, str, str]:
    """Give the place, time and weather that the witness sees."""
    return detector.name(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255)[0]


def judge(
    model: Pocket, detector: Detector, data: bytes, rng: np.random.Generator, quick: bool = False
) -> dict[str, float]:
    """Judge one picture: dB outside the subject, and of each turn whether it is seen (the share of frames).

    quick: one frame, and the night alone.
    """
    numbers, turns = (JUDGED[:1], list(TURNS.items())[:1]) if quick else (JUDGED, list(TURNS.items()))
    side = model.capabilities.size[0]
    x, y = float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.5, 0.8))
    set_up = (Place(NAME, data), Sampling(seed=int(rng.integers(2**31))))
    true, own = decoded(data, (side, side)), model.new_decoder().decode(model.own_places.latent(data))[0]
    frames = played(model, numbers, NAME, *set_up, Stroke("s", SUBJECT, ((0, x, y),), "pin", SIZE))
    part = outside(side, x, y)
    judged = {
        "psnr_db": float(np.mean([psnr(frame, true, part) for frame in frames])),
        "psnr_codec_db": float(np.mean([psnr(frame, own, part) for frame in frames])),
        "codec_db": psnr(own, true, part),
    }
    for words, (time, weather) in turns:
        seen = [named(detector, frame) for frame in played(model, numbers, f"{NAME} {words}", *set_up)]
        judged[words] = float(np.mean([time in ("", at) and weather in ("", air) for _, at, air in seen]))
    return judged


def known_turned(model: Pocket, detector: Detector, time: str) -> dict[str, float]:
    """Turn known places by what the others have learned, from day: dB of the drawing of that time, and share seen."""
    own, at, decode = model.own_places, scenes.TIMES.index(time), model.new_decoder().decode
    decibels, seen = [], []
    for place in own.whole:
        turn = ridge(*own.known(0, left_out=place))[at, 0]
        day = own.encoded(scenes.paint(scenes.PLACES[place], 0, "day", "clear", 0))
        (picture,) = decode(day + torch.einsum("nfhw,fc->nchw", features(day), turn))
        decibels.append(psnr(picture, scenes.paint(scenes.PLACES[place], 0, time, "clear", 0, picture.shape[0])))
        seen.append(named(detector, picture)[1] == time)
    return {"psnr_db": round(float(np.mean(decibels)), 2), "recognised": round(float(np.mean(seen)), 4)}


def evaluate_places(
    model: Pocket,
    folder: Path,
    seed: int = 0,
    quick: bool = False,
    progress: Progress = lambda iterable, **_: iterable,
) -> dict[str, Any]:
    """Give the figures of `studio evaluate --places FOLDER --json`; quick: see `judge`."""
    detector, files, rng = load_detector(), pictures_in(folder), np.random.default_rng(seed)
    rows = {
        name: judge(model, detector, data, rng, quick) for name, data in progress(list(files.items()), desc="places")
    }
    means = {name: round(float(np.mean([row[name] for row in rows.values()])), 4) for name in next(iter(rows.values()))}
    return {
        "model": model.name,
        "weights": model.weights_id,
        "pictures": len(rows),
        **means,
        "at_least_28_db": round(float(np.mean([row["psnr_db"] >= AIM for row in rows.values()])), 4),
        "at_least_28_db_codec": round(float(np.mean([row["psnr_codec_db"] >= AIM for row in rows.values()])), 4),
        "known_turned": {
            time: known_turned(model, detector, time) for time in ("night", "sunset", "dawn")[: 1 if quick else 3]
        },
        "each": {name: {key: round(value, 2) for key, value in row.items()} for name, row in rows.items()},
    }
