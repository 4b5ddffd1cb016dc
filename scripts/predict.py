"""Read films and write what the models make of them.

    python scripts/predict.py film.dcm
    python scripts/predict.py FOLDER --model densenet169 --csv out.csv --heatmaps heat/

Folders are searched recursively for films (JPEG, PNG, TIFF, BMP, WebP, DICOM). One row a film and
model; a file that cannot be read gets its reason in the column "error", and the run goes on.
The exit status is 0 if all were read, 1 if any failed, 2 if there was nothing to do.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.checkpoint import CheckpointError, available_models
from pneumonia.export.records import COLUMNS, cells, escape_formula
from pneumonia.predictor import Predictor
from pneumonia.reading.radiograph import SUFFIXES, Radiograph, RadiographError, read_radiograph

Batch = list[tuple[Path, Path]]  # files, with their names relative to what was given


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", metavar="FILE_OR_FOLDER")
    parser.add_argument(
        "--model", default="all", help="a shipped model, a checkpoint folder, or all (default)"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the rows here (default: the terminal)")
    parser.add_argument("--heatmaps", metavar="DIR", help="write the film with its heatmap here")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument("--batch", type=int, default=8, help="films a forward pass (default 8)")
    return parser.parse_args()


def find_files(paths: list[str]) -> Iterator[tuple[Path, Path]]:
    """Each file with its name relative to what was given; in a folder only what may be a film."""
    for path in map(Path, paths):
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                hidden = any(
                    part.startswith((".", "__MACOSX")) for part in file.parts[len(path.parts) :]
                )
                if file.is_file() and not hidden and file.suffix.lower() in SUFFIXES:
                    yield file, file.relative_to(path)
        else:
            yield path, Path(path.name)


def main() -> int:
    args = arguments()
    files = list(find_files(args.paths))
    if not files:
        print(
            "predict.py: no films found: give image or DICOM files, or a folder of them.",
            file=sys.stderr,
        )
        return 2
    names = available_models() if args.model == "all" else [args.model]
    predictors = [Predictor.load(name, args.device) for name in names]
    if not predictors:
        raise CheckpointError("There are no checkpoints: train them with scripts/train.py.")
    with ExitStack() as stack:
        out = sys.stdout
        if args.csv:
            out = stack.enter_context(open(args.csv, "w", newline="", encoding="utf-8"))
        failed = run(files, predictors, args, out)
    if args.csv:
        print(f"{len(files) - failed} of {len(files)} files read; see {args.csv}", file=sys.stderr)
    return int(failed > 0)


def read_ahead(
    files: Batch, size: int
) -> Iterator[tuple[Batch, dict[Path, Radiograph], dict[Path, str]]]:
    """Batches of files with their films, or with why they have none; the next is read meanwhile."""

    def read(batch: Batch):
        films, errors = {}, {}
        for file, _ in batch:
            try:
                films[file] = read_radiograph(file)
            except RadiographError as error:
                errors[file] = str(error)
        return batch, films, errors

    batches = [files[start : start + size] for start in range(0, len(files), size)]
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read, batches[0])
        for batch in batches[1:]:
            here, coming = coming, reader.submit(read, batch)
            yield here.result()
        yield coming.result()


def run(
    files: Batch,
    predictors: list[Predictor],
    args: argparse.Namespace,
    out: TextIO,
) -> int:
    """Write a row a file and model to ``out`` and return how many files could not be read."""
    failed = 0
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    with tqdm(total=len(files), unit="film", disable=None) as bar:
        for batch, films, errors in read_ahead(files, args.batch):
            answers = [
                dict(
                    zip(
                        films,
                        p.predict_batch(films.values(), heatmap=bool(args.heatmaps)),
                        strict=True,
                    )
                )
                for p in predictors
            ]
            for file, name in batch:
                for predictor, predictions in zip(predictors, answers, strict=True):
                    row = {"file": escape_formula(str(file)), "model": predictor.name}
                    if file in errors:
                        row["error"] = escape_formula(errors[file])
                    else:
                        row.update(cells(predictions[file]))
                    writer.writerow(row)
                    if args.heatmaps and file in films:
                        picture = f"{name.name}.{predictor.name}.png"
                        target = Path(args.heatmaps, name.parent, picture)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        predictions[file].overlay().save(target)
            failed += len(errors)
            out.flush()
            bar.update(len(batch))
    return failed


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CheckpointError, OSError) as error:
        sys.exit(f"predict.py: {error}")
