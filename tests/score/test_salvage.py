"""What is opened of a take that cannot be read whole, and what is said of the rest."""

import base64
import contextlib
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutators import break_json
from tiny.pictures import noisy

from score.playing import scores
from studio.controls import Picture, Prompt
from studio.score import Event, Header, Score, ScoreError
from studio.score.salvage import salvage, salvage_text

HEADER = Header("tiny", "0123456789ab", 32, 32, start=2, frames=9, digest="ab" * 16)
TAKE = Score(HEADER, [Event(2, Prompt("spring")), Event(4, Picture(noisy(1))), Event(6, Prompt("winter"))])


def lines():
    return list(TAKE.lines())


def opened(*given):
    return salvage_text("\n".join([*given, ""]), "take.jsonl")


def test_a_whole_take_is_opened_as_it_is():
    assert opened(*lines()) == (whole := salvage_text("\n".join(lines()), "take.jsonl"))
    assert whole.score == TAKE
    assert whole.left_out == ()


def test_a_take_of_a_newer_version_is_opened_as_far_as_it_is_known():
    first, *rest = lines()
    newer = opened(first.replace('"studio": 2', '"studio": 3'), *rest, '{"frame": 7, "kind": "smell", "of": "rain"}')
    assert newer.score.events == TAKE.events
    assert newer.score.header.digest == ""
    version, line = newer.left_out
    assert version.startswith("the take is of version 3, this studio plays 2: what it knows of it is opened")
    assert "left out: take.jsonl, line 5: control kind is 'smell'" in line


def test_without_a_picture_the_other_events_are_opened():
    first, prompt, picture, last = lines()
    for damaged in (picture.replace('"data": "', '"data": "%'), picture.replace('"data": "', '"data": "AAAA')):
        without = opened(first, prompt, damaged, last)
        assert [event.frame for event in without.score.events] == [2, 6]
        (told,) = without.left_out
        assert "left out: take.jsonl, line 3: picture" in told


def test_cut_off_in_a_line_it_is_opened_to_there():
    cut = salvage_text("\n".join(lines())[:-20], "take.jsonl")
    assert [event.frame for event in cut.score.events] == [2, 4]
    assert "line 4 is no JSON" in cut.left_out[0]
    recording = replace(TAKE, header=replace(HEADER, frames=None, digest=""))
    text = "\n".join([*recording.lines(), '{"checkpoint": 12, "digest": "cd"}', '{"frame": 9, "ki'])
    assert salvage_text(text).score.length == 12
    assert salvage_text(text).score.header.digest == ""


def test_lines_out_of_order_are_put_in_order():
    first, one, two, three = lines()
    mixed = opened(first, three, one, two)
    assert mixed.score.events == TAKE.events
    assert mixed.left_out == ("lines that were out of order were put in the order of their frames",)


def test_a_snapshot_that_is_damaged_is_left_out_and_the_take_begins_clean():
    first, *rest = lines()
    for bad in ('{"snapshot": "?"}', '{"snapshot": 3}'):
        assert opened(first, bad, *rest).score.snapshot == b""
    good = base64.b64encode(b"moment").decode()
    assert opened(first, f'{{"snapshot": "{good}"}}', *rest).score.snapshot == b"moment"


def test_many_lines_are_counted():
    first, *rest = lines()
    many = opened(first, *rest, *["{broken"] * 9, *['{"frame": 8, "kind": "picture", "data": 3}'] * 2)
    assert len(many.left_out) == 6
    assert many.left_out[-1] == "left out in all: 9 lines, 2 pictures"


def test_what_is_empty_or_says_not_what_was_played_says_what_to_do(tmp_path):
    for text in ("", "\n \n"):
        with pytest.raises(ScoreError, match=r"take.jsonl is empty, so there is nothing in it to open; delete it"):
            salvage_text(text, "take.jsonl")
    with pytest.raises(ScoreError, match='it lacks "studio"; give a score'):
        opened(*lines()[1:])
    with pytest.raises(ScoreError, match=r"cannot read the score .*none.jsonl"):
        salvage(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ScoreError, match="line 1 is no JSON"):
        salvage(tmp_path / "bytes.jsonl")


@settings(max_examples=60, deadline=None)
@given(scores(), st.integers(0, 2**32))
def test_whatever_is_broken_in_a_take_the_rest_is_opened_or_a_sentence_says_why_not(one, seed):
    dice = random.Random(seed)
    broken = list(one.lines())
    place = dice.randrange(len(broken))
    broken[place] = break_json(broken[place], dice)
    got = None
    with contextlib.suppress(ScoreError):
        got = opened(*broken)
    if got is None:
        assert place == 0
        return
    assert Score.parse("\n".join([*got.score.lines(), ""])) == got.score
    if place and not got.left_out:
        assert len(got.score.events) == len(one.events)
