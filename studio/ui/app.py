"""The page: `launch()` serves it, `build()` lays it out."""

from __future__ import annotations

import contextlib
import functools
import json
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn

from studio.controls import InForce
from studio.controls.prompt import SWITCHES, Prompt
from studio.controls.sampling import GUIDANCE_KINDS, Sampling
from studio.presets import Preset
from studio.presets import presets as all_presets
from studio.ui.canvas import WEB, Canvas
from studio.ui.link import Presets
from studio.ui.routes import Routes
from studio.ui.seats import Seats, SeatsTaken
from studio.ui.security import LARGEST_MESSAGE
from studio.ui.theme import studio_theme

if TYPE_CHECKING:
    from studio.session import Session

# Before Gradio's script runs: dark unless this person chose light here, so nothing flashes.
HEAD = """
<meta name="color-scheme" content="dark light">
<style>html, body { background: #0d0e10 } html.studio-light, html.studio-light body { background: #f3f2ef }</style>
<script>
(() => {
  const url = new URL(location.href);
  let theme = url.searchParams.get('__theme');
  try { theme = theme || localStorage.getItem('studio-theme'); } catch (blocked) { /* private mode: dark it is */ }
  document.documentElement.classList.toggle('studio-light', theme === 'light');
})();
</script>
"""


def build(routes: Routes, presets: Presets, opening: Preset | None = None) -> gr.Blocks:
    """The page's layout and its few Gradio events; everything live goes over the link."""
    begun = InForce()
    for event in opening.events if opening else ():
        begun = begun.after(event.control, event.frame)
    quiet: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

    def admit(event: gr.EventData) -> dict[str, str]:
        """A seat and a one-time ticket to it, or why there is none."""
        try:
            seat = routes.seats.sit((event._data or {}).get("seat"))
        except SeatsTaken as error:
            return {"waiting": str(error)}
        return {"seat": seat.id, "ticket": routes.tickets.mint(seat.id)}

    with gr.Blocks(title="studio", fill_width=True, fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="studio-page", equal_height=False):
            with gr.Column(elem_id="studio-main", min_width=0):
                canvas = Canvas(elem_id="studio-canvas")
            with gr.Column(elem_id="studio-panel", min_width=0):
                preset_section(presets)
                words = prompt_section(begun.prompt)
                dials = sampling_section(begun.sampling)
                gr.HTML('<h3>Takes</h3><div id="studio-takes"></div>', elem_id="studio-takes-section", padding=False)
        canvas.ticket(admit, None, canvas, **quiet)
        canvas.state(panel_values, None, [*words, *dials], trigger_mode="always_last", **quiet)
    return page


def preset_section(presets: Presets) -> None:
    """A button for each preset: pressing one again begins it again."""
    if not presets:
        return
    with gr.Column(elem_classes="studio-section", min_width=0):
        gr.HTML("<h3>Presets</h3>", padding=False)
        with gr.Row(elem_id="studio-presets"):
            for key, preset in presets.items():
                button = gr.Button(preset.name, size="sm", min_width=0)
                run_in_page(button.click, f"() => window.studio.preset({json.dumps(key)})")


def run_in_page(event: Callable[..., Any], script: str, inputs: Sequence[Any] = ()) -> None:
    """What a component does in the page alone: its values go over the link, not through Gradio."""
    script = f"(...values) => {{ ({script})(...values); return []; }}"
    event(None, list(inputs), None, js=script, queue=False, trigger_mode="multiple", api_visibility="private")


def prompt_section(prompt: Prompt) -> tuple[gr.Textbox, gr.Textbox, gr.Radio]:
    """Prompt, negative, and what a switch does with the frames that are kept."""
    with gr.Column(elem_classes="studio-section", min_width=0):
        text = gr.Textbox(
            prompt.text,
            label="Prompt",
            lines=3,
            max_lines=6,
            max_length=500,
            placeholder="a quiet meadow on a sunny day",
            interactive=True,
            elem_id="studio-prompt",
        )
        switch = gr.Radio(
            [(name.capitalize(), name) for name in SWITCHES],
            value=prompt.switch,
            label="When the prompt changes",
            interactive=True,
            elem_id="studio-switch",
        )
        with gr.Accordion("More", open=False, elem_id="studio-more"):
            negative = gr.Textbox(
                prompt.negative,
                label="Negative",
                lines=2,
                max_length=500,
                placeholder="what to keep out (with guidance)",
                interactive=True,
                elem_id="studio-negative",
            )
        apply = gr.Button("Apply", variant="primary", elem_id="studio-apply")
        gr.HTML('<div id="studio-live" aria-live="polite"></div>', padding=False)
    run_in_page(apply.click, "(...words) => window.studio.prompt(...words)", [text, negative, switch])
    return text, negative, switch


