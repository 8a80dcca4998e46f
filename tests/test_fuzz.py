"""Whatever comes in, from a page, a stranger or a file: it is taken, or refused in words; nothing is uncaught.

Inputs are whole ones broken by seeded mutators (`mutators.py`), and values that hypothesis makes. A few hundred run
with the other tests; `python -m pytest -m long tests/test_fuzz.py` runs more than twenty thousand.
"""

import asyncio
import gc
import io
import json
import random
import struct
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutators import ODD, break_bytes, break_json, break_text
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from ui_stand_ins import StandIn

from studio.controls import CONTROLS, ControlError, Lora, Picture, Stroke, from_message, to_message
from studio.pictures import decoded
from studio.presets import Preset, PresetError
from studio.score import Score, ScoreError
from studio.ui.connection import Connection
from studio.ui.parsing import COMMANDS, PICTURE_HEADER, PICTURE_MAGIC
from studio.ui.routes import PREFIX, Routes
from studio.ui.seat import Seat
from studio.ui.seats import Seats

TESTS = Path(__file__).parent
QUICK = pytest.param(1, id="quick")
LONG = pytest.param(40, id="long", marks=[pytest.mark.long, pytest.mark.timeout(1800)])
ANSWER = 2000  # characters that one message may bring back: what was sent is not echoed whole
GROWTH = 64 * 2**20  # bytes of resident memory that may be left behind

CONTROLS_SENT = [
    *(initial for kind in CONTROLS.values() if (initial := kind.initial())),
    Stroke("a", "fox", ((0, 0.1, 0.2), (9, 0.8, 0.5)), mode="path"),
    Lora("ink", 0.5),
]
MESSAGES = [
    *(json.dumps({"type": "control", "number": 3, "saw": 7, "control": to_message(one)}) for one in CONTROLS_SENT),
    *(json.dumps({"type": type, "number": 4, "saw": 1}) for type in COMMANDS),
    json.dumps({"type": "preset", "preset": "fox"}),
    json.dumps({"type": "pong", "ping": 1}),
]


@pytest.fixture
def memory():
    """Fails a test that leaves more memory behind than it may."""
    gc.collect()
    before = psutil.Process().memory_info().rss
    yield
    gc.collect()
    assert psutil.Process().memory_info().rss - before < GROWTH


def given_or_refused(call, *refusals):
    """What a call gives; None where it refuses, in words that are no page long."""
    try:
        return call()
    except refusals as error:
        words = str(error)
    assert 0 < len(words) < ANSWER
    return None


