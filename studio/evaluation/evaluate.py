"""`studio evaluate`: takes on held-out paths, words and wordings, played through the engine and judged.

Protocol. Every take is a fresh engine with three controls (prompt, sampling, a path stroke), as the page would send
them. Frames 4, 6 and 8 of a take are judged against the drawn world (`takes`): where the subject is (template
matching), which it is (nearest of all subjects drawn there), how like (PSNR inside it), and what the scene is
(`detector`): right means place, time and weather all as the prompt said. Switches change the prompt at frame 6 with
recache and judge the frames after. Late takes run 600 frames and are judged at 25 frames of 20-120 and 25 of 500-600.
Takes of added subjects, which no net was trained on (`vocabulary`), are judged as the others are, and which subject
it is among all there are. What stands still is compared with itself a turn of the world's clock later (jitter). Hand
takes (`takes.HandTake`) drag two subjects about for 60 frames, switch to another place and wait 60 more; three frames
before the switch and five after it are judged inside the subjects, outside them, and for ghosts: cells of false
colour that the model would not draw without its past, and keeps and breeds where it trusts it.
"""

import time
from collections.abc import Iterator

import numpy as np
import torch

from studio.controls import ControlState, Prompt, Stroke
from studio.engine import Engine
from studio.evaluation import takes
from studio.evaluation.detector import Detector, load_detector
from studio.models.base import Model
from studio.training import vocabulary
from studio.world import compositing, scenes, words
from studio.world.backgrounds import Scene

JUDGED = (4, 6, 8)
SWITCH_AT, AFTER = 6, 8
STILL = 8  # frames until a take stands still
HAND_BEFORE, HAND_AFTER = (20, 40, 59), (62, 68, 80, 100, 119)
GHOSTLY = 0.01  # share of cells with a false colour from which on a person would speak of a ghost: two or three cells
Places = tuple[str, ...]


def as_tensor(picture: np.ndarray) -> torch.Tensor:
    """(3, H, W) in 0..1 of a picture, uint8 (H, W, 3)."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255


def judge(detector: Detector, picture: np.ndarray, take: takes.Take, frame: int, scene: Scene | None = None) -> dict:
    """What one frame got right. `scene` if it is not the take's own."""
    scene = scene or take.scene
    made = as_tensor(picture)
    true = takes.truth(take, frame, scene, made.shape[-1])
    place, moment, weather = detector.name(made[None])[0]
    pack = compositing.sprites() if take.label in words.SUBJECTS else compositing.every_sprite()
    return {
        "position_error_px": takes.position_error(made, true),
        "subject_right": takes.identify(made, true, pack) == take.label,
        "subject_psnr_db": takes.subject_psnr(made, true.picture, true.alpha),
        "background_psnr_db": takes.background_psnr(made, true.picture, true.alpha),
        **takes.subject_edges(made, true.picture, true.alpha),
        "scene_right": (place, moment, weather) == (scene.place, scene.time, scene.weather),
        "place_right": place == scene.place,
        "time_right": moment == scene.time,
        "weather_right": weather == scene.weather,
        "synonym": take.synonym,
        "unseen": take.unseen,
    }


def summary(judged: list[dict]) -> dict:
    """Means over frames; position error over frames whose subject is right (elsewhere there is nothing to place)."""

    def share(name: str, rows: list[dict]) -> float | None:
        return round(float(np.mean([row[name] for row in rows])), 4) if rows else None

    right = [row for row in judged if row["subject_right"]]
    return {
        "position_error_px": share("position_error_px", right),
        "subject_right": share("subject_right", [row for row in judged if not row["synonym"]]),
        "subject_right_synonym": share("subject_right", [row for row in judged if row["synonym"]]),
        "subject_psnr_db": share("subject_psnr_db", right),
        "background_psnr_db": share("background_psnr_db", judged),
        "edge_energy": share("edge_energy", right),
        "edge_correlation": share("edge_correlation", right),
        "scene_right": share("scene_right", [row for row in judged if not row["unseen"]]),
        "scene_right_unseen": share("scene_right", [row for row in judged if row["unseen"]]),
        **{name: share(name, judged) for name in ("place_right", "time_right", "weather_right")},
        "frames": len(judged),
    }


