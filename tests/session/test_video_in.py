"""Video in: pictures that come in are what a causal student's chunks are drawn from."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_tiny_encoder import tiny_file
from tiny.model import TinyModel
from tiny.pictures import noisy
from tiny.wan_folders import tiny_wan_folder

from session.playing import replayed
from studio.controls import ControlError, ControlState, Live, Picture, Sampling, from_message, to_message
from studio.models.base import Capabilities, Model
from studio.models.playable import playable_kinds, playable_parts
from studio.models.wan.model import open_wan
from studio.models.wan.video_encoder import WanEncoder
from studio.samplers.video_in import VideoIn, follow_motion, motion, spread
from studio.session import Session

SIZE = (32, 48)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_wan_folder(tmp_path_factory.mktemp("wan"))


@pytest.fixture(scope="module")
def model(base):
    return open_wan(base, size=SIZE)


def picture(number):
    """A square that goes to the right, a PNG."""
    pixels = np.full((*SIZE, 3), 60, np.uint8)
    pixels[10:22, 2 + number % 30 : 14 + number % 30] = (240, 200, 90)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def live(model, frames, sampler="rollout", redraw=True, **sampling):
    """A session that redraws a moving square, and the hashes it has shown."""
    session = Session(model, sampler=sampler)
    session.send(Sampling(**{"steps": 2, "strength": 0.5} | sampling))
    session.send(Live(redraw))
    return session, [step(session) for _ in range(frames)]


def step(session):
    session.send(Picture(picture(session.engine.frame)))
    return session.step().hash


def test_wans_own_encoder_encodes_as_it_comes_what_a_whole_encode_does(model):
    encoder = WanEncoder(model.codec)
    pictures = torch.rand(13, 3, 16, 24, generator=torch.Generator().manual_seed(2))
    whole = model.codec.encode(pictures)
    for parts in ([13], [1, 4, 4, 4], [2, 3, 5, 1, 2]):
        state, latents = encoder.start(), []
        for part in pictures.split(parts):
            made, state = encoder.encode(part, state)
            latents.append(made)
        torch.testing.assert_close(torch.cat(latents), whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("lead", [None, 3])
def test_the_tiny_decoders_file_redraws_where_it_has_an_encoder(base, tmp_path, lead):
    student = open_wan(base, tiny_decoder=tiny_file(tmp_path / "taew2_1.safetensors", lead), size=SIZE)
    assert student.video_encoder.lead == (lead or 0)
    session, shown = live(student, 9 + 12 + 3)
    assert len(set(shown)) == len(shown)
    assert session.engine.sampler.video_in.now.encoding.features[0] is not None


def test_a_chunk_is_drawn_from_the_pictures_of_the_one_before(model):
    """By the arithmetic: the source is the whole encode of what was in force, at each picture, while it was shown."""
    session, _ = live(model, 9)
    row = drawn_row(session)
    clip = [0] * 9 + [round(place) for place in np.linspace(1, 9, 12)]
    pixels = torch.from_numpy(np.stack([np.asarray(Image.open(io.BytesIO(picture(n)))) for n in clip]))
    whole = model.codec.encode(pixels.permute(0, 3, 1, 2) / 255)
    torch.testing.assert_close(row.source, whole[3:], atol=1e-4, rtol=0)
    assert row.sigmas[0] < model.sigmas(2, 0.5)[0], "the square moves"
    assert row.sigmas == model.sigmas(2, session.engine.sampler.video_in.now.strength)


def drawn_row(session):
    """The row of the next chunk, as it begins."""
    rows, sampler = [], session.engine.sampler
    new_row = sampler.new_row
    sampler.new_row = lambda *given, **named: rows.append(new_row(*given, **named)) or rows[-1]
    step(session)
    del sampler.new_row
    return rows[0]


def test_a_little_strength_keeps_the_picture_and_full_strength_nothing_of_it(model):
    def source_and_start(strength):
        session, _ = live(model, 9, strength=strength)
        session.send(Live(True, 0.0))
        row = drawn_row(session)
        return row.source, row.x

    source, x = source_and_start(0.02)
    assert torch.corrcoef(torch.stack([source.flatten(), x.flatten()]))[0, 1] > 0.9
    assert live(model, 30, strength=1.0)[1][20:] != live(model, 30, strength=0.5)[1][20:]


def test_without_redraw_a_picture_is_the_first_frame_as_it_was(model):
    """What a score of before has: no `live` in it."""
    session = Session(model, sampler="rollout")
    session.send(Picture(picture(0)))
    first = session.step()
    assert np.array_equal(first.picture, model.new_decoder().decode(model.encode_picture(picture(0))[None])[0])
    assert live(model, 13)[1][0] != first.hash
    assert live(model, 13, redraw=False)[1][0] == first.hash


@pytest.mark.parametrize("sampler", ["rollout", "stream", "rolling"])
def test_a_stream_is_gone_back_in_and_replays_bit_for_bit(model, sampler, tmp_path):
    session, _ = live(model, 12, sampler)
    session.record()
    shown = [step(session) for _ in range(11)]
    snapshot = session.snapshot()
    path = session.bookmark(tmp_path / "one.jsonl")
    after = [step(session) for _ in range(13)]
    score = session.stop_recording()
    assert replayed(score, model) == [*shown, *after]
    session.restore(snapshot)
    assert [step(session) for _ in range(13)] == after
    other = Session(model, sampler=sampler)
    other.open_bookmark(path)
    assert [step(other) for _ in range(13)] == after


def test_it_begins_and_ends_in_mid_play(model):
    session, shown = live(model, 15, redraw=False)
    assert session.engine.sampler.video_in.now.encoding is None
    session.send(Live(True))
    shown += [step(session) for _ in range(20)]
    assert session.engine.sampler.video_in.now.encoding is not None
    session.send(Picture())
    shown += [session.step().hash for _ in range(12)]
    assert session.engine.sampler.video_in.now.encoding is None
    assert len(set(shown)) == len(shown)


def test_a_forward_that_failed_leaves_what_came_in(model, monkeypatch):
    session, before = live(model, 9)
    undisturbed = live(model, 9 + 13)[1]
    sampler = session.engine.sampler
    with monkeypatch.context() as broken:
        broken.setattr(model.net, "forward", lambda *_, **__: 1 / 0)
        session.send(Picture(picture(9)))
        with pytest.raises(ZeroDivisionError):
            sampler.step(session.pending_state())
    assert before + [step(session) for _ in range(13)] == undisturbed


def test_the_start_level_follows_the_motion_as_published():
    assert follow_motion(0.8, 0.1 * 0, None) == 0.8
    assert follow_motion(0.8, 0.1 * 1, 0.8) == pytest.approx(0.9 * 0.7 + 0.1 * 0.8)
    assert follow_motion(0.02, 0.5, None) == 0.02
    level = 0.7
    for _ in range(60):
        level = follow_motion(0.8, 0.0, level)
    assert level == pytest.approx(0.8)  # it rises again where all stands still


def test_motion_is_the_largest_difference_of_two_pictures_that_follow():
    still = np.zeros((8, 8, 3), np.uint8)
    assert motion([still]) == motion([still, still]) == 0
    tenth = np.full_like(still, 13)  # 0.102 of -1..1's half
    assert motion([still, still, tenth]) == pytest.approx(13 / 127.5 / 0.2)
    assert motion([still, np.full_like(still, 255)]) == 1


def test_pictures_are_spread_over_a_chunk():
    numbers = [np.array(n) for n in range(9)]
    assert [int(n) for n in spread(numbers, 12)] == [0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8]
    assert [int(n) for n in spread(numbers, 9)] == [*range(9)]
    assert [int(n) for n in spread(numbers[:1], 4)] == [0] * 4
    assert [int(n) for n in spread(numbers, 1)] == [8]


class Counting(Model):
    """A model whose encoder gives, of each latent, the mean of its four pictures' numbers."""

    lead, name = 3, "counting"
    capabilities = Capabilities((16, 16), (1, 2, 2), chunk=3, pictures=4, redraws=True, takes_pictures=True)
    prepare = condition = denoise = sigmas = None  # type: ignore[assignment]

    def __init__(self):
        self.video_encoder: Any = self

    def start(self):
        return ()

    def encode(self, pictures, state):
        """The first picture is a latent of its own, four make each later one."""
        numbers = (*state, *(pictures.mean((1, 2, 3)) * 255).round().int().tolist())
        fours = numbers if state else (*numbers[:1] * self.lead, *numbers)
        made = [sum(fours[at : at + 4]) / 4 for at in range(0, len(fours), 4)]
        new = made[-(len(pictures) + (0 if state else self.lead)) // 4 :] if state else made
        return torch.tensor(new).view(-1, 1, 1, 1).expand(-1, 1, 2, 2), fours


Counting.__abstractmethods__ = frozenset()


def grey(number):
    out = io.BytesIO()
    Image.new("RGB", (16, 16), (number, number, number)).save(out, "PNG")
    return Picture(out.getvalue())


def begun(is_cold, shown, motion=0.0):
    """What a first and a second chunk are drawn from, where these pictures were in force."""
    video, said = VideoIn(Counting()), []
    for pictures in shown:
        state = ControlState.of(Live(True, motion), Sampling(strength=0.5))
        for number in pictures:
            state = state.updated(grey(number))
            video.watch(state)
        latents, strength = video.begin(state, is_cold and not said)
        video.commit()
        said.append((latents[:, 0, 0, 0].tolist(), strength))
    return said


def test_a_chunk_has_its_own_pictures_at_a_clean_start_and_in_mid_play():
    twelve = [*range(10, 22)]
    assert begun(True, [[7] * 9, twelve])[1][0] == [11.5, 15.5, 19.5]
    cold, warm = begun(True, [[*range(9)]])[0][0], begun(False, [twelve])[0][0]
    assert cold == [0, 2.5, 6.5]
    assert warm == [11.5, 15.5, 19.5], "the encoder's first latent is none of the chunk's"


def test_motion_is_seen_between_the_last_picture_of_a_chunk_and_the_next_ones_first():
    (_, still), (_, moved) = begun(True, [[0] * 9, [200] * 12], motion=0.1)
    assert still == 0.5
    assert moved == pytest.approx(0.9 * 0.4 + 0.1 * 0.5)
    assert begun(True, [[0] * 9, [0] * 12], motion=0.1)[1][1] == 0.5


def test_a_slow_stream_holds_no_more_than_a_chunk_of_pictures(model):
    video, state = VideoIn(model), ControlState.of(Live(True), Picture(noisy(0)))
    for _ in range(30):
        video.watch(state)
    assert len(video.now.pictures) == 12
    assert video.most_bytes(state) == 13 * 32 * 48 * 3


def test_what_plays_it_says_so_and_what_cannot_is_told(model):
    assert "live" in playable_kinds(model)
    assert "camera" in playable_parts(model)
    assert "similarity" not in playable_kinds(model)
    tiny = TinyModel()
    assert "live" not in playable_kinds(tiny)
    tiny.capabilities = type(tiny.capabilities)(**vars(tiny.capabilities) | {"takes_pictures": True})
    with pytest.raises(ControlError, match="tiny has no encoder of videos: a picture can only be its first frame"):
        Session(tiny).send(Live(True))


def test_the_control_is_checked_and_travels():
    assert from_message(to_message(Live(True, 0.2))) == Live(True, 0.2)
    assert ControlState()[Live] == Live(False, 0.1)
    for wrong in ({"redraw": 1}, {"motion": 0.6}, {"motion": float("nan")}):
        with pytest.raises(ControlError):
            Live(**wrong)


def test_going_back_forgets_a_chunk_that_had_begun_and_whose_forward_failed():
    video, state = VideoIn(Counting()), ControlState.of(Live(True), Sampling(strength=0.5), grey(8))
    video.watch(state)
    before = video.now
    video.begin(state, True)
    video.restore(before)
    video.commit()
    assert video.now is before
