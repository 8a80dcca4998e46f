"""The arrows of docs/architecture.md: a module imports only from its own row or a row below."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "studio"

ROWS = (
    "cli __main__ doctor ui client",
    "session score presets training evaluation bench",
    "engine begun",
    "models samplers underpaint hub accelerate outputs world",
    "conditioning regional schedule noise trajectory geometry similarity kv_cache frames pictures folders motion",
    "controls guidance",
)
ROW = {name: number for number, row in enumerate(reversed(ROWS)) for name in row.split()}


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path, source: str) -> list[str]:
    """The parts of the studio a module imports when it is loaded or when its functions run; not for types alone."""
    found = []
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    package = ("studio", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "studio" else [module]
        else:
            continue
        found += [name.split(".")[1] for name in names if name.startswith("studio.")]
    return found


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_row_or_below(path):
    own = part(path)
    assert own in ROW, f"{own} stands in no row; give it one here and in docs/architecture.md"
    above = [name for name in imported(path, path.read_text()) if ROW.get(name, -1) > ROW[own]]
    assert not above, f"{path.name} ({own}) imports from above: {above}"


def test_the_reader_of_imports_sees_every_form():
    source = """
import studio.cli
from studio.session import Session
from studio import score
from ..engine import Engine
from . import pocket
def late():
    from studio.ui.app import launch
if TYPE_CHECKING:
    from studio.bench import bench
"""
    assert imported(PACKAGE / "models" / "x.py", source) == ["cli", "session", "score", "engine", "models", "ui"]


def name_of(path: Path) -> str:
    """A module's own name: studio/ui/seat.py is studio.ui.seat."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_files(path: Path, source: str, known: set[str]) -> set[str]:
    """The studio's modules that a module imports when it is loaded or when its functions run; not for types alone."""
    tree = ast.parse(source)
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            module = node.module or ""
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else module for name in names}
    return (found & known) - {name_of(path)}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A way through the graph that ends where it began; empty if there is none."""
    done: set[str] = set()

    def search(way: list[str]) -> list[str]:
        for after in sorted(graph[way[-1]]):
            if after in way:
                return [*way[way.index(after) :], after]
            if after not in done and (found := search([*way, after])):
                return found
        done.add(way[-1])
        return []

    return next(filter(None, (search([name]) for name in graph if name not in done)), [])


def test_no_file_imports_itself_by_way_of_others():
    paths = [*modules(), PACKAGE / "__init__.py"]
    known = {name_of(path) for path in paths}
    graph = {name_of(path): imported_files(path, path.read_text("utf-8"), known) for path in paths}
    assert circle(graph) == []


def test_a_circle_of_imports_is_found():
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    source = "from studio.ui import seat\ndef late():\n    from studio.ui.seats import Seats\n"
    source += "if TYPE_CHECKING:\n    from studio.ui.library import Library\n"
    known = {"studio.ui", "studio.ui.seat", "studio.ui.seats", "studio.ui.library"}
    assert imported_files(PACKAGE / "ui" / "x.py", source, known) == {"studio.ui.seat", "studio.ui.seats"}


@pytest.mark.parametrize("name", ["studio", "studio.controls", "studio.score", "studio.presets", "studio.cli"])
def test_a_light_module_loads_nothing_heavy(name):
    code = (
        f"import sys, {name}; print([m for m in ('torch', 'gradio', 'diffusers', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_had_and_is_documented():
    import studio

    for name in studio.NAMES:
        assert getattr(studio, name).__doc__, f"studio.{name} has no docstring"
    assert set(studio.__all__) <= set(dir(studio))
    with pytest.raises(AttributeError, match="it has: "):
        _ = studio.sesion


def test_the_changelog_begins_with_the_version():
    import studio

    headings = [line for line in (PACKAGE.parent / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == f"## {studio.__version__}"
