"""The films that ship: which they are, what the models make of them, what is told of them after."""

import json

import numpy as np
import pytest
from factories import ROOT, card_of, evaluation_of, model_result, prediction
from factories import film as a_film

from pneumonia.evaluation.results import HeatmapChecks, Saliency
from pneumonia.predictor import Predictor
from pneumonia.storage import typed_json
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.opacity import Lesion
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import about, known, results, views
from pneumonia.web.examples import FOLDER, LICENCE, LIST, Example, Known, Shipped, load_examples
from pneumonia.web.texts import load_texts
from tools import choose_examples

SHIPPED = typed_json.load(Shipped, FOLDER / LIST)


def test_five_films_ship_in_one_and_a_half_megabytes_with_credit_and_licence():
    assert sorted(film.kind for film in SHIPPED.films) == sorted(choose_examples.KINDS)
    sizes = [(FOLDER / film.file).stat().st_size for film in SHIPPED.films]
    assert len(sizes) == 5 and sum(sizes) <= 1.5e6
    assert "Kermany" in SHIPPED.credit and SHIPPED.licence == LICENCE
    for film in SHIPPED.films:
        assert film.truth or film.source == "drawing"
        assert not any(word in film.file for word in ("normal", "virus", "bacteria", "person"))
        wanted = choose_examples.KINDS[film.kind][0]
        assert wanted in (None, film.truth)


@pytest.mark.slow
@pytest.mark.skipif(len(available_models()) < 2, reason="needs the shipped models")
def test_the_shipped_models_make_of_each_film_what_it_is_an_example_of():
    films = [FOLDER / film.file for film in SHIPPED.films]
    predictors = map(Predictor.load, available_models())
    answers = [predictor.predict_batch(films, heatmap=False) for predictor in predictors]
    for film, *predictions in zip(SHIPPED.films, *answers, strict=True):
        made = known.outcome(predictions, film.truth or "NORMAL")
        assert made in choose_examples.KINDS[film.kind][1], film


def test_the_buttons_give_nothing_away():
    examples = load_examples()
    films = [example for example in examples if example.truth]
    html = about.gallery(films)
    for word in ("NORMAL", "PNEUMONIA", "person", "virus", "wrong", "refused"):
        assert word not in html.partition("</div>")[0]
    assert f'href="{LICENCE}"' in html


CASES = {  # probabilities of two models (NORMAL up to 0.3, PNEUMONIA from 0.6), truth
    "right": ((0.1, 0.2), "NORMAL"),
    "partly": ((0.1, 0.45), "NORMAL"),
    "not_called": ((0.4, 0.45), "PNEUMONIA"),
    "wrong": ((0.1, 0.2), "PNEUMONIA"),
    "mixed": ((0.1, 0.45), "PNEUMONIA"),
    "refused": ((0.1, 0.9), "PNEUMONIA"),
}


@pytest.mark.parametrize("outcome", CASES)
def test_the_truth_comes_after_the_verdict_and_says_what_became_of_the_film(outcome):
    probabilities, label = CASES[outcome]
    gate = "unlike" if outcome == "refused" else "ok"
    made = [
        prediction(p, model, gate)
        for p, model in zip(probabilities, ("densenet169", "cnn"), strict=True)
    ]
    assert known.outcome(made, label) == outcome
    html = views.result(made, example=an_example(label))
    verdict, said = html.find('class="verdict"'), html.find('class="known"')
    assert f'data-t="known.{outcome}"' in html and f"doctors: {label}." in html
    assert html.count('class="known"') == 1 and LICENCE in html
    assert (said < verdict) == (outcome == "refused")  # whose verdict is folded away below
    assert 'class="question"' not in html
    assert "known" not in views.result(made)  # of a visitor's film nothing is known


def an_example(truth=None, lesions=()) -> Example:
    thumbnail = draw_phantom(70, 80).image()
    return Example("Film A", "", a_film(), thumbnail, truth, lesions)


