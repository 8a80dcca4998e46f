"""The page: `launch()` serves it, `build()` lays it out."""

from __future__ import annotations

import atexit
import contextlib
import functools
import logging
import signal
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import uvicorn
from starlette.middleware import Middleware

from studio.controls import ControlState, Picture
from studio.models.playable import playable_kinds
from studio.outputs.live import LiveOutput
from studio.presets import Preset
from studio.presets import presets as all_presets
from studio.session.film_in import FilmIn
from studio.ui.address import check_address, url_host
from studio.ui.canvas import WEB, Canvas
from studio.ui.errors import OptionsError
from studio.ui.guard import Guard, gradio_login
from studio.ui.library import Library
from studio.ui.low_latency_http import LowLatencyHttp
from studio.ui.options import ServerOptions
from studio.ui.osc import Osc, open_ports
from studio.ui.panel import needs_css, panel
from studio.ui.quota import DiskQuota
from studio.ui.restore import Restorer
from studio.ui.routes import Routes
from studio.ui.seats import Seats
from studio.ui.security import LARGEST_UPLOAD
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

log = logging.getLogger("studio")


def build(routes: Routes, presets: Mapping[str, Preset], opening: Preset | None = None) -> gr.Blocks:
    """Lay out the page, with its few Gradio events; everything live goes over the page's own connection."""
    begun = ControlState()
    for event in opening.events if opening else ():
        begun = begun.after(event.control, event.frame)

    def admit(event: gr.EventData, request: gr.Request) -> dict[str, str]:
        """A seat and a one-time ticket to it, or why there is none; and what is gone, if it is not the one it was."""
        client = request.client.host if request.client else None
        return routes.admission.admit(event._data, request.headers, client)

    with gr.Blocks(title="studio", fill_width=True, fill_height=True, analytics_enabled=False) as page:
        with gr.Row(elem_id="studio-page", equal_height=False):
            with gr.Column(elem_id="studio-main", min_width=0):
                canvas = Canvas(elem_id="studio-canvas")
            with gr.Column(elem_id="studio-panel", min_width=0):
                made = panel(presets, begun)
        canvas.ticket(admit, None, canvas, queue=False, show_progress="hidden", api_visibility="private")
        made.follow(canvas.state)
    return page


def launch(*arguments: Any, **keywords: Any) -> tuple[str, Routes, gr.Blocks]:
    """Serve the page with `ServerOptions(*arguments, **keywords)`: `launch("sd-turbo", port=8000)`.

    Returns (address, routes, blocks) once it answers; with `block`, only when it is stopped.
    """
    return serve(ServerOptions(*arguments, **keywords))


def serve(options: ServerOptions) -> tuple[str, Routes, gr.Blocks]:
    """Serve the page. Returns (address, routes, blocks) once it answers; with `block`, only when it is stopped.

    Raises OptionsError for an address that cannot be had, before anything is loaded.
    """
    check_address(options.host, options.port)
    if options.osc_out and not options.osc:
        raise OptionsError("--osc-out needs --osc: give the port where OSC is heard too")
    ports = open_ports(options.osc, options.osc_out) if options.osc else None
    presets = all_presets() if options.presets is None else options.presets
    opening = next(iter(presets.values()), None)
    routes = Routes(make_seats(options, opening), presets, policy=options.policy)
    if ports:
        routes.beside.append(Osc(ports, routes.seats, presets))
    guard = Middleware(Guard, policy=options.policy, logged_in=gradio_login if options.auth else None)
    page = build(routes, presets, opening)
    with own_socket_limits():
        _, address, public = page.launch(
            server_name=url_host(options.host),
            server_port=options.port,
            share=options.share,
            inbrowser=options.open_browser,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            enable_monitoring=False,
            theme=studio_theme(),
            css=needs_css(),
            css_paths=sorted(WEB.glob("*.css")),
            head=HEAD,
            favicon_path=WEB / "favicon.svg",
            height=900,
            auth=list(options.auth.items()) if options.auth else None,
            root_path=options.root_path,
            ssl_certfile=options.certificate and str(options.certificate),
            ssl_keyfile=options.key and str(options.key),
            ssl_verify=False,  # Gradio's question to itself, whether it answers
            app_kwargs={"routes": routes.table(), "lifespan": routes.lifespan, "middleware": [guard]},
        )
    if options.block:
        print(f"studio is at {public or address} (Ctrl+C stops it)", flush=True)
        stay(page)
    return public or address, routes, page


def make_seats(options: ServerOptions, opening: Preset | None) -> Seats:
    """Make the seats of a server, and load the model that every page opens with."""
    library, factory = options.library, options.session_factory
    if factory is None:
        library = library or Library(options.model, options.offered, options=options.options)
        library.open()
        factory = library.session
    if options.outputs:
        factory = shown_elsewhere(factory, options.outputs)
    if options.film:
        factory = drawing_from(factory, Path(options.film))
    return Seats(
        factory,
        opening=opening,
        library=library,
        takes=Path(options.takes),
        running=options.sessions,
        disk=DiskQuota(options.disk_quota),
        restorer=Restorer(Path(options.takes), options.saved_seats, options.is_for_one, options.saved_lines),
    )


def drawing_from(factory: Callable[[], Session], film: Path) -> Callable[[], Session]:
    """Have a factory's sessions draw from a film, where their model draws from pictures."""

    def make() -> Session:
        session = factory()
        if Picture.kind in playable_kinds(session.model):
            session.outputs.append(FilmIn(session, film))
        else:
            log.warning(
                "%s draws from no pictures, so the film is left aside; give --model another", session.model.name
            )
        return session

    return make


def shown_elsewhere(factory: Callable[[], Session], names: Collection[str]) -> Callable[[], Session]:
    """Have the frames of a factory's sessions shown in other programs too, until this one ends."""
    outputs = [LiveOutput(name) for name in names]
    for output in outputs:
        atexit.register(output.close)

    def make() -> Session:
        session = factory()
        session.outputs += [output.of(session) for output in outputs]
        return session

    return make


@contextlib.contextmanager
def own_socket_limits() -> Iterator[None]:
    """Have uvicorn started with limits of our own for sockets, which Gradio has no way to say.

    What a slow reader has not taken waits as little as may be (`low_latency_http.py`). JPEG does not deflate (it costs
    3 ms a frame on the event loop), and a page has no business sending 16 MB, nor 32 messages ahead.
    """
    limited = functools.partial(
        uvicorn.Config, http=LowLatencyHttp, ws_per_message_deflate=False, ws_max_size=LARGEST_UPLOAD, ws_max_queue=8
    )
    original, uvicorn.Config = uvicorn.Config, limited  # type: ignore[misc, assignment]
    try:
        yield
    finally:
        uvicorn.Config = original  # type: ignore[misc]


def stay(page: gr.Blocks) -> None:
    """Wait until Ctrl+C or a polite request to end; then takes are finished and what was played is kept."""
    ended = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.suppress(KeyboardInterrupt):
        ended.wait()
    page.close(verbose=False)  # ends the routes' lifespan, which closes every seat
