"""What the tests of Wan look at: weights as they were loaded, pictures, hashes of what was played."""

import io

import numpy as np
import torch
from PIL import Image
from tiny import wan_folders

from studio.controls import Prompt, Sampling
from studio.models.wan.checkpoint import load_transformer
from studio.session.session import Session

SIZE = (32, 48)


def loaded(base, generator=None, lora=None, which=None, dtype=torch.float32):
    return load_transformer(base, generator, lora, which, dtype).state_dict()


def is_net(state, seed):
    """Whether the weights are, bit for bit and name for name, those of `tiny_transformer(seed)`."""
    wanted = wan_folders.tiny_transformer(seed).state_dict()
    return state.keys() == wanted.keys() and all(torch.equal(state[name], wanted[name]) for name in wanted)


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def saved(path, thing):
    torch.save(thing, path)
    return path


def cut(path, share=0.6):
    """The file, cut off."""
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def picture_file(seed):
    """A PNG's bytes."""
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), dtype=np.uint8)).save(data, "PNG")
    return data.getvalue()


def playing(model, sampler="rollout", **sampling):
    session = Session(model, sampler=sampler)
    session.send(Prompt("a fox runs in the forest"))
    session.send(Sampling(**{"seed": 3, "steps": 2, **sampling}))
    return session


def hashes(session, count):
    return [session.step().hash for _ in range(count)]
