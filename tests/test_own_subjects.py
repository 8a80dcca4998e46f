"""Subjects of one's own: what is one, whose name wins, how it is cut out, and what the models show of it."""

import importlib.util
import io
import json
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from cutout_files import png
from PIL import Image

from studio.conditioning import condition_frames
from studio.controls import (
    ControlError,
    ControlState,
    CutOut,
    Prompt,
    Stroke,
    Subject,
    from_message,
    opening_events,
    own_subjects,
    subject,
    to_message,
)
from studio.controls.subject import named_exactly, squared, subject_of
from studio.evaluation import own as evaluation
from studio.models.playable import playable_kinds
from studio.models.pocket.model import WEIGHTS, Pocket, fingerprint
from studio.models.pocket.own_subjects import named, plane_of, read_filter
from studio.training import vocabulary
from studio.underpaint import sprites
from studio.underpaint.reference import things
from studio.underpaint.subject_cut import FIRST, NO_VISION, NOTHING_FOUND, cut_subject
from studio.world import compositing
from studio.world.subject_pictures import subject_picture

PICTURES = Path(__file__).parent / "own_pictures"
RED, BLUE = (220, 30, 40), (30, 60, 220)


def ball(colour=RED, size=64, kind="PNG", ground=None, **options):
    """The file of a round thing on a transparent ground, or on a coloured one."""
    y, x = np.mgrid[:size, :size]
    inside = np.hypot(x - size / 2 + 0.5, y - size / 2 + 0.5) < 0.4 * size
    pixels = np.zeros((size, size, 4 if ground is None else 3), np.uint8)
    pixels[..., :3] = colour if ground is None else ground
    pixels[inside, :3] = colour
    if ground is None:
        pixels[..., 3] = 255 * inside
    return written(Image.fromarray(pixels), kind, **options)


def written(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@cache
def pocket():
    return Pocket()


def stroke(label="mia", id="a", x=0.5, **more):
    return Stroke(id, label, ((0, x, 0.5),), **{"mode": "pin", "size": 0.4} | more)


# --- the control ----------------------------------------------------------------------------------------------------


def test_it_goes_through_a_message_and_the_opening_of_a_take_byte_for_byte():
    mia = Subject("  Mia  The CAT ", ball(), ("Kitty", "mia the cat", "kitty"), "left")
    assert (mia.name, mia.words) == ("mia the cat", ("kitty",))
    assert from_message(json.loads(json.dumps(to_message(mia)))) == mia
    state = ControlState.of(mia, stroke("kitty"))
    again = ControlState()
    for frame, control in opening_events(state, 7):
        again = again.after(control, frame)
    assert own_subjects(again) == own_subjects(state) == (mia.own,)


def test_another_of_the_name_takes_its_place_whatever_its_letters_and_one_without_a_picture_takes_it_away():
    state = ControlState.of(Subject("Mia", ball()), Subject("tom", ball(BLUE)), Subject("MIA", ball(BLUE)))
    assert [one.name for one in own_subjects(state)] == ["mia", "tom"]
    assert own_subjects(state)[0].data == ball(BLUE)
    assert [one.name for one in own_subjects(state.updated(Subject("mia")))] == ["tom"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Subject("", ball()), "name is empty; type 1 to 80"),
        (lambda: Subject("m" * 300, ball()), "300 characters, 1 to 80 are possible"),
        (lambda: Subject("mia", png(alpha=0)), "all of this picture is transparent"),
        (lambda: Subject("mia", written(Image.new("RGB", (20, 20), "red"))), "of one colour all over"),
        (lambda: Subject("mia", b"GIF89a"), "no PNG or WebP"),
        (lambda: Subject("mia", ball()[:80]), "cannot be decoded"),
        (lambda: Subject("mia", png(1025, 4)), "1025x4, at most 1024 pixels a side"),
        (lambda: Subject("mia", ball() + bytes(subject.LARGEST_SUBJECT)), "at most 524,288 are possible"),
        (lambda: Subject("mia", "no base64!"), "not base64"),
        (lambda: Subject("mia", ball(), "kitty"), "send a list of at most 16"),
        (lambda: Subject("mia", ball(), ("k",) * 17), "send a list of at most 16"),
        (lambda: Subject("mia", ball(), faces="up"), "choose one of: left, right, ahead"),
    ],
)
def test_what_is_no_subject_is_told_with_what_to_do(made, said):
    with pytest.raises(ControlError, match=said):
        made()


