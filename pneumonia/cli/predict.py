import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE_OR_FOLDER")],
    model: Model = "all",
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the rows here.", show_default="the terminal"),
    ] = None,
    heatmaps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the films with their heatmaps here.")
    ] = None,
    device: Device = "auto",
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Films per forward pass.")] = 8,
) -> None:
    """Read films and write what the models make of them.

    \b
        pneumonia predict film.dcm
        pneumonia predict FOLDER --model densenet169 --csv out.csv --heatmaps heat/

    Folders are searched recursively for films (JPEG, PNG, TIFF, BMP, WebP, and DICOM with and
    without a suffix). The rows are one per film and model; a file that cannot be read gets one
    with its reason in the column "error", and the run goes on. The exit status is 0 if all were
    read, 1 if any failed, 2 if there was nothing to do.
    """
    from pneumonia.export.folder import find_files, predict_files
    from pneumonia.predictor import Predictor
    from pneumonia.storage.shipped import chosen_models

    files = find_files(paths)
    if not files:
        raise typer.BadParameter("no films found: give image or DICOM files, or a folder of them.")
    predictors = Predictor.load_all(chosen_models(model), device)
    with ExitStack() as stack:
        out = sys.stdout
        if csv:
            # the name of a film may be any bytes
            file = csv.open("w", newline="", encoding="utf-8", errors="backslashreplace")
            out = stack.enter_context(file)
        failed = predict_files(files, predictors, out, heatmaps, batch)
    if csv:
        typer.echo(f"{len(files) - failed} of {len(files)} files read; see {csv}", err=True)
    raise typer.Exit(int(failed > 0))
