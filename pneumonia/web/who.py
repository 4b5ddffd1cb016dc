"""Who runs this page and where, for those who have to answer for it: from the environment."""

import os

from pneumonia.web.texts import html, tag

VARIABLES = {
    "operator": "PNEUMONIA_OPERATOR",
    "contact": "PNEUMONIA_CONTACT",
    "location": "PNEUMONIA_LOCATION",
}
_LONGEST = 300  # signs of each


def runs_it() -> str:
    """What the page's operator says of itself; nothing where it says nothing."""
    rows = ""
    for key, name in VARIABLES.items():
        if text := os.environ.get(name, "").strip()[:_LONGEST]:
            rows += f"<div>{tag(f'who.{key}', 'dt')}<dd>{html(text)}</dd></div>"
    if not rows:
        return ""
    return f'<section class="about who">{tag("who.title", "h3")}<dl>{rows}</dl></section>'
