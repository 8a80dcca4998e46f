"""Takes edited: what each edit does, and that whatever is done gives a take that is whole."""

import contextlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny.model import TinyModel

from score.playing import PATH, edits, scores
from studio.controls import Prompt, Sampling, Stroke, opening_events
from studio.controls import strokes as strokes_of
from studio.score import Event, Header, Score, ScoreError, replay
from studio.score.edit import EditError, change, delete, insert, join, loop, move, retime, state_before, trim
from studio.score.edit_list import apply_edit, apply_edits, gestures
from studio.trajectory import placements

MODEL = TinyModel()
HEADER = Header("tiny", "0123456789ab", 32, 32, start=10, frames=20, digest="ab" * 16)


def score(*events, **header):
    opening = [Event(10, Prompt("spring")), Event(10, Sampling(7))]
    later = [Event(frame, control) for frame, control in sorted(events, key=lambda one: one[0])]
    return Score(replace(HEADER, **header), [*opening, *later])


def pin(x, id="a"):
    return Stroke(id, "fox", ((0, x, 0.5),), "pin")


def placed(one, frame):
    """Where every subject is in a frame of a take, as it is in force there."""
    return {each.id: round(each.x, 5) for each in placements(strokes_of(state_before(one, frame + 1)), frame)}


def frames_of(one):
    return [event.frame for event in one.events]


# Whatever is done


def tried(one, wanted):
    """The takes after each edit that can be made, the first among them."""
    made = [one]
    for each in wanted:
        with contextlib.suppress(EditError):
            made.append(apply_edit(made[-1], each, lambda _: one))
    return made


@settings(max_examples=40, deadline=None)
@given(scores(), st.lists(edits(), max_size=5))
def test_whatever_is_edited_is_a_whole_take_that_reads_back_equal_and_replays(one, wanted):
    *_, last = made = tried(one, wanted)
    start, end = last.header.start, last.header.start + last.length
    later = [event.frame for event in last.events if event.frame > start]
    assert later == sorted(later)
    assert all(frame < end for frame in later)
    opening = [place for place, event in enumerate(last.events) if event.frame <= start]
    assert opening == list(range(len(opening)))
    assert Score.parse("\n".join([*last.lines(), ""])) == last
    assert last.header.digest == ("" if len(made) > 1 else one.header.digest)
    if last.length <= 24:
        frames = list(replay(last, MODEL))
        assert [frame.index for frame in frames] == list(range(start, end))


@settings(max_examples=40, deadline=None)
@given(scores(), st.lists(edits(), min_size=1, max_size=5))
def test_no_edit_touches_the_take_it_is_of_so_that_undo_is_the_one_before(one, wanted):
    text = list(one.lines())
    made = tried(one, wanted)
    again = tried(one, wanted)
    assert made == again
    assert list(one.lines()) == text
    for before, after in pairwise(made):
        assert before is not after


@settings(max_examples=40, deadline=None)
@given(scores(), st.integers(-4, 4), st.integers(1, 12))
def test_a_move_back_and_a_deletion_of_what_was_inserted_undo(one, by, frame):
    plain = replace(one, header=replace(one.header, digest=""))
    control = Prompt("inserted")
    if frame < one.header.start + one.length and frame > one.header.start:
        more = insert(one, frame, control)
        (place,) = [place for place, event in enumerate(more.events) if event.control is control]
        assert delete(more, [place]) == plain
        moved = move(more, [place], by)
        (now,) = [place for place, event in enumerate(moved.events) if event.control is control]
        back = move(moved, [now], frame - moved.events[now].frame)
        assert delete(back, [place for place, e in enumerate(back.events) if e.control is control]) == plain


@settings(max_examples=40, deadline=None)
@given(scores(), st.integers(0, 14), st.integers(1, 15), st.integers(2, 3))
def test_a_loop_begins_each_time_under_what_was_in_force_and_cut_out_again_is_the_take(one, first, last, times):
    start, end = one.header.start, one.header.start + one.length
    if not start <= first < last <= end:
        return
    looped = loop(one, first, last, times)
    span = last - first
    assert looped.length == one.length + (times - 1) * span
    for number in range(times):
        for frame in range(first, last):
            then, now = state_before(one, frame + 1), state_before(looped, frame + number * span + 1)
            assert now[Prompt].text == then[Prompt].text
            assert now[Sampling] == then[Sampling]
            assert placed(looped, frame + number * span) == placed(one, frame)
    assert trim(looped, start, last).events == trim(one, start, last).events


