"""Chest-film pneumonia demo: two networks, one predictor, one page.

>>> from pneumonia import Predictor
>>> Predictor.load("densenet169").predict("film.jpeg").probability
"""

__version__ = "0.1.0"
__all__ = ["Prediction", "Predictor", "RadiographError", "read_radiograph"]


def __getattr__(name: str):
    """Import on first use: training runs on machines that have neither gradio nor grad-cam."""
    if name in ("Prediction", "Predictor"):
        from pneumonia import predictor as module
    elif name in ("RadiographError", "read_radiograph"):
        from pneumonia.reading import radiograph as module
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
