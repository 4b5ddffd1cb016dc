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
from pneumonia.web import about, handlers, views
from pneumonia.web.examples import load_examples
from pneumonia.web.texts import plain

needs_models = pytest.mark.skipif(not available_models(), reason="no checkpoint to show")


def words_of(reference) -> str:
    return plain(reference["t"], **reference.get("args", {}))


def test_the_headline_says_whether_the_models_agree():
    def words(*probabilities):
        return words_of(views.headline([prediction(p) for p in probabilities]))

    assert words(0.8, 0.2) == "The models disagree: 1 of 2 found signs of pneumonia"
    assert words(0.8, 0.5, 0.2, 0.9) == "The models disagree: 2 of 4 found signs of pneumonia"
    for count in (2, 3):
        assert "agree: it looks" in words(*[0.8] * count)
        assert "agree: they found no sign" in words(*[0.2] * count)
        assert words(*[0.4] * count) == "No model can call this film"
    assert words(0.4, 0.9).startswith("It looks like pneumonia to 1 of 2 models; no verdict")
    assert words(0.4, 0.1, 0.2).startswith("No sign of pneumonia found by 2 of 3 models; no")
    assert words(0.8) == "It looks like pneumonia to Small CNN"
    assert words(0.5) == "Small CNN cannot call this film"


def test_a_result_shows_every_picture_and_no_address():
    html = views.result([prediction(), prediction(model="densenet169")])
    images = re.findall(r"<img[^>]*>", html)
    assert len(images) == 3  # the film, and what each network saw
    assert all('src="data:image/' in image and "alt=" in image for image in images)
    assert "http" not in html
    assert "What the model used" in html
    assert "--at: 0.8000; --cut: 0.4700; --from: 0.3000; --to: 0.6000" in html
    assert "sensitivity 95\u00a0%, specificity 97\u00a0%" in html


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
    assert "PNEUMONIA" not in said and "%" not in said
    assert "Out of scope" in folded and "The models agree: it looks like" in folded
    assert folded.count('class="pneumonia"') == 2


def test_a_model_that_does_not_know_such_films_has_no_say():
    known, stranger = prediction(0.9), prediction(0.1, "densenet169", gate="unlike")
    html = views.result([known, stranger])
    assert "<details>" not in html
    assert "It looks like pneumonia to 1 of 2 models; no verdict from the rest" in html
    assert html.count('class="pneumonia"') == 1 and 'class="normal"' not in html
    assert "NO VERDICT" in html and REASONS["unlike"] in html


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


def test_examples_are_drawings_and_the_films_of_the_folder(tmp_path):
    draw_phantom(seed=1).image().save(tmp_path / "b (whose it is).png")
    draw_phantom(seed=2).image().save(tmp_path / "a.TIFF")
    (tmp_path / "broken.jpeg").write_bytes(b"no film")
    (tmp_path / "README.md").write_text("words")
    drawings, films = load_examples(tmp_path)[:-2], load_examples(tmp_path)[-2:]
    assert drawings and all(words_of(example.note) == "Drawing, no patient" for example in drawings)
    assert [(film.title, film.note) for film in films] == [("a", ""), ("b", "whose it is")]
    assert all(max(example.thumbnail.size) <= 240 for example in drawings + films)


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
    before = torch.get_num_threads()
    handlers.load_models()
    assert torch.get_num_threads() == before >= 2
    handlers.share_cores.cache_clear()
    try:
        for _ in range(2):
            handlers.share_cores()
        assert torch.get_num_threads() == before // handlers.CONCURRENT
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_nothing_heavy_is_imported_before_it_is_needed():
    heavy = ["gradio", "matplotlib.pyplot", "pandas", "pytorch_grad_cam", "scipy", "sklearn"]
    code = f"import sys, pneumonia.predictor; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


@pytest.mark.slow
@needs_models
def test_a_new_page_has_zerogpus_package_first_warm_models_and_no_report_ready(tmp_path):
    (tmp_path / "spaces.py").write_text(
        "import sys\nassert 'torch' not in sys.modules\nlent = []\n"
        "def GPU(function):\n    lent.append(function.__qualname__)\n    return function\n"
    )
    (tmp_path / "visit.py").write_text(
        "import sys\n"
        "from pneumonia.web import handlers, page\n"
        "from pneumonia.web.examples import load_examples\n"
        "import spaces, torch\n"
        "passes = []\n"
        "def count(layer, *_):\n    passes.extend([1] * isinstance(layer, torch.nn.Linear))\n"
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
    assert run.stdout == f"['infer'] {passes} False\nTrue set()\n", run.stderr
