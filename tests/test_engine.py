import contextlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny.pictures import PictureModel, flat, noisy

from studio.controls import (
    ControlError,
    ControlState,
    Lora,
    Pause,
    Picture,
    Prompt,
    Sampling,
    Similarity,
    Stroke,
    strokes,
)
from studio.engine import Engine


def stroke(x, id="a", **changes):
    return Stroke(id, **{"label": "fox", "points": ((0, x, 0.5),), **changes})


def hashes(engine, count):
    return [engine.step().hash for _ in range(count)]


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_a_step_is_a_frame_from_the_first_on(model, sampler):
    engine = Engine(model, sampler, start=5)
    frames = [engine.step() for _ in range(4)]
    assert [frame.index for frame in frames] == [5, 6, 7, 8]
    assert engine.frame == 9
    assert all(frame.picture.shape == (32, 32, 3) and frame.picture.dtype == np.uint8 for frame in frames)
    assert all(frame.made_ns > 0 and frame.tick_ms > 0 for frame in frames)


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_an_engine_makes_the_same_frames_every_time(model, sampler):
    assert hashes(Engine(model, sampler), 12) == hashes(Engine(model, sampler), 12)


def test_another_seed_makes_other_frames(model):
    other = Engine(model)
    other.apply([(1, Sampling(seed=1))])
    assert hashes(Engine(model), 3) != hashes(other, 3)


@pytest.mark.parametrize("control", [Prompt("winter"), stroke(0.2), Sampling(guidance="self", scale=1.5)], ids=repr)
def test_a_control_shows_in_the_very_next_frame(model, control):
    one, other = Engine(model), Engine(model)
    assert hashes(one, 6) == hashes(other, 6)
    other.apply([(1, control)])
    assert one.step().hash != other.step().hash


def test_a_frame_carries_the_highest_revision_it_was_made_under(model):
    engine = Engine(model)
    assert engine.step().revision == 0
    engine.apply([(4, stroke(0.2)), (3, Prompt("winter"))])
    assert engine.step().revision == 4


def test_controls_that_came_in_several_goes_before_a_frame_are_as_if_they_came_in_one(model):
    one, several = Engine(model), Engine(model)
    hashes(one, 5), hashes(several, 5)
    sent = [(1, Prompt("winter")), (2, stroke(0.3)), (3, Prompt("summer"))]
    one.apply(sent)
    for pair in sent:
        several.apply([pair])
    assert hashes(one, 4) == hashes(several, 4)


def test_the_three_ways_to_switch_a_prompt_make_different_frames(model):
    ends = set()
    for switch in ("recache", "keep", "cut"):
        engine = Engine(model)
        hashes(engine, 6)
        engine.apply([(1, Prompt("winter", switch=switch))])
        hashes(engine, 2)
        ends.add(engine.step().picture.tobytes())
    assert len(ends) == 3


def test_the_same_words_sent_again_switch_nothing(model):
    one, other = Engine(model), Engine(model)
    hashes(one, 6), hashes(other, 6)
    other.apply([(1, Prompt(one.state[Prompt].text, switch="cut"))])
    assert hashes(one, 3) == hashes(other, 3)


def test_a_restart_is_a_clean_start_under_the_controls_in_force(model):
    engine = Engine(model)
    engine.apply([(1, Prompt("winter")), (2, stroke(0.2))])
    hashes(engine, 7)
    engine.restart(40)
    fresh = Engine(model, start=40, state=engine.state)
    assert hashes(engine, 6) == hashes(fresh, 6)


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_from_a_snapshot_it_goes_on_the_same_as_often_as_wanted(model, sampler):
    engine = Engine(model, sampler)
    engine.apply([(1, stroke(0.2))])
    hashes(engine, 6)
    state = engine.snapshot()
    onward = hashes(engine, 5)
    engine.apply([(2, Prompt("winter"))])
    hashes(engine, 3)
    engine.restore(state)
    assert hashes(engine, 5) == onward
    other = Engine(model, sampler)
    other.restore(state)
    assert hashes(other, 5) == onward


def test_what_a_model_cannot_play_is_told_to_the_sender(model):
    def sigmas(steps, strength=1.0):
        if steps > 4:
            raise ValueError("it has 4 steps; send 1 to 4")
        return (1.0,) * steps

    model.sigmas = sigmas
    engine = Engine(model)
    engine.check(Sampling(steps=4))
    with pytest.raises(ControlError, match="tiny cannot play 5 steps: it has 4 steps; send 1 to 4"):
        engine.check(Sampling(steps=5))


def test_new_words_are_shown_to_the_model_once_by_whoever_sends_them(model):
    encoded, conditioned = [], []
    prepare, condition = model.prepare, model.condition
    model.prepare = lambda text, *loras: encoded.append(text) or prepare(text, *loras)
    model.condition = lambda *args: conditioned.append(args) or condition(*args)
    engine = Engine(model)
    for _ in range(3):
        engine.prepare(Prompt("winter", negative="fog"))
    assert encoded == ["winter", "fog"]
    for x in (0.1, 0.2, 0.3):
        engine.prepare(stroke(x))
    assert len(conditioned) == 1


