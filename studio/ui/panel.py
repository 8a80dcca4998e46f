"""The panel: Gradio's components for the widgets that the controls describe, each showing one field in force.

No control is known here by name: `SECTIONS` says what the panel's parts are and what stands in them beside the widgets.
All components are always there; those that would do nothing on the model that is played are hidden (`needs_css`).
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from studio.controls import CONTROLS, ControlState
from studio.controls.widgets import Choice, Counter, Readout, Slider, Text, Toggle, Whole, Widget
from studio.presets import Preset

WEB = Path(__file__).parent / "web"
Shown = tuple[str, Widget]  # the kind of a control, and one of its widgets


@dataclass(frozen=True)
class Section:
    """A part of the panel: the widgets that name it, and markup of its own above and below them.

    needs: what must be played for it to be there at all; where it is empty, what all of its widgets need.
    """

    name: str
    title: str = ""
    needs: str = ""
    id: str = ""
    above: str = ""
    below: tuple[str, ...] = ()


SECTIONS = (
    Section("prompt", below=('<div id="studio-live" aria-live="polite"></div>', '<div id="studio-slots"></div>')),
    Section("picture", needs="picture", id="studio-input", above=(WEB / "input.html").read_text("utf-8")),
    Section("structure"),
    Section("styles", "Styles", needs="lora", above='<div id="studio-loras"></div>'),  # a row for each, by the page
    Section("sampling"),
    Section("camera motion", "Camera motion", above='<div id="studio-pad"></div>'),
)
PAGE_NEEDS = {"source"}  # what the page itself hides by (`studio.css`): whether there is a picture to draw from

# Widget -> the component, and its options beside those that all have.
COMPONENTS: dict[type[Widget], tuple[type[Component], Callable[[Any], dict[str, Any]]]] = {
    Slider: (
        gr.Slider,
        lambda slider: dict(
            minimum=slider.minimum, maximum=slider.maximum, step=slider.step, info=slider.info or None, buttons=[]
        ),
    ),
    Choice: (gr.Radio, lambda choice: dict(choices=capitalized(choice.choices), info=choice.info or None)),
    Whole: (gr.Textbox, lambda whole: dict(lines=1, max_lines=1, info=whole.info or None)),
    Toggle: (gr.Checkbox, lambda toggle: dict(info=toggle.info or None)),
    Text: (
        gr.Textbox,
        lambda text: dict(
            lines=text.lines,
            placeholder=text.placeholder,
            info=text.info or None,
            **({"max_lines": text.most_lines} if text.most_lines else {}),
        ),
    ),
}


class Panel:
    """What the sections put there, so that their values can be set together when something else changed them."""

    def __init__(self, begun: ControlState) -> None:
        self.begun = begun
        self.fields: list[tuple[str, str]] = []
        self.components: list[Component] = []
        self._ids: set[str] = set()

    def add(self, kind: str, widget: Widget) -> Component | None:
        """Make the component of a widget; give it where it shows a field."""
        look = {"elem_id": self.id_of(kind, widget.name or widget.field), "elem_classes": classes(needs(kind, widget))}
        if isinstance(widget, Readout):
            gr.HTML(f'<div id="{look["elem_id"]}"></div>', padding=False, elem_classes=look["elem_classes"])
            return None
        if isinstance(widget, Counter):
            button = gr.Button(widget.label, size="sm", **look)
            count_up = f"window.studio.panel.countUp({json.dumps(kind)}, {json.dumps(widget.field)})"
            run_in_page(button.click, f"() => {count_up}")
            return None
        return self._show(kind, widget, look)

    def _show(self, kind: str, widget: Widget, look: dict[str, Any]) -> Component:
        """A component for a field; it acts while it is moved, unless it waits for Apply."""
        component, options = COMPONENTS[type(widget)]
        value = getattr(self.begun[CONTROLS[kind]], widget.field)
        made: Any = component(value=value, label=widget.label, interactive=True, **options(widget), **look)
        self.fields.append((kind, widget.field))
        self.components.append(made)
        if not widget.waits:
            dial = f"window.studio.panel.setField({json.dumps(kind)}, {json.dumps(widget.field)}, value)"
            moved = made.change if isinstance(widget, Whole) else made.input  # Gradio's `input` of a text misses pastes
            run_in_page(moved, f"(value) => {dial}", [made])
        return made

    def id_of(self, kind: str, name: str) -> str:
        """An id for the page: by a widget's name alone, as long as no other has it."""
        id = f"studio-{name}" if f"studio-{name}" not in self._ids else f"studio-{kind}-{name}"
        self._ids.add(id)
        return id

    def follow(self, event: Callable[..., Any]) -> None:
        """At the event every component shows the controls in force as the page knows them.

        It happens in the page, at once: what a person types while an answer is on its way would be lost.
        """
        script = f"(...shown) => window.studio.panel.values({json.dumps(self.fields)}, shown)"
        event(None, self.components, self.components, js=script, queue=False, api_visibility="private")


def panel(presets: Mapping[str, Preset], begun: ControlState) -> Panel:
    """Make every section, from top to bottom."""
    made = Panel(begun)
    preset_section(presets)
    for part in sections():
        widget_section(made, part)
    gr.HTML('<h3>Moments</h3><div id="studio-moments"></div>', elem_id="studio-moments-section", padding=False)
    gr.HTML('<h3>Takes</h3><div id="studio-takes"></div>', elem_id="studio-takes-section", padding=False)
    return made


