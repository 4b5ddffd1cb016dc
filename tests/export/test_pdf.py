"""The PDF reports, read back: one film on a page, many in a table, in every language."""

import io
import json
import re
from datetime import datetime, timezone
from pathlib import Path

import matplotlib
import numpy as np
import pypdfium2
import pytest
from factories import ORDER, both, dicom, film, prediction, saved
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from pypdf.generic import StreamObject

from pneumonia.export import pdf as report
from pneumonia.export import pdf_table as table
from pneumonia.export.canvas import HAN
from pneumonia.export.records import SOFTWARE, as_dict, csv_text
from pneumonia.gate import REASONS
from pneumonia.reading import refusals
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import Note, RadiographError
from pneumonia.web.texts import LANGUAGES, words

WHEN = datetime(2031, 2, 3, 14, 5, 6, tzinfo=timezone.utc)
ENGLISH = words("en")
USE = f"{ENGLISH('use.purpose')} {ENGLISH('use.films')}"
FAR = REASONS["unlike"]
HASHES = {model: prediction(model=model).card.weights.sha256 for model in ORDER}
LONG = f"{'a_name_without_spaces_' * 3}.dcm"
NOTES = tuple(Note(code, {"frames": 2, "bits": 12}) for code in sorted(refusals.NOTES)[:9])
POINTS = 72 / 25.4  # a millimetre on the page
LEGEND = (30.0, 2.4)  # the size of its bar in mm


def pdf(predictions, language="en", name="") -> bytes:
    return report.pdf(predictions, words(language), WHEN, name)


def pdf_table(rows, language="en", names=True) -> bytes:
    return table.pdf_table(rows, words(language), WHEN, names)


def said_on(page) -> str:
    """A page's text on one line, with plain spaces."""
    return " ".join(page.extract_text().replace("\0", "").split())


def only_page(document: bytes) -> str:
    """Its text, read by PDFium, which takes a twentieth of pypdf's time."""
    (page,) = pypdfium2.PdfDocument(document)
    return " ".join(page.get_textpage().get_text_range().replace("\0", "").split())


def every_byte(document: bytes) -> bytes:
    """The file and all its streams, unpacked."""
    reader = PdfReader(io.BytesIO(document))
    objects = (reader.get_object(i) for i in range(1, len(reader.xref[0]) + 1))
    return document + b"".join(o.get_data() for o in objects if isinstance(o, StreamObject))


def boxes(document: bytes) -> list[tuple[float, float, float, float]]:
    """Left, lower, right and upper edge of each picture in mm, the legend's bar left out."""
    (page,) = PdfReader(io.BytesIO(document)).pages
    placed = re.findall(
        rb"q ([\d.]+) 0 0 ([\d.]+) ([\d.-]+) ([\d.-]+) cm /I\d+ Do", page.get_contents().get_data()
    )
    sizes = [[float(number) / POINTS for number in numbers] for numbers in placed]
    return [(x, y, x + w, y + h) for w, h, x, y in sizes if (round(w, 1), round(h, 1)) != LEGEND]


# --- one film as PDF -----------------------------------------------------------------------------


def test_the_report_says_it_all_on_one_page():
    radiograph = film(1200, 1600, "f.dcm", [Note("window"), Note("monochrome1")], "DICOM")
    said = only_page(pdf(both(radiograph, (0.999, 0.004))))
    for text in (
        "The models disagree: 1 of 2 found signs of pneumonia",
        "All models learnt from the same films: agreement is no second opinion.",
        *("1600 × 1200 px · DICOM", "window applied · MONOCHROME1 inverted"),
        "DenseNet-169 PNEUMONIA looks like pneumonia to this model >99 %",
        "Small CNN NORMAL no sign of pneumonia found by this model <1 %",
        *("2031-02-03 14:05 UTC", "not called between 30 % and 60 %", "What the model used"),
        *("From −15 to +15 log-odds", "DenseNet-169 What it used mostly raised the probability"),
        f"DenseNet-169 · 7.8.9 · {HASHES['densenet169'][:12]} Small",
        f"Small CNN · 7.8.9 · {HASHES['cnn'][:12]} {SOFTWARE}",
        *(ENGLISH("blind.text"), USE),
    ):
        assert text in said, text
    assert "scope" not in said.lower() and "…" not in said
    uncertain = only_page(pdf([prediction(0.5, heat=0.1)]))
    assert "UNCERTAIN between what this model calls normal and pneumonia 50 %" in uncertain
    assert ENGLISH("viewer.nothing_spoke") in uncertain


