from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def dicom_result(
    film: Annotated[Path, typer.Argument(metavar="FILM.dcm")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets the DICOM files.")],
    model: Model = "all",
    device: Device = "auto",
) -> None:
    """Write what the models make of a DICOM film as DICOM, into the film's own study.

    \b
        pneumonia dicom-result film.dcm --out results/
        pneumonia dicom-result film.dcm --out results/ --model densenet169

    DIR gets a parametric map per model (what it used, in log-odds), a secondary capture with "NOT
    FOR DIAGNOSIS" burned in, and a measurement report (SR, TID 1500); of a film out of scope no
    map and no verdict, but the reason. The same film, weights and version give the same UIDs.
    """
    from pneumonia.dicom.answer import answer, load_predictors
    from pneumonia.dicom.results import write_results
    from pneumonia.reading.radiograph import read_radiograph

    predictors = load_predictors(model, device)
    found = answer(film, lambda ref: read_radiograph(ref.path), predictors)
    for path in write_results(found.results, out):
        typer.echo(path)
