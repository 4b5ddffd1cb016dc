from pathlib import Path
from typing import Annotated

import typer


def download(
    check: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Count the films of this folder, fetch nothing."),
    ] = None,
) -> None:
    """Fetch the data set from Kaggle and check that it is whole.

    \b
        pip install kagglehub
        pneumonia download
        pneumonia download --check DIR

    kagglehub asks for no account for public data sets; where it does, see its documentation on
    credentials. The data: chest-xray-pneumonia, Kermany, Zhang, Goldbaum, "Labeled Optical
    Coherence Tomography and Chest X-Ray Images for Classification", Mendeley Data, CC BY 4.0.
    """
    from pneumonia.data.dataset import find_records
    from pneumonia.data.download import count, fetch

    folder = check or fetch()
    films = find_records(folder)
    count(films)
    typer.echo(f"The data set is whole. Train with:\n  pneumonia train --data {folder}")
