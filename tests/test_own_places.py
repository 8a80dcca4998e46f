"""A place of one's own: what may be one, when a prompt says it, how far it has gone, and what plays it."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tiny.model import PlacesModel, TinyModel

from studio.conditioning import frame_inputs
from studio.controls import ControlError, ControlState, Place, Prompt, from_message, image_file, to_message
from studio.controls.place import LARGEST_PLACE, MOST_PLACES, TURNING, says
from studio.models import playable
from studio.score import Event, Score
from studio.session import Session
from studio.world import words


def file(kind="PNG", size=(32, 32), mode="RGB", seed=0, **options):
    """The bytes of a picture's file, every pixel another colour."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels.squeeze(), mode).save(out, kind, **options)
    return out.getvalue()


def flat(colour, mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, (32, 32), colour).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "place name is empty; type 1 to 60 characters"),
        ("x" * 300, "place name has 300 characters, 1 to 60 are possible; shorten it"),
        ("a", "has no word of its own; add a word that names it"),
        ("The", "has no word of its own"),
        ("...", "has no word of its own"),
        ("Night", "says a time of day or a weather, which turns places; add a word"),
        ("in the rain", "says a time of day or a weather"),
        (7, "place name must be text, got 7"),
    ],
)
def test_a_name_that_means_something_else_is_refused_with_what_to_do(name, said):
    with pytest.raises(ControlError, match=said):
        Place(name, file())


def test_a_name_is_kept_in_small_letters_so_that_one_place_has_one_slot():
    assert Place("  My \n Garden ", file()).slot == Place("my garden", file()).slot == ("place", "my garden")


def test_no_single_word_for_a_time_or_a_weather_is_a_name():
    tables = (words.TIME_WORDS, words.TIME_ADJECTIVES, words.WEATHER_WORDS, words.WEATHER_ADJECTIVES)
    assert {word for table in tables for several in table.values() for word in several if word.isalpha()} <= TURNING


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (flat("green"), "is one colour, so there is no place to see in it; send a photograph or a drawing"),
        (flat((9, 9, 9, 0), "RGBA"), "is transparent everywhere, so there is nothing to see; send another picture"),
        (file("BMP", (4, 4)), "this picture is 4x4; possible: 8 pixels a side"),
        (file()[:60], "cannot be decoded"),
        (b"%PDF a paper", "begins with b'%PDF a p'; possible: JPEG, PNG, WebP"),
        ("not base64!", "is not base64"),
        (7, "the place's picture is 7; send the bytes of a JPEG, PNG or WebP"),
    ],
)
def test_a_picture_with_nothing_to_see_is_refused_with_what_to_do(data, said):
    with pytest.raises(ControlError, match=said):
        Place("my garden", data)
    if isinstance(data, bytes):
        with pytest.raises(ControlError, match=r"the place's second picture (is|begins)|this picture"):
            Place("my garden", file(), end=data)


def test_a_picture_of_a_hundred_megapixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(image_file, "LARGEST", 1000)  # as if 32 x 32 were too many
    monkeypatch.setattr(image_file.check_shape, "__defaults__", (1000,))
    with pytest.raises(ControlError, match=r"this picture is 32x32; possible: .* at most 1,000 in all"):
        Place("my garden", file(seed=77))


@pytest.mark.parametrize("given", [file("JPEG", mode="CMYK"), file("GIF", mode="L"), file("PNG", (90, 20), "RGBA")])
def test_cmyk_greys_and_what_is_partly_transparent_are_places(given):
    assert Place("my garden", given).data == given


def test_of_an_animation_the_first_frame_is_looked_at():
    first, second = Image.new("RGB", (32, 32), "red"), Image.open(io.BytesIO(file()))
    out = io.BytesIO()
    first.save(out, "WEBP", save_all=True, append_images=[second], lossless=True)
    with pytest.raises(ControlError, match="is one colour"):
        Place("my garden", out.getvalue())


def test_a_large_file_is_made_smaller_as_it_comes_and_the_same_every_time():
    given = file("BMP", (400, 400))
    place = Place("my garden", given)
    assert len(given) > LARGEST_PLACE > len(place.data)
    assert Place("my garden", given) == place == from_message(to_message(place))


