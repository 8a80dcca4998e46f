"""Takes edited at a seat: opened, shown, kept as versions, rendered beside the stream, and what is said of bad ones."""

import asyncio
import json
from dataclasses import replace

import pytest
from score.test_render import OtherModel
from session.playing import SEVERAL
from tiny.model import TinyModel

from studio.controls import Prompt
from studio.score import Score, replay
from studio.session import Session
from studio.ui.connection import Connection
from studio.ui.rendering import RenderJob, RenderRequest
from studio.ui.restore import saved_of
from studio.ui.seat import Seat
from ui.client import content

TINY = TinyModel()


class Page:
    """A connection to a seat on the tiny model, with a take of 14 frames."""

    def __init__(self, folder, model=TINY):
        self.seat = Seat(Session(model), folder)
        self.connection = self.seat.connection = Connection(self.seat, {})
        self.seat.run = lambda: None  # frames come when the test wants them
        self.seat.record()
        for frame in range(14):
            for at, control in SEVERAL:
                if at == frame:
                    self.seat.session.send(control)
            self.seat.session.step()
        self.take = self.seat.stop_recording().name
        self.connection.drain()

    async def say(self, name, **values):
        await self.connection.receive(json.dumps({"type": "command", "name": name, "take": self.take, **values}))

    def heard(self, type):
        return [json.loads(text) for text in self.connection.drain() if json.loads(text)["type"] == type]

    async def ask(self, name, type, **values):
        await self.say(name, **values)
        texts = [json.loads(text) for text in self.connection.drain()]
        errors = [text["message"] for text in texts if text["type"] == "error"]
        found = [text for text in texts if text["type"] == type]
        assert found or errors, texts
        return found[-1] if found else errors[0]

    async def rendered(self, **values):
        """What is told of a rendering, from its beginning to its end."""
        await self.say("render", **values)
        heard = []
        async with asyncio.timeout(30):
            while not heard or heard[-1]["stage"] in ("load", "render"):
                heard += [text for text in map(json.loads, self.connection.drain()) if text["type"] != "status"]
                heard = [text for text in heard if text["type"] in ("rendering", "error", "take")]
                if heard and heard[-1]["type"] == "error":
                    return heard
                heard.sort(key=lambda text: text["type"] == "rendering")
                await asyncio.sleep(0.01)
        return heard


@pytest.fixture
def page(tmp_path):
    async def made():
        return Page(tmp_path)

    page = asyncio.run(made())
    yield page
    page.seat.close()


def scored(page, take):
    return Score.parse(content(page.seat, take["score"]).decode())


def test_a_take_is_opened_edited_and_kept_as_a_version_that_names_its_parent(page):
    async def test():
        opened = await page.ask("edit", "editing")
        assert (opened["take"], opened["start"], opened["frames"], opened["edits"]) == (page.take, 0, 14, 0)
        (prompt,) = [one for one in opened["gestures"] if one["words"] == "winter"]
        assert (prompt["first"], prompt["values"]["switch"]) == (4, "recache")
        edits = [
            {"edit": "change", "events": prompt["events"], "values": {"text": "autumn"}},
            {"edit": "move", "events": prompt["events"], "by": 3},
        ]
        again = await page.ask("edit", "editing", edits=edits)
        (prompt,) = [one for one in again["gestures"] if one["words"] == "autumn"]
        assert prompt["first"] == 7
        saved = (await page.ask("save-version", "take", edits=edits))["take"]
        assert saved["parent"] == page.take
        assert saved["name"].endswith("-v2")
        version = scored(page, saved)
        assert [name for name, _ in version.header.versions] == [page.take]
        assert len(list(replay(version, TINY))) == 14
        page.take = saved["name"]
        cut = {"edits": [{"edit": "trim", "first": 2, "last": 6}], "as": "Short!"}
        third = await page.ask("save-version", "take", **cut)
        assert third["take"]["name"].endswith("-short")
        assert third["take"]["frames"] == 4
        kept = Score.read(page.seat.recorder.folder / f"{third['take']['name']}.jsonl")
        assert [name for name, _ in kept.header.versions][1:] == [page.take]

    asyncio.run(test())


