from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Device, Resume


def pretrain(
    ctx: typer.Context,
    data: Annotated[Path, typer.Option(metavar="DIR", help="The pictures' folder.")],
    source: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Whose pictures, under which terms: for the card."),
    ] = "",
    model: Annotated[str, typer.Option(metavar="NAME", help="A network.")] = "densenet169",
    epochs: Annotated[int, typer.Option(min=1, metavar="N")] = 10,
    size: Annotated[int, typer.Option(metavar="PX", help="Side of the pictures.")] = 64,
    batch: Annotated[int, typer.Option(min=2, metavar="N", help="Pictures per step.")] = 128,
    lr: Annotated[float, typer.Option(metavar="RATE", help="Peak learning rate.")] = 2e-3,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(metavar="N")] = 0,
    out: Annotated[Path, typer.Option(metavar="FILE")] = Path("pretrained.safetensors"),
    resume: Resume = False,
) -> None:
    """Pretrain a network on natural pictures.

    For machines that cannot download ImageNet weights.

    \b
        pneumonia pretrain --data PICTURES --source "whose pictures, under which terms"
        pneumonia train --data DIR --model densenet169 --init pretrained.safetensors

    PICTURES holds one folder per class, or .npz shards of JPEG streams (see
    pneumonia.data.pictures.load_pictures). One picture in fifty validates. The weights go to
    --out; what there is to say of them goes into a .json beside it, for pneumonia train and the
    model's card. The state after each epoch lies there too: the same command with --resume goes on
    where a killed run stopped.
    """
    from pneumonia.models import MODELS
    from pneumonia.training.distributed import together
    from pneumonia.training.pretraining import pretrain
    from pneumonia.training.task import Recipe

    if model not in MODELS:
        raise typer.BadParameter(f"--model is one of {', '.join(MODELS)}.")
    recipe = Recipe(
        size=size,
        epochs=epochs,
        learning_rate=lr,
        batch=batch,
        label_smoothing=0.1,
        patience=epochs,
        seed=seed,
    )
    about = {"command": ctx.obj, "source": source}
    with together(device) as computed_on:
        card = pretrain(model, recipe, data, computed_on, out, about, resume)
        print(f"accuracy {card['accuracy']:.3f}; written to {out}")
