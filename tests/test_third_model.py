"""A third model is an entry in ``MODELS`` and a checkpoint: everything takes it from there."""

import base64
import html
import io
import json

import pytest
from pypdf import PdfReader

from pneumonia.evaluation.model_card import write_model_cards
from pneumonia.evaluation.run import evaluate_models, write_report
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import FilmRef
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import batch_tab, handlers, page

TITLES = ["Tiny Net", "DenseNet-169", "Small CNN"]


def content(link: str) -> bytes:
    return base64.b64decode(html.unescape(link).split("base64,")[1].split('"')[0])


def test_a_third_model_predicts(three_models, films):
    assert available_models() == ["cnn", "densenet169", "tiny"]
    prediction = Predictor.load("tiny").predict(films[0])
    assert prediction.card.title == "Tiny Net" and prediction.model_input.shape == (64, 64)


@pytest.mark.slow
def test_a_third_model_is_evaluated_beside_the_others(
    three_models, dataset, films, tmp_path, monkeypatch
):
    monkeypatch.setattr("pneumonia.evaluation.run.find_ood_images", lambda _: {"some": films[:2]})
    names = available_models()
    evaluation, measured = evaluate_models(names, dataset, "val", "", quick=True, draws=5)
    assert [len(model.probabilities) for model in evaluation.models.values()] == [12] * 3
    best = max(evaluation.models, key=lambda name: evaluation.models[name].figures.auroc)
    pairs = {(pair.first, pair.second) for pair in evaluation.comparisons}
    assert pairs == {(best, name) for name in names if name != best}
    write_report(tmp_path, evaluation, measured)
    assert all(title in (tmp_path / "evaluation.md").read_text() for title in TITLES)
    (card, *_) = write_model_cards(three_models, tmp_path / "evaluation.json")[-1:]
    assert card.parent.name == "tiny" and "# Tiny Net" in card.read_text()


@pytest.fixture
def film(tmp_path):
    draw_phantom(200, 240, lesions=2, seed=2).image().save(path := tmp_path / "film.png")
    return FilmRef(path)


def test_a_third_model_is_on_the_page_and_in_its_reports(three_models, film, monkeypatch):
    monkeypatch.setattr(handlers, "PREDICTORS", {})
    handlers.load_models()
    components = page.build().config["components"]
    (choice,) = (c["props"] for c in components if c["type"] == "radio")
    assert [value for _, value in choice["choices"]] == ["all", "tiny", "densenet169", "cnn"]
    *_, shown = handlers.analyse(film, "all")
    assert shown.count('class="viewer-panel heat"') == 3
    assert json.loads(content(handlers.export(film, "all", "json")))["models"].keys() == set(
        available_models()
    )
    batch = batch_tab.Batch("films", 1)
    list(batch_tab.read([film.path], batch))
    words = [batch_tab.table({n: p.title for n, p in handlers.PREDICTORS.items()}), shown]
    for pdf in (handlers.export(film, "all", "pdf"), batch_tab.export(batch, "films.pdf")):
        (sheet,) = PdfReader(io.BytesIO(content(pdf))).pages
        words.append(sheet.extract_text())
    assert all(title in text for title in TITLES for text in words)