def test_checking_a_control_reads_no_words_and_draws_nothing(model, still, monkeypatch):
    for each in (model, still):
        for verb in ("prepare", "condition", "denoise", "encode_picture"):
            monkeypatch.setattr(each, verb, lambda *_: pytest.fail("asked"))
        engine = Engine(each)
        for control in (Prompt("winter", negative="fog"), stroke(0.1), Sampling(seed=3), Picture(noisy(1))):
            with contextlib.suppress(ControlError):
                engine.check(control)
            engine.adapt(ControlState.of(control))


def test_an_unknown_sampler_is_told(model):
    with pytest.raises(ValueError, match="sampler is 'walk'; there are: stream, rollout"):
        Engine(model, "walk")


def test_the_pictures_of_a_chunk_come_out_one_a_step(model):
    decoder = model.new_decoder()
    twice = type("Twice", (), {"decode": lambda _, latents, inputs: decoder.decode(torch.cat([latents, -latents]))})
    model.new_decoder = twice
    engine = Engine(model)
    first, second, third = (engine.step() for _ in range(3))
    assert [first.index, second.index, third.index] == [0, 1, 2]
    assert len({frame.picture.tobytes() for frame in (first, second, third)}) == 3


def test_in_force_may_be_given_at_the_start(model):
    state = ControlState().after(Prompt("winter"), 0)
    sent = Engine(model)
    sent.apply([(1, Prompt("winter"))])
    assert hashes(Engine(model, state=state), 4) == hashes(sent, 4)


# Models that draw frames alone


@pytest.fixture
def still():
    return PictureModel()


@pytest.mark.parametrize("sampler", ["stream", "rollout"])
def test_a_model_of_pictures_is_played_under_the_same_names(still, sampler):
    engine = Engine(still, sampler, start=5)
    engine.apply([(1, Sampling(steps=3)), (2, Picture(noisy(1)))])
    frames = [engine.step() for _ in range(4)]
    assert [frame.index for frame in frames] == [5, 6, 7, 8]
    assert not any(frame.skipped for frame in frames)
    assert len(still.calls) == {"stream": 6, "rollout": 12}[sampler]
    with pytest.raises(ValueError, match="sampler is 'rolling'; there are: stream, rollout"):
        Engine(still, "rolling")


def test_the_frame_being_drawn_is_told_to_the_model(still):
    told = []
    condition = still.condition
    still.condition = lambda states, inputs, frames: told.extend(frames) or condition(states, inputs, frames)
    hashes(Engine(still, "rollout", start=3), 3)
    assert told == [3, 4, 5]


@pytest.mark.parametrize("data", [flat(9)[:40], b"\x89PNG\r\n\x1a\n", b"RIFF" + bytes(50)])
def test_a_picture_that_cannot_be_decoded_is_told_to_the_sender(still, data):
    with pytest.raises(ControlError, match=r"cannot be decoded: .*send a whole JPEG, PNG or WebP"):
        Engine(still).check(Picture(data))
    Engine(still).check(Picture())


def test_what_only_other_models_take_is_told(model, still):
    engine = Engine(model)
    with pytest.raises(ControlError, match="tiny takes no picture; choose an image model"):
        engine.check(Picture(flat(9)))
    with pytest.raises(ControlError, match="tiny draws a moving picture, of which no frame can be skipped"):
        engine.check(Similarity(0.1))
    engine.check(Similarity(0))
    with pytest.raises(ControlError, match="LoRA is 'ink'; tiny was opened with: none"):
        engine.check(Lora("ink"))
    still.capabilities = replace(still.capabilities, loras=("ink", "wool"), refuses={"stroke": "it draws from words"})
    Engine(still).check(Lora("ink", 0.5))
    with pytest.raises(ControlError, match="LoRA is 'silk'; still was opened with: ink, wool"):
        Engine(still).check(Lora("silk"))
    with pytest.raises(ControlError, match="still takes no stroke: it draws from words"):
        Engine(still).check(stroke(0.5))


def test_delta_is_refused_where_a_schedule_begins_at_pure_noise(model, still):
    counted = Sampling(guidance="self", scale=1.4, delta=0.5)
    Engine(still).check(counted)
    with pytest.raises(ControlError, match=r"delta is 0\.5; tiny begins at pure noise, where delta is 1: send 1"):
        Engine(model).check(counted)
    for harmless in (replace(counted, scale=1), replace(counted, guidance="full"), replace(counted, delta=1)):
        Engine(model).check(harmless)


