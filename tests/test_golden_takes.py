"""Takes recorded with version 0.2 show what they showed then: the same frames on a kind of machine that is known, and
pictures that look the same on any."""

import json

import golden
import numpy as np
import pytest

import studio
from studio.presets import Preset

NAMES = golden.names()
SCORES = [name for name in NAMES if not name.startswith("presets/")]
KINDS = {"prompt", "sampling", "stroke", "erase", "pause", "picture", "similarity", "structure", "lora", "sink"}

VARIED = [
    ("prompt", "negative"),
    ("prompt", "blend"),
    ("sampling", "seed"),
    ("sampling", "scale"),
    ("sampling", "strength"),
    ("sampling", "delta"),
    ("sampling", "drift"),
    ("stroke", "size"),
    ("picture", "data"),
    ("similarity", "threshold"),
    ("similarity", "most"),
    ("structure", "strength"),
    ("lora", "name"),
    ("lora", "weight"),
    ("sink", "renewed"),
]


pytestmark = pytest.mark.usefixtures("one_thread")


def lines(name):
    """The lines of a score, read without the studio; one that was cut off is left out."""
    text = (golden.TAKES / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")]


def found(kind, field):
    """All values of a field that occur in controls of a kind."""
    return {line[field] for name in SCORES for line in lines(name)[1:] if line["kind"] == kind}


@pytest.mark.parametrize("name", NAMES)
def test_a_take_of_0_2_shows_the_same_frames(name):
    known = golden.kept_hashes().get(golden.machine(), {}).get(name)
    if known is None:
        pytest.skip(f"no hashes are kept of {golden.machine()}: pictures alone are compared")
    assert golden.hashes_of(name) == known.split()


@pytest.mark.parametrize("name", NAMES)
def test_a_take_of_0_2_looks_the_same_on_any_machine(name):
    largest, mean = golden.apart(golden.pictures_of(name), golden.kept_pictures(name))
    most, most_mean = golden.tolerance(name)
    assert largest <= most
    assert mean <= most_mean


@pytest.mark.parametrize("name", SCORES)
def test_every_whole_line_of_a_take_of_0_2_is_read(name):
    header, *controls = lines(name)
    score = studio.Score.read(golden.TAKES / f"{name}.jsonl")
    assert [event.frame for event in score.events] == [control["frame"] for control in controls]
    assert (score.header.weights, score.header.start) == (header["weights"], header.get("start", 0))
    assert score.length == header.get("frames", controls[-1]["frame"] + 1)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SCORES])
def test_every_control_of_a_preset_of_0_2_is_read(name):
    path = golden.TAKES / f"{name}.json"
    written = [control.get("frame", 0) for control in json.loads(path.read_text(encoding="utf-8"))["controls"]]
    assert [event.frame for event in Preset.read(path).events] == sorted(written)


def test_a_take_of_0_2_was_cut_off_in_the_writing():
    *_, last = (golden.TAKES / "pocket-cut_off.jsonl").read_text(encoding="utf-8").split("\n")
    assert '"prompt"' in last
    assert not last.endswith("}")


def test_all_that_could_be_set_in_0_2_occurs_in_the_takes():
    assert {line["kind"] for name in SCORES for line in lines(name)[1:]} == KINDS
    assert {lines(name)[0]["sampler"] for name in SCORES} == {"stream", "rollout", "rolling"}
    assert found("prompt", "switch") == {"recache", "keep", "cut"}
    assert found("sampling", "guidance") == {"none", "full", "self", "initialize"}
    assert found("sampling", "rungs") == {1, 2, 3, 4}
    assert found("stroke", "mode") == {"drag", "pin", "path"}
    assert found("sink", "policy") == {"recache", "keep", "renew"}
    assert found("structure", "look") == {"edges", "picture"}
    assert found("pause", "paused") == found("similarity", "regions") == found("stroke", "loop") == {True, False}
    for kind, field in VARIED:
        assert len(found(kind, field)) > 1, (kind, field)


def test_one_pixel_too_far_is_seen_and_so_is_a_little_everywhere():
    kept = golden.kept_pictures("tiny-strokes")
    pixel = kept.copy()
    pixel[5, 5, 1] ^= 64
    assert golden.apart(pixel, kept) == (64, 64 / kept.size)
    assert golden.apart(np.clip(kept, 0, 254) + 1, np.clip(kept, 0, 254)) == (1, 1)
    with pytest.raises(ValueError, match="pictures of"):
        golden.apart(kept[:-1], kept)


def test_what_is_kept_is_not_written_over_unless_that_is_asked_for(tmp_path, monkeypatch):
    name, shows = "tiny-strokes", " ".join(golden.hashes_of("tiny-strokes"))
    monkeypatch.setattr(golden, "HASHES", tmp_path / "hashes.json")
    monkeypatch.setattr(golden, "picture_file", lambda name: tmp_path / f"{name}.webp")
    golden.keep({golden.machine(): {"another": "1"}, "elsewhere": {name: "2"}})
    golden.main(["--record", name])
    assert golden.kept_hashes() == {golden.machine(): {"another": "1", name: shows}, "elsewhere": {name: "2"}}
    assert golden.apart(golden.pictures_of(name), golden.kept_pictures(name)) == (0, 0)
    golden.keep({golden.machine(): {name: "3"}, "elsewhere": {name: "2"}})
    with pytest.raises(SystemExit, match=r"kept already: tiny-strokes; .*--force"):
        golden.main(["--record", name])
    assert golden.kept_hashes()[golden.machine()] == {name: "3"}
    golden.main(["--record", name, "--force"])
    assert golden.kept_hashes() == {golden.machine(): {name: shows}, "elsewhere": {}}
