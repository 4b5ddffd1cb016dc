from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Checkpoints


def cards(
    evaluation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The evaluation.json of these weights.")
    ] = None,
    checkpoints: Checkpoints = None,
) -> None:
    """Write the model card of every checkpoint.

    \b
        pneumonia cards --evaluation docs/evaluation/evaluation.json

    Each folder's README.md is made from its card.json and, where one is given, an evaluation.
    """
    from pneumonia.evaluation.model_card import write_model_cards
    from pneumonia.storage.shipped import checkpoints_root

    for path in write_model_cards(checkpoints or checkpoints_root(), evaluation):
        typer.echo(f"written: {path}")
