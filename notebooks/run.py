"""Runs the notebooks and stores what they show: `python notebooks/run.py`, after the weights or the names changed."""

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = sorted(Path(__file__).parent.glob("*.ipynb"))


def ran(path: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in a kernel of its own; the files it writes go into `folder`.

    Warnings of libraries are left out: they tell of the machine it ran on. Raises CellExecutionError.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell ran: another diff at every run
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(ran(path, Path(folder)), path)
        print(path)
