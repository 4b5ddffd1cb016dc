"""What one takes away of predictions: JSON, CSV, file names and the PDF reports, read back."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from factories import dicom, film, prediction, saved
from pypdf import PdfReader
from pypdf.generic import StreamObject

from pneumonia import __version__
from pneumonia.card import Conformal
from pneumonia.export.pdf import pdf
from pneumonia.export.pdf_table import pdf_table
from pneumonia.export.records import (
    COLUMNS,
    INTENDED_USE,
    SENTENCES,
    SOFTWARE,
    as_dict,
    csv_text,
    download_filename,
    escape_formula,
    percent,
)
from pneumonia.gate import REASONS
from pneumonia.predictor import Prediction
from pneumonia.reading import refusals
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import Note, RadiographError
from pneumonia.web import views

WHEN = datetime(2031, 2, 3, 14, 5, 6, tzinfo=timezone.utc)
FAR = REASONS["unlike"]
ORDER = ("densenet169", "cnn")  # as the page shows them
HASHES = {model: prediction(model=model).card.weights.sha256 for model in ORDER}
LONG = f"{'a_name_without_spaces_' * 3}.dcm"
NOTES = tuple(Note(code, {"frames": 2, "bits": 12}) for code in sorted(refusals.NOTES)[:9])
POINTS = 72 / 25.4  # a millimetre on the page
LEGEND = (30.0, 2.4)  # the size of its bar in mm


def both(radiograph, probabilities=(0.8, 0.2), **options) -> list[Prediction]:
    pairs = zip(ORDER, probabilities, strict=True)
    return [prediction(p, model, radiograph=radiograph, **options) for model, p in pairs]


def words(page) -> str:
    """A page's text on one line, with plain spaces."""
    return " ".join(page.extract_text().split())


def only_page(document: bytes) -> str:
    (page,) = PdfReader(io.BytesIO(document)).pages
    return words(page)


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


# --- JSON ----------------------------------------------------------------------------------------


def test_the_dictionary_survives_json_and_tells_all():
    radiograph = film(140, 160, "f.dcm", [Note("window")], "DICOM")
    answer = as_dict([prediction(np.float32(0.5), radiograph=radiograph)], WHEN)
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    model = answer.pop("models").pop("cnn")
    assert answer == {
        "film": "f.dcm",
        "width": 160,
        "height": 140,
        "format": "DICOM",
        "notes": ["window applied"],
        "date": "2031-02-03T14:05:06+00:00",
        "software": f"pneumonia {__version__}",
        "intended_use": INTENDED_USE,
    }
    assert model == {
        "title": "Small CNN",
        "version": "7.8.9",
        "weights_sha256": HASHES["cnn"],
        "gate": "ok",
        "label": "PNEUMONIA",
        "probability": 0.5,
        "operating_point": 0.47,
        "verdict": "UNCERTAIN",
        "set": [],
        "coverage": 0.9,
        "uncertain": [0.3, 0.6],
        "sensitivity": 0.953,
        "specificity": 0.968,
    }
    assert all(type(value) is not np.float32 for value in model.values())


def test_dates_are_in_utc_and_default_to_now():
    there = WHEN.astimezone(timezone(timedelta(hours=9)))
    predictions = [prediction()]
    dates = [as_dict(predictions, w)["date"] for w in (there, WHEN.replace(tzinfo=None))]
    assert dates == ["2031-02-03T14:05:06+00:00"] * 2
    now = datetime.fromisoformat(as_dict(predictions)["date"])
    assert abs(datetime.now(timezone.utc) - now) < timedelta(minutes=1)


def test_the_band_is_in_order_even_where_both_classes_are_plausible_in_it():
    overlapping = prediction()
    card = replace(overlapping.card, conformal=Conformal(0.9, 0.7, 0.2))
    overlapping = replace(overlapping, card=card)
    assert as_dict([overlapping])["models"]["cnn"]["uncertain"] == [0.2, 0.7]
    assert "uncertain from 20 % to 70 %" in only_page(pdf([overlapping]))


