"""A model small enough for the tests: a real causal Wan with random weights, 32x32 pictures, milliseconds a frame."""

import hashlib
import zlib
from dataclasses import replace
from functools import cache

import numpy as np
import torch

from studio.bench.nets import WanModel, wan_net
from studio.conditioning import Conditioning
from studio.controls.place import digest, says
from studio.controls.subject import named_exactly
from studio.models.base import Capabilities
from studio.models.wan.causal_wan import CausalWan
from studio.schedule import sigmas


def fixed(words, shape):
    """Numbers that depend on nothing but the words."""
    seed = int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "little")
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@cache
def tiny_net():
    """Two layers over 4 tokens a frame; the same weights in every process."""
    net = wan_net((6, 4), text=8)
    for name, weight in net.named_parameters():
        if weight.ndim > 1:
            weight.data = fixed(name, weight.shape) * weight[0].numel() ** -0.5
        elif "norm" not in name:
            weight.data.zero_()
    return CausalWan(net, "wiener").ready()


class TinyDecoder:
    """Latents (F, 4, 4, 4) to pictures (32, 32, 3): a fixed mixture of channels, every cell eight pixels wide."""

    def __init__(self):
        self.mixture = fixed("decoder", (3, 4))

    def decode(self, latents, inputs=None):
        pictures = torch.sigmoid(torch.einsum("dc,fchw->fhwd", self.mixture, latents.float()))
        return list((pictures.repeat_interleave(8, 1).repeat_interleave(8, 2) * 255).to(torch.uint8).numpy())

    def snapshot(self) -> object:
        return None

    def restore(self, state):
        assert state is None


class TinyModel(WanModel):
    """The model's contract (`models.base`), hearing prompt, seed and strokes."""

    name = "tiny"
    weights_id = "0123456789ab"
    capabilities = Capabilities(size=(32, 32), latent=(4, 4, 4), sink=1, window=3)

    def __init__(self):
        super().__init__(self.capabilities, lambda text: fixed(text, (2, 8)))
        self.net = tiny_net()

    def sigmas(self, steps, strength=1.0):
        return sigmas(steps)

    def condition(self, states, inputs, frames):
        return Conditioning(
            (states,) * len(frames), torch.stack([self.track(placed, inputs.subjects) for placed in inputs.placements])
        )

    def track(self, placements, owned=()):
        cells = (torch.arange(4) + 0.5) / 4
        track = torch.zeros(2, 4, 4)
        for placed in placements:
            near = torch.exp(-8 * ((cells[None] - placed.x) ** 2 + (cells[:, None] - placed.y) ** 2))
            own = named_exactly(placed.label, owned)
            look = f"{own.name} {zlib.crc32(own.data)}" if own else placed.label
            track += near * fixed(look, (2, 1, 1)) * placed.facing
        return track

    def new_decoder(self):
        return TinyDecoder()


class PlacesModel(TinyModel):
    """It hears places of one's own as well: of two pictures, how far it has gone to the second."""

    capabilities = replace(TinyModel.capabilities, own_places=True)

    def condition(self, states, inputs, frames):
        tracks = super().condition(states, inputs, frames).tracks
        for place in inputs.places:
            if says(states.words, place.name):
                start, end = (fixed(digest(data) + place.time, tracks.shape[1:]) for data in (place.data, place.end))
                tracks = tracks + torch.stack([start.lerp(end, share) for share in place.shares])
        return Conditioning((states,) * len(frames), tracks)
