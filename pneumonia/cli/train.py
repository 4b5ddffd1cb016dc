from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Cache, Data, Device, Resume


def train(
    ctx: typer.Context,
    data: Data,
    model: Annotated[str, typer.Option(metavar="NAME", help="A network, or all.")] = "all",
    init: Annotated[
        str,
        typer.Option(
            metavar="imagenet|none|PATH",
            help="First weights of DenseNet-169: torchvision's ImageNet weights, random ones, or "
            "a weights file or checkpoint folder; the CNN starts from random ones, or from what "
            "it alone is given.",
        ),
    ] = "imagenet",
    epochs: Annotated[int, typer.Option(min=1, metavar="N")] = 14,
    freeze_epochs: Annotated[
        int, typer.Option(metavar="N", help="Train only the classifier for the first N epochs.")
    ] = 0,
    size: Annotated[
        int | None,
        typer.Option(
            metavar="PX", help="Side of the network's input.", show_default="the network's"
        ),
    ] = None,
    eval_size: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="The side used once trained.",
            show_default="--size, else the network's",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=2, metavar="N", help="Films per step.")] = 32,
    crop: Annotated[
        float,
        typer.Option(
            min=0.1,
            max=1,
            metavar="SHARE",
            help="Least share of a film's side that a random crop keeps.",
        ),
    ] = 0.6,
    graft: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the films whose lungs are set into another film's surroundings.",
        ),
    ] = 0.9,
    own: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Share of these that keep their own outline."
        ),
    ] = 0.2,
    cover: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the films whose lungs are covered, of which nothing can be told.",
        ),
    ] = 0.0,
    opacities: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the normal films that get a drawn opacity, which the map has to find.",
        ),
    ] = 0.0,
    keep: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share of the first weights in what comes out, which keeps what they knew.",
        ),
    ] = 0.0,
    conflicting: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="How many times more each film is seen whose surroundings tell the wrong class.",
        ),
    ] = 0,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="A trained model whose answers are learned too; of several their mean logit.",
        ),
    ] = None,
    taught: Annotated[
        float,
        typer.Option(
            min=0, max=1, metavar="SHARE", help="Share of each target that the teachers give."
        ),
    ] = 0.5,
    lr: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Peak learning rate.", show_default="the network's"),
    ] = None,
    patience: Annotated[
        int,
        typer.Option(metavar="N", help="Stop after N epochs without a better validation AUROC."),
    ] = 6,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(metavar="N")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets a folder per network.")] = Path(
        "checkpoints"
    ),
    cache: Cache = None,
    resume: Resume = False,
) -> None:
    """Train the networks and write their checkpoints.

    \b
        pneumonia train --data DIR
        pneumonia train --data DIR --model densenet169 --init none --epochs 14
        pneumonia train --data DIR --resume          # go on where a killed run stopped
        torchrun --nproc_per_node=2 -m pneumonia train --data DIR    # on two GPUs, or CPUs

    DIR is the data set chest-xray-pneumonia: it holds train/, val/ and test/ with NORMAL/ and
    PNEUMONIA/, as Kaggle's archive unpacks (pneumonia download fetches it). A patient-grouped sixth
    of train + val validates; the official test split is never read. Each network's folder gets
    weights, a card and training curves.
    """
    from pneumonia.models import MODELS
    from pneumonia.training.distributed import together
    from pneumonia.training.run import load_parts, train_model
    from pneumonia.training.task import Recipe

    if model not in (*MODELS, "all"):
        raise typer.BadParameter(f"--model is one of {', '.join(MODELS)} or all.")
    with together(device) as computed_on:
        training, validation = load_parts(data, cache)
        for name in MODELS if model == "all" else [model]:
            spec = MODELS[name]
            recipe = Recipe(
                size=size or spec.size,
                epochs=epochs,
                learning_rate=lr or spec.learning_rate,
                batch=batch,
                crop=crop,
                graft=graft,
                own=own,
                cover=cover,
                opacities=opacities,
                keep=keep,
                conflicting=conflicting,
                freeze_epochs=freeze_epochs,
                patience=patience,
                seed=seed,
                taught=taught if teacher else 0.0,
            )
            train_model(
                name,
                recipe,
                init if name != "cnn" or (model == "cnn" and init != "imagenet") else "none",
                training,
                validation,
                computed_on,
                out / name,
                ctx.obj,
                eval_size or size or spec.eval_size,
                resume,
                teacher or [],
            )
