"""What the guide shows works: its examples are run, and its commands and keys are those there are."""

import re
from pathlib import Path

import pytest

from studio.cli import COMMANDS
from studio.controls import CONTROLS, from_message
from studio.guidance import GUIDANCES

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)


@pytest.fixture
def tables():
    """The registries as they were, after an example put something into them."""
    before = dict(CONTROLS), dict(GUIDANCES)
    yield
    for table, kept in zip((CONTROLS, GUIDANCES), before, strict=True):
        table.clear()
        table.update(kept)


def test_the_model_in_forty_lines_plays_and_replays(tables):
    definition, played = blocks("extend/model.md", "python")
    assert len(definition.split("class Colours")[1].strip().splitlines()) <= 40
    exec(compile(definition + played, "extend/model.md", "exec"), {"__name__": "guide"})


def test_the_control_in_twenty_lines_is_read_from_a_message(tables):
    (definition,) = blocks("extend/control.md", "python")
    exec(compile(definition, "extend/control.md", "exec"), {"__name__": "guide"})
    assert from_message({"kind": "wind", "speed": 3}).to_message() == {"kind": "wind", "speed": 3.0}


def test_the_guidance_of_the_guide_is_played(tables, model):
    import studio

    (definition,) = blocks("extend/guidance.md", "python")
    exec(compile(definition, "extend/guidance.md", "exec"), {"__name__": "guide"})
    sessions = [studio.open(model, prompt="a meadow") for _ in range(2)]
    sessions[1].send(studio.Sampling(guidance="halfway", scale=2.0))
    plain, halfway = ([session.step().hash for _ in range(3)] for session in sessions)
    assert plain != halfway


@pytest.mark.parametrize("page", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob("guide/*.md")))
def test_every_command_of_the_guide_is_one(page):
    named = re.findall(r"^studio ([a-z]+)", "\n".join(blocks(page, "sh")), re.M)
    assert set(named) <= set(COMMANDS)


def test_the_keys_of_the_guide_are_the_pages():
    page = (DOCS.parent / "studio" / "ui" / "web" / "keys.js").read_text("utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", (DOCS / "guide" / "keys.md").read_text("utf-8"), re.M)[2:]
    missing = [what for _, what in rows if what not in page]
    assert len(rows) > 12
    assert not missing
