"""Film, heat and verdict as a picture for any viewer: a DICOM Secondary Capture (PS3.3 A.8)."""

from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
from highdicom.sc import SCImage
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset
from pydicom.sr.codedict import codes

from pneumonia.dicom.identity import NOTICE, Identity
from pneumonia.export.records import SENTENCES, SOFTWARE, percent
from pneumonia.overlay import film_image, overlay
from pneumonia.prediction import Prediction

WIDTH, TALLEST = 1024, 1536  # px
BAND, ALARM, INK = (16, 20, 24), (150, 40, 0), (255, 255, 255)
_MARGIN, _LARGE, _SMALL = 24, 44, 22
_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")


def capture(prediction: Prediction, identity: Identity) -> Dataset:
    """``picture`` with a reference to the film; it says that words are burned in."""
    source = identity.source.image
    result = SCImage.from_ref_dataset(
        source,
        np.asarray(picture(prediction)),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),  # highdicom asks for one; what the film says follows
        **identity.arguments,
    )
    setattr(result, "PatientOrientation", source.get("PatientOrientation") or None)  # noqa: B010
    result.BurnedInAnnotation = "YES"
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.SOPClassUID
    reference.ReferencedSOPInstanceUID = source.SOPInstanceUID
    purpose, made = Dataset(), Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    made_by = codes.DCM.GradientWeightedClassActivation
    for item, concept in ((purpose, code), (made, made_by)):
        item.CodeValue, item.CodingSchemeDesignator = concept.value, concept.scheme_designator
        item.CodeMeaning = concept.meaning
    reference.PurposeOfReferenceCodeSequence = [purpose]
    result.SourceImageSequence = [reference]
    result.DerivationDescription = f"Film, heatmap and verdict. {NOTICE}"
    result.DerivationCodeSequence = [made]
    return identity.complete(result)


def picture(prediction: Prediction) -> Image.Image:
    """RGB, ``WIDTH`` px wide: the verdict, the film under its signed heat, the warning.

    Out of scope the film is shown without heat, and a band says why there is no verdict.
    """
    known, card = prediction.in_scope, prediction.card
    film = Image.fromarray(prediction.radiograph.pixels)
    scale = min(WIDTH / film.width, TALLEST / film.height)
    film = film.resize((round(film.width * scale) or 1, round(film.height * scale) or 1))
    pixels = np.asarray(film)
    if known and prediction.attribution is not None:
        shown = overlay(pixels, prediction.attribution)
    else:
        shown = film_image(pixels).convert("RGB")
    title = prediction.verdict if known else "OUT OF SCOPE"
    chance = f"probability of pneumonia {percent(prediction.probability)}"
    words = f"{SENTENCES[prediction.verdict]}; {chance}" if known else str(prediction.gate)
    by = f"{card.title}, {SOFTWARE}, weights {card.weights.sha256[:12]}"
    above = _band([(title, _LARGE), (words, _SMALL), (by, _SMALL)], BAND if known else ALARM)
    below = _band([(NOTICE, _LARGE)], BAND if known else ALARM)
    whole = Image.new("RGB", (WIDTH, above.height + shown.height + below.height))
    whole.paste(above, (0, 0))
    whole.paste(shown, ((WIDTH - shown.width) // 2, above.height))
    whole.paste(below, (0, above.height + shown.height))
    return whole


def _band(texts: list[tuple[str, int]], colour: tuple[int, int, int]) -> Image.Image:
    lines = []
    for text, size in texts:
        name = "DejaVuSans-Bold.ttf" if size == _LARGE else "DejaVuSans.ttf"
        font = ImageFont.truetype(_FONTS / name, size)
        lines += [(line, font) for line in _wrapped(text, font)]
    height = 2 * _MARGIN + sum(round(1.4 * font.size) for _, font in lines)
    band = Image.new("RGB", (WIDTH, height), colour)
    draw, y = ImageDraw.Draw(band), _MARGIN
    for line, font in lines:
        draw.text((_MARGIN, y), line, INK, font)
        y += round(1.4 * font.size)
    return band


def _wrapped(text: str, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}".strip(" ")
        if line and font.getlength(longer) > WIDTH - 2 * _MARGIN:
            yield line
            longer = word
        line = longer
    yield line
