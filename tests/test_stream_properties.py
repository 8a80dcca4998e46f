"""The properties of a stream batch of pictures, numbered as the project's notes on StreamDiffusion number them.

"One frame alone" is the paper's loop, written here in its own terms: noise predictions, a and b, and the recursion of
the stock noise (arXiv 2312.12491, sections 3.1 and 3.2). Properties 8, 15 and 16 are in tests/image, 18 to 23 in
tests/causal.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny.pictures import A, B, PictureModel, closed_form, flat, noisy, png, sigma_of, timesteps, unet
from tiny.sd_folders import tiny_sd
from torch import Tensor

from studio.conditioning import Conditioning, FrameInputs, PromptStates
from studio.controls import ControlState, Picture, Prompt, Sampling, Similarity
from studio.engine import Engine
from studio.models.image.model import Image, open_image
from studio.noise import noise
from studio.samplers import PictureRollout, PictureStream
from studio.session.session import Session

NETS = {"unet": unet, "closed form": closed_form}
KINDS = ("none", "full", "self", "initialize")
WORDS, NEGATIVE = "a meadow", "fog"


def controls(text: str = WORDS, negative: str = NEGATIVE, picture: bytes = b"", **sampling: Any) -> ControlState:
    """Controls in force; a picture is drawn from the very top unless a strength is given."""
    return ControlState.of(Prompt(text, negative), Picture(picture), Sampling(**{"strength": 1.0, **sampling}))


@dataclass(frozen=True)
class Step:
    """What the paper's loop holds at a step: its noisy latent, its stock noise, and the clean latent it makes."""

    x: Tensor
    stock: Tensor
    x0: Tensor


class OfFolder:
    """A model of a diffusers folder as the paper's loop asks it: its UNet's noise prediction at a timestep."""

    def __init__(self, image: Image) -> None:
        self.image, self.prepare, self.latent = image, image.prepare, image.latent

    def levels(self, steps: int, strength: float) -> list[tuple[int, float, float]]:
        timesteps = [self.image.parts.levels.timestep(sigma) for sigma in self.image.sigmas(steps, strength)]
        return [(t, float(self.image.parts.levels.a[t]), float(self.image.parts.levels.b[t])) for t in timesteps]

    def net(self, x: Tensor, t: list[int], text: Tensor) -> Tensor:
        said = self.image.parts.unet(x, torch.tensor(t), text).sample
        if self.image.parts.levels.prediction == "epsilon":
            return said
        return float(self.image.parts.levels.a[t[0]]) * said + float(self.image.parts.levels.b[t[0]]) * x


@torch.no_grad()
def alone(model: PictureModel | OfFolder, z: Tensor, state: ControlState) -> list[Step]:
    """A frame from a latent z, alone, step by step: StreamDiffusion's loop over the noise predictions."""
    sampling, net = state[Sampling], model.net
    told, negative = (model.prepare(text).states[None] for text in (state[Prompt].text, state[Prompt].negative))
    noises = [noise(sampling.seed, 0, step, model.latent)[None] for step in range(sampling.steps)]
    levels = model.levels(sampling.steps, sampling.strength)
    t, a, b = levels[0]
    x = a * z[None] + b * noises[0]
    stock = net(x, [t], negative) if sampling.guidance == "initialize" else noises[0]
    trace = []
    for step, (next_t, next_a, next_b) in enumerate([*levels[1:], (0, 1.0, 1.0)], 1):
        epsilon = net(x, [t], told)
        if sampling.guidance == "full":
            against = net(x, [t], negative)
            epsilon = against + sampling.scale * (epsilon - against)
        elif sampling.guidance != "none":
            virtual = sampling.delta * stock
            epsilon = virtual + sampling.scale * (epsilon - virtual)
        x0 = (x - b * epsilon) / a
        trace.append(Step(x, stock, x0))
        fresh = noises[step] if sampling.add_noise and step < len(noises) else torch.zeros_like(x)
        stock = fresh + next_a * (b * stock - b * epsilon) / a / next_b
        x = next_a * x0 + next_b * fresh
        t, a, b = next_t, next_a, next_b
    return trace


def of_picture(model: PictureModel, state: ControlState) -> Tensor:
    """The frame (1, C, h, w) of a picture, alone."""
    z = model.encode_picture(state[Picture].data) if state[Picture].data else torch.zeros(model.latent)
    return alone(model, z, state)[-1].x0


