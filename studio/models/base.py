"""What can be played: the contract between a model and the samplers and engine that play it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import Conditioning, FrameInputs, PromptStates, Rows

if TYPE_CHECKING:
    from PIL.Image import Image

    from studio.kv_cache import KVCache

NO_LORAS: Mapping[str, float] = MappingProxyType({})
# How a model plays strokes, each with what a person should know of it in one line.
STROKES: Mapping[str, str] = MappingProxyType(
    {
        "": "",
        "tracks": "The model follows painted subjects by itself: name one and paint it.",
        "cutouts": "What is taken hold of, or named and painted, is pasted in; the model draws on from there.",
        "underpainting": "What is taken hold of, or named and painted, lies under each picture; the model redraws it.",
    }
)


class Decoder(Protocol):
    """Latents to pictures, one stream's: it may hold state from frame to frame."""

    def decode(self, latents: Tensor, inputs: FrameInputs = ...) -> list[np.ndarray]:
        """uint8 (H, W, 3) pictures of latents (F, C, h, w) that follow what was decoded: one of each, or several.

        inputs: what a person set for these F latents, for a decoder that draws what was painted.
        """
        ...

    def snapshot(self) -> Any: ...

    def restore(self, state: Any, /) -> None: ...


class StreamEncoder(Protocol):
    """Pictures to latents as they come: a stream carries its state. lead: how often a start repeats the first one."""

    lead: int

    def start(self) -> Any:
        """Give the state of a stream that has encoded nothing."""
        ...

    def encode(self, pictures: Tensor, state: Any, /) -> tuple[Tensor, Any]:
        """Encode pictures (n, 3, H, W) in 0..1 that follow a state: latents (m, C, h, w), and the new state."""
        ...


def encode_whole(encoder: StreamEncoder, pictures: Tensor, several: int) -> Tensor:
    """Encode a whole clip (1 + several n, 3, H, W) in 0..1 as latents (1 + n, C, h, w), each of `several` pictures.

    Where the encoder's lead leaves a last latent short, the last picture is repeated, as TAEHV's published code does.
    """
    missing = -(len(pictures) + encoder.lead) % several
    return encoder.encode(torch.cat([pictures, pictures[-1:].expand(missing, -1, -1, -1)]), encoder.start())[0]


class Stateless:
    """The state of a decoder that remembers nothing."""

    def snapshot(self) -> None:
        return None

    def restore(self, state: None) -> None:
        return None


@dataclass(frozen=True)
class Capabilities:
    """What a model can do, and how it is meant to be played: a value that never changes while it plays.

    Args:
        size: pixels (H, W) of a picture.
        latent: (C, h, w) of a frame, about unit variance.
        chunk: latent frames denoised as one.
        sink, window: latent frames its cache keeps, the first and the last ones.
        independent: whether its frames do not see each other, as an image model's: it then has no cache, each frame in
            flight keeps the controls it began under, and noise is held from frame to frame, or drifts.
        sampler, steps: what it was distilled for, and is played with unless told.
        first_chunk: latent frames of the first chunk after a clean start; 0: as many as of the others.
        first_frame_steps: steps of the first chunk after a clean start, where they are more than the others'; what it
            has unless a person says so (`Sampling.first_steps`).
        flow_map: whether a step goes from one noise level to the next, both of which the net is told, without noise
            anew between steps (`Rows.targets`): the noise a frame begins from is all that is random in it.
        recache: how its checkpoint learned to be recached, "causal" or "bidirectional".
        sink_policy: what becomes of its sink at a prompt switch unless told, a policy of `controls.Sink`.
        takes_pictures: whether `Model.encode_picture` works.
        hears_regions: whether words can be heard in a part of the picture (`Conditioning.regions`).
        own_places: whether a picture can become a place that prompts say (`FrameInputs.places`).
        free_motion: whether it draws what the prompt names without a stroke, see `controls.FreeMotion`.
        told_picture: whether a video model is told the picture with every frame, and draws the first one itself.
        follow: the share of its noise that goes along with motion unless told, see `controls.Sampling`.
        preview: the strength at which its chunks begin from the crude picture of what strokes and camera move, unless
            told (`Sampling.strength`); 0: they begin from noise, and the picture is held between steps alone.
        redraws: whether a video model has a `Model.video_encoder`, by which it redraws pictures as they come.
        pictures: how many a latent stands for; where it is several, the first after a clean start stands for one.
        decodes_beside: whether a picture may be decoded on one thread while the next is begun on another, and that pays
            where there are two cores: a model that draws on one core, and makes a picture of each latent.
        refuses: the kinds of control it cannot play, each with the reason in words for the person who sent it.
        strokes: how it plays strokes, a key of `STROKES`; "" where it refuses them, whatever is given.
        labels: the subjects it knows.
        places: the drawn world's places that it was trained on; none in weights that are older than this.
        loras: the names of the LoRAs it was opened with.
        notices: what a person should know of how it was opened, in words, as what of a LoRA is left aside.
        undistilled: what says that a few steps are too few for it, in words; empty where it was distilled for them.
        device: where its latents are.
    """

    size: tuple[int, int]
    latent: tuple[int, int, int]
    chunk: int = 1
    sink: int = 0
    window: int = 0
    independent: bool = False
    sampler: str = "stream"
    steps: int = 2
    first_chunk: int = 0
    first_frame_steps: int = 1
    flow_map: bool = False
    recache: str = "causal"
    sink_policy: str = "recache"
    takes_pictures: bool = False
    hears_regions: bool = False
    own_places: bool = False
    free_motion: bool = False
    told_picture: bool = False
    follow: float = 0.0
    preview: float = 0.0
    redraws: bool = False
    pictures: int = 1
    decodes_beside: bool = False
    refuses: Mapping[str, str] = field(default_factory=dict)
    strokes: str = "tracks"
    labels: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    undistilled: str = ""
    device: torch.device | str = "cpu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "refuses", MappingProxyType(dict(self.refuses)))
        if "stroke" in self.refuses:
            object.__setattr__(self, "strokes", "")
        if self.strokes not in STROKES:
            raise ValueError(f"strokes is {self.strokes!r}; possible: {', '.join(map(repr, STROKES))}")
        if self.decodes_beside and (self.chunk, self.pictures) != (1, 1):
            raise ValueError(
                f"decodes_beside is for one picture a chunk, not {self.chunk * self.pictures}; leave it out"
            )
        if self.decodes_beside and self.strokes == "cutouts":
            raise ValueError("decodes_beside is not for strokes as cutouts, pasted on the last picture; leave it out")


