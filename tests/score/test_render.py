"""Takes rendered anew: with more steps, by another sampler, on another model; and what is said of it."""

import shutil
from dataclasses import replace

import imageio.v3 as iio
import numpy as np
import pytest
from session.playing import SEVERAL, play
from tiny.model import TinyModel

import studio
from studio.cli import main
from studio.controls import Picture, Prompt, Sampling, Stroke
from studio.models.registry import MODELS, POCKET_COUNTS, Entry
from studio.score import Event, ScoreError, replay
from studio.score.compare import Comparison, Difference, distance, psnr
from studio.score.render import fit, render_again
from studio.session import Session
from studio.trajectory import Placement


class OtherModel(TinyModel):
    """Another model: one that takes no strokes and is made for three steps."""

    name, weights_id = "other", "ba9876543210"
    capabilities = replace(TinyModel.capabilities, steps=3, refuses={"stroke": "it draws from words alone"})


@pytest.fixture
def take(model):
    session = Session(model)
    session.record()
    play(session, 14, SEVERAL)
    return session.stop_recording()


def test_a_take_rendered_with_more_steps_is_compared_and_its_score_replays_to_its_frames(take, model, tmp_path):
    made = []

    def progress(frames, total):
        assert total == 14
        for frame in frames:
            made.append(frame.hash)
            yield frame

    rendering = render_again(take, tmp_path / "fine.mp4", model, steps=4, progress=progress)
    assert len(made) == len(iio.imread(rendering.path, plugin="pyav")) == 14
    assert {e.control.steps for e in rendering.score.events if isinstance(e.control, Sampling)} == {4}
    assert [frame.hash for frame in replay(rendering.score, model)] == made
    assert rendering.difference
    assert rendering.difference.frames == 14
    assert rendering.notes == (str(rendering.difference),)
    frames = [frame.picture for frame in replay(take, model)]
    fine = [frame.picture for frame in replay(rendering.score, model)]
    assert rendering.difference.psnr == pytest.approx(np.mean([psnr(*pair) for pair in zip(frames, fine)]))


def test_as_it_was_nothing_is_said(take, model, tmp_path, caplog):
    assert render_again(take, tmp_path / "take.gif", model).notes == ()
    assert studio.render(take, tmp_path / "take.mp4", model=model).exists()
    assert not caplog.text
    with pytest.raises(ScoreError, match="the take was played on weights 0123456789ab of tiny, here are ba9876543210"):
        studio.render(take, tmp_path / "take.mp4", model=OtherModel())


def test_another_model_plays_what_it_can_and_the_rest_is_said(take, tmp_path):
    other = OtherModel()
    rendering = render_again(take, tmp_path / "other.gif", other)
    assert rendering.difference is None
    refused, verdict = rendering.notes
    assert refused == "left out: other takes no stroke: it draws from words alone"
    assert verdict == (
        "another film: the take was played on tiny at 32x32 (weights 0123456789ab), and this is other at 32x32 "
        "(weights ba9876543210)"
    )
    assert rendering.score.header.model == "other"
    assert not [event for event in rendering.score.events if isinstance(event.control, Stroke)]
    assert {e.control.steps for e in rendering.score.events if isinstance(e.control, Sampling)} == {3}
    assert len(list(replay(rendering.score, other))) == 14


def test_a_take_that_began_in_mid_play_goes_on_there_on_its_model_and_begins_clean_on_another(model, tmp_path):
    session = Session(model)
    play(session, 20, SEVERAL)
    kept = session.keep(5)
    assert kept.snapshot
    assert fit(kept, model, steps=4).score.snapshot == kept.snapshot
    fitted = fit(kept, OtherModel())
    assert fitted.score.snapshot == b""
    assert "the take began in mid-play on other terms" in fitted.notes[0]
    render_again(kept, tmp_path / "kept.gif", model, steps=4)