def test_no_film_is_named_unless_asked():
    predictions = both(film(name="Mrs Secret.png"))
    rows = [("Mrs Secret.png", predictions)]
    rows += [("Mrs Secret.png", RadiographError("empty", "Mrs Secret.png"))]
    for silent, named in (
        (pdf(predictions), pdf(predictions, name="Mrs Secret.png")),
        (pdf_table(rows, names=False), pdf_table(rows)),
    ):
        assert b"Secret" not in every_byte(silent) and "Secret" not in only_page(silent)
        assert "Mrs Secret.png" in only_page(named)
        assert PdfReader(io.BytesIO(silent)).metadata.title == ENGLISH("page.title")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_in_its_language(language):
    """Every character has a glyph, and the fonts are in the file; Arabic letters are joined."""
    own = words(language)
    document = pdf(both(film(name="f.png", notes=NOTES)), language)
    said = only_page(document)
    assert "\ufffd" not in said and "…" not in said
    assert PdfReader(io.BytesIO(document)).trailer["/Root"]["/Lang"] == language
    if language != "ar":  # whose letters are read back as they stand on the page
        for key in ("headline.disagree", "blind.text", "use.films", "scale.axis"):
            wanted = own(key, count=1, total=2)
            assert "".join(wanted.split()) in said.replace(" ", "")
    fonts = PdfReader(io.BytesIO(document)).pages[0]["/Resources"]["/Font"].values()
    names = {font["/BaseFont"].split("+")[-1] for font in fonts}
    assert any("Noto" in name for name in names) == (language == "zh")
    assert "\ufffd" not in only_page(pdf_table([("f", both(film()))], language))


def test_arabic_letters_take_the_forms_of_their_places():
    (page,) = PdfReader(io.BytesIO(pdf(both(film()), "ar"))).pages
    fonts = page["/Resources"]["/Font"].values()
    tables = [font["/ToUnicode"].get_data().decode("latin-1") for font in fonts]
    glyphs = [re.findall(r"<\w{4}> <(06\w{2})>", table) for table in tables]
    assert max(letters.count("0639") for letters in glyphs) > 1  # ain


def test_the_chinese_font_has_every_character_of_the_chinese_words():
    texts = "".join(words("zh").texts.values())
    assert {ord(c) for c in texts if "\u2e80" < c < "\ufb00"} <= set(TTFont(HAN).getBestCmap())


@pytest.mark.parametrize(
    "gates", [("unlike", "unlike"), ("unlike", "blank"), ("ok", "unlike"), ("narrow", "ok")]
)
def test_a_refusal_comes_first_and_leaves_no_verdict(gates):
    pairs = zip(ORDER, (0.9, 0.1), gates, strict=True)
    predictions = [prediction(p, model, gate) for model, p, gate in pairs]
    said = only_page(pdf(predictions))
    body = said[said.index("UTC") :]
    heading = body.index(ENGLISH("gate.title"))
    for gate in {REASONS[code] for code in gates if code != "ok"}:
        assert heading < body.index(gate) < body.index(ENGLISH("gate.scope")) < body.index("%")
        assert body.count(gate) == 1
    for p in predictions:  # one model that does not know a film is enough
        assert ENGLISH(f"sentence.{p.verdict}") not in body and p.verdict not in body
        assert f"{p.card.title} {ENGLISH('style.out')}" in body
    assert "opinion" not in body and "not called" not in body


AWKWARD = {
    "one": [prediction(0.1)],
    "no heat": both(film(), heat=None),
    "portrait": both(film(500, 300)),
    "square": both(film(300, 300)),
    "wide": both(film(100, 260)),
    "strip": both(film(32, 1500), gate="narrow"),
    "pole": both(film(1500, 32), gate="narrow"),
    "tiny": both(film(32, 32)),
    "large": both(film(2000, 2400)),
    "all at once": [
        prediction(0.9, model, gate, radiograph=film(400, 300, LONG, NOTES, "DICOM"))
        for model, gate in zip(ORDER, ("unlike", "narrow"), strict=True)
    ],
}


