"""One run of ``pneumonia evaluate``: models and labelled films in, a report out."""

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pneumonia.card import write_json
from pneumonia.checkpoint import load_checkpoint
from pneumonia.data.dataset import Record, find_records, split_records
from pneumonia.evaluation import report as reports
from pneumonia.evaluation.calibration import COVERAGE, held_out_coverage
from pneumonia.evaluation.saliency import SaliencyModel
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import find_films
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import RadiographError
from pneumonia.synthetic.distractors import draw_distractors


def evaluate_models(
    names: Sequence[str],
    data: str | Path,
    split: str,
    device: str = "auto",
    ood: Iterable[Path] = (),
    quick: bool = False,
    heat_films: int = 24,
) -> tuple[dict, np.ndarray]:
    """Measure models on the films of a split, read and predicted exactly as an upload is.

    Args:
        names: shipped models, or checkpoint folders.
        data: the data set's folder.
        split: ``"val"`` or ``"test"`` (see ``split_records``).
        device: where to compute.
        ood: folders of pictures that are no chest films, beside those that are always drawn.
        quick: neither perturbed films nor heatmap checks.
        heat_films: how many films the heatmap checks take.

    Returns:
        The report, and the labels ``(N,)`` of the films that could be read.

    Raises:
        ValueError: a class has no films.
    """
    radiographs, films, skipped = read(split_records(find_records(data), split))
    for error in skipped:
        print(f"skipped: {error}", file=sys.stderr)
    if len({film.label for film in films}) < 2:
        raise ValueError(f"The split {split!r} of {str(data)!r} lacks films of a class.")
    labels = np.array([film.label for film in films])
    patients = np.array([film.patient for film in films])
    predictors = [Predictor.load(name, device) for name in names]
    ood_images, models = find_ood_images(ood), {}
    for predictor in predictors:
        models[predictor.name] = {
            "title": predictor.title,
            "weights_sha256": predictor.card.weights.sha256,
            "operating_point": predictor.threshold,
            **reports.evaluate(predictor, radiographs, labels, patients, not quick),
            "ood": reports.refusals(predictor, ood_images),
        }
        if split == "val":
            held = np.array(models[predictor.name]["probabilities"])
            logits = np.log(held) - np.log1p(-held)
            models[predictor.name]["held"] = held_out_coverage(labels, logits, patients, COVERAGE)
    report = {"split": split, "models": models, "skipped": skipped}
    if len(predictors) > 1:
        report["comparison"] = reports.comparison(models, predictors, labels, patients)
    if not quick:
        saliency_models = {}
        for name, predictor in zip(names, predictors, strict=True):
            network, card, _ = load_checkpoint(name, predictor.device)
            saliency_models[predictor.name] = SaliencyModel(network, card.preprocessing.size)
        report["heat"] = reports.check_heat(saliency_models, radiographs, labels, heat_films)
    return report, labels


def write_report(out: Path, report: dict, labels: np.ndarray, readme: Path | None = None) -> str:
    """Write ``evaluation.json``, ``evaluation.md`` and ``evaluation.png``.

    Args:
        out: the folder.
        report: of ``evaluate_models``, and the ``command`` that made it.
        labels: ``(N,)`` of the films.
        readme: a file that gets the table between its markers.

    Returns:
        The main table as Markdown.
    """
    out.mkdir(parents=True, exist_ok=True)
    reports.plot(report, labels, out / "evaluation.png")
    (out / "evaluation.md").write_text(reports.markdown(report), encoding="utf-8")
    write_json(out / "evaluation.json", report)
    table = reports.main_table(report)
    if readme:
        put_between_markers(readme, f"`{report['command']}` prints:\n\n{table}")
    return table


def read(films: list[Record]) -> tuple[list[Radiograph], list[Record], list[str]]:
    """What could be read, the films it belongs to, and why the others could not."""
    radiographs, kept, skipped = [], [], []
    for film in tqdm(films, "Reading", unit="film", disable=None):
        try:
            radiographs.append(read_radiograph(film.path))
            kept.append(film)
        except RadiographError as error:
            skipped.append(str(error))
    return radiographs, kept, skipped


def find_ood_images(folders: Iterable[Path]) -> dict[str, Sequence]:
    """kind → pictures: the drawn ones, and those of each folder under its name."""
    ood_images: dict[str, Sequence] = {**draw_distractors()}
    for folder in folders:
        files = find_films(folder)
        if not files:
            raise FileNotFoundError(f"There are no pictures in {str(folder)!r}.")
        ood_images[folder.name] = [read_radiograph(file) for file in files]
    return ood_images


def put_between_markers(path: Path, text: str) -> None:
    """Replace what stands between ``<!-- figures … -->`` and ``<!-- /figures -->`` in a file.

    Raises:
        ValueError: it has no such markers.
    """
    begin, end = r"(<!-- figures[^>]*-->\n)", r"(<!-- /figures -->)"
    page, found = re.subn(
        f"{begin}.*?{end}",
        lambda match: f"{match[1]}\n{text}\n\n{match[2]}",
        path.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if not found:
        raise ValueError(f"{path} has no <!-- figures --> markers.")
    path.write_text(page, encoding="utf-8")
