"""How Gradio's own components look: flat, quiet, the same few colours as `web/studio.css`."""

from __future__ import annotations

from gradio import themes

DARK = {"ground": "#0d0e10", "surface": "#141518", "raised": "#1c1e22", "line": "#282a2f", "ink": "#e7e8ea"}
LIGHT = {"ground": "#f3f2ef", "surface": "#fbfaf8", "raised": "#ffffff", "line": "#dedcd6", "ink": "#1d1e20"}
MUTED = {"dark": "#8d9299", "light": "#66696e"}
ACCENT = {"dark": "#f0a35e", "light": "#b4541a"}


def both(**names: str) -> dict[str, str]:
    """Theme variables for light and dark from the names of colours in the two palettes."""
    light = {variable: LIGHT[colour] for variable, colour in names.items()}
    return light | {f"{variable}_dark": DARK[colour] for variable, colour in names.items()}


SURFACES = both(
    body_background_fill="ground",
    background_fill_primary="surface",
    background_fill_secondary="ground",
    block_background_fill="surface",
    block_label_background_fill="surface",
    input_background_fill="raised",
    input_background_fill_focus="raised",
    border_color_primary="line",
    input_border_color="line",
    body_text_color="ink",
    block_title_text_color="ink",
    checkbox_label_background_fill="raised",
    checkbox_label_background_fill_hover="raised",
    checkbox_label_border_color="line",
    button_secondary_background_fill="raised",
    button_secondary_background_fill_hover="line",
    button_secondary_text_color="ink",
)
DETAILS = dict(
    body_text_color_subdued=MUTED["light"],
    body_text_color_subdued_dark=MUTED["dark"],
    block_info_text_color=MUTED["light"],
    block_info_text_color_dark=MUTED["dark"],
    block_info_text_size="12px",
    slider_color=ACCENT["light"],
    slider_color_dark=ACCENT["dark"],
    color_accent=ACCENT["light"],
    input_border_color_focus=ACCENT["light"],
    input_border_color_focus_dark=ACCENT["dark"],
    checkbox_label_background_fill_selected="transparent",
    checkbox_label_border_color_selected=ACCENT["light"],
    checkbox_label_border_color_selected_dark=ACCENT["dark"],
    checkbox_label_text_color_selected=ACCENT["light"],
    checkbox_label_text_color_selected_dark=ACCENT["dark"],
    checkbox_background_color_selected=ACCENT["light"],
    checkbox_background_color_selected_dark=ACCENT["dark"],
    button_primary_background_fill=ACCENT["light"],
    button_primary_background_fill_dark=ACCENT["dark"],
    button_primary_background_fill_hover=ACCENT["light"],
    button_primary_background_fill_hover_dark=ACCENT["dark"],
    button_primary_text_color="#ffffff",
    button_primary_text_color_dark="#1a1208",
    block_border_width="0px",
    block_shadow="none",
    block_shadow_dark="none",
    block_padding="0px",
    input_shadow="none",
    input_shadow_focus="none",
    button_primary_shadow="none",
    button_secondary_shadow="none",
    block_label_text_weight="500",
    block_title_text_weight="500",
)


def studio_theme() -> themes.Base:
    """Gradio's Base theme in the studio's colours."""
    # Gradio's semibold file has no Latin letters: bold stands for it.
    letters = themes.LocalFont("IBM Plex Sans", weights=(400, 700))
    theme = themes.Base(
        radius_size=themes.sizes.radius_md,
        spacing_size=themes.sizes.spacing_md,
        text_size="sm",
        font=(letters, "ui-sans-serif", "system-ui", "sans-serif"),
    )
    return theme.set(**SURFACES, **DETAILS)
