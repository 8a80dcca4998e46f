"""The page: `launch()` serves it, `build()` lays it out."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn

from studio.controls import ControlState
from studio.presets import Preset
from studio.presets import presets as all_presets
from studio.ui.canvas import WEB, Canvas
from studio.ui.library import Library
from studio.ui.link import Presets
from studio.ui.panel import panel
from studio.ui.routes import Routes
from studio.ui.seats import Seats, Waiting
from studio.ui.security import LARGEST_UPLOAD, LOOPBACK
from studio.ui.theme import studio_theme

if TYPE_CHECKING:
    from studio.session.session import Session

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
    begun = ControlState()
    for event in opening.events if opening else ():
        begun = begun.after(event.control, event.frame)

    def admit(event: gr.EventData) -> dict[str, str]:
        """A seat and a one-time ticket to it, or why there is none."""
        try:
            seat = routes.seats.sit((event._data or {}).get("seat"))
        except Waiting as error:
            return {"waiting": str(error)}
        return {"seat": seat.id, "ticket": routes.tickets.mint(seat.id)}

    with gr.Blocks(title="studio", fill_width=True, fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="studio-page", equal_height=False):
            with gr.Column(elem_id="studio-main", min_width=0):
                canvas = Canvas(elem_id="studio-canvas")
            with gr.Column(elem_id="studio-panel", min_width=0):
                made = panel(presets, begun)
        canvas.ticket(admit, None, canvas, queue=False, show_progress="hidden", api_visibility="private")
        made.follow(canvas.state)
    return page


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
    models: Collection[str] | None = None,
    library: Library | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[str, Routes, gr.Blocks]:
    """Serve the page. Returns (address, routes, blocks) once it answers; with `block`, only when it is stopped.

    model: a name or a folder, loaded with `options` (`studio.models.load`) before the port opens. sessions: how many
    may run at once. models: the names a page may change to; without them, all there are if only this machine can open
    the page, and none if others can. library: models from elsewhere than the catalogue. session_factory makes one
    session for each open page instead.
    """
    if session_factory is None:
        library = library or Library(model, offered(models, host, share), options=options)
        library.open()
        session_factory = library.session
    chosen = all_presets() if presets is None else presets
    opening = next(iter(chosen.values()), None)
    seats = Seats(session_factory, opening=opening, library=library, takes=Path(takes), running=sessions)
    routes = Routes(seats, chosen)
    page = build(routes, chosen, opening)
    # Gradio has no way to say this to uvicorn: JPEG does not deflate (it costs 3 ms a frame on the event loop), and a
    # page has no business sending 16 MB, nor 32 messages ahead.
    limited = functools.partial(
        uvicorn.Config, ws_per_message_deflate=False, ws_max_size=LARGEST_UPLOAD, ws_max_queue=8
    )
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


def offered(models: Collection[str] | None, host: str, share: bool) -> Collection[str] | None:
    """What a page may change to: what the host says; else all there is (None) on the person's own machine, and nothing
    where strangers can open the page and fill its disk and memory."""
    return models if models is not None or (host in LOOPBACK and not share) else ()


def stay(page: gr.Blocks) -> None:
    """Until Ctrl+C or a polite request to end; then takes are finished and what was played is kept."""
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.suppress(KeyboardInterrupt):
        ended.wait()
    page.close(verbose=False)  # ends the routes' lifespan, which closes every seat