def test_the_drawing_s_map_is_held_against_the_circles(monkeypatch):
    inside = Lesion(0.75, 0.25, 0.2)  # the quarter where the prediction's map speaks
    made = [prediction(0.8, "cnn")]
    monkeypatch.setattr(results, "load_evaluation", lambda cards: None)
    for lesion, found in ((inside, "hit"), (Lesion(0.25, 0.75, 0.2), "missed")):
        html = views.result(made, example=an_example(lesions=(lesion,)))
        assert f'data-t="known.{found}"' in html and html.count("<circle") >= 1
        assert "known.measured" not in html
    checks = HeatmapChecks(
        {}, {}, {"rise": 0.5, "heat": 0.625, "chance": 0.125, "logit": 1.0}, {}, {}
    )
    measured = evaluation_of(
        {"cnn": model_result(card_of("cnn"))}, saliency=Saliency(8, 8, {"cnn": checks})
    )
    monkeypatch.setattr(results, "load_evaluation", lambda cards: measured)
    html = views.result(made, example=an_example(lesions=(inside,)))
    assert 'data-t="known.measured"' in html and "62 %" in html.replace("</span>", "")
    assert "12 %" in html.replace("</span>", "")


def test_a_hit_is_the_highest_place_inside_an_opacity():
    attribution = np.zeros((8, 8), np.float32)
    attribution[2, 6] = 1
    square = (64, 64)
    assert known.hit(attribution, [Lesion(0.2, 0.8, 0.1), Lesion(0.8, 0.3, 0.1)], square)
    assert not known.hit(attribution, [Lesion(0.2, 0.8, 0.1)], square)
    above = Lesion(0.8125, 0.45, 0.1)  # less than a radius away only where the film is wide
    assert known.hit(attribution, [above], (40, 80)) and not known.hit(attribution, [above], square)


def test_a_list_of_another_version_or_with_films_missing_costs_only_those(tmp_path):
    known = tuple(Known(f"film-{name}.png", "normal", "a copy", "NORMAL") for name in "ab")
    typed_json.save(tmp_path / LIST, Shipped("who", LICENCE, known))
    draw_phantom(seed=1).image().save(tmp_path / "film-b.png")
    film, _ = load_examples(tmp_path)
    assert film.truth == "NORMAL" and film.title == {"t": "examples.film", "args": {"letter": "B"}}
    (tmp_path / LIST).write_text(json.dumps({"films": 3}))
    _, film = load_examples(tmp_path)
    assert film.title == "film-b" and not film.truth


@pytest.mark.slow
def test_the_choice_is_the_same_each_time_and_takes_what_is_there(dataset, tmp_path, monkeypatch):
    def made_up(record, full, predictions):
        """As if the films were of all kinds: drawn ones are not."""
        number = sum(map(ord, record.path.name)) % 4
        outcome = ("right", "not_called", "wrong", "right")[number]
        return choose_examples.Candidate(record, full, outcome, False, float(number))

    monkeypatch.setattr(choose_examples, "candidate", made_up)
    monkeypatch.setattr(choose_examples, "available_models", list)
    monkeypatch.setattr("sys.argv", ["", "--data", str(dataset), "--out", str(tmp_path)])
    choose_examples.main()
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    choose_examples.main()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    list_ = typed_json.load(Shipped, tmp_path / LIST)
    assert {film.kind for film in list_.films} == set(choose_examples.KINDS)
    (drawn,) = (film for film in list_.films if film.source == "drawing")
    assert drawn.kind == "refused" and drawn.truth is None


def test_every_text_of_the_truth_is_used():
    used = {f"known.{outcome}" for outcome in CASES}
    used |= {f"known.{key}" for key in ("said", "circles", "hit", "missed", "measured", "chance")}
    assert {key for key in load_texts()["en"] if key.startswith("known.")} == used


def test_git_knows_of_films_those_five_only():
    rules = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "examples/*" in rules and "!examples/film-[a-e].*" in rules
