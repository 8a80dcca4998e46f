"""What a model is told about the frames it draws, beside their noisy latents.

In two phases. `Model.prepare` reads a prompt, which may be slow, and gives its `PromptStates`; `Model.condition` makes
from them and from `FrameInputs`, all else that a person set, the `Conditioning` of some frames. No model sees a
control.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar, cast
from weakref import WeakValueDictionary, ref

import numpy as np
import torch
from torch import Tensor, nn

from studio.controls import (
    FreeMotion,
    OwnSubject,
    Picture,
    Prompt,
    Sampling,
    Structure,
    active_prompts,
    lora_weights,
    own_subjects,
    strokes,
)
from studio.controls.place import own_places
from studio.controls.stance import moves
from studio.regional import Pictures, RegionWords, words_by_region
from studio.trajectory import Placement, placements

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.models.base import Model

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class PromptStates:
    """The token states of a prompt, and what models computed from them: keys and values, a remembered place.

    The object is the text: the same object means the same words, so nothing on an accelerator is looked at to tell.
    What was computed lives as long as it, or until it is forgotten.
    """

    def __init__(self, states: Tensor, apart: int = 0, remarks: Sequence[str] = (), words: Hashable = None) -> None:
        """states: (L, D); not to be written to from now on. apart: so many of the last of them are no token's.

        remarks: sentences for whoever wrote the prompt, on what of it is not read as it is written: signs that are
        letters to the model, words past its limit. words: what they were read from, where that is known.
        """
        self.states, self.apart, self.remarks, self.words = states, apart, tuple(remarks), words
        self._computed: dict[Hashable, object] = {}
        self._mixtures: WeakValueDictionary[Hashable, Mixture] = WeakValueDictionary()
        self._pictured: WeakValueDictionary[str, Pictured] = WeakValueDictionary()

    def computed(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Give what `compute` gave for this key the first time, here or on another thread."""
        if (known := self._computed.get(key)) is None:
            known = self._computed.setdefault(key, compute())
        return cast(T, known)

    def forget(self, key: Hashable) -> None:
        """Let go of what was computed for a key."""
        self._computed.pop(key, None)

    def holds(self, key: Hashable) -> bool:
        """Whether something is kept for a key."""
        return key in self._computed

    def blended(self, of: Callable[[PromptStates], Tensor]) -> Tensor:
        """Give a tensor that depends on a prompt, of a mixture mixed as its states are."""
        return of(self)

    def with_picture(self, tokens: Tensor, name: str) -> Pictured:
        """Give the same words beside a picture's tokens (N, E); name: tells pictures apart.

        The same object while anybody holds it, as of `mixed`.
        """
        if (pictured := self._pictured.get(name)) is None:
            pictured = self._pictured.setdefault(name, Pictured(self, tokens, name))
        return pictured

    def beside(self, other: PromptStates) -> PromptStates:
        """Give these words beside the picture that other words are told beside, if they are."""
        return self.with_picture(other.picture, other.name) if isinstance(other, Pictured) else self

    def mixed(self, other: PromptStates, weight: float, interpolation: str = "linear") -> PromptStates:
        """Give (1 - weight) of these states and `weight` of the other's; see `in_one_length` and `INTERPOLATE`.

        A weight of 0 or 1 gives one of the two itself. The same mixture is the same object while anybody holds it.
        """
        if weight <= 0 or weight >= 1:
            return other if weight >= 1 else self
        key = (ref(other), weight, interpolation)
        if (mixture := self._mixtures.get(key)) is None:
            mixture = self._mixtures.setdefault(key, Mixture(self, other, weight, interpolation))
        return mixture


class Mixture(PromptStates):
    """The states of two prompts, mixed by weight: two texts of a mix, or one prompt passing into another."""

    def __init__(self, first: PromptStates, second: PromptStates, weight: float, interpolation: str = "linear") -> None:
        super().__init__(INTERPOLATE[interpolation](*in_one_length(first, second), weight), first.apart)
        self.first, self.second, self.weight, self.interpolation = first, second, weight, interpolation

    def blended(self, of: Callable[[PromptStates], Tensor]) -> Tensor:
        """Give what depends on a prompt, mixed by the same weight; always in a line, as pictures are."""
        return torch.lerp(self.first.blended(of), self.second.blended(of), self.weight)


class Pictured(PromptStates):
    """The states of a prompt beside a picture's tokens: what an image-to-video net is told; see `with_picture`."""

    def __init__(self, bare: PromptStates, picture: Tensor, name: str) -> None:
        super().__init__(bare.states, bare.apart, bare.remarks, bare.words)
        self.bare, self.picture, self.name = bare, picture, name

    def blended(self, of: Callable[[PromptStates], Tensor]) -> Tensor:
        """Give what depends on the prompt alone, as its own states give it."""
        return self.bare.blended(of)


