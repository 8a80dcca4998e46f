"""The notebooks run from top to bottom on the shipped weights, in a kernel of their own."""

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "notebooks"))
from run import NOTEBOOKS, ran


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def shown(notebook, kind):
    """The data of a kind that the notebook shows, in order."""
    return [output.data[kind] for output in outputs(notebook) if kind in output.get("data", {})]


def said(notebook):
    return "".join(output.text for output in outputs(notebook) if output.output_type == "stream")


@pytest.mark.timeout(300)
def test_first_light_plays_switches_rewinds_replays_and_renders(tmp_path):
    notebook = ran(next(path for path in NOTEBOOKS if path.stem == "01_first_light"), tmp_path)
    assert len(shown(notebook, "image/webp")) == 6  # two loops that were played, the switch, and three futures
    assert "the same future again" in said(notebook)
    assert "84 frames, 84 different pictures, all as they were" in said(notebook)
    assert (tmp_path / "first-light.mp4").stat().st_size > 10_000
    assert (tmp_path / "first-light.jsonl").read_text().startswith('{"studio": 2')


@pytest.mark.timeout(300)
def test_the_core_agrees_with_the_formulas_written_out(tmp_path):
    notebook = ran(next(path for path in NOTEBOOKS if path.stem == "02_the_core"), tmp_path)
    assert "the first three ticks give: [None, None, None]" in said(notebook)
    assert "12 pictures in, 12 frames out" in said(notebook)
    assert "kept frames (0, 1, 2, 3, 4, 5)" in said(notebook)
    assert len(shown(notebook, "image/webp")) == 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_what_it_shows(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1)), "run `python notebooks/run.py`"
    assert shown(notebook, "image/webp")
    assert path.stat().st_size < 2_000_000
