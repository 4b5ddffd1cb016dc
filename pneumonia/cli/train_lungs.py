from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Cache, Data, Outlines, Resume


def train_lungs(
    ctx: typer.Context,
    data: Data,
    outlines: Outlines,
    natural: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Natural pictures, as pretrain takes them; of .npz shards the first two.",
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="Whose natural pictures, under which terms: for the card."
        ),
    ] = "",
    epochs: Annotated[int, typer.Option(min=1, metavar="N")] = 20,
    seed: Annotated[int, typer.Option(metavar="N")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The finder's folder.")] = Path(
        "checkpoints/lungs"
    ),
    cache: Cache = None,
    resume: Resume = False,
) -> None:
    """Train the finder of lungs.

    \b
        pneumonia train-lungs --data DIR --outlines OUTLINES
        pneumonia train-lungs --data DIR --outlines OUTLINES --natural PICTURES --source TEXT
        pneumonia evaluate-lungs --data DIR --outlines OUTLINES    # then: how good it is

    OUTLINES is laid out like the data set, one picture per film under the film's name (.png), white
    in the lungs. Films without one are passed over, and so are the patients whose films validate.
    The folder --out gets weights and card; the same command with --resume goes on where a killed
    run stopped. Models are made for one finder: with another one they have to be trained anew, or
    at least calibrated.
    """
    from pneumonia.data.outlines import load_outlined
    from pneumonia.data.pictures import load_pictures
    from pneumonia.lungs import CARD
    from pneumonia.training.lung_augment import LungPreset
    from pneumonia.training.lungs import LungRecipe, train_finder, write_finder

    if resume and (out / CARD).is_file() and not (out / "resume.pt").is_file():
        raise ValueError(
            f"{str(out)!r} holds a finished finder and no interrupted run: train without --resume, "
            "or into another --out."
        )
    films, held_out = load_outlined(data, outlines, cache)
    pictures = load_pictures(natural, 64, slice(2))[0] if natural else None
    recipe = LungRecipe(epochs=epochs, seed=seed)
    about = "" if pictures is None else f"{len(pictures)} natural pictures ({source or natural})"
    preset = LungPreset(pictures)
    network, history = train_finder(films, held_out, preset, recipe, out, resume, natural=about)
    write_finder(network, out, recipe, history, films, about, ctx.obj)
    typer.echo(f"Dice {history[-1]['held_out']['dice']:.3f}; written to {out}")
