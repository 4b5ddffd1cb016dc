"""What films are in truth: by folders, by a table, and never by a guess."""

import json
import zipfile

import pytest
from factories import TINY, card_of, open_gate, seeded_network

from pneumonia.models import MODELS
from pneumonia.predictor import Predictor
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import batch_tab, handlers, truth


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("chest/test/NORMAL/IM-1.jpeg", "NORMAL"),
        ("Pneumonia/old/a.png", "PNEUMONIA"),
        ("PNEUMONIA/normal\\a.png", "NORMAL"),  # the innermost
        ("NORMAL.png", ""),
        ("abnormal/a.png", ""),
        ("", ""),
    ],
)
def test_the_innermost_folder_of_that_name_tells(path, label):
    assert truth.folder_label(path) == label


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_any_usual_table_is_read(tmp_path, delimiter, encoding):
    lines = [
        ("Age", "File", "Truth"),
        ("3", "Größe (1).PNG", "normal"),
        ("4", "b/x.png", "PNEUMONIA"),
    ]
    text = "\r\n".join(map(delimiter.join, lines))
    (path := tmp_path / "truth.csv").write_bytes(text.encode(encoding))
    table = truth.read_table(path)
    assert table.label("größe 1.png") == "NORMAL"  # as an upload is called
    assert table.label("a/b/x.png") == table.label("x.jpeg") == "PNEUMONIA"
    assert table.label("y.png") == ""
    told = table.sentence(["größe 1.png", "y.png"])
    assert told["args"] == {"rows": 2, "found": 1, "unmatched": 1, "unclear": 0}


def test_what_is_unclear_is_counted_and_not_guessed(tmp_path):
    (path := tmp_path / "truth.csv").write_text(
        "film,label\na.png,NORMAL\na.png,NORMAL\na.png,PNEUMONIA\nb.png,maybe\n,NORMAL\nshort\n"
        "one/c.png,NORMAL\ntwo/c.png,PNEUMONIA\ntwo/c.png,PNEUMONIA\nd.png,NORMAL\n\n"
    )
    table = truth.read_table(path)
    told = {"rows": 10, "found": 3, "unmatched": 1, "unclear": 6}
    assert table.sentence(["two/c.png"])["args"] == told
    assert [table.label(name) for name in ("a.png", "b.png", "c.png")] == ["", "", ""]
    assert table.label("set/one/c.png") == "NORMAL" and table.label("two/c.png") == "PNEUMONIA"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "no_columns"),
        (b"\x00\xff\x00 junk", "no_columns"),
        (b"film,diagnosis\na,NORMAL", "no_columns"),
        (b"film,truth\n" + b'"' + b"x" * 200_000, "no_columns"),
        (b"file,model,label,probability\na.png,cnn,NORMAL,0.1", "predictions"),
        (b"film,truth\n" + b"a,NORMAL\n" * (truth.MAX_ROWS + 1), "too_many_rows"),
        (b"film,truth\n" + b" " * truth.MAX_BYTES, "too_large"),
    ],
)
def test_a_table_that_says_nothing_is_refused_in_a_sentence(tmp_path, content, key):
    (path := tmp_path / "truth.csv").write_bytes(content)
    with pytest.raises(truth.TruthError) as caught:
        truth.read_table(path)
    assert caught.value.sentence["t"] == f"truth.{key}"


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(MODELS, "tiny", TINY)
    predictor = Predictor(seeded_network("tiny"), card_of("tiny"), open_gate("tiny"))
    monkeypatch.setattr(handlers, "PREDICTORS", {"tiny": predictor})


def test_a_batch_tells_the_truth_of_its_rows(tiny, tmp_path):
    draw_phantom(90, 100, seed=1).image().save(film := tmp_path / "film.png")
    with zipfile.ZipFile(archive := tmp_path / "set.zip", "w") as file:
        file.write(film, "set/normal/a.png")
        file.write(film, "set/PNEUMONIA/b.png")
    (table := tmp_path / "truth.csv").write_text(
        "film;truth\nb;NORMAL\nfilm.png;PNEUMONIA\nz;NORMAL"
    )

    def last(*steps):
        return json.loads([*batch_tab.read(*steps)][-1][1])

    batch = batch_tab.Batch("a table", 0)
    home = "home/Normal/film.png"
    told = last([str(archive), str(film)], batch, ["", home])
    assert told["truths"] == ["NORMAL", "PNEUMONIA", "NORMAL"] and told["told"] is None
    told = last([str(table)], batch)  # later, by itself; it counts before folders
    assert told["truths"] == ["NORMAL", "NORMAL", "PNEUMONIA"] and len(told["rows"]) == 3
    assert told["told"]["args"] == {"rows": 3, "found": 2, "unmatched": 1, "unclear": 0}
    told = last([str(table), str(table)], batch)
    assert told["told"] == {"t": "truth.several"}
    assert told["truths"] == ["NORMAL", "PNEUMONIA", "NORMAL"]
    alone = [*batch_tab.read([str(table)], batch_tab.Batch("", 0))]
    assert alone[-1][0] == "" and json.loads(alone[-1][1])["told"]["args"]["unmatched"] == 3