@pytest.mark.parametrize("name", AWKWARD)
def test_every_film_fits_on_one_page_with_its_aspect(name):
    predictions = AWKWARD[name]
    document = pdf(predictions)
    assert USE in only_page(document) and len(document) < 1_500_000
    height, width = predictions[0].radiograph.pixels.shape
    placed = boxes(document)
    assert len(placed) == 1 + sum(p.heatmap is not None for p in predictions)
    for left, lower, right, upper in placed:
        assert 17.9 < left < right < 192.1 and 297 - 271 < lower < upper < 297 - 30
        assert (right - left) / (upper - lower) == pytest.approx(width / height, rel=0.02)
        assert max(right - left, upper - lower) <= max(0.5 * max(width, height), 40) + 0.01
    for i, a in enumerate(placed):
        for b in placed[:i]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3], "overlapping"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_picture_lies_on_words(language):
    document = pdf(both(film(224, 224), (0.7, 0.4)), language)
    places = boxes(document)
    page = pypdfium2.PdfDocument(document)[0]
    text = page.get_textpage()
    words_at = [text.get_rect(i) for i in range(text.count_rects())]
    assert len(places) == 3 and len(words_at) > 20
    for left, lower, right, upper in words_at:
        for x0, y0, x1, y1 in places:
            aside = right / POINTS <= x0 or left / POINTS >= x1
            assert aside or upper / POINTS <= y0 + 0.1 or lower / POINTS >= y1 - 0.1


def test_pictures_are_reduced_before_they_are_embedded():
    (page,) = PdfReader(io.BytesIO(pdf(both(film(2000, 2400))))).pages
    assert max(max(image.image.size) for image in page.images) == 1000


def test_the_film_and_the_heat_are_those_of_the_prediction():
    radiograph = film(120, 120)
    document = pdf([prediction(heat=15.0, radiograph=radiograph)])
    (page,) = PdfReader(io.BytesIO(document)).pages
    shown = [np.asarray(i.image, float) for i in page.images if i.image.height > 8]
    plain, coloured = sorted(shown, key=lambda picture: picture.ndim)
    assert np.abs(plain / 255 - radiograph.pixels).max() < 0.05
    warmth = coloured[..., 0] - coloured[..., 2]  # the one warm cell is the upper right one
    assert warmth[:40, 80:].mean() > 30 and np.abs(warmth[80:, :40]).max() < 12


@pytest.mark.parametrize(
    "name", ["<b>x</b> & **y** __z__ --u--.png", "{nb} {{nb}}.png", "=1+1\\(2) ~[a](b).png"]
)
def test_markup_in_a_name_is_shown_as_it_is(name):
    assert name in only_page(pdf([prediction()], name=name))
    note = Note("scaled", {"bits": name})
    assert f"scaled as {name}-bit" in only_page(pdf([prediction(radiograph=film(notes=[note]))]))
    assert name in only_page(
        pdf_table([(name, [prediction()]), (name, RadiographError("empty", name))])
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Röntgen Грудь Θώρακας.png", "Röntgen Грудь Θώρακας.png"),
        ("Ro\u0308ntgen.png", "Röntgen.png"),
        ("胸X.png", "胸X.png"),
        ("\ua000X.png", "\ufffdX.png"),
        ("a\u202egnp.exe\x00\x1b b\u00a0\tc", "agnp.exe b c"),
        ("\udcff\U0001f476.png", "\ufffd.png"),
    ],
)
def test_names_in_any_script(name, shown):
    assert f" {shown} 160 ×" in only_page(pdf([prediction()], name=name))
    assert shown in only_page(pdf_table([(name, RadiographError("empty", name))]))


def test_hebrew_is_drawn_from_right_to_left():
    page = pypdfium2.PdfDocument(pdf([prediction()], name="אב (ג) x.png"))[0].get_textpage()
    said = page.get_text_range()
    where = {letter: page.get_charbox(said.index(letter))[0] for letter in "אבג"}
    assert where["א"] > where["ב"] > where["ג"]


