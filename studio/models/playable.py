"""What a model can play, told in one place: pure functions of its capabilities and its schedules.

The engine checks controls by them, the page shows what they name, a change of model keeps what they let pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from studio.controls import (
    CONTROLS,
    Backdrop,
    Camera,
    Control,
    ControlError,
    ControlState,
    CutOut,
    FreeMotion,
    Live,
    Lora,
    Pause,
    Picture,
    Place,
    Region,
    Sampling,
    Similarity,
    Sink,
    Subject,
    opening_events,
)
from studio.controls.backdrop import backdrop_of
from studio.guidance import active_guidance
from studio.pictures import decoded
from studio.samplers.forward import schedules

if TYPE_CHECKING:
    from studio.models.base import Capabilities, Model

MAX_STEPS = 16
OFFERED_STEPS = 8  # as far as the page's slider goes
FEW_STEPS = 4  # up to so many are too few for a model that was not distilled

# What a kind of control needs beside not being refused, to have an effect.
ACTS: dict[str, Callable[[Capabilities], bool]] = {
    "picture": lambda able: able.takes_pictures,
    "live": lambda able: able.redraws,
    "similarity": lambda able: able.independent and draws_from_camera(able),
    "structure": lambda able: able.independent and draws_from_camera(able),
    "lora": lambda able: bool(able.loras),
    "sink": lambda able: not able.independent,
    "region": lambda able: able.hears_regions,
    "subject": lambda able: bool(able.strokes),
    "cutout": lambda able: pastes(able),
    "backdrop": lambda able: able.strokes == "underpainting" or hears_labels(able),
    "camera_motion": lambda able: not able.independent or able.strokes == "underpainting",
    "place": lambda able: able.own_places,
    "free_motion": lambda able: able.free_motion,
}


def playable_kinds(model: Model) -> list[str]:
    """Give the kinds of control that have an effect on a model, in the order of `CONTROLS`."""
    able = model.capabilities
    return [kind for kind in CONTROLS if kind not in able.refuses and ACTS.get(kind, lambda _: True)(able)]


def draws_from_camera(able: Capabilities) -> bool:
    """Whether what moves can be drawn from: each frame from a picture of its own, or each chunk from those that came.

    A picture is to other video models their first frame.
    """
    return able.takes_pictures and (able.independent or able.redraws) and "picture" not in able.refuses


def pastes(able: Capabilities) -> bool:
    """Whether strokes move things that are pasted, and not subjects that the model knows how to draw."""
    return able.strokes in ("cutouts", "underpainting")


def hears_labels(able: Capabilities) -> bool:
    """Whether strokes' labels are heard where their subjects are."""
    return pastes(able) and able.hears_regions


def playable_parts(model: Model) -> list[str]:
    """Give the parts of controls that have an effect: "cache", "noise", "camera", "underpainting", "steps"."""
    able = model.capabilities
    parts = {
        "cache": not able.independent,
        "noise": able.independent,
        "camera": draws_from_camera(able),
        "underpainting": able.strokes == "underpainting",
        "steps": has_several_steps(model),
    }
    return [part for part, acts in parts.items() if acts]


def has_several_steps(model: Model) -> bool:
    """Whether a person can choose how many steps the model's schedule has."""
    return sum(has_schedule(model, steps) for steps in range(1, OFFERED_STEPS + 1)) > 1


def has_schedule(model: Model, steps: int) -> bool:
    """Whether the model has a schedule of so many steps."""
    try:
        return bool(model.sigmas(steps))
    except ValueError:
        return False


def advise(model: Model, sampling: Sampling) -> str:
    """Say what is to be known of a sampling that can be played but draws badly; empty where there is nothing.

    The model is not named: a page knows it by another name than the server, which has its path.
    """
    why, steps = model.capabilities.undistilled, len(sampling.t_index_list) or sampling.steps
    if not why or steps > FEW_STEPS:
        return ""
    return f"{steps} step{'s' if steps > 1 else ''} may be too few: {why}."


def check(model: Model, control: Control) -> None:
    """Raise ControlError, with the reason, for a control that the model cannot play."""
    if reason := model.capabilities.refuses.get(control.kind):
        raise ControlError(f"{model.name} takes no {control.kind}: {reason}")
    if (check_kind := CHECKS.get(type(control))) is not None:
        check_kind(model, control)


def supports(model: Model, control: Control) -> bool:
    """Whether a model can play a control."""
    try:
        check(model, control)
    except ControlError:
        return False
    return True


def check_sampling(model: Model, control: Sampling) -> None:
    """Raise ControlError for steps that the model does not have, or residual noise where there is only noise."""
    try:
        top = max(sigmas[0] for sigmas in schedules(model, control))
    except ValueError as error:
        raise ControlError(f"{model.name} cannot play {control.steps} steps: {error}") from error
    if control.delta != 1 and active_guidance(control).is_residual and top >= 1:
        raise ControlError(f"delta is {control.delta:g}; {model.name} begins at pure noise, where delta is 1: send 1")


def check_picture(model: Model, control: Picture) -> None:
    """Raise ControlError for any picture where the model takes none, and for one that cannot be decoded."""
    if not control.data:
        return
    if not model.capabilities.takes_pictures:
        raise ControlError(f"{model.name} takes no picture; choose an image model")
    decoded(control.data, model.size)


def check_similarity(model: Model, control: Similarity) -> None:
    """Raise ControlError where no frame can be skipped."""
    if control.threshold and not model.capabilities.independent:
        raise ControlError(f"{model.name} draws a moving picture, of which no frame can be skipped")