def streamed(stream: PictureStream, told: Sequence[ControlState]) -> list[Tensor]:
    """Every frame: one tick under each of the controls, then the flush."""
    ticks = [stream.tick(state) for state in told]
    return [latent for latent in ticks if latent is not None] + stream.flush(told[-1])


def apart(got: Tensor, wanted: Tensor) -> float:
    """Relative error."""
    return float((got - wanted).norm() / wanted.norm())


# The numeric core


@pytest.mark.parametrize(
    ("net", "steps", "kind", "add_noise"), list(itertools.product(NETS, (1, 2, 4), KINDS, (True, False))), ids=str
)
def test_stream_01_a_frame_of_the_batch_is_that_frame_alone(net, steps, kind, add_noise):
    """1: stream batch = one frame alone, relative error < 1e-5 in float32."""
    model = PictureModel(NETS[net])
    sampling = {"guidance": kind, "scale": 1.4, "steps": steps, "add_noise": add_noise}
    told = [controls(picture=noisy(k), **sampling) for k in range(6)]
    frames = streamed(PictureStream(model), told)
    for frame, state in zip(frames, told, strict=True):
        assert apart(frame, of_picture(model, state)) < 1e-5


@pytest.fixture(scope="module", params=["epsilon", "v_prediction"])
def image(request, tmp_path_factory):
    """A tiny diffusers folder with random weights, opened as a person's is."""
    folder = tiny_sd(tmp_path_factory.mktemp("folders") / "still", prediction=request.param)
    return open_image(folder, size=(64, 64))


@pytest.mark.parametrize("kind", KINDS)
def test_stream_01_on_a_diffusers_folder_of_either_prediction(image, kind):
    """1, on what a person opens: a folder's UNet, autoencoder and text encoder."""
    told = [controls(picture=noisy(k), guidance=kind, scale=1.4, steps=3, strength=0.7) for k in range(4)]
    frames = streamed(PictureStream(image), told)
    for frame, state in zip(frames, told, strict=True):
        wanted = alone(OfFolder(image), image.encode_picture(state[Picture].data), state)[-1].x0
        assert apart(frame, wanted) < 1e-5


class AtTimesteps(OfFolder):
    """The same at given timesteps."""

    def __init__(self, image: Image, timesteps: Sequence[int]):
        super().__init__(image)
        self.timesteps = timesteps

    def levels(self, steps: int, strength: float) -> list[tuple[int, float, float]]:
        return [(t, float(self.image.parts.levels.a[t]), float(self.image.parts.levels.b[t])) for t in self.timesteps]


@pytest.mark.parametrize(("places", "timesteps"), [((32, 45), (359, 99)), ((0,), (999,)), ((0, 16, 32, 45), None)])
@pytest.mark.parametrize("kind", KINDS)
def test_stream_09_a_list_of_timesteps_is_drawn_as_streamdiffusion_draws_it(image, places, timesteps, kind):
    """9: t_index_list picks from the 50 timesteps of LCM's scheduler, whatever the folder's own is."""
    told = [controls(picture=noisy(k), guidance=kind, scale=1.4, t_index_list=places, strength=0.3) for k in range(3)]
    assert told[0][Sampling].steps == len(places)
    frames = streamed(PictureStream(image), told)
    loop = AtTimesteps(image, timesteps or (999, 679, 359, 99))
    for frame, state in zip(frames, told, strict=True):
        assert apart(frame, alone(loop, image.encode_picture(state[Picture].data), state)[-1].x0) < 1e-5


def test_stream_09_more_strength_begins_higher_and_keeps_less_of_the_picture(image):
    """9: strength and level are monotone, every schedule falls, and the strength can change on the way."""
    strengths = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)
    schedules = [image.sigmas(2, strength) for strength in strengths]
    assert all(high > low for high, low in schedules)
    assert all(before[0] < after[0] for before, after in itertools.pairwise(schedules))
    told = [controls(picture=noisy(1), steps=2, strength=strength) for strength in strengths]
    source = image.encode_picture(told[0][Picture].data)
    distances = [apart(frame[0], source) for frame in streamed(PictureStream(image), told)]
    assert distances[:3] == sorted(distances[:3])  # further up a random net knows nothing of the picture anyway
    assert min(distances[3:]) > distances[1]