@pytest.mark.parametrize(
    ("text", "name", "is_said"),
    [
        ("my garden at night in the rain", "my garden", True),
        ("MY  Garden, snow", "my garden", True),
        ("a fox in (my garden:1.2)", "my garden", True),
        ("my gardens at night", "my garden", False),
        ("in my old garden", "my garden", False),
        ("gardening", "garden", False),
        ("GROSSE STRASSE", "große straße", True),
        ("c++ land", "c++", True),
        (None, "my garden", False),
    ],
)
def test_a_prompt_says_a_name_where_its_words_stand_in_it_whole(text, name, is_said):
    assert says(text, name) is is_said


def test_of_two_names_that_are_said_the_longer_wins():
    state = ControlState.of(Place("garden", file(seed=1)), Place("my garden", file(seed=2)), Place("garden x", file()))
    assert [place.name for place in frame_inputs(state, [0]).places] == ["my garden", "garden x", "garden"]


def test_it_goes_over_to_its_second_picture_by_the_frames_since_it_took_effect():
    place = Place("my garden", file(), end=file(seed=1), seconds=2)
    state = ControlState().after(place, 10)
    (told,) = frame_inputs(state, [10, 34, 58, 99]).places
    assert told.shares == (0.0, 0.5, 1.0, 1.0)
    assert frame_inputs(state.restarted(50), [50, 74]).places[0].shares == (0.0, 0.5)
    assert Place("x", file(), end=file(), seconds=0).share(0) == 1.0
    assert Place("x", file(), seconds=0).share(50) == 0.0


def test_empty_data_takes_it_away():
    state = ControlState.of(Place("my garden", file()), Place("My Garden"))
    assert not state.all(Place)
    assert Place("my garden").is_absent


def test_a_page_is_told_of_it_without_the_bytes():
    told = Place("my garden", file(), end=file(seed=1)).to_summary()
    assert {len(told["data"]), len(told["end"])} == {16}
    assert told["data"] != told["end"]
    assert Place("my garden", file()).to_summary()["end"] == ""


def test_only_a_model_with_places_plays_it_and_an_image_model_says_what_there_is_instead():
    place, video = Place("my garden", file()), TinyModel()
    assert "place" in playable.playable_kinds(PlacesModel())
    assert "place" not in playable.playable_kinds(video)
    with pytest.raises(ControlError, match=r"tiny has no places of one's own, which are the pocket model's$"):
        playable.check(video, place)
    playable.check(video, Place("my garden"))  # what is not there can be taken away
    still = TinyModel()
    still.capabilities = replace(video.capabilities, independent=True, takes_pictures=True)
    with pytest.raises(ControlError, match=r"a picture can be what is drawn from, .* \(the backdrop\)"):
        playable.check(still, place)
    kept, refused = playable.adapt(video, ControlState.of(place, Prompt("my garden")), 3)
    assert (list(refused), kept[Prompt].text) == (["place"], "my garden")


def test_there_is_room_for_twelve_and_no_more():
    session = Session(PlacesModel())
    for number in range(MOST_PLACES):
        session.send(Place(f"place {number}", file(seed=number)))
    with pytest.raises(
        ControlError, match=r"there are 12 places of your own, .*; take one away before you add 'place 40'"
    ):
        session.send(Place("place 40", file()))
    session.send(Place("place 3", file(seed=40)))
    session.send(Place("place 5"))
    session.send(Place("place 40", file()))


def test_a_score_holds_it(tmp_path):
    place = Place("my garden", file(), "dawn", file(seed=3), 4.0)
    session = Session(PlacesModel())
    session.send(place)
    session.send(Prompt("my garden at night"))
    shown = [session.step().hash for _ in range(6)]
    kept = session.keep(100)
    assert Event(0, place) in kept.events
    text = tmp_path / "take.jsonl"
    kept.write(text)
    assert Score.read(text).events == kept.events
    other = Session(PlacesModel())
    other.send(Prompt("my garden at night"))
    assert [other.step().hash for _ in range(6)] != shown
