"""Text files are UTF-8, whatever the machine's locale says."""

import ast
import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "studio"
PROCESSES = ("run", "Popen", "check_output")
TEXT = {"read_text": 0, "write_text": 1}  # and the position of `encoding` among their arguments


def opens_by_locale(call: ast.Call) -> bool:
    """Whether a call reads or writes a text file in the locale's encoding."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name in TEXT:
        return len(call.args) <= TEXT[name]
    if name in PROCESSES and any(keyword.arg in ("text", "universal_newlines") for keyword in call.keywords):
        return True
    if name != "open" or (isinstance(call.func, ast.Attribute) and not opens_a_path(call.func.value)):
        return False
    at = 0 if isinstance(call.func, ast.Attribute) else 1
    mode = call.args[at] if len(call.args) > at else None
    return not (isinstance(mode, ast.Constant) and "b" in str(mode.value))


def opens_a_path(owner: ast.expr) -> bool:
    """Whether x.open(...) opens a file of text: not a library's own `open`."""
    return ast.unparse(owner) not in (
        "av",
        "Image",
        "PIL.Image",
        "self",
        "library",
        "self.window",
        "studio",
        "os",
        "zip",
        "seat.editing",
        "opener",
        "self._sink",
        "self._sender",
    )


def calls(source: str) -> list[str]:
    tree = ast.parse(source)
    return [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and opens_by_locale(node)]


def test_no_text_file_is_opened_in_the_locales_encoding():
    found = {str(path): calls(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
    assert len(found) > 100
    assert {path: by_locale for path, by_locale in found.items() if by_locale} == {}


def test_the_reader_of_calls_sees_every_form():
    by_locale = (
        "p.read_text()",
        "p.write_text('a')",
        "open('a')",
        "p.open('w')",
        "open('a', 'r+')",
        "run(['a'], text=True)",
    )
    for source in by_locale:
        assert calls(source) == [ast.unparse(ast.parse(source).body[0])]
    for source in (
        "p.read_text('utf-8')",
        "open('a', 'rb')",
        "p.open('wb')",
        "open('a', encoding='utf-8')",
        "av.open(p)",
    ):
        assert calls(source) == []


def test_the_pocket_model_opens_under_a_locale_that_has_ascii_alone():
    code = (
        "import locale; assert locale.getpreferredencoding(False).upper() not in ('UTF-8', 'UTF8');"
        "from studio.models.loader import load; labels = load('pocket').capabilities.labels;"
        "print('pi\\xf1ata'.encode() in str(labels).encode())"
    )
    environment = {**os.environ, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "True", done.stderr