def sampling_section(sampling: Sampling) -> tuple[gr.Slider, gr.Radio, gr.Slider, gr.Slider]:
    """Seed, guidance and rungs: each acts while it is moved."""
    with gr.Column(elem_classes="studio-section", min_width=0):
        seed = gr.Slider(
            0, 9999, sampling.seed, step=1, label="Seed", buttons=[], interactive=True, elem_id="studio-seed"
        )
        guidance = gr.Radio(
            [(name.capitalize(), name) for name in GUIDANCE_KINDS],
            value=sampling.guidance,
            label="Guidance",
            interactive=True,
            elem_id="studio-guidance",
        )
        scale = gr.Slider(
            0, 5, sampling.scale, step=0.05, label="Scale", buttons=[], interactive=True, elem_id="studio-scale"
        )
        rungs = gr.Slider(
            1, 8, sampling.rungs, step=1, label="Rungs", buttons=[], interactive=True, elem_id="studio-rungs"
        )
    dials = (seed, guidance, scale, rungs)
    for dial in dials:
        run_in_page(dial.input, "(...dials) => window.studio.sampling(...dials)", dials)
    return dials


def panel_values(event: gr.EventData) -> list[Any]:
    """The panel's components, set to the controls in force; the words stay as they are while they are being written."""
    prompt, sampling, writing = event._data["prompt"], event._data["sampling"], event._data["writing"]
    words = [gr.skip()] * 3 if writing else [prompt["text"], prompt["negative"], prompt["switch"]]
    return [*words, *(sampling[name] for name in ("seed", "guidance", "scale", "rungs"))]


def launch(
    model: str = "pocket",
    host: str = "127.0.0.1",
    port: int | None = 7860,
    share: bool = False,
    open_browser: bool = False,
    session_factory: Callable[[], Session] | None = None,
    block: bool = True,
    *,
    presets: Presets | None = None,
    takes: Path | str = "takes",
    sessions: int = 2,
) -> tuple[str, Routes, gr.Blocks]:
    """Serve the page. Returns (address, routes, blocks) once it answers; with `block`, only when it is stopped.

    session_factory makes one session for each open page; without it, sessions on the named model, loaded once, before
    the port opens. sessions: how many may run at once.
    """
    factory = session_factory or model_sessions(model)
    chosen = all_presets() if presets is None else presets
    opening = next(iter(chosen.values()), None)
    seats = Seats(factory, opening=opening, takes=Path(takes), running=sessions)
    routes = Routes(seats, chosen)
    page = build(routes, chosen, opening)
    # Gradio has no way to say this to uvicorn: JPEG does not deflate (it costs 3 ms a frame on the event loop), and a
    # page has no business sending 16 MB.
    limited = functools.partial(uvicorn.Config, ws_per_message_deflate=False, ws_max_size=LARGEST_MESSAGE)
    original, uvicorn.Config = uvicorn.Config, limited  # type: ignore[misc, assignment]
    try:
        _, address, public = page.launch(
            server_name=host,
            server_port=port,
            share=share,
            inbrowser=open_browser,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            theme=studio_theme(),
            css_paths=WEB / "studio.css",
            head=HEAD,
            favicon_path=WEB / "favicon.svg",
            height=900,
            app_kwargs={"routes": routes.table(), "lifespan": routes.lifespan},
        )
    finally:
        uvicorn.Config = original  # type: ignore[misc]
    if block:
        print(f"studio is at {public or address} (Ctrl+C stops it)", flush=True)
        stay(page)
    return public or address, routes, page


def stay(page: gr.Blocks) -> None:
    """Until Ctrl+C or a polite request to end; then takes are finished and what was played is kept."""
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.suppress(KeyboardInterrupt):
        ended.wait()
    page.close(verbose=False)  # ends the routes' lifespan, which closes every seat


def model_sessions(name: str) -> Callable[[], Session]:
    """Sessions that share one loaded model."""
    from studio.models import load
    from studio.session import Session

    model = load(name)
    Session(model).step()  # whatever is done once and lazily is done now, and not while the first page waits
    return lambda: Session(model)
