"""A model whose chunk is several latents and whose latent is several pictures, in the engine: numbers, takes, cuts."""

import numpy as np
import pytest
import torch
from tiny.causal import LATENT, CausalModel, controls

from studio.controls import Prompt, Sampling, active_prompts
from studio.engine import Engine
from studio.score import replay
from studio.session.session import Session


class Decoder:
    """One picture for the first latent, four for every later one, which also show the latent before (Wan's VAE)."""

    def __init__(self):
        self.last = None

    def decode(self, latents, inputs=None):
        return [picture for latent in latents for picture in self.pictures(latent)]

    def pictures(self, latent):
        past, self.last = self.last, latent
        if past is None:
            return [seen(latent)]
        return [seen(torch.lerp(past, latent, part / 4)) for part in range(1, 5)]

    def snapshot(self):
        return self.last

    def restore(self, state):
        self.last = state


def seen(latent):
    return (latent[:3].sigmoid() * 255).to(torch.uint8).permute(1, 2, 0).numpy()


class Chunked(CausalModel):
    @property
    def size(self) -> tuple[int, int]:
        return LATENT[1], LATENT[2]

    def __init__(self):
        super().__init__(sink=3, window=6, chunk=3, evicts="after", recache="bidirectional", prediction="velocity")

    def new_decoder(self):
        return Decoder()


@pytest.fixture
def model():
    return Chunked()


def played(session, count):
    return [session.step() for _ in range(count)]


@pytest.mark.parametrize("sampler", ["stream", "rollout", "rolling"])
@pytest.mark.parametrize("at", [1, 4, 9, 11])
def test_a_take_may_begin_at_any_picture_of_a_chunk_and_replays(model, sampler, at):
    with Session(model, sampler=sampler) as session:
        session.send(Sampling(steps=2, seed=5))
        played(session, at)
        session.record()
        frames = played(session, 7)
        session.send(Prompt("a city at night"))
        frames += played(session, 8)
        session.send(Prompt("fog", switch="cut", blend=6))
        frames += played(session, 14)
        score = session.stop_recording()
    assert [frame.index for frame in frames] == [*range(at, at + 29)]
    again = list(replay(score, model))
    assert [frame.hash for frame in again] == [frame.hash for frame in frames]


def test_a_snapshot_amid_a_chunk_goes_on_with_its_other_pictures(model):
    engine = Engine(model, "rollout")
    for _ in range(6):
        engine.step()
    state = engine.snapshot()
    onward = [engine.step().hash for _ in range(12)]
    engine.restore(state)
    assert [engine.step().hash for _ in range(12)] == onward


def test_a_chunk_is_nine_pictures_at_first_and_twelve_from_then_on_and_one_again_after_a_cut(model):
    engine, ticks = Engine(model, "rollout"), []
    step = engine.sampler.step
    engine.sampler.step = lambda *told: ticks.append(engine.frame) or step(*told)
    for _ in range(22):
        engine.step()
    engine.apply([(1, Prompt("a city at night", switch="cut"))])
    shots = [engine.step() for _ in range(21)]
    assert ticks == [0, 9, 21, 33, 42]  # the cut waits for the chunk that is being shown
    assert [frame.index for frame in shots] == [*range(22, 43)]
    first = shots[33 - 22].picture
    assert any(np.array_equal(first, seen(drawn.latent)) for drawn in engine.sampler.snapshot().kept[:1])


def test_a_blend_goes_on_at_every_chunk(model):
    engine, switched = Engine(model, "rollout"), []
    switch = engine.sampler.switch
    engine.sampler.switch = lambda kind, state, anew: (
        switched.append((engine.frame, kind, anew, active_prompts(state)[-1][2])) or switch(kind, state, anew)
    )
    engine.apply([(1, controls()[Prompt])])
    for _ in range(9):
        engine.step()
    engine.apply([(2, Prompt("a city at night", blend=29))])
    for _ in range(60):
        engine.step()
    assert [(frame, kind, anew) for frame, kind, anew, _ in switched] == [
        (9, "recache", True),
        (21, "recache", False),
        (33, "recache", False),
        (45, "recache", False),
    ]
    weights = [weight for *_, weight in switched]
    assert weights == pytest.approx([1 / 30, 13 / 30, 25 / 30, 1.0])


def test_a_frame_carries_the_revision_its_chunk_was_made_under(model):
    engine = Engine(model, "rollout")
    for _ in range(5):
        engine.step()
    engine.apply([(3, Prompt("a city at night"))])
    assert [engine.step().revision for _ in range(6)] == [0, 0, 0, 0, 3, 3]
    state = engine.snapshot()
    engine.apply([(4, Prompt("fog"))])
    engine.restore(state)
    assert engine.step().revision == 3
