"""Gradio's own parts in the page's colours; the colours themselves are in style.css."""

import gradio as gr


def theme() -> gr.Theme:
    """A theme without web fonts, whose every colour follows the visitor's light or dark setting."""
    colours = {
        "body_background_fill": "var(--ground)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--quiet)",
        "background_fill_primary": "var(--ground)",
        "background_fill_secondary": "var(--raised)",
        "block_background_fill": "var(--raised)",
        "block_label_background_fill": "transparent",
        "block_label_text_color": "var(--quiet)",
        "block_title_text_color": "var(--quiet)",
        "block_border_color": "var(--line)",
        "border_color_primary": "var(--line)",
        "border_color_accent": "var(--accent)",
        "color_accent_soft": "var(--raised)",
        "input_background_fill": "var(--raised)",
        "link_text_color": "var(--accent)",
        "loader_color": "var(--accent)",
        "error_background_fill": "var(--raised)",
        "error_text_color": "var(--ink)",
        "error_border_color": "var(--line)",
        "error_icon_color": "var(--accent)",
    }
    both = colours | {f"{name}_dark": value for name, value in colours.items()}
    return gr.Theme(font="sans-serif", font_mono="monospace").set(
        color_accent="var(--accent)", **both
    )