@settings(max_examples=40, deadline=None)
@given(scores(), st.integers(1, 14))
def test_what_is_left_by_a_trim_is_set_as_it_was(one, first):
    start, end = one.header.start, one.header.start + one.length
    if not start < first < end:
        return
    left = trim(one, first, end)
    for frame in range(first, end):
        here, there = state_before(one, frame + 1).at(frame), state_before(left, frame + 1).at(frame)
        assert list(opening_events(here, frame)) == list(opening_events(there, frame))


@settings(max_examples=30, deadline=None)
@given(scores(), scores())
def test_two_takes_joined_are_the_one_and_then_the_other(one, other):
    both = join(one, other)
    end = one.header.start + one.length
    assert both.length == one.length + other.length
    for frame in range(other.length):
        then = state_before(other, other.header.start + frame + 1)
        now = state_before(both, end + frame + 1)
        assert now[Prompt].text == then[Prompt].text
        assert placed(both, end + frame) == placed(other, other.header.start + frame)
    assert trim(both, one.header.start, end).events == trim(one, one.header.start, end).events


# One by one


def test_events_move_together_and_stop_at_the_ends():
    one = score((12, pin(0.1)), (14, pin(0.2)), (20, Prompt("winter")))
    assert frames_of(move(one, [2, 3], 5)) == [10, 10, 17, 19, 20]
    assert frames_of(move(one, [2, 3], 8)) == [10, 10, 20, 20, 22]
    assert move(one, [2, 3], 8).events[2].control == Prompt("winter")
    assert frames_of(move(one, [2, 3], -9)) == [10, 10, 11, 13, 20]
    assert frames_of(move(one, [2, 3], 99)) == [10, 10, 20, 27, 29]
    assert move(one, [2], 0).header.digest == ""
    with pytest.raises(EditError, match="in force at the take's start stays at frame 10; change it there"):
        move(one, [0], 3)
    with pytest.raises(EditError, match="event 9 is not there; the take has 5, from 0"):
        move(one, [9], 3)


def test_words_and_values_are_changed_and_what_cannot_be_says_what_can():
    one = score((12, Prompt("winter")), (14, pin(0.2)))
    assert change(one, [2], {"text": "summer", "blend": 4}).events[2].control == Prompt("summer", blend=4)
    assert change(one, [1], {"steps": 8}).events[1].control == Sampling(7, steps=8)
    with pytest.raises(EditError, match="prompt has no field 'txt'; its fields: text, negative, switch, blend"):
        change(one, [2], {"txt": "a"})
    with pytest.raises(EditError, match="steps is 99; send a whole number from 1 to 16"):
        change(one, [1], {"steps": 99})
    assert change(one, [2], {"kind": "pause", "text": "b"}).events[2].control == Prompt("b")


def test_a_part_made_longer_takes_what_comes_after_it_along_and_walks_its_paths_slower():
    one = score((12, Stroke("a", "fox", PATH, "path")), (14, Prompt("winter", blend=4)), (20, Prompt("summer")))
    slow = retime(one, 12, 18, 12)
    assert frames_of(slow) == [10, 10, 12, 16, 26]
    assert slow.length == 26
    assert slow.events[2].control.points[-1][0] == 2 * PATH[-1][0]
    assert slow.events[3].control.blend == 8
    fast = retime(one, 12, 18, 1)
    assert frames_of(fast) == [10, 10, 12, 12, 15]
    with pytest.raises(EditError, match="the part would be 0 frames long"):
        retime(one, 12, 18, 0)
    with pytest.raises(EditError, match="there is no part from frame 5 to 18; the take goes from 10 to 30"):
        retime(one, 5, 18, 3)
    with pytest.raises(EditError, match=r"more than 1e\+06 frames"):
        retime(score((12, Stroke("a", "fox", ((0, 0, 0), (9e5, 1, 1)), "path"))), 12, 14, 4)


def test_a_looping_path_that_was_under_way_goes_on_from_where_it_was_in_each_round():
    one = score((11, Stroke("a", "fox", PATH, "path")), (18, pin(0.3)))
    looped = loop(one, 16, 20, 3)
    for number in range(3):
        for frame in range(16, 20):
            assert placed(looped, frame + 4 * number) == placed(one, frame)


