from typing import Annotated

import typer

from pneumonia.cli.options import Device, Model


def dicom_service(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; 0.0.0.0 (or ::) for every machine that reaches this one.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT")] = 8000,
    model: Model = "densenet169",
    device: Device = "auto",
) -> None:
    """Answer DICOM films over HTTP as dicom-result does, for a router.

    \b
        pneumonia dicom-service --port 8000
        curl -F film=@film.dcm http://127.0.0.1:8000/films

    POST /films answers in JSON, or, where the request accepts multipart/related, with the DICOM
    objects besides. A request may have 100 MB. Nothing is kept after the answer.
    """
    from pneumonia.dicom.service import serve

    serve(host, port, model, device)