def test_a_schedule_is_checked_at_the_strength_too(still):
    sigmas = still.sigmas

    def narrow(steps, strength=1.0):
        if strength < 0.1 * steps:
            raise ValueError("too few levels below this strength; send more strength or fewer steps")
        return sigmas(steps, strength)

    still.sigmas = narrow
    Engine(still).check(Sampling(steps=4, strength=0.4))
    with pytest.raises(ControlError, match="still cannot play 4 steps: too few levels"):
        Engine(still).check(Sampling(steps=4, strength=0.3))


def test_of_the_controls_in_force_another_model_takes_what_it_can(model, still):
    state = ControlState()
    sent = (
        Prompt("winter"),
        Sampling(7, "self", 1.5, 3, delta=0.5),
        stroke(0.4),
        Picture(noisy(1)),
        Similarity(0.1),
        Pause(),
    )
    for frame, control in enumerate(sent):
        state = state.after(control, frame)
    kept, refused = Engine(model).adapt(state)
    assert set(refused) == {"sampling", "picture", "similarity"}
    assert (kept[Prompt].text, kept[Pause].paused, list(strokes(kept))) == ("winter", True, ["a"])
    assert kept[Sampling] == Sampling(7, "self", 1.5, 3, delta=1.0)
    assert (kept[Picture], kept[Similarity]) == (Picture(), Similarity())
    still.capabilities = replace(still.capabilities, refuses={"stroke": "it draws from words"})
    kept, refused = Engine(still).adapt(state)
    assert refused == {"stroke": "still takes no stroke: it draws from words"}
    assert (kept[Picture], kept[Sampling]) == (state[Picture], state[Sampling])


def test_sampling_that_a_model_cannot_play_becomes_the_nearest(still):
    kept, refused = Engine(still).adapt(ControlState.of(Sampling(seed=4, steps=16)))
    assert kept[Sampling] == Sampling(seed=4, steps=8)
    assert list(refused) == ["sampling"]

    def only_four(steps, strength=1.0):
        if steps != 4:
            raise ValueError("it was trained at 4 steps; send 4")
        return (0.9, 0.6, 0.4, 0.2)

    still.sigmas = only_four
    assert Engine(still).state[Sampling].steps == 4
    still.sigmas = lambda *_: (_ for _ in ()).throw(ValueError("none"))
    with pytest.raises(ValueError, match="still has no schedule of 1 to 16 steps"):
        Engine(still)


def test_a_frame_that_failed_is_drawn_at_the_next_step(still):
    engine = Engine(still)
    engine.apply([(1, Sampling(steps=1)), (2, Similarity(0.1)), (3, Picture(flat(9)))])
    engine.step()
    engine.apply([(4, Picture(flat(200)))])
    net, still.net = still.net, lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        engine.step()
    still.net = net
    frame = engine.step()
    assert (frame.index, frame.skipped) == (1, False)


def test_a_stream_of_pictures_goes_on_from_a_snapshot_skips_and_all(still):
    engine = Engine(still)
    engine.apply([(1, Sampling(steps=3)), (2, Similarity(0.3, most=4)), (3, Picture(noisy(1)))])

    def onward(engine):
        made = []
        for number in (1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3):
            engine.apply([(5, Picture(noisy(number)))])
            frame = engine.step()
            made.append((frame.hash, frame.skipped))
        return made

    onward(engine)
    state = engine.snapshot()
    first = onward(engine)
    assert {skipped for _, skipped in first} == {True, False}
    engine.restore(state)
    assert onward(engine) == first
    other = Engine(still)
    other.restore(state)
    assert onward(other) == first


def test_after_a_restart_the_first_frame_is_drawn_whatever_stood_before(still):
    engine = Engine(still)
    engine.apply([(1, Sampling(steps=2)), (2, Similarity(0.3, most=100)), (3, Picture(noisy(1)))])
    while not engine.step().skipped:
        pass
    engine.restart(50)
    fresh = Engine(still, start=50, state=engine.state)
    frames, others = [engine.step() for _ in range(6)], [fresh.step() for _ in range(6)]
    assert [(frame.hash, frame.skipped) for frame in frames] == [(frame.hash, frame.skipped) for frame in others]
    assert not frames[0].skipped


def test_a_list_of_timesteps_is_its_own_number_of_steps_and_for_image_models_alone(model, still):
    sampling = Sampling(steps=7, t_index_list=[32, 45])
    assert (sampling.steps, sampling.t_index_list) == (2, (32, 45))
    with pytest.raises(
        ControlError, match="tiny cannot play 2 steps: a t_index_list is for image models; send an empty"
    ):
        Engine(model).check(sampling)
    with pytest.raises(ControlError, match="its noise levels have no timesteps; send an empty t_index_list, and steps"):
        Engine(still).check(sampling)
    kept, refused = Engine(model).adapt(ControlState.of(sampling))
    assert (kept[Sampling], [*refused]) == (Sampling(steps=2), ["sampling"])
