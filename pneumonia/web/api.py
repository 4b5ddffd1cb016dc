"""What programs may call: the endpoints ``/predict`` and ``/predict_batch``, also as MCP tools.

Their parameters, their answers and these docstrings are what a program sees of the page.
"""

import tempfile
from pathlib import Path

from pneumonia.export.records import as_dict
from pneumonia.prediction import Prediction
from pneumonia.reading.archive import FilmRef, list_films
from pneumonia.reading.radiograph import RadiographError
from pneumonia.web import uploads
from pneumonia.web.gradio_private import upload_folder
from pneumonia.web.handlers import PREDICTORS, answers, infer, read, refusal
from pneumonia.web.limits import MAX_FILMS

_LONGEST = 65_500  # px of a JPEG's side
_NONE = "Give a film: a JPEG, PNG, TIFF, BMP, WebP, GIF or DICOM file."


def predict(film: str) -> tuple[dict, list[tuple[str, str]]]:
    """Read one chest film with every model of this page.

    A demonstration and a second look, not a diagnosis: the models know AP films of children of 1
    to 5 years from one hospital. The film is a JPEG, PNG, TIFF, BMP, WebP, GIF or DICOM file.

    The verdicts are {"film": name, "width": px, "height": px, "format": of the file, "notes":
    [what was done while reading it], "models": {"cnn": {...}, ...}, "date": now in UTC,
    "software": name and version, "intended_use": in a few sentences}. Of each model: its "title",
    "version" and "weights_sha256"; "gate": "ok" or why this is no film like those the model knows
    and the rest means nothing; "label": "NORMAL" or "PNEUMONIA"; "probability": of PNEUMONIA;
    "operating_point": the probability from which the label is PNEUMONIA, "sensitivity" and
    "specificity": on validation films at that operating point; "verdict": "NORMAL", "PNEUMONIA" or
    "UNCERTAIN"; "set": the classes still plausible at the "coverage"; "uncertain": [from, to], the
    probabilities between which the verdict is UNCERTAIN.

    Args:
        film: "data:image/png;base64,...", or a file's /gradio_api/file= address once it is uploaded

    Returns:
        verdicts: what each model makes of the film
        overlays: for each model the film with what raised the probability in warm colours and what
            lowered it in cool ones, as JPEG
    """
    if film is None:
        raise uploads.error(_NONE)
    try:
        predictions = infer(read(FilmRef(Path(film))), list(PREDICTORS))
        # one picture after the other: of a large film each takes much memory
        return as_dict(predictions), [_overlay(one) for one in predictions]
    except Exception as error:
        raise uploads.error(str(refusal(error))) from error
    finally:
        uploads.forget([film])


def predict_batch(films: list[str]) -> list[dict]:
    """Read many chest films with every model of this page, without pictures.

    A demonstration and a second look, not a diagnosis: the models know AP films of children of 1
    to 5 years from one hospital. Each file is a film as predict takes it, or a ZIP archive of
    films. There is one row for each film, in the order given, an archive's films by their place in
    it: what predict says in "verdicts", or {"film": name, "error": why it could not be read}. A
    broken film costs only itself.

    Args:
        films: each "data:image/png;base64,...", or a file's /gradio_api/file= address

    Returns:
        rows: what each model makes of each film
    """
    if not films:
        raise uploads.error(_NONE)
    try:
        listed = list_films(films, MAX_FILMS + 1)
        if len(listed) > MAX_FILMS:
            raise uploads.error(f"These are more than {MAX_FILMS} films: give fewer at a time.")
        return [
            {"film": film.name, "error": str(answer)}
            if isinstance(answer, RadiographError)
            else as_dict(answer)
            for film, answer in zip(listed, answers(listed), strict=True)
        ]
    finally:
        uploads.forget(films)


def _overlay(prediction: Prediction) -> tuple[str, str]:
    """A JPEG file of this answer's own, and the model's name.

    Left to Gradio, it would be named by its content and so written anew, for the next visitor with
    the same film, while the first one reads it. A PNG is ten times as large and takes longer than
    the models.
    """
    picture = prediction.overlay()
    picture.thumbnail((_LONGEST, _LONGEST))
    path = Path(tempfile.mkdtemp(dir=upload_folder())) / f"{prediction.model}.jpeg"
    picture.save(path, quality=95, subsampling=0)
    return str(path), prediction.model
