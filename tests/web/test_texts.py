"""The page's words: complete in every language, safe in HTML, known by what the package says."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from pneumonia import gate
from pneumonia.evaluation import facts
from pneumonia.reading import radiograph, refusals
from pneumonia.web import texts, views

WORDS = texts.load_texts()
ENGLISH = WORDS["en"]
OTHERS = [language for language in texts.LANGUAGES if language != "en"]
SAME = {  # may be the English word: names, abbreviations, and labels that other languages share
    *("about.auroc", "verdict.NORMAL", "verdict.PNEUMONIA"),
    *("filter.normal", "filter.pneumonia", "zone.normal", "zone.pneumonia"),
    *("viewer.wl", "viewer.cell", "card.imagenet", "scope.no", "invitation.verdict"),
}
MODEL = {"en": "model", "es": "modelo", "fr": "modèle", "zh": "模型", "pt": "modelo", "ar": "نم"}


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
    assert texts.plain("headline.one.NORMAL", title="Small CNN").endswith("Small CNN")
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


CODED = {
    "refusal": refusals.REFUSALS,
    "note": refusals.NOTES,
    "gate": gate.REASONS,
    "facts": {
        f"{code}{end}": words
        for code, pair in facts.FACTS.items()
        for end, words in zip(("", ".text"), pair, strict=True)
    },
}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_code_has_a_text_with_its_placeholders(language):
    """And what else is in these groups belongs to the page, not to a code that is gone."""
    keys = {key for key in WORDS[language] if key.split(".")[0] in CODED}
    for group, sentences in CODED.items():
        for code, sentence in sentences.items():
            said = WORDS[language][f"{group}.{code}"]
            assert placeholders(said) == placeholders(sentence), code
            assert (said == sentence) == (language == "en"), code
        keys -= {f"{group}.{code}" for code in sentences}
    assert keys == {"refusal.title", "gate.title", "gate.anyway", "gate.scope", "facts.title"}


def test_a_refusal_is_shown_with_its_arguments_and_escaped():
    with pytest.raises(refusals.RadiographError) as caught:
        radiograph.read_radiograph(np.zeros((8, 9), np.uint8), name="is empty: choose <b>")
    page = Elements(views.refusal(caught.value))
    assert str(caught.value) in page.words
    (said,) = (attributes for name, attributes in page.tags if name == "p")
    assert said["data-t"] == "refusal.too_few_pixels"
    assert json.loads(said["data-args"]) == {
        "name": "is empty: choose <b>",
        "width": 9,
        "height": 8,
    }