def sections() -> list[Section]:
    """The panel's sections, and one more for each that only widgets name."""
    known = {part.name for part in SECTIONS}
    others = dict.fromkeys(section_of(kind, widget) for kind, widget in all_widgets())
    return [*SECTIONS, *(Section(name, name.capitalize()) for name in others if name not in known)]


def all_widgets() -> Iterator[Shown]:
    """Every widget with its kind of control; those of kinds with names are not here: the page makes a row of each."""
    for kind, control in CONTROLS.items():
        if not control.slot_field:
            yield from ((kind, widget) for widget in control.widgets)


def section_of(kind: str, widget: Widget) -> str:
    return widget.section or kind


def widgets_of(section: Section) -> list[Shown]:
    """The widgets of a section, in order."""
    found = [(kind, widget) for kind, widget in all_widgets() if section_of(kind, widget) == section.name]
    return sorted(found, key=lambda shown: shown[1].order)


def widget_section(made: Panel, part: Section) -> None:
    """A section's widgets, those for a few under "More", and a button that applies those that wait."""
    shown = widgets_of(part)
    with section(classes(section_needs(part)), part.title, part.id):
        if part.above:
            gr.HTML(part.above, padding=False)
        waiting = add_all(made, [(kind, widget) for kind, widget in shown if not widget.advanced])
        if advanced := [(kind, widget) for kind, widget in shown if widget.advanced]:
            id = made.id_of(part.name, "more")
            with gr.Accordion("More", open=False, elem_id=id, elem_classes=["studio-more"]):
                waiting += add_all(made, advanced)
        for kind in dict.fromkeys(kind for kind, _, _ in waiting):
            apply_button(made, kind, {field: component for other, field, component in waiting if other == kind})
        for markup in part.below:
            gr.HTML(markup, padding=False)


def add_all(made: Panel, shown: Sequence[Shown]) -> list[tuple[str, str, Component]]:
    """Make the components; give (kind, field, component) of those that wait for Apply."""
    components = [(kind, widget, made.add(kind, widget)) for kind, widget in shown]
    return [(kind, widget.field, one) for kind, widget, one in components if widget.waits and one is not None]


def apply_button(made: Panel, kind: str, waiting: Mapping[str, Component]) -> None:
    """A button that sends a control with what its waiting components show."""
    button = gr.Button("Apply", variant="primary", elem_id=made.id_of(kind, "apply"))
    fields = json.dumps(list(waiting))
    script = f"(...values) => window.studio.panel.applyFields({json.dumps(kind)}, {fields}, values)"
    run_in_page(button.click, script, list(waiting.values()))


@contextmanager
def section(elem_classes: Sequence[str] = (), title: str = "", id: str = "") -> Iterator[None]:
    """A part of the panel, drawn apart from the others."""
    with gr.Column(elem_classes=["studio-section", *elem_classes], elem_id=id or None, min_width=0):
        if title:
            gr.HTML(f"<h3>{title}</h3>", padding=False)
        yield


def preset_section(presets: Mapping[str, Preset]) -> None:
    """A button for each preset: pressing one again begins it again."""
    if not presets:
        return
    words = "".join(f"<li>{html.escape(preset.description)}</li>" for preset in presets.values())
    with section(title="Presets"):
        with gr.Row(elem_id="studio-presets"):
            for key, preset in presets.items():
                button = gr.Button(preset.name, size="sm", min_width=0)
                run_in_page(button.click, f"() => window.studio.panel.playPreset({json.dumps(key)})")
        gr.HTML(f'<ul id="studio-preset-words" hidden>{words}</ul>', padding=False)


def needs(kind: str, widget: Widget) -> set[str]:
    """What must be played for a widget to be shown: its kind of control, and what it names itself."""
    return {kind, *widget.needs.split()}


def section_needs(part: Section) -> set[str]:
    """What must be played for a section to be shown."""
    if part.needs:
        return set(part.needs.split())
    return set.intersection(*(needs(kind, widget) for kind, widget in widgets_of(part)))


def classes(words: set[str]) -> list[str]:
    """What the stylesheet shows and hides a component by."""
    return [f"needs-{word}" for word in sorted(words)]


def needs_css() -> str:
    """The rules that hide what needs something that is not played; the page says what is (`<html data-plays>`).

    A frame that Gradio puts around neighbours is hidden with the last of them. Until the page has been told, what some
    models lack is hidden, and what only its own kind of control asks for is shown, so that nothing jumps.
    """
    named = {word for _, widget in all_widgets() for word in widget.needs.split()}
    named |= {word for part in sections() for word in part.needs.split()}
    rules = [rule("html", word) for word in sorted(named - PAGE_NEEDS)]
    rules += [rule("html[data-plays]", kind) for kind in sorted(CONTROLS) if kind not in named]
    return ",\n".join(rules) + " { display: none !important; }\n"


def rule(page: str, word: str) -> str:
    """The selector of what needs a word that is not played."""
    form = f".form:has(> .needs-{word}):not(:has(> :not(.needs-{word})))"
    return f'{page}:not([data-plays~="{word}"]) :is(.needs-{word}, {form})'


def capitalized(names: Sequence[str]) -> list[tuple[str, str]]:
    """Choices as a person reads them: (shown, value)."""
    return [(name.replace("_", " ").capitalize(), name) for name in names]


def run_in_page(event: Callable[..., Any], script: str, inputs: Sequence[Component] = ()) -> None:
    """What a component does in the page alone: its values go over the link, not through Gradio."""
    script = f"(...values) => {{ ({script})(...values); return []; }}"
    event(None, list(inputs), None, js=script, queue=False, trigger_mode="multiple", api_visibility="private")