def test_a_report_of_nothing_is_an_error():
    for function in (as_dict, pdf):
        with pytest.raises(ValueError, match="at least one prediction"):
            function([])


def test_the_words_are_those_of_the_page():
    for probability, verdict in ((0.1, "NORMAL"), (0.5, "UNCERTAIN"), (0.9, "PNEUMONIA")):
        html = views.result([prediction(probability)])
        assert f"{verdict}<" in html and f">{SENTENCES[verdict]}<" in html


def test_a_probability_is_whole_and_never_certain():
    fractions = (0, 0.0099, 0.01, 0.125, 0.99, 0.991)
    assert [*map(percent, fractions)] == [
        f"{words}\u00a0%" for words in ("<1", "<1", "1", "12", "99", ">99")
    ]


# --- one film as PDF -----------------------------------------------------------------------------


def test_the_report_says_it_all_on_one_page():
    radiograph = film(1200, 1600, "f.dcm", [Note("window"), Note("monochrome1")], "DICOM")
    said = only_page(pdf(both(radiograph, (0.999, 0.004)), WHEN))
    for text in (
        *("f.dcm", "1600 × 1200 px · DICOM · window applied · MONOCHROME1 inverted"),
        *(
            "DenseNet-169 PNEUMONIA looks like pneumonia to this model >99 %",
            "2031-02-03 14:05 UTC",
        ),
        "Small CNN NORMAL no sign of pneumonia found by this model <1 %",
        "operating point 47 %: sensitivity 95 %, specificity 97 %",
        *("uncertain from 30 % to 60 %", "90 % coverage", "What the model used", "to +15 log-odds"),
        *("DenseNet-169 warm raised it, cool lowered it", "Small CNN warm raised it"),
        f"DenseNet-169 · version 7.8.9 · weights {HASHES['densenet169'][:12]} Small",
        f"Small CNN · version 7.8.9 · weights {HASHES['cnn'][:12]} Read with {SOFTWARE}",
        INTENDED_USE,
    ):
        assert text in said, text
    assert "scope" not in said and "…" not in said
    uncertain = only_page(pdf([prediction(0.5, heat=0.1)]))
    assert "UNCERTAIN between what this model calls normal and pneumonia 50 %" in uncertain
    assert "nothing in the film spoke clearly" in uncertain


@pytest.mark.parametrize(
    "gates", [("unlike", "unlike"), ("unlike", "blank"), ("ok", "unlike"), ("narrow", "ok")]
)
def test_a_refusal_comes_first_and_marks_the_numbers(gates):
    pairs = zip(ORDER, (0.9, 0.1), gates, strict=True)
    predictions = [prediction(p, model, gate) for model, p, gate in pairs]
    said = only_page(pdf(predictions))
    refused = [p for p in predictions if not p.in_scope]
    heading = "Not a film that the models know"
    if len(refused) == 1:
        heading = f"Not a film that {refused[0].card.title} knows"
    body = said[said.index("a film.png") :]
    first = body.index(heading)
    for gate in {REASONS[code] for code in gates if code != "ok"}:
        assert (
            first < body.index(gate) < body.index("Out of scope: these numbers") < body.index("%")
        )
        assert body.count(gate) == 1
    for p in predictions:
        sentence = SENTENCES[p.verdict]
        assert (sentence in body) == p.in_scope
        if not p.in_scope:
            assert f"{p.card.title}, out of scope" in body
            assert f"{percent(p.probability)} out of scope".replace("\u00a0", " ") in body
    assert body.count("OUT OF SCOPE") == len(refused)


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
    document = pdf(predictions, WHEN)
    assert INTENDED_USE in only_page(document) and len(document) < 1_500_000
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
    assert name in only_page(pdf([prediction(radiograph=film(name=name))]))
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
        ("胸X.png", "\ufffdX.png"),
        ("a\u202egnp.exe\x00\x1b b\u00a0\tc", "agnp.exe b c"),
        ("\udcff\U0001f476.png", "\ufffd.png"),
    ],
)
def test_names_in_any_script(name, shown):
    assert f"UTCPneumonia on chest films: a second look {shown} 160" in only_page(
        pdf([prediction(radiograph=film(name=name))])
    )
    assert shown in only_page(pdf_table([(name, RadiographError("empty", name))]))


