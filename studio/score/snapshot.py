"""An engine between two frames as bytes, so that a take may begin in mid-play and a session go on in another process.

A safetensors file: the tensors, and in its metadata a tree of JSON that says where each belongs. Classes are named by a
table, words are read again by the model, and nothing in it is ever run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import Conditioning, Mixture, Pictured, PromptStates
from studio.controls import Control, ControlError, ControlState, from_message, opening_events, to_message
from studio.geometry.noise_warp import NoiseField
from studio.kv_cache import CacheSnapshot
from studio.models.wan.video_encoder import Encoding
from studio.regional import RegionWords
from studio.samplers.boxes import DrawnPicture
from studio.samplers.causal import CausalSnapshot
from studio.samplers.context import CleanFrame
from studio.samplers.grain import Carried, Grain
from studio.samplers.picture_stream import PictureRow, PictureStreamSnapshot
from studio.samplers.pin import Pin
from studio.samplers.rows import Row
from studio.samplers.video_in import Incoming
from studio.score.format import Score, ScoreError
from studio.similarity import SimilarityState
from studio.trajectory import Placement
from studio.underpaint.pocket_stream import PocketSnapshot, pocket

if TYPE_CHECKING:
    from studio.engine import EngineSnapshot
    from studio.models.base import Model

CLASSES: dict[str, type] = {
    one.__name__: one
    for one in (
        CausalSnapshot,
        CacheSnapshot,
        Carried,
        CleanFrame,
        Conditioning,
        DrawnPicture,
        Grain,
        NoiseField,
        Encoding,
        Incoming,
        PictureRow,
        PictureStreamSnapshot,
        PocketSnapshot,
        RegionWords,
        Pin,
        Placement,
        Row,
        SimilarityState,
    )
}
PARTS = ("frame", "revision", "words", "pictures", "frame_revision", "last_picture", "similarity", "sampler", "decoder")
NEWER: dict[str, Any] = {"similarity": SimilarityState()}  # parts that older files have not


def pack_snapshot(snapshot: EngineSnapshot) -> bytes:
    """Give the bytes of a snapshot of an engine, but for the controls in force, which its score has.

    Raises ScoreError for one that holds what is no plain value: of a sampler or model that is not the studio's own.
    """
    from safetensors.torch import save

    tensors: dict[str, Tensor] = {}
    tree = {name: pack(getattr(snapshot, name), tensors) for name in PARTS}
    return save(tensors, {"tree": json.dumps(tree)})


def unpack_snapshot(score: Score, model: Model) -> EngineSnapshot:
    """Give the snapshot that a score begins with, for an engine on its model; raises ScoreError for what is none."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    from studio.engine import EngineSnapshot

    if not score.snapshot:
        raise ScoreError("the score begins with no snapshot; give a bookmark, or a take that was kept afterwards")
    try:
        tensors = load(score.snapshot)
        tree = json.loads(metadata(score.snapshot)["tree"])
        parts = {name: unpack(tree[name], tensors, model) for name in PARTS if name in tree or name not in NEWER}
    except (SafetensorError, ControlError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ScoreError(
            f"the snapshot that the score begins with cannot be read ({error!r}); "
            "it was damaged, or is of another version of the studio"
        ) from error
    return EngineSnapshot(**{**NEWER, **parts}, state=score.opening())


def last_picture(data: bytes) -> np.ndarray | None:
    """Give the picture, uint8 (H, W, 3), that was shown before a snapshot; None where none can be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        held = json.loads(metadata(data)["tree"])["last_picture"]
        return None if held is None else load(data)[held["picture"]].numpy()
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None


def metadata(data: bytes) -> dict[str, str]:
    """Read the metadata of a safetensors file in memory: eight bytes of length, then JSON."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length])["__metadata__"]


def pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Give a value as JSON; its tensors go into `tensors` by a number."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Tensor():
            return {"tensor": put(value, tensors)}
        case np.ndarray():
            return {"picture": put(torch.from_numpy(np.array(value)), tensors)}
        case tuple() | list():
            return [pack(one, tensors) for one in value]
        case Mixture():
            both = [pack(value.first, tensors), pack(value.second, tensors)]
            return {"mixture": [*both, value.weight, value.interpolation]}
        case Pictured():
            return {"pictured": [pack(value.bare, tensors), pack(value.picture, tensors), value.name]}
        case PromptStates() if isinstance(value.words, str):
            return {"words": value.words}
        case Control():
            return {"control": to_message(value)}
        case ControlState():
            return {"state": [value.frame, [[at, to_message(one)] for at, one in opening_events(value, value.frame)]]}
        case slice():
            return {"slice": [value.start, value.stop]}
        case dict():
            return {"map": {name: pack(one, tensors) for name, one in value.items()}}
    name = type(value).__name__
    if CLASSES.get(name) is not type(value):
        raise ScoreError(f"a {name} cannot be kept in a file; record a take instead, it begins with a clean start")
    return {name: {one.name: pack(getattr(value, one.name), tensors) for one in fields(value)}}


def put(tensor: Tensor, tensors: dict[str, Tensor]) -> str:
    """Take in a tensor, whole and by itself, and give its number."""
    number = str(len(tensors))
    tensors[number] = tensor.detach().to("cpu", copy=True).contiguous()
    return number


def unpack(value: Any, tensors: dict[str, Tensor], model: Model) -> Any:
    """Give what `pack` was given, its lists as tuples, its tensors on the model's device."""
    if isinstance(value, list):
        return tuple(unpack(one, tensors, model) for one in value)
    if not isinstance(value, dict):
        return value
    ((name, inner),) = value.items()
    if name == PocketSnapshot.__name__:
        model = pocket()  # whose words and tensors these are, and not those of the model that draws on it
    if name in CLASSES:
        return CLASSES[name](**{key: unpack(one, tensors, model) for key, one in inner.items()})
    return KINDS[name](inner, tensors, model)


def mixture(value: Any, tensors: dict[str, Tensor], model: Model) -> PromptStates:
    """Mix two prompts again."""
    first, second, *how = (unpack(one, tensors, model) for one in value)
    return first.mixed(second, *how)


def pictured(value: Any, tensors: dict[str, Tensor], model: Model) -> PromptStates:
    """Put words beside a picture again."""
    bare, tokens, name = (unpack(one, tensors, model) for one in value)
    return bare.with_picture(tokens, name)


def controls_at(value: Any) -> ControlState:
    """Fold the controls in force at a frame again."""
    frame, opening = value
    state = ControlState()
    for at, message in opening:
        state = state.after(from_message(message), at)
    return state.at(frame)


# What is no class of the table, by its name in the tree.
KINDS: dict[str, Callable[[Any, dict[str, Tensor], Any], Any]] = {
    "tensor": lambda value, tensors, model: tensors[value].to(model.device),
    "picture": lambda value, tensors, model: tensors[value].numpy(),
    "mixture": mixture,
    "pictured": pictured,
    "words": lambda value, tensors, model: model.prepare(value),
    "control": lambda value, tensors, model: from_message(value),
    "state": lambda value, tensors, model: controls_at(value),
    "slice": lambda value, tensors, model: slice(*value),
    "map": lambda value, tensors, model: {key: unpack(one, tensors, model) for key, one in value.items()},
}
