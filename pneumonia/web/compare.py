"""Another film of this visit beside the one that is shown: an earlier one of the same child, say.

Both are read on their own and shown with the same tools; nothing is computed of the two together.
``modules/compare.js`` says which film it is, and ``viewer.js`` moves both alike.
"""

from pneumonia.reading.archive import FilmRef
from pneumonia.reading.radiograph import Radiograph
from pneumonia.web import handlers
from pneumonia.web.examples import Example
from pneumonia.web.texts import attributes, tag


def chooser() -> str:
    """Where a visitor says which film; the films of this visit are filled in."""
    label = attributes({"aria-label": "compare.label"})
    none = tag("compare.none", 'option value=""')
    return f'<select class="compare" data-compare autocomplete="off" {label}>{none}</select>'


def empty() -> str:
    """The place beside the film, with no film in it yet."""
    return _place("", "prior stale")


def beside(film: FilmRef | Radiograph, choice: str, example: Example | None) -> str:
    """Verdicts and evidence of the other film as HTML; arguments as of ``handlers.analyse``."""
    *_, shown = handlers.analyse(film, choice, example)
    return _place(shown)


def _place(shown: str, classes: str = "prior") -> str:
    return f"""
<section class="{classes}">
  <header>{tag("compare.title", "h2")}
    {tag("compare.end", 'button type="button" data-compare-end')}
    {tag("compare.note", "p")}</header>
  {tag("style.reading", 'p class="reading" role="status"')}
  {shown}
</section>"""