class Clock:
    """Time that passes by itself: an hour at every look, so that no allowance is ever used up."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 3600
        return self.now


def pictures() -> list[bytes]:
    """Small pictures of many kinds."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 14, 4), dtype=np.uint8)
    picture, written = Image.fromarray(pixels), []
    for mode, format in (
        *(("RGB", format) for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP")),
        *((mode, "PNG") for mode in ("RGBA", "P", "LA", "1")),
        *(("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "WEBP")),
    ):
        file = io.BytesIO()
        picture.convert(mode).save(file, format)
        written.append(file.getvalue())
    deep = io.BytesIO()
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(deep, "PNG")
    return [*written, deep.getvalue()]


def packed(picture: bytes, dice: random.Random) -> bytes:
    """A picture as a page sends it, its header broken now and then."""
    header = PICTURE_HEADER.pack(PICTURE_MAGIC, 5, 2)
    return (break_bytes(header, dice) if dice.random() < 0.2 else header) + picture


def inputs(count: int, dice: random.Random):
    """So many things that a page may say: JSON and pictures, whole and broken."""
    kinds = pictures()
    for _ in range(count):
        how = dice.random()
        if how < 0.7:
            yield break_json(dice.choice(MESSAGES), dice)
        elif how < 0.85:
            yield break_bytes(dice.choice(MESSAGES).encode(), dice).decode("utf-8", "replace")
        else:
            yield packed(break_bytes(dice.choice(kinds), dice, 200), dice)


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_whatever_a_page_says_is_answered_and_ends_nothing(tmp_path, memory, times):
    async def test():
        connection = Connection(Seat(StandIn(), tmp_path), {}, Clock())
        connection.drain()
        for said in inputs(150 * times, random.Random(times)):
            assert await asyncio.wait_for(connection.receive(said), 20)
            assert connection.closed is None
            for text in connection.drain():
                answer = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
                if answer["type"] in ("error", "notice", "sent"):
                    assert len(text) < ANSWER
                    text.encode()  # no lone surrogate, which no carrier can write

    asyncio.run(test())


@pytest.fixture
def site(tmp_path):
    """A client of the routes, as a page that pulls, and its headers."""
    routes = Routes(Seats(StandIn, takes=tmp_path, running=4), {}, clock=Clock())
    app = Starlette(routes=routes.table(), lifespan=routes.lifespan)
    with TestClient(app, raise_server_exceptions=False) as client:
        ours = {"origin": "http://testserver"}

        def opened() -> dict[str, str]:
            ticket = routes.tickets.mint(routes.seats.sit().id)
            answer = client.post(f"{PREFIX}/link", headers=ours | {"x-studio-ticket": ticket})
            return ours | {"x-studio-link": answer.json()["token"]}

        yield client, opened
    routes.seats.close_all()


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_whatever_is_asked_by_http_no_answer_is_a_fault_of_the_server(site, memory, times):
    client, opened = site
    dice, headers = random.Random(10 + times), opened()
    names = ("main.js", "studio.css", "..%2f..%2fpyproject.toml", "a" * 300, "%00", "é", "main.js%20", "")
    for said in inputs(80 * times, dice):
        how = dice.random()
        if how < 0.5:
            body = json.dumps({"messages": [said]}) if isinstance(said, str) else said
            wrapped = f'{{"messages": [{said}]}}' if isinstance(said, str) else said
            sent = dice.choice((wrapped, wrapped, body, said))
            kind = "application/octet-stream" if isinstance(sent, bytes) else "application/json"
            content = sent if isinstance(sent, bytes) else sent.encode("utf-8", "replace")
            answer = client.post(f"{PREFIX}/up", headers=headers | {"content-type": kind}, content=content)
        elif how < 0.7:
            answer = client.get(f"{PREFIX}/{dice.choice(('web', 'download'))}/{dice.choice(names)}")
        else:
            odd = {"x-studio-ticket": str(dice.choice(ODD))[:60].encode("ascii", "ignore").decode().replace("\x00", "")}
            way = dice.choice((client.post, client.get))
            path = dice.choice(("link", "up", "frame", "ws", "", "nothing"))
            answer = way(f"{PREFIX}/{path}", headers={"origin": "http://testserver"} | odd)
        assert answer.status_code < 500, (answer.status_code, said)
        if answer.status_code == 403 and how < 0.5:
            headers = opened()


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_a_score_is_read_or_refused_in_words(tmp_path, memory, times):
    dice, path = random.Random(20 + times), tmp_path / "take.jsonl"
    whole = [one.read_text("utf-8") for one in sorted((TESTS / "takes").glob("*.jsonl")) if one.stat().st_size < 20_000]
    for _ in range(150 * times):
        path.write_bytes(break_text(dice.choice(whole), dice).encode("utf-8", "surrogatepass"))
        if score := given_or_refused(lambda: Score.read(path), ScoreError):
            score.write(tmp_path / "again.jsonl")
            assert Score.read(tmp_path / "again.jsonl").events == score.events


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_a_preset_is_read_or_refused_in_words(memory, times):
    dice = random.Random(30 + times)
    whole = [one.read_text("utf-8") for one in sorted((TESTS.parent / "presets").glob("*.json"))]
    for _ in range(100 * times):
        text = dice.choice(whole)
        cut = break_bytes(text.encode(), dice).decode("utf-8", "replace")
        broken = break_json(text, dice) if dice.random() < 0.7 else cut
        given_or_refused(lambda: Preset.parse(broken), PresetError)  # noqa: B023


@pytest.mark.parametrize("times", [QUICK, LONG])
def test_a_picture_is_decoded_or_refused_in_words(memory, times):
    dice, whole = random.Random(40 + times), pictures()
    for _ in range(150 * times):
        broken = break_bytes(dice.choice(whole), dice, 300)
        shown = given_or_refused(lambda: decoded(Picture(broken).data, (16, 24)), ControlError)  # noqa: B023
        assert shown is None or (shown.shape, shown.dtype) == ((16, 24, 3), np.uint8)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def control_messages(draw):
    """A control's message with some of its fields exchanged for any JSON."""
    message = to_message(draw(st.sampled_from(CONTROLS_SENT)))
    for name in draw(st.lists(st.sampled_from(sorted(message)), max_size=2)):
        message[name] = draw(JSON)
    return message


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(control_messages())
def test_a_control_that_is_taken_means_the_same_when_it_is_written_and_read_again(message):
    if control := given_or_refused(lambda: from_message(message), ControlError):
        assert from_message(json.loads(json.dumps(to_message(control)))) == control


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 2**32 - 1))
def test_a_picture_with_any_header_is_parsed_or_refused(data, number):
    async def test():
        connection = Connection(Seat(StandIn(), Path("/nowhere")), {}, Clock())
        assert connection.accept(struct.pack("<4sII", PICTURE_MAGIC, number, number) + data)
        assert connection.accept(data)

    asyncio.run(test())
