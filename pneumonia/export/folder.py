"""Files and folders of films → one table, as ``pneumonia predict`` writes it."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TextIO

from tqdm import tqdm

from pneumonia.export.records import csv_rows, csv_writer
from pneumonia.prediction import refused_together
from pneumonia.predictor import Predictor
from pneumonia.reading.archive import find_films
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import RadiographError


class File(NamedTuple):
    """A file, and its name relative to what was given."""

    path: Path
    name: Path


def find_files(paths: Iterable[Path]) -> list[File]:
    """Each file that is given, and of each folder what may be a film.

    Names are relative to what was given, or to what all have in common where two would be the same;
    of files on several drives of Windows each name then begins with the drive's.
    """
    files = []
    for path in paths:
        if path.is_dir():
            files += [File(film, film.relative_to(path)) for film in find_films(path)]
        else:
            files.append(File(path, Path(path.name)))
    if len({file.name for file in files}) < len(files):
        whole = [os.path.abspath(file.path) for file in files]
        try:
            common = os.path.commonpath([os.path.dirname(path) for path in whole])
            names = [Path(os.path.relpath(path, common)) for path in whole]
        except ValueError:  # files on two drives have nothing in common
            names = [Path(path.replace(":", "").lstrip("/\\")) for path in whole]
        files = [File(file.path, name) for file, name in zip(files, names, strict=True)]
    return files


def predict_files(
    files: Sequence[File],
    predictors: Sequence[Predictor],
    out: TextIO,
    heatmaps: Path | None = None,
    batch: int = 8,
) -> int:
    """Write one row per film and model as CSV, and one for a file that cannot be read.

    Args:
        files: what to read; a file that cannot be read gets its reason in the column ``error``.
        predictors: each sees every film.
        out: gets the rows, batch by batch.
        heatmaps: a folder for the films with their heatmaps, ``NAME.MODEL.png``.
        batch: films per forward pass.

    Returns:
        How many files could not be read.
    """
    failed = 0
    writer = csv_writer(out)
    with tqdm(total=len(files), unit="film", disable=None) as bar:
        for part, films, errors in _read_ahead(files, batch):
            answers = [
                p.predict_batch(films.values(), heatmap=bool(heatmaps), batch_size=batch)
                for p in predictors
            ]
            together = map(refused_together, zip(*answers, strict=True))
            found = dict(zip(films, together, strict=True))
            for file in part:
                writer.writerows(csv_rows(str(file.path), errors.get(file) or found[file]))
                if heatmaps:
                    for prediction in found.get(file, ()):
                        picture = f"{file.name.name}.{prediction.model}.png"
                        target = heatmaps / file.name.parent / picture
                        target.parent.mkdir(parents=True, exist_ok=True)
                        prediction.overlay().save(target)
            failed += len(errors)
            out.flush()
            bar.update(len(part))
    return failed


def _read_ahead(
    files: Sequence[File], size: int
) -> Iterator[tuple[Sequence[File], dict[File, Radiograph], dict[File, RadiographError]]]:
    """Batches of files with their films, or with why they have none; the next is read meanwhile."""

    def read(batch: Sequence[File]):
        films, errors = {}, {}
        for file in batch:
            try:
                films[file] = read_radiograph(file.path)
            except RadiographError as error:
                errors[file] = error
        return batch, films, errors

    batches = [files[start : start + size] for start in range(0, len(files), size)]
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read, batches[0])
        for batch in batches[1:]:
            here, coming = coming, reader.submit(read, batch)
            yield here.result()
        yield coming.result()
