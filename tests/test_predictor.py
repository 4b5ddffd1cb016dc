import functools
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import card_of, open_gate, random_checkpoints, seeded_network
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from pneumonia import Predictor, RadiographError, read_radiograph
from pneumonia.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from pneumonia.models import MODELS
from pneumonia.preprocess import EvalPreset, to_canonical
from pneumonia.synthetic.phantom import draw_phantom


@pytest.fixture(scope="module")
def predictor(checkpoint):
    return Predictor.load(checkpoint, "cpu")


def test_the_contract(predictor, films, tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray((films[1] * 255).astype(np.uint8)).save(path)
    prediction = predictor.predict(path)
    assert type(prediction.probability) is float and 0 <= prediction.probability <= 1
    assert prediction.label == ("PNEUMONIA" if prediction.probability >= 0.4 else "NORMAL")
    assert prediction.target == prediction.label and prediction.threshold == 0.4
    assert prediction.heatmap.dtype == np.float32 and prediction.heatmap.shape == (128, 128)
    assert prediction.heatmap.min() >= 0 and prediction.lungs.code == "ok"
    assert not prediction.attribution[prediction.lungs.mask < 0.5].any()
    overlay = prediction.overlay()
    assert overlay.size == (240, 200) and overlay.mode == "RGB"
    for source in (path.read_bytes(), io.BytesIO(path.read_bytes()), Image.open(path), str(path)):
        assert predictor.predict(source).probability == prediction.probability


def test_probability_is_the_networks_calibrated_logit(predictor, films):
    network = seeded_network(predictor.name)
    with torch.inference_mode():
        logit = network(EvalPreset(64).images(to_canonical(films[0])[None])).item()
    expected = 1 / (1 + np.exp(-logit / 1.5 + 0.2))
    assert predictor.predict(films[0]).probability == pytest.approx(expected, abs=1e-5)


def test_over_the_lungs_the_map_averages_to_the_log_odds_that_are_shown(checkpoint, films):
    network, card, gate = load_checkpoint(checkpoint)
    network.classifier.bias.data += 1
    for prediction in Predictor(network, card, gate).predict_batch(films):
        p, lung = prediction.probability, prediction.lungs.mask > 0.9
        assert prediction.attribution[lung].mean() == pytest.approx(np.log(p / (1 - p)), abs=0.05)


@functools.cache
def drawn_large() -> np.ndarray:
    return draw_phantom(1120, 1280, lesions=2, seed=4).pixels


def test_a_film_of_full_size_is_read_as_its_small_copy_from_which_models_learn(predictor):
    small = to_canonical(drawn_large())[0].numpy()
    whole, copy = (predictor.predict(film) for film in (drawn_large(), small))
    assert whole.probability == copy.probability
    np.testing.assert_array_equal(whole.attribution, copy.attribution)


@pytest.mark.skipif("PNEUMONIA_DATA" not in os.environ, reason="needs films: set PNEUMONIA_DATA")
@pytest.mark.parametrize("name", MODELS)
def test_films_of_full_size_get_the_answers_of_their_copies(name):
    data, shipped = Path(os.environ["PNEUMONIA_DATA"]), Predictor.load(name, "cpu", "torch")
    pairs = [
        (film, data / "chest_xray" / "train" / film.parent.name / film.name)
        for film in sorted(data.glob("originals/*/*.jpeg"))
    ]
    answers = shipped.predict_batch([film for pair in pairs for film in pair], heatmap=False)
    odds = np.array([np.log(a.probability / (1 - a.probability)) for a in answers])
    higher = odds[::2] - odds[1::2]
    assert len(pairs) > 30 and abs(higher.mean()) < 0.05 and higher.std() < 0.12


def test_a_batch_equals_its_films_one_by_one(predictor, films):
    batch = predictor.predict_batch(films, batch_size=3)
    for film, together in zip(films, batch, strict=True):
        alone = predictor.predict(film)
        assert together.probability == pytest.approx(alone.probability, abs=1e-5)
        np.testing.assert_allclose(together.heatmap, alone.heatmap, atol=1e-4)
    assert predictor.predict_batch([]) == []
    with pytest.raises(ValueError, match="1 film or more"):
        predictor.predict_batch(films, batch_size=0)


def test_without_heatmap_the_answer_is_the_same(predictor, films):
    bare = predictor.predict(films[2], heatmap=False)
    assert bare.heatmap is None
    assert bare.probability == pytest.approx(predictor.predict(films[2]).probability, abs=1e-6)
    with pytest.raises(ValueError, match="no heatmap"):
        bare.overlay()


def test_the_heatmap_of_the_other_class_on_request(predictor, films):
    both = [predictor.predict(films[0], target=label) for label in ("NORMAL", "PNEUMONIA")]
    assert [p.target for p in both] == ["NORMAL", "PNEUMONIA"]
    assert both[0].label == both[1].label
    assert not np.any((both[0].heatmap > 0) & (both[1].heatmap > 0))
    with pytest.raises(ValueError, match="no class 'pneumonia': choose from NORMAL, PNEUMONIA"):
        predictor.predict(films[0], target="pneumonia")


@pytest.mark.parametrize("heatmap", [True, False])
def test_the_gate_says_what_is_no_such_film(predictor, films, heatmap):
    assert predictor.predict(films[0], heatmap=heatmap).in_scope
    name = predictor.name
    strict = Predictor(seeded_network(name), card_of(name), open_gate(name, limit=1e-3))
    stranger = strict.predict(films[0], heatmap=heatmap)
    assert not stranger.in_scope and stranger.gate.code == "unlike"
    assert stranger.probability == pytest.approx(predictor.predict(films[0]).probability, abs=1e-5)


def test_two_models_share_one_decoding(films, tmp_path):
    path = tmp_path / "film.png"
    Image.fromarray((films[0] * 255).astype(np.uint8)).save(path)
    film = read_radiograph(path)
    path.unlink()
    answers = [Predictor(seeded_network(n), card_of(n), open_gate(n)).predict(film) for n in MODELS]
    assert all(answer.radiograph is film for answer in answers)


class Operations(TorchDispatchMode):
    """The names of all that torch computes meanwhile."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.name().removeprefix("aten::").partition(".")[0])
        return function(*args, **kwargs or {})


def test_two_films_and_their_heatmaps_cost_one_pass_and_no_copy(predictor, films):
    with Operations() as bare:
        predictor.predict_batch(films[:2], heatmap=False)
    with Operations() as explained:
        predictor.predict_batch(films[:2])
    for names in (bare.names, explained.names):
        convolutions = sum("conv" in name and "copy" not in name for name in names)
        finding = 22  # the lungs: a network of 20, and a blur of the mask by columns and by rows
        assert convolutions == {"cnn": 10, "densenet169": 168}[predictor.name] + finding
        copies = [name for name in names if "copy" in name or "clone" in name]
        assert len(copies) == 4  # each grid to whole numbers, both of them back and on to the view
    assert not [name for name in explained.names if "backward" in name]


def test_occlusion_hides_what_lies_in_the_lungs_and_nothing_else(predictor, films):
    prediction = predictor.predict(films[1])
    regions = np.zeros((3, 60, 80), bool)
    regions[1, :6] = regions[1, -4:] = True  # above and below the lungs
    regions[2, 15:45, 15:40] = True
    nothing, outside, lung = predictor.occlude(films[1], regions)
    assert nothing == pytest.approx(prediction.probability, abs=1e-6)
    assert abs(outside - nothing) < 0.2 * abs(lung - nothing)


def test_a_card_of_another_version_is_named(tmp_path):
    save_checkpoint(tmp_path / "old", seeded_network("cnn"), card_of("cnn"), open_gate("cnn"))
    file = tmp_path / "old" / "card.json"
    file.write_text(file.read_text().replace('"bias"', '"shift"'))
    with pytest.raises(CheckpointError, match=r"lacks the field calibration\.bias"):
        Predictor.load(tmp_path / "old")


def test_an_unreadable_film_is_refused_by_name(predictor, tmp_path):
    path = tmp_path / "empty.png"
    path.write_bytes(b"")
    with pytest.raises(RadiographError, match=r"empty\.png"):
        predictor.predict(path)


def test_two_checkpoints_of_one_model_would_write_over_each_other_and_are_refused(tmp_path):
    folder = random_checkpoints(tmp_path, ["cnn"]) / "cnn"
    other = shutil.copytree(folder, tmp_path / "cnn-seed-1")
    with pytest.raises(CheckpointError, match="of one model"):
        Predictor.load_all([folder, other], "cpu")
