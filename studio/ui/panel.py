"""The panel: Gradio's components, each showing one field of one control in force.

All are always there; `web/studio.css` hides those that would do nothing on the model that is played (`needs`).
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from studio.controls import CONTROLS, ControlState
from studio.controls.prompt import SWITCHES
from studio.controls.sampling import GUIDANCE_KINDS
from studio.controls.sink import POLICIES
from studio.controls.structure import LOOKS
from studio.ui.link import Presets

WEB = Path(__file__).parent / "web"
NAMES = {
    ("prompt", "text"): "prompt",
    ("structure", "strength"): "structure",
}  # of components not called as their field


class Panel:
    """What the sections put there, so that their values can be set together when something else changed them."""

    def __init__(self, begun: ControlState) -> None:
        self.begun = begun
        self.fields: list[tuple[str, str]] = []
        self.components: list[Any] = []

    def show(self, kind: str, field: str, component: type, label: str, needs: str = "", **options: Any) -> Any:
        """A component for a field of a control; `needs`: what a model must play for it to be shown, word by word."""
        made = component(
            value=getattr(self.begun[CONTROLS[kind]], field),
            label=label,
            interactive=True,
            elem_id="studio-" + NAMES.get((kind, field), field),
            elem_classes=classes(needs),
            **options,
        )
        self.fields.append((kind, field))
        self.components.append(made)
        return made

    def dial(self, kind: str, field: str, component: type, label: str, needs: str = "", **options: Any) -> Any:
        """A component that acts while it is moved."""
        if component is gr.Slider:
            options = {"buttons": []} | options
        made = self.show(kind, field, component, label, needs, **options)
        run_in_page(
            made.input, f"(value) => window.studio.dial({json.dumps(kind)}, {json.dumps(field)}, value)", [made]
        )
        return made

    def follow(self, event: Callable[..., Any]) -> None:
        """At the event every component shows the controls in force as the page knows them.

        It happens in the page, at once: what a person types while an answer is on its way would be lost.
        """
        script = f"(...shown) => window.studio.filled({json.dumps(self.fields)}, shown)"
        event(None, self.components, self.components, js=script, queue=False, api_visibility="private")


def classes(needs: str) -> list[str]:
    """What the stylesheet shows and hides a component by."""
    return [f"needs-{need}" for need in needs.split()]


def named(names: Sequence[str]) -> list[tuple[str, str]]:
    """Choices as a person reads them."""
    return [(name.capitalize(), name) for name in names]


def run_in_page(event: Callable[..., Any], script: str, inputs: Sequence[Any] = ()) -> None:
    """What a component does in the page alone: its values go over the link, not through Gradio."""
    script = f"(...values) => {{ ({script})(...values); return []; }}"
    event(None, list(inputs), None, js=script, queue=False, trigger_mode="multiple", api_visibility="private")


@contextmanager
def section(needs: str = "", title: str = "", name: str = "") -> Iterator[None]:
    """A part of the panel."""
    with gr.Column(elem_classes=["studio-section", *classes(needs)], elem_id=name or None, min_width=0):
        if title:
            gr.HTML(f"<h3>{title}</h3>", padding=False)
        yield


def panel(presets: Presets, begun: ControlState) -> Panel:
    """Every section, from top to bottom."""
    made = Panel(begun)
    preset_section(presets)
    prompt_section(made)
    picture_section(made)
    structure_section(made)
    with section("lora", "Styles"):
        gr.HTML('<div id="studio-loras"></div>', padding=False)
    sampling_section(made)
    gr.HTML('<h3>Takes</h3><div id="studio-takes"></div>', elem_id="studio-takes-section", padding=False)
    return made


def preset_section(presets: Presets) -> None:
    """A button for each preset: pressing one again begins it again."""
    if not presets:
        return
    words = "".join(f"<li>{html.escape(preset.description)}</li>" for preset in presets.values())
    with section(title="Presets"):
        with gr.Row(elem_id="studio-presets"):
            for key, preset in presets.items():
                button = gr.Button(preset.name, size="sm", min_width=0)
                run_in_page(button.click, f"() => window.studio.preset({json.dumps(key)})")
        gr.HTML(f'<ul id="studio-preset-words" hidden>{words}</ul>', padding=False)


def prompt_section(made: Panel) -> None:
    """Prompt, what a switch does with the frames that are kept, and what few change."""
    with section():
        words = made.show(
            "prompt",
            "text",
            gr.Textbox,
            "Prompt",
            lines=3,
            max_lines=6,
            max_length=500,
            placeholder="a quiet meadow on a sunny day",
        )
        switch = made.show(
            "prompt",
            "switch",
            gr.Radio,
            "When the prompt changes",
            "cache",
            choices=named(SWITCHES),
            info="Recache turns at once and goes on, Keep drifts over slowly, Cut starts a new shot.",
        )
        with gr.Accordion("More", open=False, elem_id="studio-more"):
            negative = made.show(
                "prompt",
                "negative",
                gr.Textbox,
                "Negative",
                lines=2,
                max_length=500,
                placeholder="what to keep out (guidance full or initialize)",
            )
            blend = made.show(
                "prompt",
                "blend",
                gr.Slider,
                "Blend, frames",
                minimum=0,
                maximum=120,
                step=1,
                buttons=[],
                info="How long the new words take to come in.",
            )
            more_of_sampling(made)
        apply = gr.Button("Apply", variant="primary", elem_id="studio-apply")
        gr.HTML('<div id="studio-live" aria-live="polite"></div>', padding=False)
    run_in_page(apply.click, "(...words) => window.studio.prompt(...words)", [words, negative, switch, blend])


def more_of_sampling(made: Panel) -> None:
    """The noise of image models, the sink of video models."""
    made.dial("sampling", "delta", gr.Slider, "Delta", "noise", minimum=0, maximum=2, step=0.05)
    made.dial("sampling", "drift", gr.Slider, "Noise drift, frames", "noise", minimum=0, maximum=200, step=1)
    made.dial("sink", "policy", gr.Radio, "First frames at a switch", "sink", choices=named(POLICIES))
    renew = gr.Button("Renew first frames now", size="sm", elem_id="studio-renew", elem_classes=["needs-sink"])
    run_in_page(renew.click, "() => window.studio.renew()")


def picture_section(made: Panel) -> None:
    """Where pictures come from, how far they are drawn anew, and when one is skipped."""
    with section("picture", name="studio-input"):
        gr.HTML((WEB / "input.html").read_text("utf-8"), padding=False)
        made.dial("sampling", "strength", gr.Slider, "Strength", "camera source", minimum=0.02, maximum=1, step=0.01)
        made.dial("similarity", "threshold", gr.Slider, "Skip alike", "camera", minimum=0, maximum=0.2, step=0.005)
        gr.HTML('<div id="studio-skips"></div>', padding=False, elem_classes=["needs-camera"])
        made.dial("similarity", "regions", gr.Checkbox, "Draw only what changed", "camera source")


def structure_section(made: Panel) -> None:
    """How closely the lines of the picture are kept."""
    with section("structure source"):
        made.dial("structure", "strength", gr.Slider, "Structure", minimum=0, maximum=2, step=0.05)
        made.dial("structure", "look", gr.Radio, "The ControlNet sees", choices=named(LOOKS))


def sampling_section(made: Panel) -> None:
    """Seed, guidance and steps."""
    with section():
        made.dial("sampling", "seed", gr.Slider, "Seed", minimum=0, maximum=9999, step=1)
        pushes = "Pushes towards the words, at a scale above 1."
        made.dial("sampling", "guidance", gr.Radio, "Guidance", choices=named(GUIDANCE_KINDS), info=pushes)
        made.dial("sampling", "scale", gr.Slider, "Scale", minimum=0, maximum=5, step=0.05)
        info = "Steps a picture: more is finer, slower."
        made.dial("sampling", "steps", gr.Slider, "Steps", "steps", minimum=1, maximum=8, step=1, info=info)
