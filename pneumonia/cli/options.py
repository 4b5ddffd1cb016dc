"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option(metavar="DIR", help="The data set's folder.")]
Outlines = Annotated[Path, typer.Option(metavar="DIR", help="The folder of people's outlines.")]
Cache = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="For decoded films.", show_default="~/.cache/pneumonia"),
]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1 …")]
Model = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="A shipped model, a checkpoint folder, hf://OWNER/NAME@REVISION or all.",
    ),
]
Checkpoints = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Their folder.", show_default="the shipped ones")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]