def test_hebrew_is_drawn_from_right_to_left():
    (page,) = PdfReader(io.BytesIO(pdf([prediction(radiograph=film(name="אב (ג) x.png"))]))).pages
    drawn = []
    page.extract_text(visitor_operand_before=lambda op, args, *_: drawn.append((op, args)))
    codes = page["/Resources"]["/Font"]
    titles = [args[0] for op, args in drawn if op == b"Tj"]
    tables = [codes[key]["/ToUnicode"].get_data().decode("latin-1") for key in codes]
    mapping = [dict(re.findall(r"<(\w{4})> <(\w{4})>", table)) for table in tables]
    texts = []
    for title in titles:
        raw = title.original_bytes if hasattr(title, "original_bytes") else bytes(title)
        glyphs = [raw[i : i + 2].hex().upper() for i in range(0, len(raw), 2)]
        texts += ["".join(chr(int(m.get(g, "0020"), 16)) for g in glyphs) for m in mapping]
    assert "(ג) בא x.png" in texts


def test_names_of_nothing_still_make_a_report():
    for name in ("", " ", "\u202e"):
        assert only_page(pdf([prediction(radiograph=film(name=name))])).endswith("lowered it")
        assert "1 film" in only_page(pdf_table([(name, [prediction()])]))


def test_the_same_date_gives_the_same_bytes():
    rows = [("a", both(film())), ("b", RadiographError("empty", "b.png"))]
    assert pdf(both(film()), WHEN) == pdf(both(film()), WHEN)
    assert pdf_table(rows, WHEN) == pdf_table(rows, WHEN)
    for document in (pdf(both(film()), WHEN), pdf_table(rows, WHEN)):
        assert PdfReader(io.BytesIO(document)).metadata.creation_date == WHEN


def test_nothing_of_the_machine_or_the_patient_gets_out(tmp_path):
    person = {"PatientBirthDate": "19991231", "InstitutionName": "SECRET clinic"}
    person |= {"OperatorsName": "SECRET operator"}
    path = tmp_path / "film.dcm"
    path.write_bytes(saved(dicom(np.arange(4096, dtype=np.uint8).reshape(64, 64), **person)))
    predictions = both(read_radiograph(path))
    texts = [json.dumps(as_dict(predictions)), csv_text([("film.dcm", predictions)])]
    documents = [pdf(predictions, WHEN), pdf_table([("film.dcm", predictions)], WHEN)]
    for document in documents:
        reader = PdfReader(io.BytesIO(document))
        texts += [words(page) for page in reader.pages]
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
    pages = [words(page) for page in PdfReader(io.BytesIO(pdf_table(rows, WHEN))).pages]
    assert len(pages) == 3
    for number, page in enumerate(pages, 1):
        assert f"2031-02-03 14:05 UTC · {number} / 3" in page
        assert f"DenseNet-169 version 7.8.9 · weights {HASHES['densenet169'][:12]}" in page
        assert f"Small CNN version 7.8.9 · weights {HASHES['cnn'][:12]}" in page
        assert INTENDED_USE in page
    said = " ".join(pages)
    assert "40 films, 1 not read, 1 out of scope" in said
    for number, (name, _) in enumerate(rows, 1):
        assert said.count(f" {number} {name} ") == 1
    assert "1 number-0.png PNEUMONIA 80 % NORMAL 20 %" in said
    assert '21 words.txt NOT READ "words.txt" is empty: choose the file again.' in said
    assert said.count(FAR) == 2 and said.count("OUT OF SCOPE") == 2
    half = said[said.index("half.png") : said.index("number-23.png")]
    assert "PNEUMONIA >99 %" in half and "90 %" not in half