def test_what_cannot_be_edited_is_answered_and_nothing_is_kept(page):
    async def test():
        for values, said in (
            ({"take": "none"}, f"take is 'none'; there are: {page.take}"),
            ({"edits": 3}, "edits are 3; send a list"),
            ({"edits": [{"edit": "sing"}]}, "edit is 'sing'; possible: move"),
            ({"edits": [{"edit": "move", "events": [0], "by": 2}]}, "what is in force at the take's start stays"),
        ):
            assert said in await page.ask("edit", "editing", **values)
            assert said in await page.ask("save-version", "take", **values)
            assert said in await page.ask("render", "rendering", **values)
            assert said in await page.ask("show-take", "preview", **values)
        assert "steps is 99; send 1 to 16" in await page.ask("render", "rendering", steps=99)
        assert len(page.seat.recorder.takes) == 1
        assert page.seat.editing.live is None

    asyncio.run(test())


def test_a_take_is_shown_and_one_click_goes_back_to_what_was_played(page):
    async def test():
        session = page.seat.session
        before = session.engine.frame
        shown = await page.ask("show-take", "preview", edits=[{"edit": "trim", "first": 0, "last": 9}])
        assert (shown["start"], shown["frames"]) == (0, 9)
        assert next(iter(page.seat.editing.told())).frames == 9
        assert session.engine.frame == 0
        await page.ask("show-take", "preview", first=5)
        assert session.engine.frame == 5
        (over,) = [await page.ask("live", "preview")]
        assert over["frames"] == 0
        assert session.engine.frame == before
        assert not session.history.branches
        await page.say("live")
        assert session.engine.frame == before
        assert list(page.seat.editing.told()) == []

    asyncio.run(test())


def test_on_another_model_a_take_is_shown_as_far_as_it_goes(page):
    async def test():
        page.seat.hand_over(OtherModel())
        opened = await page.ask("edit", "editing")
        assert "played on tiny at 32x32 (weights 0123456789ab), and here plays other" in opened["notes"][0]
        await page.say("show-take")
        (notice,) = page.heard("notice")
        assert "left out: other takes no stroke" in notice["message"]

    asyncio.run(test())


def test_what_is_handed_over_saved_and_kept_while_a_take_is_shown_is_what_was_played(page):
    async def test():
        words = page.seat.state[Prompt].text
        for edits in ([], [{"edit": "change", "events": [0], "values": {"text": "a cave"}}]):
            await page.say("show-take", edits=edits)
        assert page.seat.state[Prompt].text == "a cave"
        assert saved_of(page.seat).state()[Prompt].text == words
        page.seat.hand_over(OtherModel())
        assert page.seat.state[Prompt].text == words
        assert page.seat.editing.live is None

    asyncio.run(test())


def test_a_take_is_rendered_with_more_steps_and_is_a_take_that_replays(page):
    async def test():
        *_, take, done = await page.rendered(steps=4)
        assert done["stage"] == "done"
        assert (done["done"], done["total"]) == (14, 14)
        assert "dB on average" in done["what"]
        assert take["type"] == "take" or done["name"]
        made = page.seat.recorder.takes[-1]
        assert made.name == done["name"]
        assert made.name.endswith("-4-steps")
        assert (made.parent, made.note) == (page.take, done["what"])
        video = content(page.seat, done["video"])
        assert video.suffix == ".mp4"
        assert video.stat().st_size > 500
        score = Score.read(video.with_suffix(".jsonl"))
        assert score.header.digest
        assert len(list(replay(score, TINY))) == 14

    asyncio.run(test())


