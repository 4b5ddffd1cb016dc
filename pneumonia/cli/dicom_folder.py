from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def dicom_folder(
    folder: Annotated[Path, typer.Argument(metavar="IN", envvar="MERCURE_IN_DIR")],
    out: Annotated[Path, typer.Argument(metavar="OUT", envvar="MERCURE_OUT_DIR")],
    model: Model = "densenet169",
    device: Device = "auto",
) -> None:
    """Answer all DICOM films of a folder as dicom-result does, for a router.

    \b
        pneumonia dicom-folder incoming/ outgoing/

    OUT gets the results and result.json, which says what became of each film. The exit status is 0
    if at least one film was answered (out of scope is an answer), 1 if none of them could be read,
    2 if there was no film at all.
    """
    from pneumonia.dicom.folder import SUMMARY, answer_folder
    from pneumonia.dicom.results import Responder, hush

    hush()
    with closing(Responder(model, device)) as responder:
        summary = answer_folder(folder, out, responder)
    answered, refused = summary["answered"], summary["refused"]
    typer.echo(f"{answered} films answered, {refused} refused; see {out / SUMMARY}", err=True)
    raise typer.Exit(0 if answered else 1 if refused else 2)