def test_limits_are_told():
    with pytest.raises(EditError, match="the part is to be played 1000 times; possible: 1 to 100"):
        loop(score(), 10, 12, 1000)
    long = score(frames=900_000)
    with pytest.raises(EditError, match="the take would be 1800000 frames long; possible: 1 to 1000000"):
        join(long, long)
    with pytest.raises(EditError, match="frame 30 is not in the take; it has 10 to 29"):
        insert(score(), 30, Prompt("a"))
    with pytest.raises(EditError, match="one take is of tiny at 32x32, the other of pocket at 32x32"):
        join(score(), score(model="pocket"))


def test_a_take_that_begins_in_mid_play_does_so_unless_its_beginning_is_cut_off():
    one = replace(score((12, pin(0.5))), snapshot=b"all of it")
    assert move(one, [2], 3).snapshot == b"all of it"
    assert trim(one, 10, 15).snapshot == b"all of it"
    assert trim(one, 11, 15).snapshot == b""
    shots = [event.control for event in join(one, score()).events if event.frame == 30]
    assert shots == [replace(pin(0.5), mode="pin")] or all(not isinstance(each, Prompt) for each in shots)
    cut = [event.control for event in join(one, score((10, Prompt("winter")))).events if event.frame == 30]
    assert Prompt("winter", switch="cut") in cut


def test_a_version_says_what_it_came_from_and_old_files_say_nothing():
    one = score()
    version = move(score((12, pin(0.1))), [2], 1).version_of(one, "a fox")
    assert version.header.versions == (("a fox", one.fingerprint),)
    again = Score.parse("\n".join(version.lines()))
    assert again == version
    assert "versions" not in next(one.lines())
    assert len(one.fingerprint) == 12
    assert version.fingerprint != one.fingerprint
    third = again.version_of(again, "a fox 2")
    assert [name for name, _ in third.header.versions] == ["a fox", "a fox 2"]
    with pytest.raises(ScoreError, match='"versions" has'):
        Score.parse(next(version.lines()).replace('["a fox", ', "["))


def test_edits_of_a_page_are_read_with_care():
    one = score((12, pin(0.1)))
    wanted = [{"edit": "move", "events": [2], "by": 3}, {"edit": "delete", "events": [2]}]
    assert apply_edits(one, wanted) == delete(one, [2])
    for wrong, said in (
        ("move", "edit is 'move'; possible: move, delete"),
        ({"edit": "sing"}, "edit is 'sing'; possible: move"),
        ({"edit": "move", "events": [2]}, r"move has \['by', 'events'\], and \['by'\] is missing"),
        ({"edit": "move", "events": "2", "by": 1}, "events is '2'; send a list"),
        ({"edit": "move", "events": [True], "by": 1}, "events is True; send a whole number"),
        ({"edit": "move", "events": [2], "by": 0.5}, "by is 0.5; send a whole number"),
        ({"edit": "change", "events": [2], "values": 3}, "values is 3; send an object"),
        ({"edit": "insert", "frame": 12, "control": {"kind": "sing"}}, "control kind is 'sing'"),
    ):
        with pytest.raises(EditError, match=said):
            apply_edits(one, [wrong])
    with pytest.raises(EditError, match="edits are 3; send a list"):
        apply_edits(one, 3)


def test_the_events_of_a_drag_are_one_gesture_and_those_in_force_at_the_start_stand_apart():
    drags = [(frame, Stroke("a", "fox", ((0, frame / 40, 0.5),))) for frame in (*range(12, 17), 29)]
    shown = gestures(score(*drags, (13, Prompt("winter")), (14, Prompt("summer"))))
    assert [(one.kind, one.first, one.last, len(one.events), one.opening) for one in shown] == [
        ("prompt", 10, 10, 1, True),
        ("sampling", 10, 10, 1, True),
        ("stroke", 12, 16, 5, False),
        ("prompt", 13, 13, 1, False),
        ("prompt", 14, 14, 1, False),
        ("stroke", 29, 29, 1, False),
    ]
    assert shown[2].slot == "a"
    assert shown[2].words == "fox, drag"
    assert "points" not in shown[2].values
    assert shown[0].values["text"] == "spring"
