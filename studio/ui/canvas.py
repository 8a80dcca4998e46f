"""The live picture as a Gradio component: stage, strokes, transport and what is measured, in one `gr.HTML`.

Frames never pass through Gradio: `web/main.js` opens a connection (`connection.py`) beside it. Gradio has two events
only: `ticket` (the page asks for a way in; the answer is the component's value) and, within the page, `state`
(something else than the panel changed the controls in force, so the panel's components should show them).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

WEB = Path(__file__).parent / "web"

# A template literal and Handlebars read the page's markup, so it holds none of `{{`, `${`, backticks and backslashes.
LOAD = r"""
// Where this page itself came from: behind a proxy the server may know neither its own scheme nor its sub-path.
const root = location.origin + location.pathname.replace(new RegExp('/$'), '');
import(root + '/gradio_api/studio/web/main.js').then((page) => page.open({
  element, root, watch,
  value: () => props.value,
  ask: (data) => trigger('ticket', data),
  tell: () => trigger('state'),
}));
"""


class Canvas(gr.HTML):
    """The studio's stage. Events: `ticket` ({"seat": id or null}) and `state`."""

    def __init__(self, **options: Any) -> None:
        markup = (WEB / "stage.html").read_text("utf-8")
        super().__init__(
            value=None, html_template=markup, js_on_load=LOAD, apply_default_css=False, padding=False, **options
        )

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}
