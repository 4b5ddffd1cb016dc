"""The page's words: complete in every language, safe in HTML, known by what the package says."""

import ast
import inspect
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from pneumonia.gate import Gate
from pneumonia.models import MODELS
from pneumonia.reading import archive, arrays, dicom, radiograph
from pneumonia.web import handlers, texts

WORDS = texts.load_texts()
ENGLISH = WORDS["en"]
OTHERS = [language for language in texts.LANGUAGES if language != "en"]
SAME = {  # may be the English word: names, abbreviations, and labels that other languages share
    *("model.densenet169", "about.auroc", "verdict.NORMAL", "verdict.PNEUMONIA"),
    *("filter.normal", "filter.pneumonia", "viewer.normal", "viewer.pneumonia"),
    *("viewer.wl", "viewer.inferno", "viewer.viridis", "viewer.cividis"),
    *("viewer.unit", "viewer.cell", "card.imagenet"),
}
MODEL = {"en": "model", "es": "modelo", "fr": "modèle", "zh": "模型", "pt": "modelo", "ar": "نموذج"}


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w*)\}", text))


class Elements(HTMLParser):
    """What a browser would see: (element, attributes) and the words between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_with_its_placeholders(language):
    words = WORDS[language]
    assert words.keys() == ENGLISH.keys()
    for key, english in ENGLISH.items():
        assert words[key].strip() == words[key] != "", key
        assert placeholders(words[key]) == placeholders(english), key
        assert words[key] != english or key in SAME, key


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_normal_is_never_an_absence_of_findings(language):
    for key, text in WORDS[language].items():
        if key.startswith(("sentence.", "headline.")) and key.endswith(".NORMAL"):
            assert "{title}" in text or MODEL[language] in text.lower(), key


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_the_drop_zone_names_the_limit(language):
    assert str(radiograph.MAX_BYTES // 2**20) in WORDS[language]["style.formats"]


def test_the_models_have_their_names():
    assert {f"model.{name}": model.title for name, model in MODELS.items()}.items() <= (
        ENGLISH.items()
    )


def test_part_files_are_merged_and_no_key_is_there_twice(tmp_path):
    for language in texts.LANGUAGES:
        (tmp_path / f"{language}.json").write_text(json.dumps({"a": language}))
        (tmp_path / f"{language}.part.json").write_text(json.dumps({"b": f"{language} too"}))
    assert texts.load_texts(tmp_path)["fr"] == {"a": "fr", "b": "fr too"}
    (tmp_path / "pt.more.json").write_text(json.dumps({"a": "again"}))
    with pytest.raises(ValueError, match=r"pt\.more\.json: 'a' is there twice"):
        texts.load_texts(tmp_path)


def test_a_tag_escapes_what_it_is_given():
    name = """<img src=x onerror="alert('&')">{name}"""
    page = Elements(texts.tag("film.alt", 'p class="x"', name=name))
    assert page.words == f"Chest film {name}"
    ((element, attributes),) = page.tags
    assert (element, attributes["class"], attributes["data-t"]) == ("p", "x", "film.alt")
    assert json.loads(attributes["data-args"]) == {"name": name}

    page = Elements(f"<img {texts.attributes({'alt': 'film.alt'}, name=name)}>")
    ((_, attributes),) = page.tags
    assert attributes["alt"] == f"Chest film {name}"
    assert attributes["data-t-alt"] == "film.alt"
    assert json.loads(attributes["data-args"]) == {"name": name}
    assert "<" not in texts.t("film.alt", name=name)


def test_arguments_are_texts_and_numbers_too():
    assert texts.plain("headline.one.NORMAL", title=texts.ref("model.cnn")).endswith("Small CNN")
    nested = texts.ref("film.alt", name=texts.ref("name.with"))
    alt = texts.plain("film.alt", name=nested)
    assert alt == "Chest film Chest film Drawing, no patient (with opacities)"
    assert texts.plain("batch.progress", done=1, total=4360) == "1 of 4,360 films"
    assert texts.number(0.5, 3) == '<span data-n="0.5" data-digits="3">0.500</span>'
    for wrong in (texts.ref, texts.t, texts.tag):
        for key in ("no.such", "film.alt"):  # which lacks its name
            with pytest.raises(KeyError):
                wrong(key)


def test_components_take_their_labels_from_the_same_files():
    i18n = texts.i18n()
    assert i18n.translations_dict == WORDS
    assert i18n("upload.label").key == "upload.label"
    menu = Elements(texts.menu())
    assert [tags["value"] for name, tags in menu.tags if name == "option"] == [*texts.LANGUAGES]


def said(sentence: str, group: str) -> str | None:
    """The key of the text that this sentence is."""
    ((_, attributes),) = Elements(texts.say(sentence, group)).tags
    return attributes.get("data-t")


def sentences(module, call: str) -> set[str]:
    """The words that a module gives to a call, with 7 for what it fills in."""

    def words(node: ast.expr) -> list[str]:
        match node:
            case ast.Constant():
                return [str(node.value)]
            case ast.IfExp():
                return [*words(node.body), *words(node.orelse)]
            case ast.Name():  # a constant of the module; "tag" may be empty
                return [str(getattr(module, node.id, "" if node.id == "tag" else "7"))]
            case ast.JoinedStr():
                return ["".join(words(part)[0] for part in node.values)]
            case ast.FormattedValue():
                return words(node.value)
        return ["7"]

    calls = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if _is(node, call)]
    return {text for node in calls for text in words(node.args[0])}


def _is(node: ast.AST, call: str) -> bool:
    return isinstance(node, ast.Call) and bool(node.args) and ast.unparse(node.func) == call


@pytest.mark.parametrize("module", [arrays, dicom, radiograph])
def test_what_is_said_of_a_file_is_known(module):
    elsewhere = (  # of arrays and paths, which no visitor gives
        *("has the wrong shape", "holds neither integers", "is a folder", "is not an ordinary"),
        *("is not there", "cannot be opened", "was opened as text", "is neither a file"),
    )
    for reason in sentences(module, "Refusal"):
        known = said(f'"a film.png" {reason}', "refusal")
        assert bool(known) != reason.startswith(elsewhere), reason
    for note in sentences(module, "notes.append"):
        assert said(note, "note"), note


def test_what_is_said_of_archives_and_by_the_page_is_known():
    for sentence in sentences(archive, "RadiographError"):
        assert said(sentence, "refusal"), sentence
    for sentence in (handlers.BROKEN, handlers.GONE):
        assert said(sentence, "refusal"), sentence
    assert 'data-t="refusal.large"' in texts.say(
        '"a.png" is larger than 25 MB: choose a smaller or compressed copy.', "refusal"
    )


def test_what_the_reader_and_the_gate_say_is_known():
    with pytest.raises(radiograph.RadiographError) as refusal:
        radiograph.read_radiograph(np.zeros((8, 9), np.uint8), name="is empty: choose <b>")
    page = Elements(texts.say(str(refusal.value), "refusal", "p"))
    assert page.words == str(refusal.value)
    assert page.tags[0][1]["data-t"] == "refusal.small"
    assert json.loads(page.tags[0][1]["data-args"])["name"] == "is empty: choose <b>"

    gate = Gate(np.zeros(2, np.float32), np.eye(2, dtype=np.float32))
    grey = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    colour = np.zeros((64, 64, 3))
    colour[..., 0] = grey
    films = {
        "gate.colour": colour,
        "gate.blank": np.zeros((64, 64)),
        "gate.long": grey.reshape(32, 128),
        "gate.far": grey,
    }
    for key, film in films.items():
        reason = gate.check(radiograph.read_radiograph(film), np.full(2, 1.5, np.float32))
        assert said(reason, "gate") == key
    assert said("Something else <b>", "gate") is None
    assert "<b>" not in texts.say("Something else <b>", "gate")
