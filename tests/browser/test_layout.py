"""How the page looks: the picture first, dark or light, at every width."""

import pytest

from browser.page import until


def test_help_lists_the_keys(browse):
    visit = browse()
    visit.key("?")
    visit.page.locator(".st-help[open] kbd", has_text="Backspace").wait_for()
    visit.page.keyboard.press("Escape")
    until(lambda: visit.page.locator(".st-help[open]").count() == 0)


def test_the_picture_is_the_hero_and_nothing_jumps(browse):
    watch = """
    window.jumps = 0;
    const unasked = (jump) => (jump.hadRecentInput ? 0 : jump.value);
    const jumped = (list) => list.getEntries().forEach((jump) => { window.jumps += unasked(jump); });
    new PerformanceObserver(jumped).observe({ type: 'layout-shift' });
    """
    visit = browse()
    box = visit.page.locator(".st-stage").bounding_box()
    assert box["height"] >= 0.7 * 900
    assert visit.page.evaluate("document.documentElement.scrollHeight") <= 900
    visit.page.evaluate(watch)
    visit.key("e")
    visit.page.mouse.click(*visit.point(0.5, 0.5))
    visit.key("r")
    until(lambda: visit.page.locator(".st-rec:visible").count() == 1)
    drawn = visit.page.evaluate("window.studio.stage.drawn")
    until(lambda: visit.page.evaluate("window.studio.stage.drawn") > drawn + 3)  # a take of no frames is none
    visit.key("r")
    visit.page.locator(".st-take").wait_for()
    assert visit.page.locator(".st-stage").bounding_box() == box
    assert visit.page.evaluate("window.jumps") < 0.01


def test_dark_comes_first_and_the_choice_of_light_is_kept(browse):
    visit = browse()
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = visit.page.evaluate(ground)
    visit.key("t")
    light = visit.page.evaluate(ground)
    assert sum(map(int, dark[4:-1].split(","))) < 100 < 600 < sum(map(int, light[4:-1].split(",")))
    visit.page.reload()
    visit.page.wait_for_function("window.studio?.stage?.drawn >= 2")
    assert visit.page.evaluate(ground) == light
    visit.page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("width", [320, 390, 862, 1000, 1024, 1180, 1280])
def test_nothing_is_cut_off_at_any_width(browse, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    visit = browse(context)
    hidden = """() => [...document.querySelectorAll('.st-top [data-do], .st-dock [data-do], .st-modes button')]
      .filter((one) => one.offsetParent).filter((one) => {
        window.scrollBy(0, one.getBoundingClientRect().y - 300); // scrollIntoView would show what is cut off
        const box = one.getBoundingClientRect();
        return !one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
      }).map((one) => one.dataset.do || one.dataset.mode)"""
    assert visit.page.evaluate(hidden) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    for row in (".st-top", ".st-dock", ".st-brush"):
        over = visit.page.locator(row).evaluate("one => one.scrollWidth - one.clientWidth")
        assert over <= 1, row
    stage = visit.page.locator(".st-stage").bounding_box()
    right = visit.page.locator("#studio-main").bounding_box()
    assert stage["x"] + stage["width"] <= right["x"] + right["width"]
    context.close()


def test_bold_words_are_in_the_pages_own_letters(browse):
    visit = browse()
    tools = visit.page.context.new_cdp_session(visit.page)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    root = tools.send("DOM.getDocument")["root"]["nodeId"]
    node = tools.send("DOM.querySelector", {"nodeId": root, "selector": ".st-brand span"})["nodeId"]
    (font,) = tools.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    assert font["isCustomFont"], font


@pytest.mark.parametrize(("width", "height"), [(844, 390), (640, 450)])
def test_on_a_short_screen_the_brush_is_there_without_scrolling(browse, chromium, width, height):
    context = chromium.new_context(viewport={"width": width, "height": height})
    visit = browse(context)
    box = visit.page.locator(".st-modes").bounding_box()
    assert box["y"] + box["height"] <= height
    assert visit.page.locator(".st-stage").bounding_box()["height"] > 0.4 * height
    context.close()
