"""What films are called in addresses."""

import weakref

import pytest

from pneumonia.reading.archive import FilmRef
from pneumonia.web import visits
from pneumonia.web.batch_tab import Batch
from pneumonia.web.examples import load_examples
from pneumonia.web.retention import upload_folder


def test_a_shelf_keeps_the_latest_for_a_while_under_names_nobody_guesses(monkeypatch):
    shelf = visits.Shelf(2)
    names = [shelf.keep(thing) for thing in "abc"]
    assert [shelf.find(name) for name in names] == [None, "b", "c"]
    assert all(len(name) >= 16 for name in names) and shelf.find("") is None
    later = visits.time.monotonic() + visits.MAX_AGE + 1
    monkeypatch.setattr(visits.time, "monotonic", lambda: later)
    assert shelf.find(names[2]) is None


def test_a_copy_of_a_table_is_kept_no_longer_than_the_table(monkeypatch):
    shelf, table = visits.Shelf(9), Batch("", 0)
    first, now = shelf.keep(table), visits.time.monotonic()
    monkeypatch.setattr(visits.time, "monotonic", lambda: now + visits.MAX_AGE - 1)
    copy, own = table.copy(), Batch("", 0)
    name, other = shelf.keep(copy, first), shelf.keep(own)
    assert shelf.find(name) is copy
    monkeypatch.setattr(visits.time, "monotonic", lambda: now + visits.MAX_AGE + 1)
    assert shelf.find(name) is None and shelf.find(other) is own
    shelf.sweep()
    assert shelf.find(other) is own


def test_the_oldest_things_go_where_all_together_are_too_much():
    shelf = visits.Shelf(5, len)
    names = [shelf.keep(thing) for thing in ("abc", "de", "f")]
    assert [shelf.find(name) for name in names] == [None, "de", "f"]


def test_what_is_too_old_goes_though_nobody_asks(tmp_path, monkeypatch):
    shelf, kept = visits.Shelf(2), Batch("", 0)
    shelf.keep(kept)
    gone = weakref.ref(kept)
    del kept
    later = visits.time.monotonic() + visits.MAX_AGE + 1
    monkeypatch.setattr(visits.time, "monotonic", lambda: later)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with upload_folder():
        pass
    assert gone() is None


def test_films_are_found_by_name_and_others_are_gone(tmp_path):
    first, second = FilmRef(tmp_path / "a.png"), FilmRef(tmp_path / "b.zip", "b.png")
    examples = load_examples(tmp_path)
    table = visits.BATCHES.keep(Batch("", 2, [first, second]))
    assert visits.film(visits.FILMS.keep(first), examples) == first
    assert visits.film(f"{table}.1", examples) == second
    assert visits.film("example.0", examples) is examples[0].film
    assert visits.example("example.0", examples) is examples[0]
    strangers = ("x", f"{table}.2", f"{table}.-1", "nobody.0", "example.9", "example.", ".", "")
    for name in strangers:
        assert visits.film(name, examples) == visits.GONE, name
        assert visits.example(name, examples) is None, name


@pytest.mark.parametrize("address", ["/etc/passwd", "../../etc/passwd", "", "https://a.test/b"])
def test_only_uploads_are_read(address):
    import gradio as gr

    from pneumonia.web.gradio_private import uploaded

    with pytest.raises(gr.Error):
        uploaded(address)
