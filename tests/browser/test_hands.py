"""A knob of a made-up MIDI box is learnt on the page, turns what it was bound to, and the score replays it."""

from browser.page import real_session, until
from studio.controls import Camera
from studio.score import replay

BOX = """
window.midiBox = { state: 'connected', name: 'Box of knobs', onmidimessage: null };
window.turn = (...data) => window.midiBox.onmidimessage({ data: Uint8Array.from(data) });
navigator.requestMIDIAccess = async () => ({ inputs: new Map([['1', window.midiBox]]), onstatechange: null });
"""
SAYS = ".st-hands p"


def with_box(page):
    page.add_init_script(BOX)


def test_a_knob_is_learnt_and_what_it_turns_is_in_the_score(server, browse):
    server.make = real_session
    visit = browse(prepare=with_box)
    page = visit.page
    page.locator(".st-hands-open").click()
    page.locator(".st-hands button", has_text="Turn on").click()
    until(lambda: "Box of knobs" in page.locator(SAYS).first.inner_text())
    page.locator(".st-hands button", has_text="Learn").click()
    slider = page.locator("#studio-zoom input[type=range]")
    page.locator("#studio-steps input[type=range]").focus()
    page.keyboard.press("Enter")
    until(lambda: "turn a knob for Steps" in page.locator(SAYS).first.inner_text())
    slider.scroll_into_view_if_needed()
    slider.click()
    until(lambda: "turn a knob for Zoom" in page.locator(SAYS).first.inner_text())
    assert visit.state[Camera].zoom == 0, "the press that chooses a slider does not move it"
    page.evaluate("window.turn(0xb0, 21, 64)")
    until(lambda: "CC 21" in page.locator(".st-hands > ul").inner_text())
    frame = visit.session.engine.frame
    page.evaluate("for (let at = 0; at < 128; at += 1) window.turn(0xb0, 21, at)")
    until(lambda: visit.state[Camera].zoom == 0.05)
    until(lambda: float(slider.input_value()) == 0.05)
    turned = [
        event for event in visit.session.score.events if isinstance(event.control, Camera) and event.frame >= frame
    ]
    assert len(turned) <= 3, "at most once a picture"
    visit.session.stop()
    score = visit.session.score
    assert any(isinstance(event.control, Camera) and event.control.zoom == 0.05 for event in score.events)
    assert len(list(replay(score, visit.session.model))) == score.header.frames
