"""Takes made into files on the page, and dropped on another: open again, with the same frames."""

import base64
import io

from PIL import Image

from browser.page import TINY, plays_on, real_session, until
from studio.controls import Prompt
from studio.score import Digest, read_score, replay

DROP = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, {type}));
  const options = {bubbles: true, cancelable: true, dataTransfer: files};
  for (const kind of ['dragover', 'drop'])
    document.querySelector('.st-stage').dispatchEvent(new DragEvent(kind, options));
}"""


def drop(page, name, type, data):
    page.evaluate(DROP, [name, type, base64.b64encode(data).decode()])


def exported(page, form):
    """The bytes that the browser saves when a form is chosen from the take's menu."""
    page.locator(".st-take .st-export summary").first.click()
    with page.expect_download(timeout=60_000) as saved:
        page.locator(".st-take .st-export button", has_text=form).first.click()
    return saved.value.path().read_bytes()


def test_a_take_is_exported_and_dropped_on_a_fresh_page_where_it_plays_with_the_same_frames(server, browse):
    server.make = real_session
    visit = browse()
    page = visit.page
    visit.key("r")
    page.locator(".st-rec").wait_for()
    page.locator("#studio-prompt textarea").fill("a harbour in the fog")
    page.locator("#studio-apply").click()
    until(lambda: visit.state[Prompt].text == "a harbour in the fog")
    plays_on(visit)
    visit.key("r")
    page.locator(".st-take").wait_for()
    gif, mp4 = exported(page, "gif"), exported(page, "mp4")
    score = read_score(gif)
    assert read_score(mp4) == score
    assert Image.open(io.BytesIO(gif)).n_frames == score.length

    shown = {}
    fresh = browse()
    fresh.session.outputs.append(Seen(shown, score))
    drop(fresh.page, "take.gif", "image/gif", gif)
    fresh.page.locator(".st-take").wait_for()
    end = score.header.start + score.length
    until(lambda: len(shown) == score.length and fresh.session.engine.frame >= end)
    assert [shown[number] for number in sorted(shown)] == [frame.hash for frame in replay(score, TINY)]
    digest = Digest()
    for number in sorted(shown):
        digest.add_hash(shown[number])
    assert str(digest) == score.header.digest
    assert fresh.page.evaluate("window.studio.controls.get('prompt').text") == "a harbour in the fog"
    assert fresh.session.history.branches, "what was played before is kept"
    plays_on(fresh)

    drop(fresh.page, "take.mp4", "video/mp4", mp4)
    until(lambda: fresh.page.locator(".st-take").count() == 2)
    assert fresh.page.locator(".st-toast.error").count() == 0


def test_what_is_no_take_is_told_and_what_was_played_goes_on(server, browse):
    server.make = real_session
    page = (visit := browse()).page
    frame = visit.session.engine.frame
    for name, type, data, said in (
        ("notes.txt", "text/plain", b"hello", "notes.txt is no take, and no picture or video"),
        ("take.jsonl", "", b'{"studio": 2}\n', "the header lacks"),
        ("cut.gif", "image/gif", b"GIF89a" + b"studio-score:1:00000000:9:AAAA", "is damaged or cut off"),
    ):
        drop(page, name, type, data)
        page.locator(".st-toast.error", has_text=said).wait_for(timeout=10_000)
    assert page.locator(".st-take").count() == 0
    plays_on(visit)
    assert visit.session.engine.frame > frame


class Seen:
    """An output that keeps the hashes of a take's frames, from the moment it plays."""

    def __init__(self, shown, score):
        self.shown, self.score = shown, score

    def put(self, frame):
        start = self.score.header.start
        if frame.index == start:
            self.shown.clear()
        if start <= frame.index < start + self.score.length:
            self.shown.setdefault(frame.index, frame.hash)

    def close(self):
        pass
