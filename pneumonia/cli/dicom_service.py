from contextlib import closing
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
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="0 is any free one.")
    ] = 8765,
    model: Model = "all",
    device: Device = "auto",
) -> None:
    """Load the models and answer DICOM films over HTTP, for routers.

    \b
        pneumonia dicom-service --port 8765
        curl -F film=@film.dcm http://127.0.0.1:8765/films

    A film comes as multipart/form-data or multipart/related; the answer is JSON with verdicts and
    UIDs or, with "Accept: multipart/related", the DICOM objects. Nothing is kept after the answer.
    There are no accounts: let only the router reach the port.
    """
    from pneumonia.dicom.answer import load_predictors
    from pneumonia.dicom.service import listen, serve
    from pneumonia.reading.cage import Cage

    with listen(host, port) as place, closing(Cage()) as cage:
        predictors = load_predictors(model, device)
        name, number = place.getsockname()[:2]
        name = f"[{name}]" if ":" in name else name
        typer.echo(f"Films are answered at http://{name}:{number}/films")
        serve(cage.read, predictors, place)
