from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def dicom_result(
    film: Annotated[Path, typer.Argument(metavar="FILM.dcm")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets the results.")],
    model: Model = "densenet169",
    device: Device = "auto",
) -> None:
    """Read a DICOM film and write what a model makes of it as DICOM, for an archive.

    \b
        pneumonia dicom-result film.dcm --out results/

    Per model a structured report, a picture with the verdict burned in and, where the film is in
    scope, a parametric map of the activation: all in the film's own study, NOT FOR DIAGNOSIS. The
    same film and model give the same identifiers, so a second run writes over the first. Their
    files are printed, one a line.
    """
    from pneumonia.dicom.results import Responder, hush

    hush()
    with closing(Responder(model, device)) as responder:
        for path in responder.answer(film).save(out):
            typer.echo(path)