@pytest.mark.parametrize(("kind", "add_noise"), list(itertools.product(KINDS, (True, False))))
def test_stream_01_the_batch_is_also_the_rollout_and_holds_below_the_top_and_without_a_picture(kind, add_noise):
    """1, for a schedule that begins at a strength, for words alone, and one frame at a time."""
    model = PictureModel(unet)
    sampling = {"guidance": kind, "scale": 2.0, "steps": 3, "delta": 0.7, "add_noise": add_noise}
    for picture, strength in ((noisy(1), 0.6), (noisy(2), 0.1), (b"", 0.6)):
        state = controls(picture=picture, **sampling, strength=strength)
        whole = state if picture else controls(**sampling, strength=1.0)
        for sampler in (PictureStream, PictureRollout):
            assert apart(sampler(model).step(state), of_picture(model, whole)) < 1e-5


@pytest.mark.parametrize(("kind", "delta"), list(itertools.product(("self", "initialize"), (1.0, 0.5, 1.7))))
def test_stream_02_the_anchor_of_a_row_is_the_papers_stock_noise_at_every_step(kind, delta):
    """2: stock_i = (x_i - a_i x0')/b_i, the closed form, equals the paper's recursion at every step."""
    model = PictureModel(unet)
    state = controls(picture=noisy(3), guidance=kind, scale=1.4, steps=4, delta=delta)
    trace = alone(model, model.encode_picture(state[Picture].data), state)
    stream = PictureStream(model)
    for _ in range(4):
        stream.tick(state)
    rows = stream.snapshot().rows
    assert [row.step_index for row in rows] == [3, 2, 1]
    for row in rows:
        t = timesteps(4)[row.step_index]
        anchor = row.source if kind == "self" else row.anchor
        assert anchor is not None
        x = row.x * (A[t] + B[t])
        assert apart(x, trace[row.step_index].x) < 1e-5
        assert apart((x - A[t] * anchor) / B[t], trace[row.step_index].stock) < 1e-4


