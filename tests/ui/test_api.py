"""The description of the API says what there is, and two clients play a running server by it."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route, WebSocketRoute

from studio.client import ClientError, connect, unpacked
from studio.controls import CONTROLS, ControlError, Prompt, to_message
from studio.ui.api import openapi
from studio.ui.api.document import component
from studio.ui.api.operations import OPERATIONS
from studio.ui.api.spoken import COMMANDS, EXAMPLES, messages, schema
from studio.ui.api.tables import filled
from studio.ui.mailbox import encode_jpeg, pack
from studio.ui.parsing import COMMANDS as READ_COMMANDS
from studio.ui.parsing import MESSAGES, read
from studio.ui.routes import PREFIX
from ui.client import FOX, frame, linked

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "api.md"
DOCUMENT = openapi()


class Noting(dict):
    """A message that notes which of its fields are looked at."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.looked_at: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.looked_at.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.looked_at.add(key)
        return super().get(key, default)


def test_the_guide_has_the_tables_that_the_code_makes():
    page = PAGE.read_text("utf-8")
    assert page == filled(page), "write them anew: python tools/api_page.py"


def test_every_address_of_the_server_is_described_and_no_other(house):
    routes, _ = house
    there = set()
    for route in routes.table():
        address = route.path.removeprefix(PREFIX)
        if isinstance(route, WebSocketRoute):
            there.add(("WS", address))
        elif isinstance(route, Route):
            there |= {(method, address) for method in route.methods or () if method != "HEAD"}
    assert there == set(OPERATIONS), "describe it in studio/ui/api/operations.py"


def test_every_message_that_is_read_is_described_with_the_fields_that_are_looked_at():
    assert set(COMMANDS) == set(READ_COMMANDS), "describe it in studio/ui/api/spoken.py"
    assert set(EXAMPLES) == set(MESSAGES) - {"command"}, "describe it in studio/ui/api/spoken.py"
    for name, message in messages().items():
        noting = Noting(message)
        read(noting)
        assert noting.looked_at | {"type"} == set(schema(name, message)["properties"]), name


def test_the_document_is_an_openapi_of_its_version():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for address, methods in DOCUMENT["paths"].items():
        for method in methods.values():
            assert method["responses"]
            assert all(answer["description"] for answer in method["responses"].values())
            in_path = {one["name"] for one in method.get("parameters", ()) if one["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", address))
    named = set(DOCUMENT["components"]["schemas"])
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in named)
    for one in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(one)
    used = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert used <= named


def valid(value: object, name: str) -> None:
    """Raise where a value is not what the document says of a component."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(json.loads(json.dumps(value)))


def test_examples_controls_and_what_a_page_is_told_are_as_described():
    for message in messages().values():
        valid(message, "Command")
    for kind in CONTROLS.values():
        if initial := kind.initial():
            valid(initial.to_summary(), "Control")
    valid(to_message(FOX), "Control")
    with pytest.raises(jsonschema.ValidationError):
        valid({"kind": "sampling", "steps": 99}, "Control")

    async def test(connection, session):
        connection.send_hello()
        await connection.receive('{"type": "dance"}')
        await connection.receive(json.dumps(messages()["control"]))
        session.step()
        heard = [json.loads(text) for text in connection.drain()]
        assert {"hello", "ping", "error", "sent", "receipts", "status"} <= {message["type"] for message in heard}
        for message in heard:
            valid(message, component(f"Hear {message['type']}"))

    linked(test)


def test_a_plain_program_from_the_guide_drives_a_server(served, capsys):
    address, _ = served
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (program,) = [block for block in blocks if "websockets" in block]
    spoken: dict[str, Any] = {}
    exec(program.replace("127.0.0.1:7860", address.removeprefix("http://")), spoken)
    assert [answer["type"] for _, answer in sorted(spoken["answers"].items())] == ["sent", "sent"]
    numbers, revisions, pictures = zip(*spoken["frames"], strict=True)
    assert list(numbers) == sorted(set(numbers))
    assert revisions[-1] >= max(answer["revision"] for answer in spoken["answers"].values())
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
    assert "frames" in capsys.readouterr().out


def test_the_client_plays_is_refused_in_words_and_comes_back_to_its_seat(served):
    address, routes = served
    with connect(address) as studio:
        revision = studio.send(Prompt("a quay in the rain"))
        studio.stroke("1", "fox", 0.25, 0.75)
        assert next(one for one in studio.frames(200) if one.revision > revision).picture.shape == (64, 64, 3)
        with pytest.raises(ControlError, match="knows no 'unicorn'"):
            studio.stroke("2", "unicorn", 0.5, 0.5)
        studio.command("preset", preset="fox")
    with connect(address, studio.seat) as again:
        assert again.seat == studio.seat
        assert again.hello["state"]["prompt"]["text"] == "a meadow"
    session = routes.seats.find(studio.seat).session
    assert "a quay in the rain" in [one.text for one in session.sent if isinstance(one, Prompt)]
    routes.seats.close_all()


def test_who_is_not_let_in_is_told_why(served):
    address, routes = served
    with pytest.raises(ClientError, match="studio run"):
        connect("http://127.0.0.1:9")
    with pytest.raises(ClientError, match="http://"):
        connect("127.0.0.1:7860")
    kept = [routes.seats.sit() for _ in range(routes.seats.running)]
    try:
        with pytest.raises(ClientError, match="sessions are running here"):
            connect(address)
    finally:
        for seat in kept:
            routes.seats.close(seat)
    foreign = urllib.request.Request(
        f"{address}{PREFIX}/ticket", b"{}", {"origin": "https://elsewhere.example"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(foreign)


def test_the_client_reads_a_frame_as_the_server_packs_it():
    sent = frame(7, 3)
    got = unpacked(pack(sent, 1, encode_jpeg(sent.picture, 100)))
    assert (got.index, got.revision, got.tick_ms) == (7, 3, 41.5)
    assert abs(got.picture.astype(int) - sent.picture).mean() < 40
    assert abs(got.made_ns - sent.made_ns) < 1e6


def test_a_request_for_a_ticket_that_is_no_object_is_answered(house):
    _, client = house
    answer = client.post(f"{PREFIX}/ticket", content=b"[", headers={"origin": "http://testserver"})
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]


def test_the_document_is_served(house):
    assert house[1].get(f"{PREFIX}/openapi.json").json() == DOCUMENT
