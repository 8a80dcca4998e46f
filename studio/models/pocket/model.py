"""The pocket model: the embedded one, small enough to generate live on two CPU cores.

Drawn world -> autoencoder (16x16 cells) -> causal diffusion transformer (the Wan class, 64 tokens a frame). What a
frame is told: the prompt as one sentence vector, the painted strokes as a track map, and as constant channels where
each cell is, what the world's clock says and which layout the seed chose; and the place the prompt recalls, which is
also the mean around which the model diffuses.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.conditioning import NOTHING_SET, Conditioning, FrameInputs, OwnPlace, PromptMemory, PromptStates, Rows
from studio.hub.machine import usable_cores
from studio.models.base import NO_LORAS, Capabilities, Model, Stateless
from studio.models.errors import MissingWeights
from studio.models.finite import check_finite, to_pictures
from studio.models.pocket.appearance import MAP, TRACK_CHANNELS, AppearanceMemory, draw_track, fold, read_label
from studio.models.pocket.autoencoder import PATCH, Autoencoder
from studio.models.pocket.decoder import SIZES
from studio.models.pocket.free_motion import all_placed, labels_in
from studio.models.pocket.guide import Levels, draw_guide, sprite_levels
from studio.models.pocket.own_place import OwnPlaces, said_in
from studio.models.pocket.own_subjects import FILTER, named, plane_of, read_filter
from studio.models.pocket.place_memory import PlaceMemory
from studio.models.pocket.poses import posed_levels, posed_plane
from studio.models.pocket.sentence_encoder import DIMENSIONS, text_encoder
from studio.models.prompt_syntax import not_read
from studio.models.wan.causal_wan import CausalWan
from studio.schedule import sigmas
from studio.trajectory import Placement
from studio.world.subject_pictures import subject_picture

if TYPE_CHECKING:
    from studio.controls import OwnSubject
    from studio.kv_cache import KVCache

WEIGHTS = Path(__file__).parent / "weights"
SIZE = 256  # of what is encoded; pictures come out at one of `SIZES`
CELLS = SIZE // PATCH
CLOCK = 8  # the drawn world's animation repeats every 8 frames
VIEWS = 4  # layouts a place has; the seed chooses
TOKENS = 4
COORDINATES = 14
CONSTANTS = COORDINATES + CLOCK + VIEWS
# Of the schedule. What a frame shows is nearly determined by what it is told, so lower levels buy nothing, and at them
# the model leans on its own earlier guess: mistakes then live on (docs/log.md, "Ghosts").
SHIFT = 100.0
FIRST_FRAME_STEPS = 4  # it has no past to lean on
ALONE = "it draws from words and strokes alone"
REFUSES: dict[str, str] = dict.fromkeys(("picture", "similarity", "structure", "lora"), ALONE)
MIXED, FAINT = 4, 0.02  # at most so many subjects are mixed in a label's picture, each by at least such a share
NO_FILTER = (
    "{} is missing, by which a picture becomes what it draws; `studio train` writes it, or reinstall the package"
)
FILES = ("codec", "transformer", "memory", "places")


@lru_cache(maxsize=1)
def _signs() -> Tensor:
    """(4, 384) of +-1: four fixed Walsh patterns."""
    steps = torch.arange(DIMENSIONS)
    return torch.stack([1.0 - 2.0 * ((steps >> k) & 1) for k in range(TOKENS)])


def text_tokens(vectors: Tensor) -> Tensor:
    """Give what cross-attention reads: sentence vectors (..., 384) -> (..., 4, 384).

    One sentence vector gives four tokens of unit variance, its signs flipped by four fixed Walsh patterns: different
    parts of a picture can then attend to different readings of the same sentence.
    """
    return vectors.unsqueeze(-2) * math.sqrt(DIMENSIONS) * _signs().to(vectors)


def sentence_tokens(text: str) -> Tensor:
    """Read a text as the four tokens (4, 384) of its sentence vector."""
    return text_tokens(text_encoder()([text])[0])


def sentence_remarks(text: str) -> list[str]:
    """Say what of a prompt is letters to it, and where one of more than 126 word pieces ends."""
    return not_read(text, "pocket", text_encoder().read_so_far(text))


def sentence_of(tokens: Tensor) -> Tensor:
    """Give the sentence vectors (..., 384) that `text_tokens` was given."""
    return tokens[..., 0, :] * _signs()[0].to(tokens) / math.sqrt(DIMENSIONS)


def denoise_around(mean: Tensor, x: Tensor, sigma: Tensor, denoise: Callable[[Tensor], Tensor]) -> Tensor:
    """Denoise what differs from `mean`: x0 = mean + y0, so y = x - (1 - sigma) mean is as noisy as x.

    mean, x: (..., C, h, w); sigma (...); denoise: y -> y0.
    """
    return mean + denoise(x - (1 - sigma)[..., None, None, None] * mean)


def constant_channels(phases: Tensor, views: Tensor) -> Tensor:
    """Say where each cell is, what the clock says and which layout the seed chose: (F,), (F,) -> (F, 26, 16, 16)."""
    place = _coordinates().to(phases.device).expand(len(phases), -1, -1, -1)
    flags = torch.cat([F.one_hot(phases % CLOCK, CLOCK), F.one_hot(views, VIEWS)], 1).float()
    return torch.cat([place, flags[:, :, None, None].expand(-1, -1, CELLS, CELLS)], 1)


@lru_cache(maxsize=1)
def _coordinates() -> Tensor:
    line = (torch.arange(CELLS) + 0.5) / CELLS * 2 - 1
    waves = [line] + [wave(math.pi * k * line) for k in (0.5, 1, 2) for wave in (torch.sin, torch.cos)]
    down = [w[:, None].expand(CELLS, CELLS) for w in waves]
    across = [w[None, :].expand(CELLS, CELLS) for w in waves]
    return torch.stack(down + across)


class PocketNet(nn.Module):
    """Everything that is trained, in four parts: codec, transformer, memory of subjects and of places.

    config: the arguments of each: "codec" (Autoencoder), "transformer" (WanTransformer3DModel), "memory"
    (AppearanceMemory), "places" (PlaceMemory).
    """

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

        self.config = config
        self.codec = Autoencoder(**config["codec"])
        channels = config["codec"]["channels"]
        self.transformer = WanTransformer3DModel(
            patch_size=(1, 2, 2),
            in_channels=2 * channels + TRACK_CHANNELS + CONSTANTS,
            out_channels=channels,
            text_dim=DIMENSIONS,
            freq_dim=256,
            cross_attn_norm=True,
            rope_max_seq_len=32,
            **config["transformer"],
        )
        self.memory = AppearanceMemory(**config["memory"])
        self.places = PlaceMemory(**config["places"])
        self.denoiser = CausalWan(self.transformer, prediction="wiener")

    def save(self, folder: Path, about: dict[str, Any], dtype: torch.dtype = torch.bfloat16) -> None:
        """Write the parts as safetensors, and config.json with `about` (subjects, words, recipe) beside them."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            state = getattr(self, name).state_dict()
            save_file(
                {k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in state.items()},
                folder / f"{name}.safetensors",
            )
        text = json.dumps({**self.config, **about}, indent=1, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path) -> tuple[PocketNet, dict[str, Any]]:
        """Read the net, in float32, and its config.json."""
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = PocketNet({name: config[name] for name in FILES})
        for name in FILES:
            getattr(net, name).load_state_dict(load_file(folder / f"{name}.safetensors"))
        return net.eval(), config