def check_live(model: Model, control: Live) -> None:
    """Raise ControlError where pictures cannot be redrawn as they come."""
    able = model.capabilities
    if control.redraw and able.takes_pictures and not (able.independent or able.redraws):
        raise ControlError(f"{model.name} has no encoder of videos: a picture can only be its first frame")


def check_lora(model: Model, control: Lora) -> None:
    """Raise ControlError for a LoRA that the model was not opened with."""
    if control.name not in (loras := model.capabilities.loras):
        raise ControlError(f"LoRA is {control.name!r}; {model.name} was opened with: {', '.join(loras) or 'none'}")


def check_region(model: Model, control: Region) -> None:
    """Raise ControlError where words are heard in the whole picture alone."""
    if control.text and not model.capabilities.hears_regions:
        raise ControlError(f"{model.name} hears one text for the whole picture; say it in the prompt")


def check_cutout(model: Model, control: CutOut) -> None:
    """Raise ControlError where what was cut out is nowhere to be pasted."""
    if not pastes(model.capabilities):
        raise ControlError(
            f"{model.name} draws the subjects that it knows by their labels and shows no cut-outs; "
            "choose a Wan student or an image model"
        )


def check_subject(model: Model, control: Subject) -> None:
    """Raise ControlError where no stroke is there to show a subject of one's own."""
    if control.data and not model.capabilities.strokes:
        why = model.capabilities.refuses.get("stroke", "it draws words alone")
        raise ControlError(f"{model.name} takes no strokes, by which a subject of your own is shown: {why}")


def check_backdrop(model: Model, control: Backdrop) -> None:
    """Raise ControlError where strokes are not painted under each picture; how labels are heard may be set beside."""
    able = model.capabilities
    only_words = hears_labels(able) and replace(Backdrop(), words=control.words) == control
    if not (control.is_absent or only_words or able.strokes == "underpainting"):
        raise ControlError(f"{model.name} paints nothing under its pictures; a backdrop is for image models")


def check_place(model: Model, control: Place) -> None:
    """Raise ControlError where no picture becomes a place that prompts say."""
    if control.data and not (able := model.capabilities).own_places:
        instead = "; here a picture can be what is drawn from, or what strokes are painted on (the backdrop)"
        raise ControlError(
            f"{model.name} has no places of one's own, which are the pocket model's"
            + (instead if able.takes_pictures and able.independent else "")
        )


def check_free_motion(model: Model, control: FreeMotion) -> None:
    """Raise ControlError where nothing stands in the picture by its name."""
    if control.on and not model.capabilities.free_motion:
        raise ControlError(
            f"{model.name} draws what its prompt says by itself; free motion is for the pocket model, "
            "which draws the subjects that it knows by their names"
        )


def check_camera(model: Model, control: Camera) -> None:
    """Raise ControlError for a motion where no picture goes on from the last, nor from what is painted under it."""
    if control.moves and not ACTS["camera_motion"](model.capabilities):
        raise ControlError(
            f"{model.name} draws pictures one by one, so no camera moves from one to the next; choose a video model"
        )


def check_view(model: Model, state: ControlState, camera: Camera) -> None:
    """Raise ControlError for a motion on an image model while nothing is there that the camera could go over."""
    if camera.moves and model.capabilities.independent and not backdrop_of(state):
        raise ControlError(
            f"{model.name} draws pictures one by one, so the camera moves over what is under them, and nothing is: "
            "start the camera, drop a picture, paint a stroke or choose a backdrop first"
        )


# What a kind of control is asked beside not being refused.
CHECKS: dict[type[Control], Callable[[Model, Any], None]] = {
    Sampling: check_sampling,
    Picture: check_picture,
    Similarity: check_similarity,
    Live: check_live,
    Lora: check_lora,
    Region: check_region,
    Backdrop: check_backdrop,
    CutOut: check_cutout,
    Subject: check_subject,
    Camera: check_camera,
    Place: check_place,
    FreeMotion: check_free_motion,
}


def nearest_sampling(model: Model, sampling: Sampling) -> Sampling:
    """Give the sampling nearest to this one that the model can play: by its steps, else without guidance's delta
    or steps of its own for the first chunk.

    Raises ValueError for a model that has no schedule at all.
    """
    if supports(model, sampling):
        return sampling
    for steps in sorted(range(1, MAX_STEPS + 1), key=lambda steps: abs(steps - sampling.steps)):
        for delta, first in product((sampling.delta, 1.0), (sampling.first_steps, 0)):
            wanted = replace(sampling, steps=steps, delta=delta, t_index_list=(), first_steps=first)
            if supports(model, wanted):
                return wanted
    raise ValueError(f"{model.name} has no schedule of 1 to {MAX_STEPS} steps")


def initial_state(model: Model) -> ControlState:
    """Give the controls in force before anybody sends any: the steps and the sink's policy the model was made for."""
    able = model.capabilities
    sink = Sink(able.sink_policy)
    others = () if sink == Sink.initial() else (sink,)
    begun = Sampling(steps=able.steps, follow=able.follow)
    begun = replace(begun, strength=able.preview) if able.preview else begun
    return ControlState.of(nearest_sampling(model, begun), *others)


def adapt(model: Model, state: ControlState, frame: int) -> tuple[ControlState, dict[str, str]]:
    """Give what of the controls in force at a frame a model plays, and the kinds it does not, each with the reason.

    Sampling that it cannot play becomes the nearest it can.
    """
    kept, refused = ControlState.of(Pause(state[Pause].paused)), dict[str, str]()
    for since, control in opening_events(state, frame):
        try:
            check(model, control)
        except ControlError as error:
            refused[control.kind] = str(error)
            if not isinstance(control, Sampling):
                continue
            control = nearest_sampling(model, control)
        kept = kept.after(control, since)
    return kept, refused
