"""Rolling Sink: the ring with the first frames in its old slots, held to its loop written plainly."""

import pytest
import torch
from tiny.causal import LATENT, CausalModel, controls, plainly

from studio.conditioning import condition_frames
from studio.kv_cache import CacheSettings, RollingSinkCache
from studio.kv_cache.rolling_sink import walk
from studio.models.wan.options import WanOptions
from studio.noise import noise
from studio.samplers import Rollout
from studio.samplers.causal import CausalSampler
from studio.schedule import add_noise
from studio.score.snapshot import pack, unpack


class Guarded(CausalModel):
    """Self-Forcing's cache, small: no sink, a window of three chunks, places by slot, and the guard."""

    def __init__(self, chunk=2, guard=True, **able):
        super().__init__(prediction="velocity", evicts="after", sink=0, window=6, chunk=chunk, **able)
        self.guard = guard

    def new_cache(self):
        return self.net.cache_of(CacheSettings(0, self.window, evicts="after", drift_guard=self.guard), LATENT)


def published_places(start, window):
    """Where the published code reads its store for the chunk that begins at `start`, and whether backwards.

    wan/modules/causal_model.py of haodong2000/RollingSink at d7fc0d9, in frames; its chunks are of 3, its window 18.
    """
    at = start - 3
    backwards = (at // window) % 2 == 1
    if backwards:
        right = window - at % window
        return [*range(right - 3, right)][::-1]
    left = at % window
    return [*range(left, left + 3)]


def test_the_walk_through_the_store_is_the_published_one():
    for start in range(21, 300, 3):
        assert walk(start - 3, 3, 18) == published_places(start, 18)
    assert walk(0, 9, 4) == [0, 1, 2, 3, 3, 2, 1, 0, 0]


@torch.no_grad()
def slowly(model, state, chunks):
    """The loop with a list of keys and values for a cache: frames come back by `walk`, places from 0 on."""
    chunk, size, context, store, latents = model.chunk, model.window, {}, [], []
    for start in range(0, chunks * chunk, chunk):
        numbers = [*range(start, start + chunk)]
        cond = condition_frames(model, state, numbers)
        fresh = [torch.stack([noise(0, frame, step, LATENT) for frame in numbers]) for step in range(2)]
        levels = model.sigmas(2)
        x = add_noise(torch.zeros_like(fresh[0]), fresh[0], levels[0])
        clean, _ = plainly(model.net, x, levels[0], cond, numbers, context, absolute=False)
        x = add_noise(clean, fresh[1], levels[1])
        clean, _ = plainly(model.net, x, levels[1], cond, numbers, context, absolute=False)
        latents.append(clean)
        _, made = plainly(model.net, clean, 0.0, cond, numbers, context, absolute=False)
        store += [made[number] for number in numbers if len(store) < size]
        context |= made
        if start >= size + chunk:
            for frame, place in zip(range(start - chunk, start), walk(start - chunk, chunk, size), strict=True):
                context[frame] = store[place]
        context = dict(sorted(context.items())[-size:])
    return torch.cat(latents)


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_the_ring_gives_what_the_slow_loop_gives(chunk):
    model, state = Guarded(chunk), controls(steps=2)
    chunks = 24 // chunk
    stream = Rollout(model)
    ours = torch.cat([stream.step(state) for _ in range(chunks)])
    torch.testing.assert_close(ours, slowly(model, state, chunks), atol=1e-5, rtol=0)
    stream = Rollout(Guarded(chunk, guard=False))
    plain = torch.cat([stream.step(state) for _ in range(chunks)])
    begins = 6 + 2 * chunk
    assert torch.equal(ours[:begins], plain[:begins]), "nothing is replaced while the first window fills"
    assert not torch.allclose(ours[begins:], plain[begins:], atol=1e-3)


def test_from_a_snapshot_also_of_a_file_it_goes_on_bit_for_bit():
    model, state = Guarded(), controls(steps=2)
    stream = Rollout(model)
    for _ in range(7):
        stream.step(state)
    held, tensors = stream.snapshot(), {}
    assert sum(part.nbytes for part in (held.cache.keys, held.cache.values, *held.cache.first)) <= (
        stream.snapshot_bytes(state)
    )
    on = [stream.step(state) for _ in range(3)]
    tree = pack(held.cache, tensors)
    assert isinstance(stream.cache, RollingSinkCache)
    other: CausalSampler = Rollout(model)
    other.restore(held)
    other.cache.restore(unpack(tree, tensors, model))
    assert all(torch.equal(one, other.step(state)) for one in on)


@pytest.mark.parametrize("mode", ["causal", "bidirectional"])
def test_a_recache_begins_a_new_store_under_the_new_words(mode):
    model, old, new = Guarded(recache=mode), controls(steps=2), controls("a city at night", steps=2)
    stream = Rollout(model)
    for _ in range(8):
        stream.step(old)
    assert stream.cache.snapshot().written == (14,), "the last chunk is still to be written"
    stream.switch("recache", new)
    held = stream.cache.snapshot()
    assert held.written == (6,)
    keys = held.keys.unflatten(1, (len(held.frames), -1))
    in_time = keys[:, [held.frames.index(frame) for frame in stream.cache.frames]].flatten(1, 2)
    assert torch.equal(held.first[0], in_time)
    stream.step(new)
    assert torch.equal(stream.cache.snapshot().first[0], held.first[0])
    stream.switch("cut", new)
    assert stream.cache.snapshot().written == (0,)


def test_it_is_for_a_model_without_a_sink():
    with pytest.raises(ValueError, match="this one has a sink of 3 frames: leave drift_guard out, or give sink=0"):
        WanOptions(drift_guard=True)
    assert WanOptions(drift_guard=True, sink=0, window=18).cache.drift_guard
