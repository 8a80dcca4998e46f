"""Tiny random nets for the tests of the causal engine."""

from __future__ import annotations

import zlib
from typing import Any

import torch
from torch import Tensor

from studio.bench.nets import WanModel, wan_net
from studio.conditioning import Conditioning, FrameInputs, PromptStates, Rows
from studio.controls import ControlState, Prompt, Sampling
from studio.models.base import Capabilities
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.rope import apply_rope, rope_3d
from studio.schedule import per_row, sigmas

LATENT = (4, 8, 6)
TRACKS = 3
TEXT = (5, 10)


def tiny(seed: int = 0, chunk: int = 1, prediction: str = "velocity", layers: int = 2) -> CausalWan:
    """A real `WanTransformer3DModel` of two layers with random weights, as a causal model."""
    torch.manual_seed(seed)
    net = wan_net((LATENT[0] + TRACKS, LATENT[0]), TEXT[1], layers=layers)
    for name, weight in net.named_parameters():
        if name.endswith("norm_q.weight") or name.endswith("norm_k.weight"):
            weight.data += torch.randn_like(weight) / 3
    return CausalWan(net, prediction, chunk).eval().requires_grad_(False)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Unit noise, the same for a seed and shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def told(frames: int, seed: int = 0) -> Conditioning:
    """Random conditioning with another text for every frame."""
    return Conditioning.of(drawn(frames, *TEXT, seed=seed), drawn(frames, TRACKS, *LATENT[1:], seed=seed + 1))


class CausalModel(WanModel):
    """The model's contract on a tiny net: texts and tracks are random, the same for a text, a frame and the strokes.

    calls: rows of every forward, as (frame, sigma), and how many were written.
    """

    name: str = "tiny"

    def __init__(
        self,
        prediction: str = "wiener",
        positions: str = "slots",
        evicts: str = "before",
        max_attention_frames: int = 0,
        **able: Any,
    ) -> None:
        """able: of `Capabilities`; a sink of 1 and a window of 2 unless told."""
        own = Capabilities((64, 48), LATENT, **{"sink": 1, "window": 2} | able)
        super().__init__(own, lambda text: drawn(*TEXT, seed=zlib.crc32(text.encode())).to(self.device))
        self.net = tiny(chunk=self.chunk, prediction=prediction).to(self.device)
        self.positions, self.evicts = positions, evicts
        self.max_attention_frames = max_attention_frames
        self.calls: list[tuple[list[tuple[int, float]], int]] = []
        self.shift = 2.0

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        return sigmas(steps, self.shift)

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Any) -> Conditioning:
        painted = [1000 * len(placed) for placed in inputs.placements]
        tracks = [drawn(TRACKS, *LATENT[1:], seed=seed + f % 64) for seed, f in zip(painted, frames, strict=True)]
        return Conditioning((states,) * len(frames), torch.stack(tracks).to(self.device))

    def denoise(self, rows: Rows, cache: Any = None, write: int = 0, causal: bool = True) -> Tensor:
        self.calls.append((list(zip(rows.frames, rows.sigma, strict=True)), write))
        return super().denoise(rows, cache, write, causal)

    def new_cache(self):
        return self.net.new_cache(
            self.sink, self.window, LATENT, self.positions, self.evicts, self.max_attention_frames
        )

    def new_decoder(self) -> Any:
        raise NotImplementedError("the causal engine's tests look at latents")


def output_that_means(prediction: str, x: Tensor, sigma: Tensor, clean: Tensor) -> Tensor:
    """What a net would have to say of x at a level above 0 to mean `clean`: the inverse of `schedule.clean_from`."""
    level = per_row(sigma, x)
    if prediction == "velocity":
        return (x - clean) / level
    assert prediction == "wiener"
    power = (1 - level).square() + level.square()
    return (clean - (1 - level) / power * x) * power.sqrt() / level


KeysValues = list[tuple[Tensor, Tensor]]  # one pair a layer, each (tokens, width), keys before their rotation


def plainly(
    model: CausalWan, x: Tensor, sigma, cond: Conditioning, numbers, context=None, fixed=(), absolute=True, dead=()
) -> tuple[Tensor, dict[int, KeysValues]]:
    """The published forward, from diffusers' own modules: rows that all see each other and a context, no mask, no ring.

    sigma: of all rows or one a row; numbers: the rows' frame numbers; context: {frame: its keys and values}; fixed:
    rows whose keys and values are the context's all the same (a protected sink); dead: rows that nobody sees. absolute:
    frames stand at their numbers, else one after the other from 0.
    Gives the clean latents (of a net that predicts velocity) and the rows' keys and values.
    """
    net, (frames, _, height, width), context = model.transformer, x.shape, dict(context or {})
    grid, head = (height // 2, width // 2), model.transformer.config.attention_head_dim
    numbers, made = list(numbers), {number: [] for number in numbers}
    hidden = net.patch_embedding(torch.cat([x, cond.tracks], 1).transpose(0, 1)[None])[0].flatten(2).permute(1, 2, 0)
    levels = torch.as_tensor(sigma, dtype=torch.float32).expand(frames)
    time, step, text, _ = net.condition_embedder(1000 * levels, cond.text)
    step = step.unflatten(1, (6, -1))
    seen = sorted({*numbers, *context} - {*dead})
    places = {number: number if absolute else seen.index(number) for number in seen} | dict.fromkeys(dead, 0)
    turns = rope_3d(torch.tensor([[places[number] for number in seen]]), *grid, head)
    own = rope_3d(torch.tensor([[places[number] for number in numbers]]), *grid, head)
    for layer, block in enumerate(net.blocks):
        shift, scale, gate, late_shift, late_scale, late = (block.scale_shift_table + step).unsqueeze(2).unbind(1)
        attn, flat = block.attn1, block.norm1(hidden) * (1 + scale) + shift
        query, key, value = attn.norm_q(attn.to_q(flat)), attn.norm_k(attn.to_k(flat)), attn.to_v(flat)
        for row, number in enumerate(numbers):
            made[number].append((key[row], value[row]))
        pairs = [(context if n in context and (n in fixed or n not in made) else made)[n][layer] for n in seen]
        keys, values = (torch.cat(part)[None] for part in zip(*pairs, strict=True))
        queries, keys = apply_rope(query.flatten(0, 1)[None], own, attn.heads), apply_rope(keys, turns, attn.heads)
        scores = torch.einsum("bqhc,bkhc->bhqk", queries, keys) / head**0.5
        out = torch.einsum("bhqk,bkhc->bqhc", scores.softmax(-1), values.unflatten(-1, (attn.heads, -1)))
        hidden = hidden + gate * attn.to_out[0](out.flatten(2)).view(hidden.shape)
        hidden = hidden + block.attn2(block.norm2(hidden), text)
        hidden = hidden + late * block.ffn(block.norm3(hidden) * (1 + late_scale) + late_shift)
    shift, scale = (net.scale_shift_table + time.unsqueeze(1)).unsqueeze(2).unbind(1)
    out = net.proj_out(net.norm_out(hidden) * (1 + scale) + shift).view(frames, *grid, 2, 2, -1)
    return x - levels[:, None, None, None] * out.permute(0, 5, 1, 3, 2, 4).reshape(x.shape), made


def controls(text: str = "a meadow", negative: str = "", **sampling: Any) -> ControlState:
    """Controls in force: a prompt and the sampling."""
    return ControlState.of(Prompt(text, negative), Sampling(**sampling))
