"""The arrows of docs/architecture.md: a module imports only from its own row or a row below."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "studio"

ROWS = (
    "cli __main__ doctor ui",
    "session score presets training evaluation bench",
    "engine",
    "models samplers guidance hub accelerate outputs world",
    "conditioning schedule noise trajectory similarity kv_cache frames pictures folders",
    "controls",
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
