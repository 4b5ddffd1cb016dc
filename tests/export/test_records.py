"""What one takes away of predictions: JSON, CSV and file names, read back."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from factories import both, film, prediction

from pneumonia import __version__
from pneumonia.card import Conformal
from pneumonia.export.records import (
    COLUMNS,
    INTENDED_USE,
    SENTENCES,
    as_dict,
    csv_text,
    download_filename,
    escape_formula,
    percent,
)
from pneumonia.gate import REASONS, GateResult
from pneumonia.prediction import refused_together
from pneumonia.reading.refusals import Note, RadiographError
from pneumonia.web import views

WHEN = datetime(2031, 2, 3, 14, 5, 6, tzinfo=timezone.utc)
FAR = REASONS["unlike"]


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
        "weights_sha256": prediction().card.weights.sha256,
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


def test_a_report_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="at least one prediction"):
        as_dict([])


def test_the_words_are_those_of_the_page():
    for probability, verdict in ((0.1, "NORMAL"), (0.5, "UNCERTAIN"), (0.9, "PNEUMONIA")):
        html = views.result([prediction(probability)])
        assert f"{verdict}<" in html and f">{SENTENCES[verdict]}<" in html


def test_a_probability_is_whole_and_never_certain():
    fractions = (0, 0.0099, 0.01, 0.125, 0.99, 0.991)
    assert [*map(percent, fractions)] == [
        f"{words}\u00a0%" for words in ("<1", "<1", "1", "12", "99", ">99")
    ]


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
    assert lines[3]["gate"] == FAR and float(lines[3]["probability"]) > 0.5
    assert lines[3]["label"] == lines[3]["verdict"] == lines[3]["set"] == ""
    said = as_dict(rows[2][1])["models"]["cnn"]
    assert said["label"] is said["verdict"] is None and said["set"] == []


def test_a_film_that_one_model_does_not_know_is_out_of_scope_for_all():
    knows, does_not = both(film())[0], prediction(gate="unlike")
    assert [p.gate for p in refused_together([knows, does_not])] == [does_not.gate] * 2
    own = replace(does_not, gate=GateResult("told"))
    assert [p.gate for p in refused_together([own, does_not])] == [own.gate, does_not.gate]
    assert refused_together([knows, knows]) == [knows, knows]


@pytest.mark.parametrize("start", [*"=+-@\t\r\n＝＋－＠"])
def test_no_cell_is_a_formula(start):
    assert escape_formula(f"{start}1") == f"'{start}1"
    assert escape_formula(f"1{start}") == f"1{start}" and escape_formula("") == ""


@pytest.mark.parametrize("between", [";", ",", "|", "\t", '; "', "\n "])
def test_no_cell_becomes_a_formula_where_lines_are_split_at_other_signs(between):
    assert escape_formula(f"x{between}=1+1.png") == f"x{between}'=1+1.png"
    assert escape_formula(f"=1{between}@1") == f"'=1{between}'@1"
    assert escape_formula(f"x{between}y=1") == f"x{between}y=1"


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
