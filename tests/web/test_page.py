"""The page without a browser: its HTML, its endpoint, its refusals at the door."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from factories import ROOT, TITLES, card_of, figures, film, prediction

from pneumonia.card import OperatingPoint, Validation
from pneumonia.gate import REASONS
from pneumonia.reading.refusals import Note, RadiographError
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import about, handlers, verdict, views
from pneumonia.web.examples import load_examples
from pneumonia.web.texts import plain

needs_models = pytest.mark.skipif(not available_models(), reason="no checkpoint to show")


def words_of(reference) -> str:
    return plain(reference["t"], **reference.get("args", {}))


def test_the_headline_says_whether_the_models_agree():
    def words(*probabilities):
        return words_of(verdict.headline([prediction(p) for p in probabilities]))

    assert words(0.8, 0.2) == "The models disagree: 1 of 2 found signs of pneumonia"
    assert words(0.8, 0.5, 0.2, 0.9) == "The models disagree: 2 of 4 found signs of pneumonia"
    assert words(0.8, 0.8) == "It looks like pneumonia to both models"
    assert words(0.2, 0.2) == "No sign of pneumonia found by either model"
    assert words(0.4, 0.4) == "No model makes a call on this film"
    for count in (3, 4):
        assert words(*[0.8] * count) == f"It looks like pneumonia to all {count} models"
        assert words(*[0.2] * count).endswith(f"found by any of the {count} models")
        assert words(*[0.4] * count) == "No model makes a call on this film"
    assert words(0.4, 0.9).startswith("It looks like pneumonia to 1 of 2 models; no call")
    assert words(0.4, 0.1, 0.2).startswith("No sign of pneumonia found by 2 of 3 models; no")
    assert words(0.8) == "It looks like pneumonia to Small CNN"
    assert words(0.5) == "Small CNN makes no call on this film"


def test_a_result_shows_every_picture_and_no_address():
    html = views.result([prediction(), prediction(model="densenet169")])
    images = re.findall(r"<img[^>]*>", html)
    assert len(images) == 3  # the film, and what each network saw
    assert all('src="data:image/' in image and "alt=" in image for image in images)
    assert "http" not in html
    assert "What the model used" in html


def test_the_word_comes_first_and_no_rate_stands_beside_it():
    html = views.result([prediction(0.8), prediction(0.5, "densenet169")])
    assert html.index('<strong data-t="verdict.PNEUMONIA"') < html.index("80\u00a0%")
    for rate in ("sensitivity", "specificity", "operating point", "95\u00a0%", "47\u00a0%"):
        assert rate not in html, rate
    assert "agreement is no second opinion" in html
    # even in log-odds, 0.1 % to 99.9 %: 0.8 is ln 4 beyond the middle
    assert "--at: 0.5990; --low: 0.4395; --high: 0.5290" in html
    assert html.count('data-t="why.title"') == 1  # in place, where a model makes no call
    assert "normal up to 30\u00a0% and pneumonia from 60\u00a0%" in html


def test_models_of_one_verdict_say_so_when_they_used_different_places():
    def differ(first, second, probability=0.8):
        pair = [
            replace(prediction(probability, m), attribution=np.array(a, np.float32))
            for m, a in (("cnn", first), ("densenet169", second))
        ]
        assert ("agreement.elsewhere" in views.result(pair)) == verdict.evidence_differs(pair)
        return verdict.evidence_differs(pair)

    left, right = [[5, 0], [5, 0]], [[0, 5, 0], [0, 0, 5], [0, 0, 9]]
    assert differ(left, right) and not differ(left, left)
    assert not differ(left, right, probability=0.4)  # neither makes a call
    against = [[-5, 9], [0, 0]], [[-5, 0], [0, 9]]
    assert not differ(*against, probability=0.1) and differ(*against)
    assert not verdict.evidence_differs([prediction(0.8)])


def test_names_and_notes_from_strangers_are_escaped():
    note = Note("scaled", {"bits": "<b>"})
    html = views.result([prediction(radiograph=film(name='<img src=x>"&', notes=[note]))])
    assert "<img src=x>" not in html and "<b>" not in html
    assert "&lt;img src=x&gt;&quot;&amp;" in html
    assert "<i>" not in views.refusal(RadiographError("empty", "<i>"))


def test_what_the_model_saw_is_the_network_s_input_as_grey():
    seen = np.array([[-2, 0], [1, 2]], np.float32)
    np.testing.assert_allclose(views._as_grey(seen), [[0, 0.5], [0.75, 1]])
    assert np.isfinite(views._as_grey(np.zeros((2, 2), np.float32))).all()


def test_a_film_no_model_knows_is_refused_and_its_result_folded_away():
    strangers = [prediction(0.9, model, gate="unlike") for model in TITLES]
    html = views.result(strangers)
    said, folded = html.split("<details>")
    assert "Not a film that the models know" in said and said.count(REASONS["unlike"]) == 1
    assert "OUT OF SCOPE" in said and "What to do" in said
    assert "a film.png" in said and "data:image/webp" in said  # what was refused
    assert "PNEUMONIA" not in said and "%" not in said
    assert "Out of scope" in folded and folded.count("OUT OF SCOPE") == 3
    for word in ("headline.", "verdict.", "sentence.", "pretest", "zones", "PNEUMONIA"):
        assert word not in folded, word


def test_one_model_that_does_not_know_such_films_refuses_them_for_all():
    known, stranger = prediction(0.9), prediction(0.1, "densenet169", gate="unlike")
    said, folded = views.result([known, stranger]).split("<details>")
    assert REASONS["unlike"] in said and "%" not in said
    assert "headline." not in folded and 'data-scope="out"' in folded


def test_figures_come_from_the_cards():
    clean = figures(films=1234, normal=334, pneumonia=900, auroc=0.98765)
    clean = replace(clean, sensitivity=0.5, specificity=0.25)
    card = card_of("cnn")
    card = replace(
        card,
        validation=Validation(clean, figures(auroc=0.87654), "a split"),
        operating_point=OperatingPoint(0.37, "a rule"),
        training=replace(card.training, data=replace(card.training.data, films=4321)),
    )
    html = about.models([SimpleNamespace(card=card)])
    for text in (
        "Small CNN",
        "1,234 (334 normal, 900",
        "0.988",
        "0.877",
        "patient-grouped",
        "37 %",
    ):
        assert text in html
    for text in (
        "sensitivity = specificity",
        "4,321",
        "random",
        "2001-02-03",
        "50 % (47–53)",
        "25 % (21–30)",
    ):
        assert text in html


def test_examples_are_a_drawing_and_the_films_of_the_folder(tmp_path):
    draw_phantom(seed=1).image().save(tmp_path / "b (whose it is).png")
    draw_phantom(seed=2).image().save(tmp_path / "a.TIFF")
    (tmp_path / "broken.jpeg").write_bytes(b"no film")
    (tmp_path / "README.md").write_text("words")
    drawing, *films = load_examples(tmp_path)
    assert words_of(drawing.title) == "Drawing, no patient" and len(drawing.lesions) == 2
    assert [(film.title, film.note) for film in films] == [("a", ""), ("b", "whose it is")]
    assert all(max(example.thumbnail.size) <= 240 for example in (drawing, *films))
    assert not any(film.truth for film in films)


@pytest.mark.slow
def test_without_a_model_it_says_so_and_does_not_start(tmp_path):
    run = subprocess.run(
        [sys.executable, "app.py", "--port", "1"],
        cwd=ROOT,
        env={**os.environ, "PNEUMONIA_CHECKPOINTS": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("pneumonia serve: There is no model to show")
    assert "Traceback" not in run.stderr


def test_both_models_read_a_film_at_the_same_time(monkeypatch):
    met = threading.Barrier(2, timeout=60)

    class Model:
        in_scope = True

        def predict(self, film, heatmap):
            met.wait()  # in vain where they come one after the other
            return self

    models = {"a": Model(), "b": Model()}
    monkeypatch.setattr(handlers, "PREDICTORS", models)
    assert handlers.infer(None, ["b", "a"]) == [models["b"], models["a"]]


def test_loading_the_models_leaves_the_threads_alone_and_sharing_them_happens_once(
    three_models, monkeypatch
):
    monkeypatch.setattr(handlers, "PREDICTORS", {})
    monkeypatch.setattr(handlers, "processors", lambda: None)  # however many there are
    before = torch.get_num_threads()
    torch.set_num_threads(2 * handlers.CONCURRENT)
    handlers.share_cores.cache_clear()
    try:
        handlers.load_models()
        assert torch.get_num_threads() == 2 * handlers.CONCURRENT
        for _ in range(2):
            handlers.share_cores()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
@needs_models
def test_a_new_page_has_zerogpus_package_first_warm_models_and_no_report_ready(tmp_path):
    (tmp_path / "spaces.py").write_text(
        "import sys\nassert 'torch' not in sys.modules\nlent = []\n"
        "def GPU(function):\n    lent.append(function.__qualname__)\n    return function\n"
    )
    (tmp_path / "visit.py").write_text(
        "import ast, inspect, sys\n"
        "from pneumonia.web.stubs import without_stubs\n"
        "file_of, cut, stubs = inspect.getfile, ast.get_source_segment, []\n"
        "ast.get_source_segment = lambda *some, **more: stubs.append(some) or cut(*some, **more)\n"
        "with without_stubs():\n"
        "    from pneumonia.web import handlers\n"
        "assert not stubs and inspect.getfile is file_of and 'gradio' in sys.modules\n"
        "from pneumonia.web import page\n"
        "from pneumonia.web.examples import load_examples\n"
        "import spaces, torch\n"
        "passes = []\n"
        "def count(layer, *_):\n    passes.extend([1] * (getattr(layer, 'out_features', 0) == 1))\n"
        "torch.nn.modules.module.register_module_forward_hook(count)\n"
        "film = load_examples()[0].film\n"
        "handlers.load_models()\n"
        "page.build()\n"
        "before = set(sys.modules)\n"
        "print(spaces.lent, len(passes), 'pneumonia.export.pdf' in before)\n"
        "*_, shown = handlers.analyse(film, 'all')\n"
        "print('viewer' in shown, set(sys.modules) - before)\n"
    )
    run = subprocess.run(
        [sys.executable, tmp_path / "visit.py"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    passes = len(available_models())
    assert run.stdout == f"['infer', 'occlude'] {passes} False\nTrue set()\n", run.stderr