def test_tables_without_verdicts():
    assert "0 films" in only_page(pdf_table([]))
    assert "1 film, 1 not read" in only_page(pdf_table([("a", RadiographError("empty", "a"))]))


def test_a_table_of_two_hundred_films_is_small():
    noise = np.random.default_rng(0)
    films = [
        Radiograph(noise.random((300, 300), np.float32), f"{i}.png", "PNG", (), 0.0, (300, 300))
        for i in range(200)
    ]
    document = pdf_table([(f.name, both(f, heat=None)) for f in films])
    assert len(document) < 4_000_000 and len(PdfReader(io.BytesIO(document)).pages) == 15


# --- CSV -----------------------------------------------------------------------------------------


def test_csv_has_a_line_a_film_and_model():
    rows = [
        ("a.png", both(film())),
        ("=b.png", RadiographError("empty", "=b.png")),
        ("c.png", both(film(), gate="unlike")),
    ]
    table = csv_text(rows)
    assert table.startswith(",".join(COLUMNS) + "\n") and "\r" not in table
    lines = list(csv.DictReader(io.StringIO(table)))
    assert [(line["file"], line["model"]) for line in lines] == [
        *(("a.png", "densenet169"), ("a.png", "cnn"), ("'=b.png", "")),
        *(("c.png", "densenet169"), ("c.png", "cnn")),
    ]
    assert lines[0] == {
        **{"file": "a.png", "model": "densenet169", "label": "PNEUMONIA", "gate": "ok"},
        **{"probability": "0.8000", "error": "", "verdict": "PNEUMONIA", "set": "PNEUMONIA"},
        **{"operating_point": "0.4700", "sensitivity": "0.953", "specificity": "0.968"},
    }
    assert lines[2]["error"].startswith('"=b.png" is empty') and lines[2]["verdict"] == ""
    assert lines[3]["gate"] == FAR


@pytest.mark.parametrize("start", [*"=+-@\t\r\n＝＋－＠"])
def test_no_cell_is_a_formula(start):
    assert escape_formula(f"{start}1") == f"'{start}1"
    assert escape_formula(f"1{start}") == f"1{start}" and escape_formula("") == ""


def test_names_that_are_no_text_can_be_written():
    assert csv_text([("a\udcff.png", RadiographError("empty", "a\udcff.png"))]).encode()


# --- names of downloads --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("film.dcm", "film.pdf"),
        ("film.JPEG", "film.pdf"),
        ("film.v2", "film.v2.pdf"),
        ("Röntgen Грудь 胸.png", "Röntgen Грудь 胸.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\films\\a.png", "a.pdf"),
        ("folder/", "folder.pdf"),
        (".hidden", "hidden.pdf"),
        ("--rf -x.png", "rf -x.pdf"),
        ('a<b>:"c"|d?e*.png', "a_b___c__d_e_.pdf"),
        ("a\u202egnp.exe\u2066\x00\x1b\n\r\tb", "agnp.exe   b.pdf"),
        ("con.png", "_con.pdf"),
        ("NUL", "_NUL.pdf"),
        ("aux.tar.gz", "_aux.tar.gz.pdf"),
        ("..-lpt1 .x", "_lpt1 .x.pdf"),
        ("COM¹.png", "_COM¹.pdf"),
        ("console.png", "console.pdf"),
        ("name. . .", "name.pdf"),
        *(
            (nothing, "film.pdf")
            for nothing in ("", ".", "..", "/", ".dcm", "-", "\u202e", "\udcff")
        ),
    ],
)
def test_names_of_downloads(name, safe):
    assert download_filename(name, ".pdf") == safe


@pytest.mark.parametrize("letter", ["a", "ö", "字", "\U0001d54f", ". ", "o\u0308\u0323"])
def test_names_of_downloads_are_short(letter):
    name = download_filename(f"x{200 * letter}.png", ".overlay.png")
    assert len(name) <= 80 and len(name.encode()) <= 255
    assert name.startswith("x") and name.endswith(".overlay.png")
    assert name == download_filename(f"x{200 * letter}.png", ".overlay.png")
