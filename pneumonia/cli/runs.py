from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Checkpoints


def runs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Holds the cards as NAME.json.")],
    checkpoints: Checkpoints = None,
) -> None:
    """Write the table of compared training runs.

    \b
        pneumonia runs docs/runs

    The folder holds every run's card.json, losers included, under names of their own; its README.md
    gets the table. "Shipped" are those whose weights lie among the checkpoints.
    """
    from pneumonia.storage.shipped import checkpoints_root
    from pneumonia.training.comparison import compare_runs

    typer.echo(compare_runs(folder, checkpoints or checkpoints_root()))