def test_names_of_nothing_still_make_a_report():
    for name in ("", " ", "\u202e"):
        assert only_page(pdf([prediction()], name=name)).endswith("raised the probability")
        assert "Films: 1" in only_page(pdf_table([(name, [prediction()])]))


def test_the_same_date_gives_the_same_bytes():
    rows = [("a", both(film())), ("b", RadiographError("empty", "b.png"))]
    assert pdf(both(film())) == pdf(both(film()))
    assert pdf_table(rows) == pdf_table(rows)
    for document in (pdf(both(film())), pdf_table(rows)):
        assert PdfReader(io.BytesIO(document)).metadata.creation_date == WHEN


def test_nothing_of_the_machine_or_the_patient_gets_out(tmp_path):
    person = {"PatientBirthDate": "19991231", "InstitutionName": "SECRET clinic"}
    person |= {"OperatorsName": "SECRET operator"}
    path = tmp_path / "film.dcm"
    path.write_bytes(saved(dicom(np.arange(4096, dtype=np.uint8).reshape(64, 64), **person)))
    predictions = both(read_radiograph(path))
    texts = [json.dumps(as_dict(predictions)), csv_text([("film.dcm", predictions)])]
    documents = [pdf(predictions), pdf_table([("film.dcm", predictions)])]
    for document in documents:
        reader = PdfReader(io.BytesIO(document))
        texts += [said_on(page) for page in reader.pages]
        content = every_byte(document)
        assert b"DejaVu" in content  # it does look into the file
        folders = (tmp_path, Path.home(), Path.cwd(), Path(matplotlib.get_data_path()))
        for folder in (*map(str, folders), "/fonts/", "site-packages"):
            assert folder == "/" or folder.encode() not in content
        assert set(reader.metadata) == {"/Title", "/CreationDate"}
        texts += [str(reader.metadata), content.decode("latin-1")]
    for text in texts:
        assert "SECRET" not in text and "19991231" not in text
    assert all("film.dcm" in text for text in texts[:2])


# --- many films ----------------------------------------------------------------------------------


def test_a_table_repeats_header_number_and_intended_use_on_every_page():
    rows = [(f"number-{i}.png", both(film(40, 50))) for i in range(40)]
    rows[20] = ("words.txt", RadiographError("empty", "words.txt"))
    rows[21] = ("bone.png", both(film(), gate="unlike"))
    rows[22] = (
        "half.png",
        [prediction(0.999), prediction(0.9, "densenet169", "unlike")],
    )
    pages = [said_on(page) for page in PdfReader(io.BytesIO(pdf_table(rows))).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert f"2031-02-03 14:05 UTC · {number} / 3" in page
        assert f"DenseNet-169 7.8.9 · {HASHES['densenet169'][:12]}" in page
        assert f"Small CNN 7.8.9 · {HASHES['cnn'][:12]}" in page
        assert USE in page
    said = " ".join(pages)
    assert "Films: 40 · not read: 1 · out of scope: 2" in said
    for number, (name, _) in enumerate(rows, 1):
        assert said.count(f" {number} {name} ") == 1
    assert "1 number-0.png PNEUMONIA 80 % NORMAL 20 %" in said
    assert (
        '21 words.txt This film was not read "words.txt" is empty: choose the file again.' in said
    )
    assert said.count(FAR) == 2 and said.count("OUT OF SCOPE") == 2
    half = said[said.index("half.png") : said.index("number-23.png")]
    assert "PNEUMONIA" not in half and "%" not in half  # one model that does not know it is enough


def test_tables_without_verdicts():
    assert "Films: 0" in only_page(pdf_table([]))
    assert "Films: 1 · not read: 1" in only_page(pdf_table([("a", RadiographError("empty", "a"))]))


def test_a_table_of_two_hundred_films_is_small():
    noise = np.random.default_rng(0)
    films = [
        Radiograph(noise.random((300, 300), np.float32), f"{i}.png", "PNG", (), 0.0, (300, 300))
        for i in range(200)
    ]
    document = pdf_table([(f.name, both(f, heat=None)) for f in films])
    assert len(document) < 4_000_000 and len(PdfReader(io.BytesIO(document)).pages) == 15