class Model(ABC):
    """A model that can be played. Its weights are shared by all sessions; all state is in caches and decoders.

    name: what a score's header calls it; weights_id: 12 hex digits of the weights' sha256. video_encoder: what encodes
    pictures as they come, shared by all streams; only of a model whose capabilities say that it redraws them.
    """

    name: str
    weights_id: str
    capabilities: Capabilities
    video_encoder: StreamEncoder

    @property
    def size(self) -> tuple[int, int]:
        """Pixels (H, W) of a picture."""
        return self.capabilities.size

    @property
    def latent(self) -> tuple[int, int, int]:
        """(C, h, w) of a frame."""
        return self.capabilities.latent

    @property
    def chunk(self) -> int:
        """Latent frames denoised as one."""
        return self.capabilities.chunk

    @property
    def sink(self) -> int:
        """Latent frames the cache keeps for ever, the first ones."""
        return self.capabilities.sink

    @property
    def window(self) -> int:
        """Latent frames the cache keeps beside the sink, the last ones."""
        return self.capabilities.window

    @property
    def device(self) -> torch.device | str:
        """Where latents are."""
        return self.capabilities.device

    def with_defaults(self, name: str, **played_with: Any) -> Self:
        """Take another name and other defaults (`loader.DEFAULTS`); for whoever loads it, before it plays."""
        self.name, self.capabilities = name, replace(self.capabilities, **played_with)
        return self

    @abstractmethod
    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give noise levels in (0, 1], highest first; ValueError for a number of steps the model cannot play.

        strength in (0, 1]: how far up the schedule begins, below 1 only for frames that begin from a picture.
        """

    def sigmas_at(self, t_index_list: Sequence[int]) -> tuple[float, ...]:
        """Give the noise levels of StreamDiffusion's list of timesteps; ValueError where levels have no timesteps."""
        raise ValueError("its noise levels have no timesteps; send an empty t_index_list, and steps")

    @abstractmethod
    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        """Read a prompt, also the empty one: the first phase of conditioning, which may be slow.

        Called at every tick, from any thread: the same words give the same object while they are remembered. What of
        them is not read as it is written, its states say (`PromptStates.remarks`).
        loras: weights by name, for a model whose LoRAs change how words are read.
        """

    @abstractmethod
    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make what frames are told, by their numbers: the second phase, a fast function of its arguments.

        `conditioning.condition_frames` does both phases for the controls in force.
        """

    @abstractmethod
    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Give the clean latents (F, C, h, w), float32, of noisy rows.

        Args:
            rows: see `Rows`; of an independent model they may be parts of latents, with tracks of the same part.
            cache: what the rows see beside each other; None for an independent model.
            write: the first so many rows are clean, and are kept in the cache.
            causal: whether a row sees only rows before it; see `CausalWan.forward`.
        """

    def new_cache(self) -> KVCache:
        """Make an empty cache for one stream; TypeError for a model whose frames do not see each other."""
        raise TypeError(f"{self.name} keeps no past: it has no cache; play it with PictureStream")

    def encode_picture(self, picture: bytes | np.ndarray | Image) -> Tensor:
        """Give the latent (C, h, w) of a picture that came in, encoded as JPEG, PNG or WebP, cropped to the size.

        TypeError unless the model's capabilities say that it takes pictures.
        """
        raise TypeError(f"{self.name} takes no picture; choose an image model")

    def new_decoder(self) -> Decoder:
        """Make a decoder for one stream, at its start; TypeError for a model that is only asked for latents."""
        raise TypeError(f"{self.name} has no decoder: it gives latents alone")

    def reads(self, label: str) -> tuple[str, bool]:
        """Give the subject a label is drawn as, and whether the model knows the word."""
        return label, True
