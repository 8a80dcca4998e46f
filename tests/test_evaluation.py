import json
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
from drawn import SCENES, few_scenes, untrained
from tiny.pictures import PictureModel

from studio.controls import ControlState, Prompt, Stroke
from studio.evaluation import detector as detectors
from studio.evaluation import evaluate, takes
from studio.world import compositing, scenes, words
from studio.world.backgrounds import Scene

TAKE = takes.Take(
    SCENES[0], "a meadow", False, "fox", "fox", False, ((0.0, 0.41, 0.56), (9.0, 0.6, 0.5)), 0.36, seed=4
)  # fmt: skip


@cache
def shipped():
    return detectors.load_detector()


def moved(true, right, down, label="fox"):
    """The drawn frame with its subject so many pixels from where it was asked."""
    where = (true.x + right / compositing.SIZE, true.y + down / compositing.SIZE, true.size, true.facing)
    number = torch.tensor([compositing.sprites().index(label)])
    picture, _ = compositing.composite(
        true.background[None], number, *(torch.tensor([v]) for v in where), torch.tensor([true.light])
    )
    return picture[0]


# --- what is asked ------------------------------------------------------------


def test_the_truth_is_the_drawn_frame_with_the_subject_on_its_path():
    true = takes.truth(TAKE, 3)
    painted = scenes.paint("meadow", 0, "day", "clear", 3).transpose(2, 0, 1) / np.float32(255)
    np.testing.assert_allclose(true.background.numpy(), painted, atol=1e-6)
    assert (true.x, true.y) == pytest.approx((0.41 + 0.19 / 3, 0.54))
    outside = true.alpha[0, :80] == 0
    assert outside.all()
    torch.testing.assert_close(true.picture[:, :60], true.background[:, :60])
    assert true.alpha.max() > 0.99


def test_the_truth_after_a_switch_shows_the_other_scene():
    true = takes.truth(TAKE, 11, SCENES[3])
    painted = scenes.paint("beach", 0, "sunset", "clear", 3).transpose(2, 0, 1)
    assert np.array_equal((true.background * 255).round().byte().numpy(), painted)
    assert true.light == compositing.LIGHT["sunset"]


def test_takes_are_asked_half_in_words_that_training_never_saw():
    rng = np.random.default_rng(0)
    drawn = [takes.draw_take(rng) for _ in range(300)]
    known = {word for subject in words.SUBJECTS.values() for word in subject.words} | set(words.SUBJECTS)
    assert 0.4 < np.mean([take.unseen for take in drawn]) < 0.6
    assert 0.3 < np.mean([take.synonym for take in drawn]) < 0.6
    assert all((take.word in known) != take.synonym for take in drawn)
    assert {take.scene.place for take in drawn} == set(scenes.FIRST_PLACES)
    assert all(take.scene.view == take.seed % 4 for take in drawn)


def test_the_same_seed_asks_the_same():
    assert takes.draw_take(np.random.default_rng(5)) == takes.draw_take(np.random.default_rng(5))


def test_held_out_paths_stay_in_sight_and_come_back():
    path = takes.held_out_path(np.random.default_rng(0), 48)
    places = np.array(path)[:, 1:]
    assert 0.2 < places.min() < places.max() < 0.8
    assert np.abs(places[0] - places[-1]).max() < 1e-6
    assert [point[0] for point in path] == list(range(48))


# --- a hand with a mouse -----------------------------------------------------


def test_a_hand_rests_and_moves_and_stays_in_sight():
    places = np.concatenate([takes.hand(np.random.default_rng(seed), 100) for seed in range(20)])
    assert 0.15 <= places.min() <= places.max() <= 0.85
    still = (np.diff(places, axis=0) == 0).all(1)
    assert 0.4 < still.mean() < 0.75
    assert np.abs(np.diff(takes.hand(np.random.default_rng(3), 100), axis=0)).max() < 0.3  # it never jumps


