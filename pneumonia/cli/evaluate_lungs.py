from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Cache, Data, Device, Outlines


def evaluate_lungs(
    ctx: typer.Context,
    data: Data,
    outlines: Outlines,
    not_chest: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pictures that are no chest films.")
    ] = None,
    natural: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Natural pictures in three .npz shards or more: the last one is used.",
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, metavar="N", help="Measure on every N-th validation film.")
    ] = 1,
    finder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The finder's folder.", show_default="the shipped one"),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The report's folder.")] = Path(
        "docs/lungs"
    ),
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Measure the finder of lungs.

    \b
        pneumonia evaluate-lungs --data DIR --outlines OUTLINES
        pneumonia evaluate-lungs --data DIR --outlines OUTLINES --not-chest BONES --every 4

    Agreement with people's outlines on validation films under every change of the suite, what it
    refuses and for which reason, and how well the outline alone tells the classes apart. The
    finder's card gets the figures, the folder --out gets report.md and outlines.png.
    """
    from pneumonia.data.outlines import load_outlined
    from pneumonia.evaluation.lungs import lungless_pictures, measure
    from pneumonia.evaluation.lungs_report import write_report
    from pneumonia.lungs import LUNGS, LungFinder
    from pneumonia.models import pick_device
    from pneumonia.storage.shipped import checkpoints_root

    folder = finder or checkpoints_root() / LUNGS
    measured = LungFinder.load(folder, pick_device(device))
    training, films = load_outlined(data, outlines, cache)
    lungless = lungless_pictures(not_chest, natural)
    figures = measure(measured, training, films[::every], lungless)
    typer.echo(write_report(measured, folder, out, figures, ctx.obj))
    typer.echo(f"written to {out} and {folder}", err=True)