def test_there_is_room_for_so_many_and_one_may_be_replaced_or_taken_away():
    state = ControlState.of(*(Subject(f"mia {n}", ball()) for n in range(subject.MOST_SUBJECTS)))
    subject.check_room(state, Subject("mia 3", ball(BLUE)))
    subject.check_room(state, Subject("nobody"))
    with pytest.raises(ControlError, match=r"32 subjects of your own in this take.*before you add 'mia 40'"):
        subject.check_room(state, Subject("mia 40", ball()))


def test_what_is_seen_stands_in_the_middle_of_a_square_with_a_margin_and_stays_as_it_is_when_it_comes_again():
    wide = np.zeros((300, 500, 4), np.uint8)
    wide[100:150, 40:440] = (*RED, 255)
    first = subject_of(wide, "mia")
    pixels = first.own.pixels
    assert pixels.shape == (192, 192, 4)
    down, across = np.nonzero(pixels[..., 3] > 127)
    assert (across.min(), across.max()) == pytest.approx((192 * 0.037, 191 - 192 * 0.037), abs=1.5)
    assert (down.min() + down.max()) / 2 == pytest.approx(95.5, abs=1)
    assert not pixels.flags.writeable
    assert len(first.data) <= subject.LARGEST_SENT
    again = subject_of(pixels, "mia")
    assert again.data == first.data
    assert (squared(again.data) == pixels).all()


def test_it_is_mirrored_as_it_turns_unless_it_looks_ahead():
    half = np.full((40, 40, 4), 255, np.uint8)
    half[:, :20, :3], half[:, 20:, :3] = RED, BLUE
    left, right, ahead = (subject_of(half, "mia", faces=way).own for way in ("left", "right", "ahead"))
    assert (left.turns, right.turns, ahead.turns) == (True, True, False)
    assert (right.pixels == left.pixels[:, ::-1]).all()
    assert (ahead.pixels == left.pixels).all()


# --- whose name wins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Mia", "mia"),
        ("kitty cat", "mia"),  # a word of it, though the model knows a cat
        ("my mia asleep", "mia"),  # it says the name
        ("fox", "fox"),  # which the model knows: one's own wins
        ("a small fox", "fox"),
        ("dog", None),
        ("police car", None),  # the model's own word, though it says "car"
        ("red car", "car"),
        ("puppy", None),  # near to the model's dog, and to nothing of one's own
        ("blackbird", None),
    ],
)
def test_a_label_names_ones_own_by_its_name_its_words_or_by_being_near(label, name):
    owned = tuple(
        Subject(name, ball(), words).own for name, words in (("mia", ("kitty cat",)), ("fox", ()), ("car", ()))
    )
    found = named(label, owned, pocket().memory, pocket()._label_vector)
    assert (found and found.name) == name
    assert sprites.own(label, owned) == found, "image models and students read it likewise"


def test_a_name_goes_before_another_ones_further_word():
    tom, kitty = Subject("tom", ball(), ("kitty",)).own, Subject("kitty", ball(BLUE)).own
    assert named_exactly("Kitty ", (tom, kitty)) == kitty
    assert named_exactly("kitty", (tom,)) == tom
    assert named_exactly("mia", (tom, kitty)) is None


# --- what models show -----------------------------------------------------------------------------------------------


def tracks(*controls, frames=(0,)):
    return condition_frames(pocket(), ControlState.of(Prompt("a meadow"), *controls), list(frames)).tracks