def test_a_hand_take_drags_two_subjects_then_switches_to_another_place_and_rests():
    rng = np.random.default_rng(0)
    for _ in range(20):
        take = takes.draw_hand_take(rng, frames=40, switch=20)
        assert take.scene.place != take.other.place
        assert take.scene.view == take.other.view == take.seed % 4
        assert take.labels[0] != take.labels[1]
        assert (np.diff(take.hands[:, 19:], axis=1) == 0).all()
        sent = [take.controls(frame, 2) for frame in range(40)]
        assert [type(control).__name__ for control in sent[0]] == ["Prompt", "Sampling", "Stroke", "Stroke"]
        prompts = [(n, control.text) for n, some in enumerate(sent) for control in some if isinstance(control, Prompt)]
        assert prompts == [(0, take.prompt), (20, take.other_prompt)]
        assert all(not some for some in sent[21:])
        assert any(isinstance(control, Stroke) for some in sent[1:20] for control in some)


def test_the_truth_of_a_hand_take_shows_both_subjects_where_the_hands_are():
    take = replace(takes.draw_hand_take(np.random.default_rng(1)), labels=("fox", "owl"), scene=SCENES[0])
    take = replace(take, hands=np.array([[[0.3, 0.6]] * 3, [[0.7, 0.4]] * 3]), size=0.3)
    state = ControlState()
    for control in take.controls(0, 2):
        state = state.after(control, 0)
    picture, alpha = takes.hand_truth(state, SCENES[0], 0)
    for x, y in ((0.3, 0.6), (0.7, 0.4)):
        assert alpha[0, int(y * 256), int(x * 256)] > 0.99
    assert alpha[0, 128, 10] == 0
    torch.testing.assert_close(picture[:, :30], takes.scene_picture(SCENES[0], 0)[:, :30])


# --- the rulers ---------------------------------------------------------------


@pytest.mark.parametrize(("right", "down"), [(0, 0), (3.4, 0), (0, -3.4), (-2.3, 2.5), (8.2, -6.1)])
def test_a_planted_shift_is_measured_to_a_third_of_a_pixel(right, down):
    true = takes.truth(TAKE, 2)
    measured = takes.position_error(moved(true, right, down), true)
    assert abs(measured - np.hypot(right, down)) < 0.3


def test_a_shift_is_measured_through_noise_and_at_the_picture_s_edge():
    at_edge = replace(TAKE, path=((0.0, 0.1, 0.9),))
    true = takes.truth(at_edge, 0)
    noise = 0.03 * torch.randn(true.picture.shape, generator=torch.Generator().manual_seed(0))
    assert abs(takes.position_error(moved(true, 3.4, 0) + noise, true) - 3.4) < 0.3


def test_inside_the_subject_truth_is_perfect_and_a_known_error_has_its_decibels():
    true = takes.truth(TAKE, 2)
    measured = lambda made: takes.subject_psnr(made, true.picture, true.alpha)  # noqa: E731
    assert measured(true.picture) >= 79.9  # what stands for no error at all
    assert measured(true.picture + 0.1) == pytest.approx(20, abs=0.01)
    assert measured(true.picture + 0.5 * (true.alpha < 0.5)) >= 79.9


def test_outside_the_subject_a_known_error_has_its_decibels_and_the_subject_counts_for_nothing():
    true = takes.truth(TAKE, 2)
    measured = lambda made: takes.background_psnr(made, true.picture, true.alpha)  # noqa: E731
    assert measured(true.picture) >= 79.9
    assert measured(true.picture + 0.1) == pytest.approx(20, abs=0.01)
    assert measured(true.picture + 0.5 * (true.alpha > 0.01)) >= 79.9  # however wrong the subject is
    assert measured(moved(true, 3, 2)) > 35  # a subject out of place is another ruler's business


def with_block(picture, left, top, size, colour):
    """The picture with a square of another colour."""
    planted = picture.clone()
    planted[:, top : top + size, left : left + size] += torch.tensor(colour)[:, None, None]
    return planted


@pytest.mark.parametrize("colour", [(0.2, 0.0, 0.0), (0.0, -0.12, 0.0), (-0.3, -0.3, -0.3)])
def test_planted_ghosts_are_counted(colour):
    true = takes.truth(TAKE, 2)
    far = 1 - torch.nn.functional.max_pool2d((true.alpha > 0.01).float(), 33, stride=1, padding=16)
    free = int((torch.nn.functional.avg_pool2d(far, 16) == 1).sum())
    planted = with_block(true.picture, 32, 0, 48, colour)  # 3 x 3 cells of the sky
    assert takes.ghosts(planted, true.picture, true.picture, true.alpha) == pytest.approx(9 / free)
    fresh = with_block(true.picture, 32, 0, 32, colour)  # four of them are there without a past
    assert takes.ghosts(planted, fresh, true.picture, true.alpha) == pytest.approx(5 / free)


