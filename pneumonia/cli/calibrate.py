from typing import Annotated

import typer

from pneumonia.cli.options import Cache, Data, Device


def calibrate(
    ctx: typer.Context,
    data: Data,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="A shipped model or a checkpoint folder.")
    ],
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Side of the network's input.", show_default="the card's"),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="Fit the classifier anew first, for good: to the training films as they are, "
            "perturbed, and in the other class's surroundings.",
        ),
    ] = False,
    forget_outline: Annotated[
        bool,
        typer.Option(
            "--forget-outline",
            help="Change the classifier first, for good: with lungs covered, training films of "
            "either class get the same mean logit.",
        ),
    ] = False,
    device: Device = "auto",
    cache: Cache = None,
) -> None:
    """Calibrate a trained model anew, without training.

    \b
        pneumonia calibrate --data DIR --model densenet169 --size 192

    Calibration and operating point are chosen on the validation films (the patient-grouped sixth of
    train + val), the gate on the training films, clean and perturbed; the model's card gets them,
    the figures they lead to, and this command.
    """
    from pneumonia.models import pick_device
    from pneumonia.storage.hub import is_address
    from pneumonia.training.run import load_parts, recalibrate

    if is_address(model):
        raise typer.BadParameter(
            "--model has to be a folder of yours: `hf download OWNER/NAME --local-dir DIR`."
        )
    training, validation = load_parts(data, cache)
    parts = (training, validation, pick_device(device))
    card = recalibrate(model, *parts, ctx.obj, size, refit, forget_outline)
    typer.echo(
        f"{card.title} at {card.preprocessing.size} px: {card.operating_point}, {card.validation}"
    )