def test_stream_02_with_one_step_the_stock_noise_is_the_first_noise_on_every_frame():
    """2: for self and S = 1 stock = n_0 on every frame (never reseeded in the original: it grows 17 times a frame)."""
    model = PictureModel(unet)
    stream, first = PictureStream(model), noise(0, 0, 0, model.latent)
    for k in range(5):
        state = controls(picture=noisy(k), guidance="self", scale=1.4, steps=1)
        stream.tick(state)
        stock = (model.inputs[-1] - A[999] * model.encode_picture(state[Picture].data)) / B[999]
        torch.testing.assert_close(stock[0], first, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(("kind", "steps"), list(itertools.product(KINDS, (1, 3))))
def test_stream_02_it_stays_bounded_over_a_thousand_frames(kind, steps):
    """2: bounded over 1000 frames at t = 999, g = 1.4; the same picture makes the same frame at any time."""
    model = PictureModel()
    told = [controls(picture=noisy(k), guidance=kind, scale=1.4, steps=steps) for k in range(5)]
    frames = streamed(PictureStream(model), told * 200)
    assert len(frames) == 1000
    for frame, first in zip(frames, frames[:5] * 200, strict=True):
        torch.testing.assert_close(frame, first, atol=1e-5, rtol=1e-5)
    assert max(float(frame.abs().max()) for frame in frames[:5]) < 100


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_stream_03_at_scale_one_all_kinds_are_none_bit_for_bit_and_cost_nothing(steps):
    """3: g = 1: self = initialize = full = none; no extra rows."""
    drawn, rows = {}, {}
    for kind in KINDS:
        model = PictureModel(unet)
        told = [controls(picture=noisy(k), guidance=kind, scale=1.0, steps=steps) for k in range(4)]
        drawn[kind], rows[kind] = torch.cat(streamed(PictureStream(model), told)), model.calls
    for kind in KINDS:
        assert torch.equal(drawn[kind], drawn["none"])
        assert rows[kind] == rows["none"]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_stream_03_a_tick_is_one_forward_of_as_many_rows_as_its_guidance_needs(steps):
    """3: UNet rows: none and self S, initialize S + 1, full 2 S."""
    rows = {}
    for kind in KINDS:
        model = PictureModel()
        stream = PictureStream(model)
        for k in range(steps + 2):
            stream.tick(controls(picture=noisy(k), guidance=kind, scale=1.4, steps=steps))
        rows[kind] = len(model.calls[-1])
        assert len(model.calls) == steps + 2
    assert rows == {"none": steps, "self": steps, "initialize": steps + 1, "full": 2 * steps}


@pytest.mark.parametrize("scale", [0.5, 1.4, 7.0])
def test_stream_04_without_delta_the_noise_prediction_is_scaled_and_nothing_else(scale):
    """4: delta = 0 gives eps = g eps_c, for both residual kinds."""
    model = PictureModel(unet)
    state = controls(picture=noisy(1), guidance="self", scale=scale, steps=1, delta=0.0)
    frame = PictureStream(model).step(state)
    x = model.inputs[-1]
    epsilon = unet(x, [999], model.prepare(WORDS).states[None])
    assert apart(frame, (x - B[999] * scale * epsilon) / A[999]) < 1e-5
    other = state.updated(replace(state[Sampling], guidance="initialize"))
    assert apart(PictureStream(PictureModel(unet)).step(other), frame) < 1e-5


@pytest.mark.parametrize(("scale", "steps"), list(itertools.product((0.0, 1.4, 3.0), (1, 2, 4))))
def test_stream_04_a_net_that_sees_the_noise_that_was_put_in_gives_the_picture_back(scale, steps):
    """4: self with d = 1 and a net that returns exactly the injected noise reproduces the input latent, for every g."""
    noises = {t: noise(0, 0, step, (4, 8, 8)) for step, t in enumerate(timesteps(steps))}
    model = PictureModel(lambda x, t, text: torch.stack([noises[level] for level in t]))
    state = controls(picture=noisy(1), guidance="self", scale=scale, steps=steps)
    frame = PictureStream(model).step(state)
    torch.testing.assert_close(frame[0], model.encode_picture(state[Picture].data), atol=1e-3, rtol=1e-3)


def test_stream_05_initialize_is_full_guidance_at_its_first_step():
    """5: with d = 1 the same eps_u at step 0, so for S = 1 identical frames; not for more."""
    for steps in (1, 2):
        full, once = (
            PictureStream(PictureModel(unet)).step(controls(picture=noisy(1), guidance=kind, scale=1.8, steps=steps))
            for kind in ("full", "initialize")
        )
        assert (apart(once, full) < 1e-6) == (steps == 1)


@pytest.mark.parametrize("kind", KINDS)
def test_stream_06_another_picture_changes_its_own_frame_alone(kind):
    """6: rows never mix: changing frame j changes only output j; permuting the pictures permutes the frames."""
    told = [controls(picture=noisy(k), guidance=kind, scale=1.4, steps=3) for k in range(6)]
    frames = streamed(PictureStream(PictureModel(unet)), told)
    other = streamed(PictureStream(PictureModel(unet)), [*told[:2], told[2].updated(Picture(noisy(9))), *told[3:]])
    changed = [place for place, (one, two) in enumerate(zip(frames, other, strict=True)) if apart(two, one) > 1e-5]
    assert changed == [2]
    order = [4, 0, 5, 2, 1, 3]
    permuted = streamed(PictureStream(PictureModel(unet)), [told[place] for place in order])
    for frame, place in zip(permuted, order, strict=True):
        assert apart(frame, frames[place]) < 1e-5


def test_stream_07_noise_is_held_and_seeded():
    """7: the same seed gives the same bits, another seed others; the same picture twice gives the same frame; two
    streams in a process share nothing.
    """
    told = [controls(picture=noisy(k % 2), steps=2, seed=5) for k in range(6)]
    frames = streamed(PictureStream(PictureModel(unet)), told)
    assert all(torch.equal(frame, frames[2 + place % 2]) for place, frame in enumerate(frames[2:5], 2))
    torch.manual_seed(1)
    one, two = PictureStream(PictureModel(unet)), PictureStream(PictureModel(unet))
    pairs = [(one.tick(state), two.tick(state.updated(replace(state[Sampling], seed=6)))) for state in told]
    assert all(torch.equal(ours, frame) for (ours, _), frame in zip(pairs[1:], frames, strict=False))
    assert not any(torch.equal(ours, theirs) for ours, theirs in pairs[1:])


def test_stream_07_words_alone_are_drawn_the_same_from_a_seed():
    """7: text to image is reproducible from the seed, and with the noise held every frame is the same."""
    frames = streamed(PictureStream(PictureModel(unet)), [controls(steps=2, seed=3)] * 4)
    again = streamed(PictureStream(PictureModel(unet)), [controls(steps=2, seed=3)] * 4)
    assert all(torch.equal(one, two) for one, two in zip(frames, again, strict=True))
    assert all(apart(frame, frames[0]) < 1e-5 for frame in frames)
    assert apart(PictureStream(PictureModel(unet)).step(controls(steps=2, seed=4)), frames[0]) > 0.1


def test_stream_07_noise_that_drifts_moves_every_frame_a_little_and_comes_to_new_noise():
    """7, with `drift`: successive frames are near one another, frames a whole drift apart are not."""
    frames = streamed(PictureStream(PictureModel(unet)), [controls(steps=2, drift=8)] * 17)
    distances = [apart(after, before) for before, after in itertools.pairwise(frames)]
    assert min(distances) > 0
    assert max(distances) < 0.6 * apart(frames[8], frames[0])
    again = streamed(PictureStream(PictureModel(unet)), [controls(steps=2, drift=8)] * 4)
    assert apart(again[3], frames[3]) < 1e-5


def test_stream_09_a_changed_number_of_steps_keeps_every_frame_and_its_order():
    """9: a live change of the schedule's length keeps shapes right: no frame is lost, mixed or out of order."""
    for before, after in itertools.permutations((1, 2, 3, 5), 2):
        model = PictureModel()
        stream = PictureStream(model)
        many = [controls(picture=noisy(k), steps=before) for k in range(6)]
        few = [controls(picture=noisy(10 + k), steps=after) for k in range(9)]
        came = [stream.tick(state) for state in [*many, *few]]
        waiting = [place for place, latent in enumerate(came) if latent is None]
        assert waiting == [*range(before - 1), *range(5 + before, 5 + after)], (before, after)
        frames = [latent for latent in came if latent is not None] + stream.flush(few[-1])
        assert stream.frame == len(frames)
        entered = few[max(0, before - after) :]  # until the longer schedules are out there is no room
        for frame, state in zip(frames, [*many, *entered], strict=True):
            assert apart(frame, of_picture(model, state)) < 1e-5


def test_stream_10_frames_that_are_denoised_as_one_are_refused():
    """10: a frame buffer is refused; pictures are drawn one by one."""
    model = PictureModel(chunk=2)
    with pytest.raises(ValueError, match="still draws 2 frames as one; pictures are drawn one by one"):
        PictureStream(model)


# The stream


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_stream_11_the_first_ticks_give_nothing_and_the_flush_gives_the_last_frames(steps):
    """11: the first S - 1 calls give None, never junk; N frames in, N frames out, each with its number."""
    model = PictureModel(unet)
    stream = PictureStream(model, start=40)
    told = [controls(picture=noisy(k), steps=steps) for k in range(7)]
    ticks = [stream.tick(state) for state in told]
    assert [latent is None for latent in ticks] == [True] * (steps - 1) + [False] * (8 - steps)
    assert [row.frame for row in stream.snapshot().rows] == list(range(48 - steps, 47))
    last = stream.flush(told[-1])
    assert len(last) == steps - 1
    assert (stream.frame, stream.in_flight, stream.flush(told[-1])) == (47, 0, [])
    for frame, state in zip([*filter(lambda latent: latent is not None, ticks), *last], told, strict=True):
        assert apart(frame, of_picture(model, state)) < 1e-5


CHANGES = {
    "prompt": controls("a city at night"),
    "seed": controls(seed=9),
    "full": controls(guidance="full", scale=2.0),
    "self": controls(guidance="self", scale=2.0),
    "initialize": controls(guidance="initialize", scale=2.0),
    "negative": controls(negative="rain", guidance="full", scale=1.4),
    "scale": controls(guidance="self", scale=3.0),
    "strength": controls(strength=0.3),
    "delta": controls(guidance="initialize", scale=1.4, delta=0.6),
}


@pytest.mark.parametrize(("was", "becomes"), list(itertools.permutations(CHANGES, 2)))
def test_stream_12_a_change_takes_effect_at_a_frame_boundary_and_loses_nothing(was, becomes):
    """12: each frame carries its conditioning: those begun before the change are as if it never came, those begun
    after as if it had always been; all kinds of guidance switch live, with no frame missing.
    """
    model = PictureModel()
    told = [CHANGES[was if k < 5 else becomes].updated(Picture(noisy(k))) for k in range(10)]
    told = [one.updated(replace(one[Sampling], steps=3)) for one in told]
    frames = streamed(PictureStream(model), told)
    for frame, state in zip(frames, told, strict=True):
        assert apart(frame, of_picture(model, state)) < 1e-5


def test_stream_12_a_blend_passes_evenly_from_the_old_words_to_the_new():
    """12: weights 0 and 1 are the pure prompts; interpolation over n frames is monotone; one with itself is itself."""
    engine = Engine(PictureModel())
    told = []
    condition = engine.model.condition

    def heard(states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        told.append(condition(states, inputs, frames).text[0])
        return condition(states, inputs, frames)

    engine.model.condition = heard
    engine.apply([(1, Prompt("a meadow"))])
    for _ in range(3):
        engine.step()
    engine.apply([(2, Prompt("a city", blend=4))])
    for _ in range(6):
        engine.step()
    old, new = (engine.model.prepare(words).states for words in ("a meadow", "a city"))
    shares = [float(((text - old) * (new - old)).sum() / (new - old).square().sum()) for text in told]
    assert shares == pytest.approx([0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1], abs=1e-5)
    assert torch.equal(told[0], old)
    assert torch.equal(told[-1], new)
    assert torch.equal(torch.lerp(old, old, 0.3), old)


@pytest.mark.parametrize("kind", KINDS)
def test_stream_13_the_prompt_can_change_under_every_kind_and_the_negative_matters_where_it_is_heard(kind):
    """13: update of the prompt works for all kinds; the negative prompt changes full and initialize alone."""

    def take(*words: tuple[str, str]) -> list[Tensor]:
        told = [controls(*pair, picture=noisy(1), guidance=kind, scale=1.6, steps=2) for pair in words]
        return streamed(PictureStream(PictureModel(unet)), told)

    fog = take((WORDS, "fog"), (WORDS, "fog"), ("a city", "fog"))
    assert apart(fog[2], fog[1]) > 1e-3
    rain = take((WORDS, "fog"), (WORDS, "rain"), ("a city", "rain"))
    assert apart(rain[0], fog[0]) < 1e-5
    assert (apart(rain[1], fog[1]) > 1e-4) == (kind in ("full", "initialize"))


# The similarity filter


def filtered(pictures: Sequence[bytes], steps: int = 2, threshold: float = 0.02, **options: Any) -> list[Any]:
    """The frames of an engine with the filter on, a picture a frame."""
    engine = Engine(PictureModel())
    engine.apply([(0, Sampling(steps=steps)), (0, Similarity(threshold, **options))])
    frames = []
    for number, data in enumerate(pictures, 1):
        engine.apply([(number, Picture(data))])
        frames.append(engine.step())
    return frames


@pytest.mark.parametrize("level", [0, 1, 117, 128, 254, 255])
def test_stream_14_identical_pictures_of_any_brightness_are_skipped_surely(level):
    """14: identical frames: P(skip) = 1, black, grey and white; the first is never skipped."""
    frames = filtered([flat(level)] * 20, steps=1, most=1000)
    assert [frame.skipped for frame in frames] == [False] + [True] * 19
    assert all(frame.picture is frames[0].picture for frame in frames)
    assert [frame.index for frame in frames] == list(range(20))


def test_stream_14_skips_in_a_row_are_bounded_and_counted_anew():
    """14: consecutive skips <= most; a processed frame resets the count, whatever the reason it was processed for."""
    skipped = [frame.skipped for frame in filtered([flat(9)] * 9, steps=1, most=3)]
    assert skipped == [False, True, True, True, False, True, True, True, False]
    moved = [flat(9)] * 3 + [flat(99)] + [flat(9)] * 5
    skipped = [frame.skipped for frame in filtered(moved, steps=1, most=3)]
    assert skipped == [False, True, True, False, False, True, True, True, False]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_stream_14_after_a_cut_the_new_picture_is_there_within_the_steps(steps):
    """14: the pipe is drained before it skips: the new picture shows after S - 1 more processed frames, then stands."""
    cut = [flat(30)] * 8 + [flat(220)] * 12
    frames = filtered(cut, steps, most=100)
    assert [frame.skipped for frame in frames[8:]] == [False] * steps + [True] * (12 - steps)
    settled = filtered([flat(220)] * (steps + 1), steps)[-1].picture
    shown = [np.array_equal(frame.picture, settled) for frame in frames[8:]]
    assert shown == [False] * (steps - 1) + [True] * (13 - steps)


def test_stream_14_a_change_of_brightness_is_not_similar():
    """14: brightness is no scale to be divided out."""
    assert not any(frame.skipped for frame in filtered([flat(level) for level in (200, 210, 220, 255, 0)], steps=1))


def test_stream_14_the_filter_is_seeded():
    """14: near the threshold it is a matter of chance, and the chance is the seed's."""
    rng = np.random.default_rng(0)
    pictures = [
        png(np.clip(100 + rng.integers(0, 8, (1, 1, 3)) + np.zeros((64, 64, 3)), 0, 255).astype(np.uint8))
        for _ in range(40)
    ]
    one, again = ([frame.skipped for frame in filtered(pictures, 1, threshold=0.05)] for _ in range(2))
    assert one == again
    assert {True, False} == set(one)


@pytest.mark.parametrize(
    "change", [Prompt("a city"), Sampling(seed=3), Sampling(guidance="self", scale=1.5), Sampling(steps=5)], ids=repr
)
def test_stream_14_nothing_is_skipped_while_a_change_has_not_come_out(change):
    """14, for the other controls: a change is drawn until the frame that was begun under it is there."""
    engine = Engine(PictureModel())
    engine.apply([(1, Sampling(steps=3)), (2, Similarity(0.02, most=100)), (3, Picture(flat(60)))])
    assert engine.step().skipped is False
    while not engine.step().skipped:
        pass
    engine.apply([(4, change)])
    assert [engine.step().skipped for _ in range(6)] == [False] * 3 + [True] * 3
    fresh = Engine(engine.model, state=engine.state)
    assert np.array_equal(engine.step().picture, fresh.step().picture)


def test_stream_14_words_alone_are_drawn_once_while_the_noise_is_held_and_always_while_it_drifts():
    """14, without a picture: every frame would be the same."""
    engine = Engine(PictureModel())
    engine.apply([(1, Sampling(steps=1)), (2, Similarity(0.02, most=5))])
    assert [engine.step().skipped for _ in range(7)] == [False] + [True] * 5 + [False]
    engine.apply([(3, Sampling(steps=1, drift=4))])
    assert not any(engine.step().skipped for _ in range(5))
    engine.apply([(3, Sampling(steps=1)), (4, Picture(flat(1)))])
    assert [engine.step().skipped for _ in range(3)] == [False, True, True]
    engine.apply([(5, Picture())])
    assert [engine.step().skipped for _ in range(3)] == [False, True, True]


def test_stream_17_of_pictures_that_come_too_fast_the_newest_is_drawn_and_none_is_kept():
    """17: a queue of one place that drops the oldest; the words are read only when they change."""
    model = PictureModel()
    session = Session(model)
    for k in range(12):
        session.send(Picture(noisy(k)))
        if k % 4 == 3:
            session.step()
    assert model.encoded == [noisy(3), noisy(7), noisy(11)]
    assert sum(isinstance(event.control, Picture) for event in session.score.events) == 1
    assert model.read.count(session.engine.state[Prompt].text) == 1


def test_stream_17_streams_of_one_model_are_isolated():
    """17: per-person streams share weights and nothing else."""

    def solo(k: int, sessions: int = 1) -> list[str]:
        model = PictureModel(unet)
        ours, *others = (Session(model) for _ in range(sessions))
        made = []
        for frame in range(6):
            for number, session in enumerate([ours, *others]):
                session.send(Picture(noisy(100 * number + frame + k)))
                session.send(Sampling(seed=number + k, steps=1 + number))
            made.append(ours.step().hash)
            for session in others:
                session.step()
        return made

    assert solo(1) == solo(1, sessions=3)


def test_the_levels_of_the_tests_are_those_of_the_paper():
    """t 999: a .0683, b .9977; t 499: .5263, .8503 (of Stable Diffusion's schedule); sigma = b / (a + b)."""
    assert (A[999], B[999]) == pytest.approx((0.0683, 0.9977), abs=1e-4)
    assert (A[299], B[299]) == pytest.approx((0.7695, 0.6386), abs=1e-4)
    assert sigma_of(999) == pytest.approx(0.9359, abs=1e-4)