def test_steps_and_samplers_that_cannot_be_say_what_can(take, model, tmp_path):
    with pytest.raises(ScoreError, match="steps is 99; send a whole number from 1 to 16"):
        fit(take, model, steps=99)
    with pytest.raises(ScoreError, match="sampler is 'walk'; tiny is played by: stream, rollout"):
        fit(take, model, sampler="walk")
    rolled = render_again(take, tmp_path / "take.gif", model, sampler="rollout")
    assert rolled.notes == ("another film: the take was played by stream, and this is rollout",)
    pictures = replace(take, events=[*take.events, Event(13, Picture(b"\xff\xd8\xff"))])
    assert "takes no picture" in fit(pictures, model).notes[0]
    bare = replace(take, events=[Event(0, Prompt("a"))])
    assert fit(bare, model, steps=3).score.events[0].control.steps == 3


# The difference


def scene(shift, rng=None):
    """A textured ground that stays, and a subject of another texture, moved by so many pixels."""
    y, x = np.mgrid[:128, :128].astype(float)
    ground = 120 + 40 * np.sin(x / 5) + 30 * np.cos(y / 7)
    across = x - shift
    inside = np.exp(-((np.hypot(across - 64, y - 64) / 22) ** 8))
    subject = 130 + 90 * np.sin(across / 4) * np.cos(y / 5)
    picture = ground * (1 - inside) + subject * inside
    return np.repeat(picture[..., None], 3, 2).clip(0, 255).astype(np.uint8)


SUBJECT = Placement("a", "fox", 0.5, 0.5, 0.4, 1.0)


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.0, 2.0])
def test_where_a_subject_stands_is_found_to_a_fraction_of_a_pixel(shift):
    assert distance(scene(0), scene(shift), SUBJECT) == pytest.approx(2 * shift, abs=0.3)  # in pixels of 256


def test_films_are_the_same_finer_or_others():
    rng = np.random.default_rng(1)
    one = scene(0)
    noisy = np.clip(one + rng.normal(0, 5, one.shape), 0, 255).astype(np.uint8)
    compared = Comparison(2)
    compared.add(one, noisy, [SUBJECT])
    compared.add(one, one)
    near = compared.result()
    assert near
    assert near.lowest == pytest.approx(34, abs=1)
    assert near.is_same_film
    assert str(near).startswith("same film: 6")
    assert "subjects within 0.0 px" in str(near)
    same = Comparison(1)
    same.add(one, one, [SUBJECT])
    assert str(same.result()) == "same film, bit for bit"
    assert (
        str(Difference(14.2, 9.0, 3, 1.0)) == "another film: 14.2 dB on average (9.0 at worst), subjects within 1.0 px"
    )
    assert not Difference(30.0, 29.0, 3, 2.5).is_same_film
    assert Comparison(0).result() is None


# The command


@pytest.fixture
def tiny(monkeypatch):
    for name, factory in {"tiny": "tiny.model:TinyModel", "other": "score.test_render:OtherModel"}.items():
        monkeypatch.setitem(MODELS, name, Entry(factory, "for tests", "Apache-2.0", POCKET_COUNTS))


def test_the_command_renders_anew_and_says_what_is_otherwise(take, tiny, tmp_path, capsys):
    path = take.write(tmp_path / "take.jsonl")
    assert main(["render", str(path), "-o", str(tmp_path / "fine.mp4"), "--steps", "4"]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(tmp_path / "fine.mp4")
    assert "film: " in err
    assert "dB on average" in err
    assert main(["render", str(path), "--model", "other"]) == 0
    assert "another film: the take was played on tiny at 32x32" in capsys.readouterr().err
    assert main(["render", str(path), "--sampler", "walk"]) == 1
    assert "sampler is 'walk'; tiny is played by: stream" in capsys.readouterr().err


def test_the_command_opens_what_is_left_of_a_damaged_take_if_it_is_told_to(take, tiny, tmp_path, capsys):
    path = take.write(tmp_path / "take.jsonl")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "{broken", *lines[3:], ""]))
    assert main(["render", str(path)]) == 1
    assert "line 4 is no JSON" in (said := capsys.readouterr().err)
    assert "`studio render --salvage` plays what can be read of it" in said
    assert main(["render", str(path), "--salvage"]) == 0
    assert "left out: take.jsonl, line 4 is no JSON" in capsys.readouterr().err
    shutil.copy(path, tmp_path / "empty.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    assert main(["render", str(tmp_path / "empty.jsonl"), "--salvage"]) == 1
    assert "is empty, so there is nothing in it to open; delete it" in capsys.readouterr().err