def slerp(first: Tensor, second: Tensor, weight: float) -> Tensor:
    """Go by `weight` along the arc from one tensor's vectors to another's, (..., D) each (Shoemake 1985).

    Each vector of the last axis for itself, by the angle between the two; their lengths pass into one another too.
    Where the two point (nearly) the same or the opposite way, or one is zero, there is no arc: they are mixed linearly.
    """
    one, other = first.float(), second.float()
    angle = nn.functional.cosine_similarity(one, other, dim=-1)[..., None].clamp(-1, 1).acos()
    sine = angle.sin()
    arc = (((1 - weight) * angle).sin() * one + (weight * angle).sin() * other) / sine
    is_straight = (sine < STRAIGHT) | (one.norm(dim=-1) * other.norm(dim=-1) == 0)[..., None]
    return torch.where(is_straight, torch.lerp(one, other, weight), arc).to(first.dtype)


STRAIGHT = 0.03  # sine of the angle, below which a line and an arc differ by less than 1 / 8,000
# How states pass into others; the names are those of `controls.prompt.INTERPOLATIONS`.
INTERPOLATE: Mapping[str, Callable[[Tensor, Tensor, float], Tensor]] = {"linear": torch.lerp, "slerp": slerp}
MOST_BLENDED = 32 * 77  # token states of a mixture of prompts of other lengths, unless one of them has more


