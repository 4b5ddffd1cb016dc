"""A third model is an entry in ``MODELS`` and a checkpoint: everything takes it from there."""

from pneumonia.checkpoint import available_models
from pneumonia.predictor import Predictor


def test_a_third_model_predicts(three_models, films):
    assert available_models() == ["cnn", "densenet169", "tiny"]
    prediction = Predictor.load("tiny").predict(films[0])
    assert prediction.card.title == "Tiny Net" and prediction.attribution.shape == (13, 13)
