"""Pneumonia on children's chest films: calibrated models, and what they used.

>>> from pneumonia import Predictor
>>> Predictor.load("densenet169").predict("film.jpeg").probability
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pneumonia.prediction import Prediction
    from pneumonia.predictor import Predictor
    from pneumonia.reading.radiograph import read_radiograph
    from pneumonia.reading.refusals import RadiographError
    from pneumonia.storage.shipped import available_models

__version__ = "0.4.0"
__all__ = ["Prediction", "Predictor", "RadiographError", "available_models", "read_radiograph"]

_HOMES = {
    "Prediction": "prediction",
    "Predictor": "predictor",
    "RadiographError": "reading.refusals",
    "available_models": "storage.shipped",
    "read_radiograph": "reading.radiograph",
}


def __getattr__(name: str) -> Any:
    """Import on first use: whoever reads films only need not wait for torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
