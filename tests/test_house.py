"""How large things may grow: classes, functions, signatures; and that a reader can follow the imports file by file."""

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "studio"
CLASS_LINES, CLASS_METHODS = 180, 16
FUNCTION_LINES, NINE_OF_TEN = 55, 18
PARAMETERS = 8
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def found(*kinds):
    """(where, node) of every node of these kinds."""
    return [
        (f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}", node)
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]


def lines(node) -> int:
    return node.end_lineno - node.lineno + 1


def parameters(node) -> int:
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_class_is_larger_than_a_reader_holds():
    large = [
        where
        for where, node in found(ast.ClassDef)
        if lines(node) > CLASS_LINES or sum(isinstance(one, FUNCTIONS) for one in node.body) > CLASS_METHODS
    ]
    assert not large


def test_no_function_is_longer_than_a_page_and_nine_of_ten_are_short():
    assert not [where for where, node in found(*FUNCTIONS) if lines(node) > FUNCTION_LINES]
    lengths = sorted(lines(node) for _, node in found(*FUNCTIONS))
    assert lengths[int(0.9 * len(lengths))] <= NINE_OF_TEN


def test_no_signature_has_more_than_eight_parameters():
    assert not [where for where, node in found(*FUNCTIONS) if parameters(node) > PARAMETERS]


def asked(node) -> str:
    """What a call asks of an object by a string, or ''."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    return name if name in ("hasattr", "optional") else ""


@pytest.mark.parametrize("room", ["engine.py", "samplers", "session", "score", "ui", "controls", "guidance"])
def test_what_a_model_can_do_is_never_found_out_by_its_attributes(room):
    places = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path, tree in trees().items()
        if path.relative_to(PACKAGE).parts[0] == room
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and asked(node)
    ]
    assert not places
