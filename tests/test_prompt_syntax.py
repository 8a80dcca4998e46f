"""What people write in prompts beside words: weights and breaks as they know them, and what is said of the rest."""

import pytest
import torch
from tiny.model import TinyModel
from tiny.wan_folders import tiny_wan_folder

from studio.controls import Prompt
from studio.engine import Engine
from studio.models.loader import load
from studio.models.pocket.sentence_encoder import LONGEST
from studio.models.prompt_syntax import MOST, Fragment, letters, weighted
from studio.models.wan.model import open_wan


def read(prompt):
    """(text, weight to six digits) of the fragments, None between the parts of BREAK."""
    parts = [[(one.text, round(one.weight, 6)) for one in part] for part in weighted(prompt)]
    return [one for part in parts for one in (*part, None)][:-1]


@pytest.mark.parametrize(
    ("prompt", "means"),
    [
        ("", []),
        ("a red fox, at dawn: 5 o'clock", [("a red fox, at dawn: 5 o'clock", 1)]),
        ("a (red) fox", [("a ", 1), ("red", 1.1), (" fox", 1)]),
        ("a ((red)) fox", [("a ", 1), ("red", 1.21), (" fox", 1)]),
        ("a (red:1.3) fox", [("a ", 1), ("red", 1.3), (" fox", 1)]),
        ("a (red: .5 ) fox", [("a ", 1), ("red", 0.5), (" fox", 1)]),
        ("(red:-1)", [("red", -1)]),
        ("a [red] fox", [("a ", 1), ("red", round(1 / 1.1, 6)), (" fox", 1)]),
        ("((a) b:1.5)", [("a", 1.65), (" b", 1.5)]),
        ("([a]:2)", [("a", round(2 / 1.1, 6))]),
        (r"a \(red\) fox \[x\] \\", [("a (red) fox [x] \\", 1)]),
        (r"a path\to", [("a path\\to", 1)]),
        ("a fox) and ]", [("a fox) and ]", 1)]),
        ("(a fox", [("a fox", 1.1)]),
        ("([a fox)", [("a fox)", 1)]),
        ("a [fox:1.3]", [("a ", 1), ("fox:1.3", round(1 / 1.1, 6))]),
        ("(fox:red)", [("fox:red", 1.1)]),
        ("(fox:1e9)", [("fox:1e9", 1.1)]),
        ("()", []),
        ("a fox BREAK a lake", [("a fox ", 1), None, (" a lake", 1)]),
        ("(a BREAK b:2)", [("a ", 2), None, (" b", 2)]),
        ("BREAKFAST, a BREAKDOWN", [("BREAKFAST, a BREAKDOWN", 1)]),
        ("(" * 200 + "fox" + ")" * 200, [("fox", MOST)]),
    ],
)
def test_weights_are_read_as_people_know_them(prompt, means):
    assert read(prompt) == means


def test_a_plain_prompt_is_one_fragment_and_itself():
    prompt = "a boat: blue\nand ’white’, \U0001f98a, Break, B and b"
    assert weighted(prompt) == [[Fragment(prompt)]]


LETTERS = {
    "<lora:ink:0.8>": "slider",
    "<hypernet:x:1>": "slider",
    "[a fox:a bear:0.5]": "blend",
    "[fox|bear]": "take turns",
    "{fox}": "(word)",
    "fox++": "(word)",
    "(a fox)--": "(word)",
    "(a fox)1.3": "(word:1.3)",
    "(a fox:1,3)": "(word:1.3)",
    "fox::2": "(word:1.3)",
    "a fox --ar 16:9": "dials",
    "a fox AND a bear": "added up",
    "a __colour__ fox": "wildcards",
    "embedding:bad-hands": "textual inversions",
}
WEIGHTS = {"(fox:1.3)": "weighs no words", "((fox))": "weighs", "[fox]": "weighs", "a BREAK b": "as one"}


@pytest.mark.parametrize("sign", LETTERS)
def test_signs_that_are_letters_are_said_to_be(sign):
    (remark,) = letters(f"a lake, {sign}, at dawn", "sd", weighs=True)
    assert remark.startswith("sd reads “")
    assert LETTERS[sign] in remark
    assert "as letters" in remark


@pytest.mark.parametrize("sign", WEIGHTS)
def test_weights_are_letters_only_to_a_model_that_weighs_none(sign):
    assert not list(letters(f"a lake, {sign}, at dawn", "sd", weighs=True))
    (remark,) = letters(f"a lake, {sign}, at dawn", "pocket", weighs=False)
    assert WEIGHTS[sign] in remark


@pytest.mark.parametrize(
    "prose",
    [
        "a fox (red) - at dawn",
        "three well-known foxes; a co-op",
        "5 o'clock: 3:2 and 16:9",
        "AND THE FOX",
        "snake_case is no wildcard",
        "a <b> and a --- dash",
        "C++",
        "",
    ],
)
def test_nothing_is_said_of_prose(prose):
    assert not list(letters(prose, "pocket", weighs=False)) or prose == "C++"  # a letter and two signs may be either


def test_one_remark_of_a_kind_and_a_long_one_is_shortened():
    said = list(letters("{" + "x" * 400 + "} and {b} and fox++", "sd", weighs=True))
    assert len(said) == 1
    assert len(said[0]) < 140


def test_hard_prompts_are_read_quickly():
    for hard in ("(" * 4000, "(a" * 2000, "[" * 4000, "[:" * 2000, "\\" * 4000, "(a:" * 1333, "x" * 4000, "--" * 2000):
        weighted(hard)
        list(letters(hard, "pocket", weighs=False))


# What the models say


@pytest.fixture(scope="module")
def pocket():
    return load("pocket")


def test_pocket_says_where_it_stops_reading(pocket):
    words = " ".join(f"word{number}" for number in range(120))
    (remark,) = pocket.prepare(words).remarks
    assert remark.startswith(f"pocket reads the first {LONGEST - 2} of ")
    end = remark.partition("end with “…")[2].partition("”")[0]
    read_part = words[: words.index(end) + len(end)]
    assert (pocket.prepare(read_part).states == pocket.prepare(words).states).all()
    assert not (pocket.prepare(read_part[:-3]).states == pocket.prepare(words).states).all()
    assert pocket.prepare("a quiet meadow").remarks == ()


def test_wan_says_where_it_stops_reading(tmp_path):
    model = open_wan(tiny_wan_folder(tmp_path), size=(64, 64), chunk=1, sink=1, window=3)
    words = " ".join(f"w{number}" for number in range(400))
    (remark,) = model.prepare(words).remarks
    read = int(remark.removeprefix("Wan reads the first ").partition(" ")[0])
    assert read == 511, "and the mark at the end"
    assert "the rest does nothing" in remark
    end = remark.partition("end with “…")[2].partition("”")[0]
    part = words[: words.rindex(end) + len(end)]
    assert torch.equal(model.prepare(part).states, model.prepare(words).states)
    assert model.prepare("a meadow").remarks == ()


def test_an_engine_logs_what_is_not_read(pocket, caplog):
    engine = Engine(pocket)
    engine.prepare(Prompt("a (red:1.4) fox in the snow"), Prompt("a red fox in the snow"))
    assert [record.message for record in caplog.records] == [
        "pocket reads “(red:1.4)” as letters: it weighs no words; say in words what matters."
    ]


def test_a_model_of_ones_own_says_nothing_unless_it_does():
    assert TinyModel().prepare("(a:1.3)").remarks == ()
