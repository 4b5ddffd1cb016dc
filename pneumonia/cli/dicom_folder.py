from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def dicom_folder(
    source: Annotated[
        Path, typer.Argument(metavar="IN", exists=True, file_okay=False, envvar="MERCURE_IN_DIR")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", file_okay=False, envvar="MERCURE_OUT_DIR")],
    model: Model = "all",
    device: Device = "auto",
) -> None:
    """Write DICOM results for all DICOM films of a folder, as routers call a module.

    \b
        pneumonia dicom-folder IN OUT

    IN is searched recursively, whatever the files are called; what is no DICOM, or a result of this
    software, is passed over. OUT gets the objects of pneumonia dicom-result side by side, and last
    of all result.json with UIDs, verdicts and the reasons of films that could not be read. IN and
    OUT may come from MERCURE_IN_DIR and MERCURE_OUT_DIR. The exit status is 0 if any film was
    answered, 1 if none could be, 2 if there was none.
    """
    from pneumonia.dicom.answer import load_predictors
    from pneumonia.dicom.folder import SUMMARY, answer_folder
    from pneumonia.reading.cage import Cage

    predictors = load_predictors(model, device)
    with closing(Cage(1)) as cage:
        counts = answer_folder(source, out, cage.read, predictors)
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    typer.echo(f"{said}; see {out / SUMMARY}", err=True)
    raise typer.Exit(0 if counts["answered"] else 1 if counts["failed"] else 2)
