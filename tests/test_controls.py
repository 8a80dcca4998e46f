import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest
from cutout_files import png
from regional.masks import mask
from tiny.pictures import noisy as drawn

from studio.controls import (
    CONTROLS,
    Backdrop,
    Camera,
    ControlError,
    ControlState,
    CutOut,
    Erase,
    FreeMotion,
    Live,
    Lora,
    Pause,
    Picture,
    Place,
    Prompt,
    Region,
    Sampling,
    Similarity,
    Sink,
    Stroke,
    Structure,
    Subject,
    active_prompts,
    facings,
    from_message,
    lora_weights,
    opening_events,
    strokes,
    to_message,
)

LEFT = mask(0, 0.5)
EVERY = [
    Prompt("snowy mountains", "fog", "cut"),
    Sampling(7, "self", 1.5, 4),
    Sampling(t_index_list=(32, 45), add_noise=False),
    Stroke("a", "fox", ((0, 0.1, 0.2), (5, 0.9, 0.2)), "path", 0.4, False),
    Erase("a"),
    Pause(False),
    Picture(b"\xff\xd8\xff the rest of a JPEG"),
    Similarity(0.05, 20, True),
    Structure(0.7, "picture"),
    Lora("ink", 0.8),
    Sink("keep", 3),
    Region("a", "a frozen lake", LEFT, 0.7),
    Camera(0.01, zoom=0.02, frames=12),
    CutOut("a", png()),
    Subject("mia", png(), ("my cat",), "left"),
    Backdrop("colour", "#204060", 3, 0.5),
    Live(True, 0.2),
    Place("my garden", drawn(0), "dawn", drawn(1), 2.5),
    FreeMotion(True),
]


def drag(x, id="a", **changes):
    return Stroke(id, **{"label": "fox", "points": ((0, x, 0.5),), **changes})


@pytest.mark.parametrize("control", EVERY, ids=lambda control: control.kind)
def test_a_control_survives_the_way_through_json(control):
    assert from_message(json.loads(json.dumps(to_message(control)))) == control


def test_the_table_names_every_kind():
    assert {control.kind for control in EVERY} == set(CONTROLS)
    assert all(cls.kind == kind for kind, cls in CONTROLS.items())