def in_one_length(first: PromptStates, second: PromptStates) -> tuple[Tensor, Tensor]:
    """Give the states of two prompts as (L, D) each: where one has more tokens, both as often as makes them equal.

    Cross-attention is a mean over tokens, so that a prompt said twice is to it the prompt said once. Where that would
    take more than `MOST_BLENDED` states (of 53 and 54 chunks it is 2,862), the longer is said as often as there is room
    for, and of the shorter the last time is cut short.
    """
    apart, sizes = first.apart, [len(one.states) - one.apart for one in (first, second)]
    if sizes[0] == sizes[1]:
        return first.states, second.states
    longest = max(sizes)
    length = min(math.lcm(*sizes), max(MOST_BLENDED // longest, 1) * longest)
    parts = [(one.states[:size], one.states[size:]) for one, size in zip((first, second), sizes)]
    long = [torch.cat([tokens.repeat(-(-length // len(tokens)), 1)[:length], rest[:apart]]) for tokens, rest in parts]
    return long[0], long[1]


class _Entry:
    """A prompt that is remembered, once it has been read."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.states: PromptStates | None = None


class PromptMemory(Generic[K]):
    """The last prompts a model has read. Each is encoded once, however many threads ask, and none waits for another's.

    encode: key -> token states (L, D); the key is the text, or the text and what else its states depend on. apart: so
    many of the last states are no token's. remarks: key -> what of the text is not read as it is written.
    """

    def __init__(
        self,
        encode: Callable[[K], Tensor],
        size: int,
        apart: int = 0,
        remarks: Callable[[K], Sequence[str]] = lambda key: (),
    ) -> None:
        self._encode, self._size, self._apart, self._remarks = encode, size, apart, remarks
        self._entries: OrderedDict[K, _Entry] = OrderedDict()
        self._lock = Lock()

    def __call__(self, key: K) -> PromptStates:
        """Give the states of a prompt, encoding it if it is new."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
        if entry.states is None:
            with entry.lock:
                if entry.states is None:
                    entry.states = PromptStates(self._encode(key), self._apart, self._remarks(key), key)
        return entry.states


@dataclass(frozen=True)
class OwnPlace:
    """A place of a person's own: its name, the files of its pictures, and the time of day that they show.

    shares: of each frame, how far it has gone to the second picture (`end`), 0..1.
    """

    name: str
    data: bytes
    time: str = "day"
    end: bytes = b""
    shares: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class FreeInputs:
    """What a model needs to know to have things move by themselves, see `controls.FreeMotion`.

    text: that is heard most; frames: the frames' numbers; moving: of each frame, whether each painted subject moves.
    """

    text: str
    frames: tuple[int, ...]
    moving: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class FrameInputs:
    """All that frames are told beside their prompt, as plain values.

    Args:
        placements: of each frame the painted subjects, in the order of drawing; as many tuples as frames.
        subjects: a person's own, which labels may name before all that the model knows.
        seed: 0..2**64-1.
        loras: weights by name.
        guidance_scale: what a distilled model is told to draw with; 1 where guidance is made outside of it.
        picture: the encoded picture that came in, empty for none.
        painted: the underpainting that takes its place, uint8 (H, W, 3) of the model's size, where there is one.
        structure_strength, structure_look: of the ControlNet: 0..2, and "edges" or "picture".
        begun: the number of a video model's first latent frame since a clean start.
        places: a person's own, the one whose name wins first; for a model that draws them.
        free: what moves by itself; None where nothing is to.
    """

    placements: tuple[tuple[Placement, ...], ...] = ()
    subjects: tuple[OwnSubject, ...] = ()
    seed: int = 0
    loras: Mapping[str, float] = field(default_factory=dict)
    guidance_scale: float = 1.0
    picture: bytes = b""
    structure_strength: float = 0.0
    structure_look: str = "edges"
    painted: np.ndarray | None = None
    begun: int = 0
    places: tuple[OwnPlace, ...] = ()
    free: FreeInputs | None = None


NOTHING_SET = FrameInputs()


def frame_inputs(state: ControlState, frames: Sequence[int], begun: int = 0) -> FrameInputs:
    """Give what the controls in force say of frames, by their numbers; begun: see `FrameInputs`."""
    sampling, structure, painted = state[Sampling], state[Structure], strokes(state)
    return FrameInputs(
        placements=tuple(tuple(placements(painted, int(frame))) for frame in frames),
        subjects=own_subjects(state),
        seed=sampling.seed,
        loras=lora_weights(state),
        guidance_scale=sampling.scale if sampling.guidance == "none" else 1.0,
        picture=state[Picture].data,
        structure_strength=structure.strength,
        structure_look=structure.look,
        begun=begun,
        places=places_of(state, frames),
        free=free_inputs(state, frames) if state[FreeMotion].on else None,
    )


def free_inputs(state: ControlState, frames: Sequence[int]) -> FreeInputs:
    """Give what the controls in force say of what moves by itself."""
    painted = strokes(state).values()
    moving = tuple(tuple(moves(stroke, int(frame) - since) for stroke, since in painted) for frame in frames)
    return FreeInputs(heard_most(state), tuple(map(int, frames)), moving)


def heard_most(state: ControlState) -> str:
    """Give the text that weighs most in the frame being drawn, of several alike the one that came last."""
    weights: dict[str, float] = {}
    for prompt, _, weight in active_prompts(state):
        weights = {text: (1 - weight) * before for text, before in weights.items()}
        for text, share in prompt.heard:
            weights[text] = weights.get(text, 0.0) + weight * share
    return max(reversed(weights), key=weights.__getitem__)


def places_of(state: ControlState, frames: Sequence[int]) -> tuple[OwnPlace, ...]:
    """Give the places of a person's own, as they are in frames."""
    return tuple(
        OwnPlace(one.name, one.data, one.time, one.end, tuple(one.share(int(frame) - held.frame) for frame in frames))
        for held in own_places(state)
        for one in (held.control,)
    )


def prompt_states(model: Model, state: ControlState) -> PromptStates:
    """Give the words in force in the frame being drawn: while a prompt blends in, their mixture."""
    loras = lora_weights(state)
    (first, *_), *later = active_prompts(state)
    states = states_of(model, first, loras)
    for prompt, _, weight in later:
        states = states.mixed(states_of(model, prompt, loras), weight, prompt.interpolation)
    return states


def states_of(model: Model, prompt: Prompt, loras: Mapping[str, float]) -> PromptStates:
    """Give the states of a prompt, of a mix those of its texts, mixed in turn.

    Each text comes to those before it by its share of what they are together: of linear states that is their mean by
    weight, in any order; of spherical ones the order of the texts counts.
    """
    (text, total), *others = prompt.heard
    states = model.prepare(text, loras)
    for text, share in others:
        total += share
        states = states.mixed(model.prepare(text, loras), share / total, prompt.interpolation)
    return states


def condition_frames(
    model: Model,
    state: ControlState,
    frames: Sequence[int],
    negative: bool = False,
    painted: np.ndarray | None = None,
    begun: int = 0,
    placed: Sequence[Pictures] | None = None,
) -> Conditioning:
    """Give what a model is told of frames, by their numbers, under the controls in force, or the negative prompt.

    painted: the underpainting, where a frame begins from one. begun: the number of a video model's first latent frame
    since a clean start. placed: see `words_by_region`.
    """
    states = model.prepare(state[Prompt].negative) if negative else prompt_states(model, state)
    inputs = frame_inputs(state, frames, begun)
    cond = model.condition(states, inputs if painted is None else replace(inputs, painted=painted), frames)
    heard = () if negative else words_by_region(model, state, frames, placed)
    return replace(cond, regions=heard) if heard else cond


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What one forward is told about F latent frames, one row a frame.

    prompts: F states, of the words each frame is drawn under; the same object where they are the same words.
    tracks: (F, K, h, w) track map and other extra input channels; K may be 0.
    extra: whatever else a model's rows are told, by name, each (F, ...): a control picture, LoRA weights.
    regions: of each frame the words that are heard in a part of it; () where there are none in any.
    """

    prompts: tuple[PromptStates, ...]
    tracks: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    regions: tuple[tuple[RegionWords, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.tracks.ndim != 4 or len(self.prompts) != len(self.tracks):
            raise ValueError(
                f"{len(self.prompts)} prompts and tracks {tuple(self.tracks.shape)} do not describe the same frames; "
                "give F prompts and (F, K, h, w)"
            )

    def __len__(self) -> int:
        return len(self.prompts)

    @staticmethod
    def of(text: Tensor, tracks: Tensor, extra: Mapping[str, Tensor] | None = None) -> Conditioning:
        """Make it from token states, (L, D) of all frames or (F, L, D) of each, as new texts."""
        one = (PromptStates(text),) * len(tracks) if text.ndim == 2 else tuple(map(PromptStates, text))
        return Conditioning(one, tracks, extra or {})

    @property
    def is_one_text(self) -> bool:
        """Whether all frames are drawn under the same words."""
        return all(states is self.prompts[0] for states in self.prompts)

    @property
    def text(self) -> Tensor:
        """(F, L, D): the frames' token states, without a copy where they are the same words."""
        if self.is_one_text:
            return self.prompts[0].states.expand(len(self), -1, -1)
        return torch.stack([states.states for states in self.prompts])

    def rows(self, index: slice | Sequence[int]) -> Conditioning:
        """Give the conditioning of some of the frames: a slice, or their places in a list."""
        places = range(len(self))[index] if isinstance(index, slice) else index
        return Conditioning(
            tuple(self.prompts[place] for place in places),
            self.tracks[index],
            {name: part[index] for name, part in self.extra.items()},
            tuple(self.regions[place] for place in places) if self.regions else (),
        )

    def with_text(self, states: PromptStates) -> Conditioning:
        """Give the same frames under other words; each keeps its picture."""
        return replace(self, prompts=tuple(states.beside(one) for one in self.prompts))

    @staticmethod
    def cat(parts: Sequence[Conditioning]) -> Conditioning:
        """Give all rows, in the order of the parts."""
        heard = any(part.regions for part in parts)
        return Conditioning(
            tuple(states for part in parts for states in part.prompts),
            torch.cat([part.tracks for part in parts]),
            {name: torch.cat([part.extra[name] for part in parts]) for name in parts[0].extra},
            tuple(row for part in parts for row in part.regions or [()] * len(part)) if heard else (),
        )


@dataclass(frozen=True, eq=False)
class BatchConditioning:
    """What a training forward is told about B clips of F frames: text (B, F, L, D) and tracks (B, F, K, h, w)."""

    text: Tensor
    tracks: Tensor

    def __post_init__(self) -> None:
        if self.text.ndim != 4 or self.text.shape[:2] != self.tracks.shape[:2]:
            raise ValueError(
                f"text {tuple(self.text.shape)} and tracks {tuple(self.tracks.shape)} do not describe the same frames; "
                "give (B, F, L, D) and (B, F, K, h, w)"
            )


@dataclass(frozen=True, eq=False)
class Rows:
    """What one forward denoises: F rows, each a noisy latent at its own level.

    Args:
        x: (F, C, h, w); for a model whose frames are independent h and w may be a part's.
        sigma: F noise levels in 0..1; plain numbers, so that no accelerator is waited for.
        cond: what the F rows are told.
        frames: F frame numbers. Rows of one number are alternatives, as a prompt and its negative.
        targets: the levels that the rows go on to, 0 for the last step and for clean rows; what a model of flow maps
            is told beside sigma. Empty where nobody said: then all go to 0.
    """

    x: Tensor
    sigma: tuple[float, ...]
    cond: Conditioning
    frames: tuple[int, ...]
    targets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        counts = {len(self.x), len(self.sigma), len(self.cond), len(self.frames)}
        if len(counts) != 1:
            raise ValueError(
                f"rows of {len(self.x)} latents, {len(self.sigma)} levels, {len(self.cond)} conditionings and "
                f"{len(self.frames)} frame numbers; give as many of each"
            )

    def __len__(self) -> int:
        return len(self.frames)

    @staticmethod
    def cat(parts: Sequence[Rows]) -> Rows:
        """Give all rows, in the order of the parts."""
        return Rows(
            torch.cat([part.x for part in parts]),
            tuple(level for part in parts for level in part.sigma),
            Conditioning.cat([part.cond for part in parts]),
            tuple(frame for part in parts for frame in part.frames),
            tuple(level for part in parts for level in part.targets or (0.0,) * len(part)),
        )
