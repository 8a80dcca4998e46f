import json

import pytest

from studio.controls import Prompt, Stroke
from studio.presets import FOLDERS, Preset, PresetError, preset, presets
from studio.score import Event

GOOD = {
    "name": " Winter ",
    "description": "Snow, then spring.",
    "controls": [
        {"frame": 48, "kind": "prompt", "text": "spring"},
        {"kind": "prompt", "text": "winter"},
        {"kind": "stroke", "id": "a", "label": "fox", "points": [[0, 0.5, 0.5]]},
    ],
}


def test_a_preset_is_its_controls_in_order_of_their_frames():
    read = Preset.parse(json.dumps(GOOD))
    assert read.name == "Winter"
    assert read.events == (
        Event(0, Prompt("winter")),
        Event(0, Stroke("a", "fox", ((0, 0.5, 0.5),))),
        Event(48, Prompt("spring")),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no JSON"),
        ("[]", 'must be an object with "name"'),
        (json.dumps({**GOOD, "controls": "none"}), 'list "controls"'),
        (json.dumps({**GOOD, "name": 3}), '"name" is 3; give it a short text'),
        (json.dumps({**GOOD, "description": " "}), '"description" is'),
        (json.dumps({**GOOD, "controls": [3]}), 'control 1 must be an object with a "kind", got 3'),
        (json.dumps({**GOOD, "controls": [{"kind": "prompt"}]}), "control 1: prompt lacks 'text'"),
        (json.dumps({**GOOD, "controls": [{"kind": "pause", "frame": -1}]}), '"frame" is -1; give how many frames'),
        (json.dumps({**GOOD, "controls": [{"kind": "pause", "frame": True}]}), '"frame" is True'),
        ("[" * 100_000, "is no JSON"),
        ('"' + "x" * 1_000_001 + '"', "1000003 characters, 1000000 are possible"),
    ],
)
def test_a_malformed_preset_is_told(text, said):
    with pytest.raises(PresetError, match=said) as caught:
        Preset.parse(text, "mine.json")
    assert "mine.json" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_presets_are_found_by_their_files_names(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.json").write_text(json.dumps(GOOD))
    assert list(presets([tmp_path / "none", tmp_path])) == ["a", "b"]
    assert presets([tmp_path / "none"]) == {}


def test_a_preset_that_is_not_there_is_told_with_those_that_are(tmp_path):
    with pytest.raises(PresetError, match="no preset is called 'moon'; there are: "):
        preset("moon")
    with pytest.raises(PresetError, match=r"cannot read the preset .*check the path"):
        preset(str(tmp_path / "none.json"))
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(GOOD))
    assert preset(str(path)).name == "Winter"


def test_three_or_more_presets_come_with_the_studio_and_all_can_be_loaded():
    shipped = presets(FOLDERS)
    assert len(shipped) >= 3
    for name, one in shipped.items():
        assert any(isinstance(event.control, Prompt) and event.frame == 0 for event in one.events), name