def test_what_is_no_ghost_is_not_counted():
    true = takes.truth(TAKE, 2)
    noise = 0.1 * torch.randn(true.picture.shape, generator=torch.Generator().manual_seed(0))
    wide = torch.nn.functional.pad(true.picture[None], (2,) * 4, mode="replicate")
    blurred = torch.nn.functional.avg_pool2d(wide, 5, stride=1)[0]
    on_subject = true.picture + 0.5 * (true.alpha > 0.5)
    for made in (true.picture, true.picture + noise, true.picture + 0.05, blurred, on_subject):
        assert takes.ghosts(made, true.picture, true.picture, true.alpha) == 0


def test_every_drawn_subject_is_named_right():
    true = takes.truth(TAKE, 2)
    wrong = [label for label in compositing.sprites().labels if takes.identify(moved(true, 0, 0, label), true) != label]
    assert not wrong


@pytest.mark.parametrize("seed", range(6))
def test_subjects_are_named_right_in_any_scene_through_blur_and_a_small_shift(seed):
    rng = np.random.default_rng(seed)
    take = takes.draw_take(rng)
    true = takes.truth(take, int(rng.integers(48)))
    made = torch.nn.functional.avg_pool2d(moved(true, 1, -1, take.label)[None], 3, stride=1, padding=1)[0]
    assert takes.identify(made, true) == take.label


# --- the witness --------------------------------------------------------------


def test_the_shipped_detector_is_right_on_drawn_frames():
    assert evaluate.detector_right(shipped(), seed=11, count=60) >= 0.97


def test_a_missing_detector_is_told_with_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="`studio train` makes it"):
        detectors.load_detector(tmp_path / "detector.safetensors")