def test_the_pocket_model_is_told_the_plane_of_ones_own_in_place_of_what_it_knows():
    known = tracks(stroke("fox"))
    own = tracks(Subject("fox", ball()), stroke("fox"))
    assert not torch.equal(own, known)
    assert torch.equal(tracks(Subject("fox", ball()), stroke("bear")), tracks(stroke("bear")))
    assert torch.equal(tracks(Subject("fox", ball()), Subject("fox"), stroke("fox")), known)
    assert torch.equal(own, tracks(Subject("mia", ball()), stroke("mia")))


@pytest.mark.parametrize(("faces", "is_mirrored"), [("left", True), ("right", True), ("ahead", False)])
def test_only_what_looks_to_a_side_is_mirrored_on_its_way_to_the_right(faces, is_mirrored):
    half = np.full((40, 40, 4), 255, np.uint8)
    half[:, :20, :3], half[:, 20:, :3] = RED, BLUE
    mia = subject_of(half, "mia", faces=faces)
    ends = (0.3, 0.5), (0.7, 0.5)
    ways = (Stroke("a", "mia", ((0, *start), (8, *end)), "path", 0.4) for start, end in (ends, ends[::-1]))
    right, left = (tracks(mia, way, frames=[4]) for way in ways)
    assert torch.equal(right, left) != is_mirrored


def test_a_plane_is_the_thumbnail_through_the_shipped_filter_which_is_the_one_that_added_subjects_got():
    across = read_filter(WEIGHTS)
    pack, labels = compositing.sprites(), pocket().capabilities.labels
    learned = pocket().memory.planes[: len(pack.labels)]
    fitted = vocabulary.learned_filter(vocabulary.thumbnails(pack, labels[: len(learned)]), learned.float())
    torch.testing.assert_close(across, fitted, atol=1e-4, rtol=1e-3)
    castle = subject_picture("castle")
    kept = pocket().memory.planes[labels.index("castle")]
    assert (plane_of(castle, across)[0] - kept).abs().mean() < 0.015, "what is in the memory of it"
    assert plane_of(castle[:32, :32], across).shape == (1, 4, 48, 48)


def test_the_filter_is_no_part_of_what_names_the_weights_and_without_it_the_model_says_what_it_lacks(tmp_path):
    for path in WEIGHTS.iterdir():
        if path.name not in ("filter.safetensors", "README.md"):
            (tmp_path / path.name).symlink_to(path)
    assert fingerprint(tmp_path) == fingerprint(WEIGHTS)
    bare = Pocket(tmp_path)
    assert "filter.safetensors is missing" in bare.capabilities.refuses["subject"]
    assert "subject" not in playable_kinds(bare)
    assert "subject" in playable_kinds(pocket())


def test_it_is_pasted_on_other_models_but_not_in_place_of_what_was_cut_out():
    mia = Subject("fox", ball(BLUE), faces="left")
    (own,) = things(ControlState.of(mia, stroke("fox")))
    assert (own.pixels[32, 32, :3] == BLUE).all()
    assert (own.turns, own.is_cut) == (True, False)
    (cut,) = things(ControlState.of(mia, CutOut("a", png()), stroke("fox")))
    assert cut.is_cut
    way = Stroke("a", "fox", ((0, 0.1, 0.5), (9, 0.9, 0.5)), "path")
    (ahead,) = things(ControlState.of(Subject("fox", ball(BLUE)), way))
    assert ahead.at(5).facing == -1.0
    assert things(ControlState.of(stroke("fox")))[0].look != own.look


# --- cutting it out -------------------------------------------------------------------------------------------------


def test_its_own_alpha_is_taken_as_it_is():
    cut = cut_subject(ball())
    assert (cut.alpha == np.asarray(Image.open(io.BytesIO(ball())))[..., 3]).all()
    assert cut.remarks == ()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_a_thing_on_a_plain_ground_is_cut_out_of_any_kind_of_file_and_white_inside_it_stays(kind):
    pytest.importorskip("cv2")
    picture = Image.open(io.BytesIO(ball(size=160, ground=(250, 250, 250))))
    picture.paste((250, 250, 250), (70, 70, 90, 90))
    cut = cut_subject(written(picture, kind))
    inside = np.hypot(*(np.mgrid[:160, :160] - 79.5)) < 60
    assert (cut.alpha[inside] > 200).mean() > 0.99
    assert (cut.alpha[np.hypot(*(np.mgrid[:160, :160] - 79.5)) > 70] == 0).all()


