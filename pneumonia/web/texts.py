"""The page's words: English here and on the server, six languages in the visitor's browser.

    tag("headline.one.NORMAL", "h2", title="Small CNN")
    # <h2 data-t="headline.one.NORMAL" data-args="…">No sign of pneumonia found by Small CNN</h2>

``texts/LANGUAGE.json`` holds the texts of a language, ``texts/LANGUAGE.PART.json`` further ones;
English is the reference for keys and {placeholders}. What the rest of the package says by a code
has its English in the package's own tables. The server sends English and says which text
it is; ``language.js`` puts another language there. Only the first screen comes in the language that
the browser asks for (see ``entrance``).
Gradio's own components take ``i18n()(key)`` as their label.
"""

import functools
import json
import re
from html import escape
from pathlib import Path
from typing import TypedDict

import gradio as gr

from pneumonia.evaluation.facts import FACTS
from pneumonia.export.words import Words
from pneumonia.gate import REASONS
from pneumonia.reading.refusals import NOTES, REFUSALS

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = {
    "en": "English",
    "es": "Español",
    "fr": "Français",
    "zh": "简体中文",
    "pt": "Português",
    "ar": "العربية",
}

_CODED = {
    "refusal": REFUSALS,
    "note": NOTES,
    "gate": REASONS,
    "facts": {code: name for code, (name, _) in FACTS.items()}
    | {f"{code}.text": text for code, (_, text) in FACTS.items()},
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_ATTRIBUTES = {
    "aria-label": "label",
    "title": "title",
    "alt": "alt",
}


class _Key(TypedDict):
    t: str


class Reference(_Key, total=False):
    """An argument that is itself a text: ``{"t": key}``, with ``"args"`` if it has placeholders."""

    args: dict[str, "Argument"]


Argument = str | int | float | Reference


def load_texts(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Language → key → text, from all of a language's files.

    Raises:
        ValueError: a key is there twice, or a text is none.
    """
    texts: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        texts[language] = {}
        for path in [folder / f"{language}.json", *sorted(folder.glob(f"{language}.*.json"))]:
            pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=list)
            for key, text in pairs:
                if key in texts[language] or not isinstance(text, str):
                    raise ValueError(f"{path.name}: {key!r} is there twice, or is not a text.")
                texts[language][key] = text
    for group, sentences in _CODED.items():
        texts["en"] |= {f"{group}.{code}": text for code, text in sentences.items()}
    return texts


@functools.cache
def _texts() -> dict[str, dict[str, str]]:
    return load_texts()


def i18n() -> gr.I18n:
    """For ``launch(i18n=…)``, and for labels: ``gr.File(label=i18n()("upload.label"))``."""
    return gr.I18n(**_texts())


def words(language: str) -> Words:
    """What a report says in that language; English for an unknown one, and for a lost text."""
    known = language if language in LANGUAGES else "en"
    return Words(known, {**_texts()["en"], **_texts()[known]})


def ref(key: str, **args: Argument) -> Reference:
    """An argument that is translated too, such as a refusal.

    Raises:
        KeyError: there is no such text, or an argument is missing.
    """
    plain(key, **args)
    return {"t": key, "args": args} if args else {"t": key}


def plain(key: str, **args: Argument) -> str:
    """The English text with its arguments, not escaped.

    Raises:
        KeyError: there is no such text, or an argument is missing.
    """
    return _PLACEHOLDER.sub(lambda found: _shown(args[found[1]]), _texts()["en"][key])


def t(key: str, **args: Argument) -> str:
    """``plain``, escaped for HTML."""
    return escape(plain(key, **args))


def tag(key: str, element: str = "span", **args: Argument) -> str:
    """An HTML element with that text, which the browser translates.

    Args:
        key: of the text.
        element: its name, with attributes if need be: ``'p class="scope"'``.
        args: for the placeholders; a number is written as the visitor's language writes numbers.
    """
    name = element.split()[0]
    return f'<{element} data-t="{escape(key)}"{_data(args)}>{t(key, **args)}</{name}>'


def attributes(keys: dict[str, str], **args: Argument) -> str:
    """Attributes with texts, which the browser translates, for an element without ``tag``.

    >>> attributes({"alt": "film.alt"}, name="a.png")
    'alt="Chest film a.png" data-t-alt="film.alt" data-args="{&quot;name&quot;: &quot;a.png&quot;}"'

    Args:
        keys: attribute → key of its text. Attributes are aria-label, title and alt.
        args: for the placeholders of all of them.
    """
    parts = [
        f'{name}="{t(key, **args)}" data-t-{_ATTRIBUTES[name]}="{escape(key)}"'
        for name, key in keys.items()
    ]
    return " ".join(parts) + _data(args)


def number(value: float, digits: int = 0) -> str:
    """A number as HTML, which the browser writes as its language does: 4,360 or 4.360 or 4 360."""
    return f'<span data-n="{value}" data-digits="{digits}">{value:,.{digits}f}</span>'


def percent(share: float) -> str:
    """A share in whole per cent as HTML, in the order of its parts amid Arabic too."""
    return f'<bdi dir="ltr">{number(100 * share)} %</bdi>'


def html(text: Argument, element: str = "span") -> str:
    """An element with a text that the browser translates, or with other words as they are."""
    if isinstance(text, dict):
        return tag(text["t"], element, **text.get("args", {}))
    return f'<{element} dir="auto">{escape(_shown(text))}</{element.split()[0]}>'


def menu() -> str:
    """The language menu as HTML, every language by its own name."""
    options = "".join(
        f'<option value="{code}" lang="{code}">{escape(name)}</option>'
        for code, name in LANGUAGES.items()
    )
    label = attributes({"aria-label": "language.label", "title": "language.label"})
    return f'<select class="language" autocomplete="off" {label}>{options}</select>'


def slug(name: str) -> str:
    """``"rotated 5°"`` → ``"rotated_5"``: the end of a text's key."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _data(args: dict[str, Argument]) -> str:
    """Arguments as they travel to the browser; no attribute where there are none."""
    return f' data-args="{escape(json.dumps(args, ensure_ascii=False))}"' if args else ""


def _shown(value: Argument) -> str:
    if isinstance(value, dict):
        return plain(value["t"], **value.get("args", {}))
    return value if isinstance(value, str) else f"{value:,}"