def test_a_detector_learns_drawn_scenes_and_survives_its_file(tmp_path, monkeypatch):
    drawn = detectors._batch

    def fewer(small, targets, scenes, count, rng):
        return drawn(small, targets, scenes, count // 4, rng)

    monkeypatch.setattr(detectors, "_batch", fewer)
    path = tmp_path / "detector.safetensors"
    reports = list(detectors.train_detector(few_scenes(), path, steps=60))
    assert reports[-1]["all"] > 0.9
    again = detectors.load_detector(path)
    for scene, phases in zip(SCENES, few_scenes().pictures):
        picture = torch.from_numpy(phases[5].copy()).permute(2, 0, 1).float() / 255
        assert again.name(picture[None]) == [(scene.place, scene.time, scene.weather)]


def test_the_detector_s_training_pictures_are_drawn_and_never_twice_the_same():
    small = torch.stack([detectors._shrunk(picture) for picture in few_scenes().pictures])
    targets = torch.tensor([detectors.numbers(scene) for scene in few_scenes().scenes])
    pictures, true = detectors._batch(small, targets, few_scenes(), 8, np.random.default_rng(0))
    assert pictures.shape == (8, 3, detectors.SIDE, detectors.SIDE)
    assert true.shape == (8, 3)
    assert len({picture.numpy().tobytes() for picture in pictures}) == 8


# --- the protocol -------------------------------------------------------------


class DrawnFrame:
    """A frame that is painted only when it is looked at."""

    def __init__(self, index, paint):
        self.index, self._paint = index, paint

    @property
    def picture(self):
        return (self._paint() * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()


class Painter:
    """Stands where the engine stands, and draws the truth: what a perfect model would get."""

    def __init__(self, take, right=0.0, label=None):
        self.take, self.scene, self.frame = take, take.scene, 0
        self.right, self.label = right, label or take.label

    def apply(self, sent):
        ((_, prompt),) = sent
        place, time, weather = prompt.text.split("|")
        self.scene = Scene(place, self.take.scene.view, time, weather)

    def step(self):
        frame, scene = self.frame, self.scene
        self.frame += 1
        return DrawnFrame(frame, lambda: moved(takes.truth(self.take, frame, scene), self.right, 0, self.label))


@pytest.fixture
def drawn_by(monkeypatch):
    """Puts a painter in the engine's place, and words it understands in the language's."""

    def put(painter):
        monkeypatch.setattr(evaluate, "new_engine", lambda model, take, steps: painter(take))
        compose = lambda place, time, weather, rng, held_out=False: f"{place}|{time}|{weather}"  # noqa: E731
        monkeypatch.setattr(words, "compose", compose)

    return put


def test_who_draws_the_truth_gets_full_marks(drawn_by):
    drawn_by(Painter)
    rows = [row for rows in evaluate.still_takes(None, shipped(), 4, 2, seed=1) for row in rows]
    figures = evaluate.summary(rows)
    assert figures["frames"] == 4 * len(evaluate.JUDGED)
    assert figures["position_error_px"] < 0.1
    assert all(row["subject_right"] for row in rows)
    assert figures["subject_psnr_db"] > 50
    assert figures["place_right"] >= 0.9


def test_who_draws_another_subject_elsewhere_is_found_out(drawn_by):
    drawn_by(lambda take: Painter(take, right=5, label="bus" if take.label != "bus" else "cow"))
    rows = [row for rows in evaluate.still_takes(None, shipped(), 3, 2, seed=1) for row in rows]
    assert not any(row["subject_right"] for row in rows)
    assert evaluate.summary(rows)["position_error_px"] is None  # there is nothing to place
    drawn_by(lambda take: Painter(take, right=5))
    rows = [row for rows in evaluate.still_takes(None, shipped(), 3, 2, seed=1) for row in rows]
    assert np.mean([row["position_error_px"] for row in rows]) == pytest.approx(5, abs=0.3)


def test_a_switch_is_judged_by_the_new_scene(drawn_by):
    drawn_by(Painter)
    rows = list(evaluate.switches(None, shipped(), 3, 2, seed=3))
    assert [row["frames_to_scene"] for row in rows].count(1) >= 2
    assert all(row["subject_right"] for row in rows)
    assert max(row["position_error_px"] for row in rows) < 0.3  # judged at the very frame that was made
    assert min(row["subject_psnr_db"] for row in rows) > 50


def test_a_switch_that_never_comes_is_found_out(drawn_by):
    class Deaf(Painter):
        def apply(self, sent):
            assert all(isinstance(control, Prompt) for _, control in sent)

    drawn_by(Deaf)
    rows = list(evaluate.switches(None, shipped(), 2, 2, seed=3))
    assert [row["frames_to_scene"] for row in rows] == [evaluate.AFTER + 1] * 2


def test_long_takes_are_judged_early_and_late(drawn_by, monkeypatch):
    drawn_by(Painter)
    monkeypatch.setattr(DrawnFrame, "picture", None)
    monkeypatch.setattr(evaluate, "judge", lambda detector, picture, take, frame: {"frame": frame})
    ((early, late),) = evaluate.long_takes(None, None, 1, 2, seed=0)
    assert [row["frame"] for row in early] == list(range(20, 121, 4))
    assert [row["frame"] for row in late] == list(range(500, 601, 4))


class HandPainter:
    """Draws the truth of hand takes, as they were asked; from frame `after` on with `ghost` x `ghost` false cells.

    fresh: with these ghosts even without a past.
    """

    ghost, after, fresh = 0, 0, False

    def __init__(self, model, start=0, state=None):
        self.state, self.frame = state or ControlState(), start
        self.ghost = self.ghost if self.fresh or state is None else 0

    def apply(self, sent):
        for _, control in sent:
            self.state = self.state.after(control, self.frame)

    def step(self):
        frame, state = self.frame, self.state
        scene = Scene(*(int(part) if part.isdigit() else part for part in state[Prompt].text.split("|")))
        self.frame += 1

        def paint():
            picture = takes.hand_truth(state, scene, frame)[0]
            return with_block(picture, 0, 0, 16 * self.ghost * (frame >= self.after), (0.3, -0.3, 0.3))

        return DrawnFrame(frame, paint)


@pytest.fixture
def hand_drawn(monkeypatch):
    def drawn(rng, places):
        take = takes.HandTake(
            SCENES[0], "meadow|0|day|clear", SCENES[3], "beach|0|sunset|clear", 60, ("fox", "owl"),
            np.stack([takes.hand(rng, 120) * 0.5 + 0.3 for _ in range(2)]), 0.3, 4,
        )  # fmt: skip
        return take

    monkeypatch.setattr(takes, "draw_hand_take", drawn)
    monkeypatch.setattr(evaluate, "Engine", HandPainter)


def test_who_draws_the_truth_under_a_hand_shows_no_ghosts(hand_drawn):
    ((before, after),) = evaluate.hand_takes(None, 1, 2, seed=0)
    assert [row["frame"] for row in before] == list(evaluate.HAND_BEFORE)
    assert [row["frame"] for row in after] == list(evaluate.HAND_AFTER)
    figures = evaluate.hand_summary(before + after)
    assert figures["ghosts"] == figures["ghostly"] == 0
    assert figures["background_psnr_db"] > 50
    assert figures["subject_psnr_db"] > 50


def test_a_ghost_after_the_switch_is_found_out(hand_drawn, monkeypatch):
    monkeypatch.setattr(HandPainter, "ghost", 3)
    monkeypatch.setattr(HandPainter, "after", 90)
    ((before, after),) = evaluate.hand_takes(None, 1, 2, seed=0)
    assert evaluate.hand_summary(before)["ghostly"] == 0
    assert [row["ghosts"] > 0.03 for row in after] == [False, False, False, True, True]
    assert evaluate.hand_summary(after)["ghostly"] == 0.4
    assert after[-1]["background_psnr_db"] < after[0]["background_psnr_db"] - 20


def test_what_is_false_without_a_past_is_no_ghost(hand_drawn, monkeypatch):
    monkeypatch.setattr(HandPainter, "ghost", 3)
    monkeypatch.setattr(HandPainter, "fresh", True)
    ((before, after),) = evaluate.hand_takes(None, 1, 2, seed=0)
    assert evaluate.hand_summary(before + after)["ghosts"] == 0
    assert evaluate.hand_summary(before + after)["background_psnr_db"] < 30


def test_the_summary_keeps_held_out_words_apart():
    row = {
        "position_error_px": 1.0, "subject_right": True, "subject_psnr_db": 25.0, "scene_right": True,
        "background_psnr_db": 27.0, "edge_energy": 0.9, "edge_correlation": 0.9,
        "place_right": True, "time_right": True, "weather_right": True, "synonym": False, "unseen": False,
    }  # fmt: skip
    wrong = {"subject_right": False, "scene_right": False, "position_error_px": 90.0}
    figures = evaluate.summary([row, row, {**row, **wrong, "synonym": True, "unseen": True}])
    assert (figures["subject_right"], figures["subject_right_synonym"]) == (1.0, 0.0)
    assert (figures["scene_right"], figures["scene_right_unseen"]) == (1.0, 0.0)
    assert figures["position_error_px"] == 1.0  # of the subject that is there
    assert figures["place_right"] == 1.0


def test_the_whole_evaluation_is_one_json_object(tmp_path, monkeypatch):
    model = untrained(tmp_path)
    monkeypatch.setattr(evaluate.vocabulary, "added", lambda: {"fox": words.SUBJECTS["fox"], "gizmo": None})
    monkeypatch.setattr(evaluate, "detector_right", partial(evaluate.detector_right, count=8))
    monkeypatch.setattr(takes, "draw_hand_take", partial(takes.draw_hand_take, frames=12, switch=6))
    monkeypatch.setattr(evaluate, "HAND_BEFORE", (3, 5))
    monkeypatch.setattr(evaluate, "HAND_AFTER", (7, 11))
    figures = evaluate.evaluate(model, seed=1, count=2, steps=(1, 2), long=0)
    again = json.loads(json.dumps(figures))
    assert set(again["steps"]) == {"1", "2"}
    wanted = {"position_error_px", "subject_right", "subject_right_synonym", "subject_psnr_db", "scene_right"}
    assert wanted <= set(again["steps"]["1"])
    assert {"frames_to_scene", "within_6_frames", "subject_right", "scene_right"} <= set(again["switch"])
    assert {"early", "late", "detector_right", "seconds", "weights"} <= set(again)
    assert again["added"].items() >= {"subjects": 1, "frames": 3}.items()  # one take, of the one that the model knows
    for part in ("hand_before", "hand_after"):
        assert {"background_psnr_db", "subject_psnr_db", "ghosts", "ghostly"} <= set(again[part])
    assert again["steps"]["2"]["scene_right_unseen"] in (None, 0.0)  # nobody trained it


def test_only_a_model_of_the_drawn_world_can_be_judged():
    foreign = PictureModel().with_defaults("foreign")
    with pytest.raises(ValueError, match="foreign was not trained on the drawn world"):
        evaluate.evaluate(foreign)