def job(page, model, heard):
    score = page.seat.editing.open(page.seat, page.take).score
    request = RenderRequest(page.take, score, page.seat.recorder.folder / "out.mp4")
    return RenderJob(request, lambda: model, tell=heard.append, finish=lambda made: replace(heard[-1], stage="done"))


def test_a_rendering_that_is_called_off_leaves_no_file_and_says_so_once(page):
    for steps in (1, 2, 6):
        heard = []
        one = job(page, TINY, heard)
        going = one.steps()
        for _ in range(steps):
            next(going)
        going.close()
        one.cancelled()
        assert [told.stage for told in heard if not told.under_way] == ["cancelled"]
        assert not list(page.seat.recorder.folder.glob("*out.*"))
    heard = []
    one = job(page, TINY, heard)
    one.cancelled()  # before its turn had come
    assert [told.stage for told in heard] == ["cancelled"]


def test_a_frame_is_drawn_at_each_step_so_that_the_stream_has_its_share(page):
    heard = []
    one = job(page, TINY, heard)
    assert sum(1 for _ in one.steps()) == 14 + 1
    assert heard[-1].stage == "done"
    one.cancelled()  # too late: what is done stays
    assert heard[-1].stage == "done"
    assert one.request.path.is_file()


def test_one_rendering_at_a_time_and_a_failure_is_told(page):
    async def test():
        page.seat.editing.job = job(page, TINY, [])
        assert "a take is being rendered; cancel it" in await page.ask("render", "rendering")
        await page.say("cancel-render")
        assert not page.seat.editing.job.progress.under_way
        heard = await page.rendered(model="pocket")
        assert "this server plays one model, tiny" in heard[-1]["message"]

        class Broken(TinyModel):
            def denoise(self, *args, **options):
                raise RuntimeError("out of memory")

        told = []
        list(job(page, Broken(), told).steps())
        assert told[-1].stage == "failed"
        assert told[-1].what == "The take could not be rendered: out of memory"

    asyncio.run(test())


def test_a_damaged_take_is_opened_as_far_as_it_goes_and_an_empty_one_says_so(page, tmp_path):
    async def test():
        path = page.seat.recorder.folder / f"{page.take}.jsonl"
        lines = path.read_text().splitlines()
        first = lines[0].replace('"studio": 2', '"studio": 3')
        for name, text in {
            "20261128-000000-newer": "\n".join([first, *lines[1:], '{"frame": 5, "kind": "smell"}', ""]),
            "20261128-000000-cut": "\n".join(lines)[:-30],
        }.items():
            (tmp_path / f"{name}.jsonl").write_text(text.replace('"studio": 3', '"studio": 2'))
            page.seat.recorder.adopt(name)
            (tmp_path / f"{name}.jsonl").write_text(text)
            opened = await page.ask("edit", "editing", take=name)
            assert opened["frames"] == 14
            assert opened["notes"]
            assert opened["gestures"]
        path.write_text("")
        page.seat.downloads._offered.clear()
        page.seat.editing._opened = None
        assert "is empty, so there is nothing in it to open" in await page.ask("edit", "editing")

    asyncio.run(test())


def test_a_page_that_comes_while_a_take_is_shown_and_rendered_is_told(page):
    async def test():
        await page.say("show-take")
        page.seat.editing.job = job(page, TINY, [])
        page.connection.send_hello()
        types = [json.loads(text)["type"] for text in page.connection.drain()]
        assert {"preview", "rendering"} <= set(types)

    asyncio.run(test())


def test_words_set_in_a_preview_stay_in_it(page):
    async def test():
        words = page.seat.state[Prompt].text
        await page.say("show-take")
        await page.connection.receive(json.dumps({"type": "control", "control": {"kind": "prompt", "text": "a cave"}}))
        page.seat.session.step()
        assert page.seat.state[Prompt].text == "a cave"
        await page.say("live")
        assert page.seat.state[Prompt].text == words

    asyncio.run(test())
