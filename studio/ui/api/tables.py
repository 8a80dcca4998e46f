"""The tables of docs/guide/api.md, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from studio.controls import CONTROLS
from studio.ui.api.document import control_schema, notification_schema, notifications
from studio.ui.api.operations import OPERATIONS
from studio.ui.api.spoken import messages, schema
from studio.ui.protocol import CloseCode

MARK = "<!-- {} -->"


def filled(page: str) -> str:
    """Give the page with each table in its place: between `<!-- NAME -->` and `<!-- end NAME -->`."""
    for name, table in TABLES.items():
        before, mark, rest = page.partition(MARK.format(name))
        _, end, after = rest.partition(MARK.format(f"end {name}"))
        if not end:
            raise ValueError(
                f"the page has no place for {name}: write {MARK.format(name)} and {MARK.format('end ' + name)}"
            )
        page = f"{before}{mark}\n\n{table()}\n\n{end}{after}"
    return page


def table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, "|".join(["", *["---"] * (head.count("|") - 1), ""])]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def addresses() -> str:
    rows = []
    for (method, address), one in OPERATIONS.items():
        answers = "; ".join(f"{status} {answer.words}" for status, answer in one.answers.items())
        headers = ", ".join(f"`{name}`" for name in one.headers)
        rows.append((f"{method} `{address}`", f"{one.words}." + (f" Headers: {headers}." if headers else ""), answers))
    return table("| address | what it does | what it answers |", rows)


def first(text: str) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def names(schema: dict[str, Any], left_out: tuple[str, ...]) -> str:
    """The fields of a schema; those that may be left out with a question mark."""
    needed = schema.get("required", ())
    shown = [f"`{name}`{'' if name in needed else '?'}" for name in schema["properties"] if name not in left_out]
    return ", ".join(shown) or "–"


def said() -> str:
    made = [(name, message["type"], schema(name, message)) for name, message in messages().items()]
    rows = [
        (
            f"`{name}`",
            "command" if type == "command" else "type",
            names(one, ("type", "name")),
            first(one["description"]),
        )
        for name, type, one in made
    ]
    return table("| name | | fields | what it asks for |", rows)


def heard() -> str:
    made = [(one, notification_schema(one)) for one in notifications()]
    rows = [(f"`{one.type}`", names(schema, ("type",)), first(one.__doc__ or "")) for one, schema in made]
    return table("| type | fields | what it says |", rows)


def controls() -> str:
    rows = [
        (f"`{kind}`", names(control_schema(one), ("kind",)), first(one.__doc__ or "")) for kind, one in CONTROLS.items()
    ]
    return table("| kind | fields | what it is |", rows)


def closes() -> str:
    return table("| code | what the server says |", [(str(int(code)), code.words) for code in CloseCode])


TABLES: dict[str, Callable[[], str]] = {
    "addresses": addresses,
    "controls": controls,
    "said": said,
    "heard": heard,
    "closes": closes,
}