def new_engine(model: Model, take: takes.Take, steps: int, sampler: str = "stream") -> Engine:
    engine = Engine(model, sampler)
    engine.apply(list(enumerate(take.controls(steps), 1)))
    return engine


def still_takes(
    model: Model,
    detector: Detector,
    count: int,
    steps: int,
    seed: int,
    labels: tuple[str, ...] = (),
    places: Places = scenes.FIRST_PLACES,
) -> Iterator[list[dict]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        take = takes.draw_take(rng, labels=labels, places=places)
        engine = new_engine(model, take, steps)
        yield [
            judge(detector, frame.picture, take, frame.index)
            for frame in (engine.step() for _ in range(max(JUDGED) + 1))
            if frame.index in JUDGED
        ]


def switches(
    model: Model, detector: Detector, count: int, steps: int, seed: int, places: Places = scenes.FIRST_PLACES
) -> Iterator[dict]:
    """One row a take: the judgement of the sixth frame after the switch, and after how many the scene was right."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        take, other = (takes.draw_take(rng, places=places) for _ in range(2))
        scene = Scene(other.scene.place, take.scene.view, other.scene.time, other.scene.weather)
        engine = new_engine(model, take, steps)
        for _ in range(SWITCH_AT):
            engine.step()
        engine.apply([(9, Prompt(words.compose(scene.place, scene.time, scene.weather, rng), switch="recache"))])
        frames = [engine.step() for _ in range(AFTER)]
        wanted = (scene.place, scene.time, scene.weather)
        named = [detector.name(as_tensor(frame.picture)[None])[0] for frame in frames]
        first = next((n for n, found in enumerate(named, 1) if found == wanted), AFTER + 1)
        sixth = judge(detector, frames[5].picture, take, frames[5].index, scene)
        yield {**sixth, "unseen": False, "frames_to_scene": first}


def long_takes(
    model: Model, detector: Detector, count: int, steps: int, seed: int, places: Places = scenes.FIRST_PLACES
) -> Iterator[tuple[list[dict], list[dict]]]:
    """The early and the late judgements of takes of 600 frames."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        take = takes.draw_take(rng, places=places)
        engine = new_engine(model, take, steps)
        early, late = [], []
        for _ in range(601):
            frame = engine.step()
            kept = early if 20 <= frame.index <= 120 else late if frame.index >= 500 else None
            if kept is not None and frame.index % 4 == 0:
                kept.append(judge(detector, frame.picture, take, frame.index))
        yield early, late


def hand_takes(
    model: Model, count: int, steps: int, seed: int, places: Places = scenes.FIRST_PLACES
) -> Iterator[tuple[list[dict], list[dict]]]:
    """The judgements of a take before and after its switch."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        take = takes.draw_hand_take(rng, places=places)
        engine, state = Engine(model), ControlState()
        before, after = [], []
        for number in range(max(HAND_AFTER) + 1):
            sent = take.controls(number, steps)
            for control in sent:
                state = state.after(control, number)
            engine.apply([(number + 1, control) for control in sent])
            frame = engine.step()
            if number in (*HAND_BEFORE, *HAND_AFTER):
                fresh = Engine(model, start=number, state=state).step()
                true = takes.hand_truth(state, take.scene_at(number), number, frame.picture.shape[0])
                kept = before if number < take.switch else after
                kept.append({"frame": number, **judge_hand(as_tensor(frame.picture), as_tensor(fresh.picture), *true)})
        yield before, after


def jitters(model: Model, count: int, steps: int, seed: int) -> Iterator[float]:
    """Of each take the mean change, in levels of 255, of what stands still: frames a turn of the world's clock apart.

    The drawn world does not change there at all.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        take = takes.draw_take(rng)
        engine = Engine(model)
        still = Stroke("subject", take.word, take.path[:1], mode="drag", size=take.size)
        engine.apply(list(enumerate((*take.controls(steps)[:2], still), 1)))
        pictures = [engine.step().picture.astype(np.float32) for _ in range(STILL + 2 * scenes.PHASES)][STILL:]
        turns = zip(pictures[: scenes.PHASES], pictures[scenes.PHASES :], strict=True)
        yield float(np.mean([np.abs(one - other).mean() for one, other in turns]))


def judge_hand(made: torch.Tensor, fresh: torch.Tensor, picture: torch.Tensor, alpha: torch.Tensor) -> dict:
    """How like the drawn picture inside and outside the subjects (alpha), and how much of a ghost there is."""
    return {
        "subject_psnr_db": takes.subject_psnr(made, picture, alpha),
        "background_psnr_db": takes.background_psnr(made, picture, alpha),
        "ghosts": takes.ghosts(made, fresh, picture, alpha),
    }


def hand_summary(judged: list[dict]) -> dict:
    """Means over frames; `ghostly`: the share of frames in which a person would see a ghost."""
    rows = [{**row, "ghostly": row["ghosts"] > GHOSTLY} for row in judged]
    names = ("subject_psnr_db", "background_psnr_db", "ghosts", "ghostly")
    means = {name: round(float(np.mean([row[name] for row in rows])), 4) if rows else None for name in names}
    return {**means, "frames": len(rows)}


def evaluate(
    model,
    seed: int = 2026,
    count: int = 200,
    steps=(1, 2, 4, 16),
    long: int = 8,
    default_steps: int = 2,
    progress=lambda iterable, **_: iterable,
) -> dict:
    """The figures of `studio evaluate --json`.

    `count` takes a number of steps (a quarter beyond 4) and for the switch, a quarter for the hand and for
    added subjects, `long` long takes.

    Raises ValueError if the drawn world does not know the model's subjects (only the pocket model can be judged).
    """
    if not model.capabilities.labels:
        raise ValueError(f"{model.name} was not trained on the drawn world, so there is no truth to judge it by")
    began, detector = time.monotonic(), load_detector()
    places = model.capabilities.places or scenes.FIRST_PLACES
    out: dict = {"model": model.name, "weights": model.weights_id, "seed": seed, "takes": count, "steps": {}}
    for number in steps:
        takes_count = count if number <= 4 else max(1, count // 4)  # a schedule of 16 takes ten times as long
        judged = still_takes(model, detector, takes_count, number, seed, places=places)
        judged = progress(judged, total=takes_count, desc=f"{number} steps")
        out["steps"][str(number)] = summary([row for rows in judged for row in rows])
    if added := tuple(label for label in vocabulary.added() if label in model.capabilities.labels):
        takes_count = max(1, count // 4)
        judged = still_takes(model, detector, takes_count, default_steps, seed + 5, added, places)
        rows = [row for rows in progress(judged, total=takes_count, desc="added subjects") for row in rows]
        out["added"] = {"subjects": len(added), **summary(rows)}
    rows = list(progress(switches(model, detector, count, default_steps, seed + 1, places), total=count, desc="switch"))
    frames = [row["frames_to_scene"] for row in rows]
    within = float(np.mean([f <= 6 for f in frames]))
    out["switch"] = {
        **summary(rows),
        "frames_to_scene": float(np.mean(frames)),
        "frames_to_scene_p95": float(np.quantile(frames, 0.95)),
        "within_6_frames": round(within, 4),
    }
    streams = long_takes(model, detector, long, default_steps, seed + 2, places)
    pairs = list(progress(streams, total=long, desc="600 frames"))
    out["early"] = summary([row for early, _ in pairs for row in early])
    out["late"] = summary([row for _, late in pairs for row in late])
    out["jitter_levels"] = round(float(np.mean(list(jitters(model, max(1, count // 8), default_steps, seed + 6)))), 4)
    hands = max(1, count // 4)
    pairs = list(progress(hand_takes(model, hands, default_steps, seed + 4, places), total=hands, desc="hand"))
    out["hand_before"] = hand_summary([row for before, _ in pairs for row in before])
    out["hand_after"] = hand_summary([row for _, after in pairs for row in after])
    out["detector_right"] = detector_right(detector, seed + 3, places=places)
    out["seconds"] = round(time.monotonic() - began, 1)
    return out


def detector_right(detector: Detector, seed: int, count: int = 200, places: Places = scenes.FIRST_PLACES) -> float:
    """How often the detector is right on drawn frames of the same protocol: no figure above can honestly exceed it."""
    rng = np.random.default_rng(seed)
    right = []
    for _ in range(count):
        take = takes.draw_take(rng, places=places)
        scene = take.scene
        true = takes.truth(take, int(rng.integers(scenes.PHASES * 4)))
        right.append(detector.name(true.picture[None])[0] == (scene.place, scene.time, scene.weather))
    return round(float(np.mean(right)), 4)