def test_a_photographs_subject_is_cut_out_the_same_every_time():
    pytest.importorskip("cv2")
    data = (PICTURES / "astronaut.jpg").read_bytes()
    first, again = cut_subject(data), cut_subject(data)
    assert 0.1 < (first.alpha > 127).mean() < 0.9
    assert (first.alpha == again.alpha).all()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: written(Image.new("RGB", (64, 64), "teal")), "of one colour all over"),
        (lambda: written(Image.new("RGBA", (64, 64))), "all of this picture is transparent"),
        (lambda: b"a diary", "no picture can be made out in this file; possible: JPEG, PNG"),
        (lambda: ball(ground=(0, 0, 0), kind="JPEG")[:300], "cannot be decoded"),
        (lambda: written(Image.new("L", (4, 4))), "4x4; possible: 8 pixels a side"),
        (lambda: written(Image.new("1", (10_000, 10_000))), "10000x10000; possible: .* at most 64,000,000 in all"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_gives_no_subject_is_told(data, said):
    with pytest.raises(ControlError, match=said):
        cut_subject(data())


def test_what_is_odd_about_a_picture_is_said_and_it_is_taken(monkeypatch):
    pictures = [Image.open(io.BytesIO(ball(colour))) for colour in (RED, BLUE)]
    moving = cut_subject(written(pictures[0], "WEBP", save_all=True, append_images=pictures[1:], lossless=True))
    assert moving.remarks == (FIRST.format(2),)
    assert (moving.picture[32, 32] == RED).all()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    if importlib.util.find_spec("cv2"):
        flat = cut_subject(written(Image.fromarray(noise // 40 + np.uint8(100))))
        assert flat.remarks == (NOTHING_FOUND,)
        assert (flat.alpha == 255).all()
    monkeypatch.setitem(sys.modules, "cv2", None)
    whole = cut_subject(ball(ground=(250, 250, 250)))
    assert whole.remarks == (NO_VISION,)
    assert (whole.alpha == 255).all()


def test_a_cmyk_photograph_has_the_colours_it_shows():
    cmyk = Image.open(io.BytesIO(ball(ground=(250, 250, 250), size=96))).convert("CMYK")
    cut = cut_subject(written(cmyk, "JPEG", quality=95))
    assert np.abs(cut.picture[48, 48].astype(int) - RED).max() < 40


# --- how well it is drawn -------------------------------------------------------------------------------------------


def test_the_figures_are_of_every_picture_in_the_folder_and_name_what_is_none(tmp_path):
    (tmp_path / "sea-seal.webp").write_bytes((PICTURES / "seal.webp").read_bytes())
    (tmp_path / "notes.txt").write_text("no picture")
    found = evaluation.evaluate_own(pocket(), tmp_path, steps=1)
    assert (found["pictures"], found["frames"], list(found["each"])) == (1, 2, ["sea seal"])
    assert found["skipped"][0].startswith("notes.txt: no picture can be made out")
    assert found["subject_psnr_db"] > 18
    assert found["subject_right"] == 1.0
    with pytest.raises(ValueError, match="there is no picture in"):
        evaluation.subjects_of(tmp_path / "..")


def test_the_witness_tells_a_cut_out_from_a_known_subject_of_the_same_name():
    own = evaluation.pack_of([Subject("robot", ball()), Subject("seal", ball(BLUE))])
    pack = compositing.joined(own, compositing.every_sprite())
    assert pack.labels[:2] == ("own robot", "own seal")
    assert "robot" in pack.labels[2:]
    assert len(pack.labels) == len(pack.full) == len(pack.shadow)