def test_a_control_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Prompt("a").text = "b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Prompt("   "), "prompt text is empty; type 1 to 4000"),
        (lambda: Prompt("x" * 4001), "4001 characters, 1 to 4000 are possible; shorten"),
        (lambda: Prompt(3), "must be text, got 3"),
        (lambda: Prompt("a", switch="fade"), "'fade'; choose one of: recache, keep, cut"),
        (lambda: Picture("not base64!"), "not base64"),
        (lambda: Picture(b"%PDF a paper"), "possible: JPEG, PNG, WebP"),
        (lambda: Picture(b"\xff\xd8\xff" + bytes(2**22)), "at most 4,194,304 are possible"),
        (lambda: Picture(7), "send the bytes of a JPEG, PNG or WebP"),
        (lambda: Similarity(2), "threshold is 2; send a number from 0 to 1"),
        (lambda: Structure(1, "depth"), "choose one of: edges, picture"),
        (lambda: Lora("ink", 3), "weight is 3; send a number from -2 to 2"),
        (lambda: Sink("drop"), "choose one of: recache, keep, keep_after_window"),
        (lambda: Sampling(strength=0), "strength is 0; send a number from 0.02 to 1"),
        (lambda: Prompt("a", blend=-1), "blend is -1"),
        (lambda: Sampling(seed=2**64), "send a whole number from -9223372036854775808 to 18446744073709551615"),
        (lambda: Sampling(seed=True), "whole number, got True"),
        (lambda: Sampling(seed=10**400), "seed is 1000"),
        (lambda: Sampling(scale=math.nan), "finite number, got nan"),
        (lambda: Sampling(scale=11), "scale is 11; send a number from 0 to 10"),
        (lambda: Sampling(steps=0), "steps is 0; send a whole number from 1 to 16"),
        (lambda: Sampling(t_index_list=32), "t_index_list is 32; send 0 to 16 places"),
        (lambda: Sampling(t_index_list=[*range(17)]), "send 0 to 16 places, such as .32, 45., or"),
        (lambda: Sampling(t_index_list=[32, 50]), "t_index_list's place is 50; send a whole number from 0 to 49"),
        (lambda: Sampling(t_index_list=[45, 32]), "its places rise, from more noise to less: sort them"),
        (lambda: Sampling(add_noise=1), "add_noise must be true or false"),
        (lambda: Sampling(guidance="cfg"), "choose one of: none, full, self, initialize"),
        (lambda: drag(math.nan), "point 0: x must be a finite number, got nan"),
        (lambda: drag(math.inf), "point 0: x must be a finite number, got inf"),
        (lambda: drag(10**400), "point 0: x is 1000"),
        (lambda: Prompt("half \ud83d"), "holds half a character"),
        (lambda: drag(0.5, label="\udfff"), "stroke label holds half a character"),
        (lambda: drag(1.2), "point 0: x is 1.2; send a number from 0 to 1"),
        (lambda: drag(0.5, points=()), r"send 1 to 2048 triples \(t, x, y\)"),
        (lambda: drag(0.5, points=((0, 0.5, 0.5),) * 10_000), "10000 points, 1 to 2048 are possible; leave out some"),
        (lambda: drag(0.5, points=((0, 0.5),)), "a point is three numbers"),
        (lambda: drag(0.5, points=((1, 0.5, 0.5), (0, 0.5, 0.5))), "point 1 is at t=0, before"),
        (lambda: drag(0.5, points=((-1, 0.5, 0.5),)), "t is -1; send a number from 0"),
        (lambda: drag(0.5, label=" "), "stroke label is empty"),
        (lambda: drag(0.5, label="x" * 81), "81 characters"),
        (lambda: drag(0.5, id="x" * 65), "65 characters"),
        (lambda: drag(0.5, id="*"), "means every stroke"),
        (lambda: drag(0.5, size=0.9), "size is 0.9; send a number from 0.1 to 0.8"),
        (lambda: drag(0.5, mode="fly"), "choose one of: drag, pin, path"),
        (lambda: drag(0.5, loop="yes"), "true or false"),
        (lambda: Pause(1), "true or false"),
        (lambda: Erase(""), "stroke id is empty"),
    ],
)
def test_what_cannot_be_is_told_with_what_can(make, said):
    with pytest.raises(ControlError, match=said):
        make()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ([], 'object with a "kind"'),
        ({}, "possible kinds: prompt, sampling"),
        ({"kind": ["prompt"]}, "possible kinds"),
        ({"kind": "camera"}, "'camera'; possible kinds"),
        ({"kind": "prompt"}, "lacks 'text'; add it"),
        ({"kind": "prompt", "text": "a", "size": 1}, "no field 'size'; its fields: text, negative, switch"),
        ({"kind": "stroke", "id": "a", "label": "b", "points": "xyz"}, "triples"),
        ({"kind": "stroke", "id": "a", "label": "b", "points": [[0, None, 1]]}, "x must be a finite number, got None"),
    ],
)
def test_a_malformed_message_is_told(message, said):
    with pytest.raises(ControlError, match=said) as caught:
        from_message(message)
    assert len(str(caught.value)) < 300


def test_the_message_of_an_error_stays_short_whatever_was_sent():
    with pytest.raises(ControlError) as caught:
        from_message({"kind": "prompt", "text": ["x" * 100_000]})
    assert len(str(caught.value)) < 300


def test_a_stroke_and_its_erasure_share_a_slot():
    assert drag(0.5).slot == Erase("a").slot == ("stroke", "a")
    assert Prompt("a").slot == "prompt"


def test_of_one_slot_the_last_is_in_force():
    state = ControlState().after(Prompt("a"), 0).after(Prompt("b"), 1).after(Pause(), 2)
    assert state[Prompt] == Prompt("b")
    assert state[Pause].paused


def test_strokes_are_kept_by_their_id_and_in_the_order_they_were_first_painted():
    state = ControlState()
    for frame, (id, x) in enumerate([("a", 0.1), ("b", 0.2), ("a", 0.3)]):
        state = state.after(drag(x, id, mode="pin"), frame)
    assert [(id, since) for id, (_, since) in strokes(state).items()] == [("a", 2), ("b", 1)]
    assert list(strokes(state.after(Erase("a"), 3))) == ["b"]
    assert not strokes(state.after(Erase("*"), 3))


def test_in_force_is_a_value():
    before = ControlState().after(drag(0.5), 0)
    before.after(Erase("*"), 1)
    assert list(strokes(before)) == ["a"]