def size_for_machine() -> tuple[int, int]:
    """Give the size that this machine can play live: 512 with bfloat16 in hardware and a second core, else 256."""
    side = SIZES[1] if native_bfloat16() and usable_cores() > 1 else SIZES[0]
    return side, side


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere it is emulated, and slower than float32."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


class Pocket(Model):
    """The pocket model as the studio plays it, see `models.base.Model`.

    folder: config.json and the four parts; dtype: bfloat16 where the processor has it, else float32. size: of its
    pictures, one of `SIZES` square; the larger one where the machine can play it live (`size_for_machine`).
    """

    def __init__(
        self, folder: Path = WEIGHTS, dtype: torch.dtype | None = None, size: tuple[int, int] | None = None
    ) -> None:
        folder = Path(folder)
        if size is not None and (size[0] != size[1] or size[0] not in SIZES):
            raise ValueError(f"size is {size}; pocket draws {' or '.join(f'{side}x{side}' for side in SIZES)}")
        if missing := [name for name in ("config.json", *_files()) if not (folder / name).exists()]:
            raise MissingWeights(
                f"The pocket model in {folder} lacks {', '.join(missing)}. Reinstall the package, "
                "or make the weights with `studio train` (about three and a half hours on two cores)."
            )
        # Its products are too small to share: a second thread that sleeps between them doubles the tick (docs/log.md),
        # and the other core is the page's. A take's frames are also the same whatever the number of cores.
        torch.set_num_threads(1)
        self.dtype = dtype or (torch.bfloat16 if native_bfloat16() else torch.float32)
        net, config = PocketNet.load(folder)
        check_finite(net.named_parameters(), folder)
        self.name, self.weights_id = "pocket", fingerprint(folder)
        across = read_filter(folder)
        self.capabilities = Capabilities(
            size=size or size_for_machine(),
            latent=(config["codec"]["channels"], CELLS, CELLS),
            sink=1,
            window=1,
            first_frame_steps=FIRST_FRAME_STEPS,
            decodes_beside=True,
            refuses=REFUSES if across is not None else REFUSES | {"subject": NO_FILTER.format(folder / FILTER)},
            labels=tuple(config["labels"]),
            places=net.places.world,
            own_places=True,
            free_motion=True,
        )
        self.memory = net.memory.requires_grad_(False)
        self.places = net.places.requires_grad_(False)
        self.codec = net.codec.requires_grad_(False).channels_last(self.dtype)
        self.net = net.denoiser.ready(self.dtype)
        self.own_places = OwnPlaces(
            self.places, self.codec, SIZE, lambda states: self.places.read(sentence_of(states.states)[None])
        )
        self._prompts = PromptMemory(self._read_prompt, size=512, remarks=sentence_remarks)
        self._label_vector = lru_cache(maxsize=512)(lambda label: text_encoder()([label]))
        self._plane = lru_cache(maxsize=512)(lambda label: self.memory.read(self._label_vector(label)))
        self._picture = lru_cache(maxsize=64)(self._remembered_picture)
        self._own = lru_cache(maxsize=512)(lambda label, owned: named(label, owned, self.memory, self._label_vector))
        self._own_picture = lru_cache(maxsize=64)(lambda own: sprite_levels(own.pixels))
        self._own_plane = lru_cache(maxsize=64)(lambda own: plane_of(own.pixels, cast(Tensor, across)))  # or refused
        self._reads = lru_cache(maxsize=512)(self.reads)
        self._posed_plane = posed_plane(across, self._plane, self._reads)
        self._posed_picture = posed_levels(self._picture, self._reads)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give the levels of a schedule: 1 for one step, (1, 0.990) for two, (1, 0.997, 0.990, 0.971) for four."""
        return sigmas(steps, SHIFT)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        """Read a prompt as one sentence, four tokens (4, 384); the last 512 are remembered."""
        return self._prompts(prompt)

    def _read_prompt(self, prompt: str) -> Tensor:
        """Read a prompt, and recall whom it names, so that no frame waits for their pictures."""
        for label in labels_in(prompt):
            self._plane(label)
            self._picture(label)
        return sentence_tokens(prompt)

    def placed(self, inputs: FrameInputs) -> tuple[tuple[Placement, ...], ...]:
        """Give who stands in each frame, from the back to the front: whom the prompt names, then who is painted."""
        return all_placed(inputs, self._reads, self._own) if inputs.free else inputs.placements

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make tracks (F, 330, 16, 16): the strokes' map, constants, and the place the prompt recalls, which is last.

        Places blend as pictures do: half a word for one and half for another would recall one of the two.
        """
        view, numbers = inputs.seed % VIEWS, torch.tensor(list(frames))
        place = states.blended(lambda one: self._place(one, view, inputs.places)).expand(len(numbers), -1, -1, -1)
        constants = constant_channels(numbers, torch.full_like(numbers, view))
        tracks = torch.cat([self._track_map(self.placed(inputs), inputs.subjects), constants, place], 1)
        return Conditioning((states,) * len(numbers), tracks)

    def reads(self, label: str) -> tuple[str, bool]:
        """Give the subject that a label is read as, and whether the label names it: says its name or is near to it.

        A label that is not near is drawn nevertheless, as a blend of what is nearest ("democracy").
        """
        return read_label(self.memory, self.capabilities.labels, label, self._label_vector(label))

    def _place(self, states: PromptStates, view: int, own: Sequence[OwnPlace]) -> Tensor:
        """Recall (1, C, 16, 16): the place of a prompt, kept with it; of a person's own as it is in each frame."""
        if (place := said_in(own, states)) is not None:
            return self.own_places.recall(place, states)

        def recall() -> Tensor:
            return self.places.recall(sentence_of(states.states)[None], torch.tensor([view]))

        return states.computed(("place", view), recall)

    def _track_map(self, frames: Sequence[Sequence[Placement]], owned: tuple[OwnSubject, ...] = ()) -> Tensor:
        """Draw (F, 256, 16, 16): the strokes in force, in their order; who was painted last is in front.

        owned: a person's own subjects, of which a label may name one.
        """
        track = torch.zeros(len(frames), 4, MAP, MAP)
        for placed in zip(*frames, strict=True):
            own = self._own(placed[0].label, owned) if owned else None
            plane = torch.cat(
                [self._own_plane(own) if own else self._posed_plane(one.label, one.pose) for one in placed]
            )
            x, y, size, facing = torch.tensor([(p.x, p.y, p.size, -p.facing) for p in placed]).unbind(1)
            if own and not own.turns:
                facing = torch.ones_like(facing)
            track = draw_track(track, plane, x, y, size, facing)  # sprites look to the left as they are stored
        return fold(track)

    def guide(self, placed: Sequence[Placement], owned: tuple[OwnSubject, ...] = ()) -> Tensor:
        """Draw what the decoder is told of the strokes in force in a frame: (1, 4, H, W), see `guide.draw_guide`.

        owned: a person's own subjects, of which a label may name one.
        """
        painted = []
        for one in placed:
            own = self._own(one.label, owned) if owned else None
            levels = self._own_picture(own) if own else self._posed_picture(one.label, one.pose)
            painted.append((levels, replace(one, facing=-1.0) if own and not own.turns else one))
        return draw_guide(painted, self.size[0])

    def _remembered_picture(self, label: str) -> Levels:
        """Recall a label's picture; where the memory mixes subjects, the mixture of theirs."""
        shares = self.memory.weights(self._label_vector(label))[0]
        first, *others = shares.argsort(descending=True).tolist()[:MIXED]
        likeliest = [first, *(n for n in others if shares[n] > FAINT)]
        parts = [sprite_levels(subject_picture(self.capabilities.labels[n])) for n in likeliest]
        weights = (shares[likeliest] / shares[likeliest].sum()).tolist()
        return tuple(
            torch.stack([w * part for w, part in zip(weights, level, strict=True)]).sum(0)
            for level in zip(*parts, strict=True)
        )

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Denoise around the remembered place, see `CausalWan.forward`."""
        levels = torch.tensor(rows.sigma, dtype=torch.float32)
        mean = rows.cond.tracks[:, -self.latent[0] :]
        return denoise_around(
            mean, rows.x, levels, lambda y: self.net(y, rows.sigma, rows.cond, rows.frames, cache, write, causal)
        )

    def new_cache(self) -> KVCache:
        """Make an empty cache for one stream."""
        return self.net.new_cache(self.sink, self.window, self.latent)

    def new_decoder(self) -> FrameDecoder:
        """Make a decoder, which remembers nothing."""
        return FrameDecoder(self)


class FrameDecoder(Stateless):
    """Latents to pictures, one by one."""

    def __init__(self, model: Pocket) -> None:
        self.model = model

    @torch.no_grad()
    def decode(self, latents: Tensor, inputs: FrameInputs = NOTHING_SET) -> list[np.ndarray]:
        """Decode (F, C, 16, 16) to F pictures, uint8 (H, W, 3) of the model's size, with what is painted in each.

        Raises NotFinite for what is no number.
        """
        placed = self.model.placed(inputs) or ((),) * len(latents)
        guide = torch.cat([self.model.guide(frame, inputs.subjects) for frame in placed])
        ready = (part.to(self.model.dtype).contiguous(memory_format=torch.channels_last) for part in (latents, guide))
        # In place: memory of a large picture is new at every operation, and the system's work for it is most of it.
        return to_pictures([self.model.codec.decode(*ready).float().mul_(127.5).add_(127.5)])


def _files() -> list[str]:
    return [f"{name}.safetensors" for name in FILES]


def fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in ("config.json", *_files()):
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:12]