def test_a_dragged_subject_turns_when_it_comes_back_and_not_when_the_hand_trembles():
    def sign(*xs):
        return facings([(0, x, 0.5) for x in xs])[-1].sign

    assert sign(0.5) == sign(0.5, 0.51) == 0
    assert sign(0.5, 0.6) == sign(0.5, 0.6, 0.59, 0.6, 0.585) == 1
    assert sign(0.5, 0.6, 0.57) == -1
    # From the furthest place reached, not from where it last was sure.
    assert sign(0.5, 0.6, 0.615, 0.59) == -1
    # Small steps add up: each is less than a turn needs.
    assert sign(0.5, 0.6, *(0.6 - 0.005 * n for n in range(1, 6))) == -1


def test_a_drag_in_many_messages_is_the_same_as_in_one():
    xs = [0.5, 0.61, 0.7, 0.69, 0.66, 0.67, 0.65, 0.655]
    many = ControlState()
    for frame, x in enumerate(xs):
        many = many.after(drag(x), frame)
    one = ControlState().after(drag(0, points=[(0, x, 0.5) for x in xs]), len(xs) - 1)
    stroke, since = strokes(many)["a"]
    assert {"a": (replace(stroke, stood=()), since)} == strokes(one)  # but how fast it went, which one does not say
    assert len(stroke.points) <= 3
    assert stroke.points[-1][1] == 0.655


def test_a_drag_back_to_where_it_turned_stays_there():
    state = ControlState()
    for x in (0.5, 0.6, 0.5):
        state = state.after(drag(x), 0)
    stroke, _ = strokes(state)["a"]
    assert stroke.points[-1][1] == 0.5
    assert facings(stroke.points)[-1].sign == -1


def test_another_label_begins_without_the_history_of_the_former():
    state = ControlState().after(drag(0.6), 0).after(drag(0.4), 1).after(drag(0.4, label="cow"), 2)
    assert strokes(state)["a"][0].points == ((0.0, 0.4, 0.5),)


def test_the_controls_in_force_fold_to_themselves():
    state = ControlState()
    sent = [*EVERY[:3], drag(0.6, "b"), drag(0.4, "b"), drag(0.2, "c"), replace(EVERY[2]), *EVERY[5:]]
    for frame, control in enumerate(sent):
        state = state.after(control, frame)
    again = ControlState()
    for frame, control in opening_events(state, 99):
        again = again.after(from_message(json.loads(json.dumps(to_message(control)))), frame)
    assert again == state
    assert list(strokes(again)) == list(strokes(state))


def test_words_blend_into_the_next_over_their_frames():
    state = ControlState().after(Prompt("sea"), 0).after(Prompt("fog", blend=3), 10)
    weights = [active_prompts(state.at(frame))[-1][2] for frame in (10, 11, 12)]
    assert weights == [0.25, 0.5, 0.75]
    assert [(prompt.text, weight) for prompt, _, weight in active_prompts(state.at(13))] == [("fog", 1.0)]


def test_words_that_come_amid_a_blend_blend_with_the_mixture():
    state = ControlState().after(Prompt("sea"), 0).after(Prompt("fog", blend=3), 10).after(Prompt("ice", blend=1), 11)
    heard = active_prompts(state.at(11))
    assert [(prompt.text, weight) for prompt, _, weight in heard] == [("sea", 1.0), ("fog", 0.5), ("ice", 0.5)]


@pytest.mark.parametrize("frame", [11, 12, 40])
def test_a_blend_under_way_folds_to_itself(frame):
    state = ControlState().after(Prompt("sea"), 0).after(Prompt("fog", blend=3), 10).after(Prompt("ice", blend=4), 11)
    again = ControlState.of(Prompt("another take"))
    for since, control in opening_events(state, frame):
        again = again.after(from_message(json.loads(json.dumps(to_message(control)))), since)
    for now in range(frame, 50):
        assert active_prompts(again.at(now)) == active_prompts(state.at(now))


def test_a_lora_of_weight_zero_is_gone():
    assert not lora_weights(ControlState().after(Lora("ink", 1), 0).after(Lora("ink", 0), 1))


def test_restarted_strokes_take_effect_anew():
    state = ControlState().after(drag(0.5), 40).restarted(0)
    assert strokes(state)["a"][1] == 0
