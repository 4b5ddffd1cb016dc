from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from pneumonia.cli.options import Data, Device, Model


def evaluate(
    ctx: typer.Context,
    data: Data,
    split: Annotated[Literal["val", "test"], typer.Option(help="Which films.")] = "val",
    model: Model = "all",
    out: Annotated[Path, typer.Option(metavar="DIR", help="The report's folder.")] = Path(
        "evaluation"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="Neither perturbed films nor heatmap checks.")
    ] = False,
    medmnist_c: Annotated[
        bool, typer.Option("--medmnist-c", help="Also MedMNIST-C's corruptions (slow).")
    ] = False,
    heat_films: Annotated[
        int, typer.Option(min=1, metavar="N", help="Films of the heatmap checks.")
    ] = 24,
    draws: Annotated[
        int, typer.Option(min=2, metavar="N", help="Bootstrap samples of the intervals.")
    ] = 1000,
    ood: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A folder of pictures that are no chest films, for the gate to refuse; may be "
            "given again. Some drawn ones are always tried.",
        ),
    ] = None,
    readme: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the table into this README.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Measure models on validation or test films.

    \b
        pneumonia evaluate --data DIR --split val
        pneumonia evaluate --data DIR --split test --model densenet169 --quick

    Each film goes the way a visitor's goes: file → predictor → probability, called at the operating
    point of the model's card. "test" is the official test split, "val" the patient-grouped sixth of
    train + val that no shipped model was trained on. The folder --out gets evaluation.json,
    evaluation.md and evaluation.png.
    """
    from pneumonia.evaluation.report import main_table, with_markers
    from pneumonia.evaluation.run import check_heatmaps, evaluate_models, write_report
    from pneumonia.storage.shipped import chosen_models

    if not quick:  # before hours are spent without what these checks need
        import pneumonia.evaluation.saliency  # noqa: F401
    if readme:  # or on what has no place
        with_markers(readme)
    names = sorted(chosen_models(model), reverse=True)
    evaluation, films = evaluate_models(
        names,
        data,
        split,
        ctx.obj,
        device=device,
        ood=ood or [],
        quick=quick,
        medmnistc=medmnist_c,
        draws=draws,
    )
    for sentence in evaluation.skipped:
        typer.echo(f"skipped: {sentence}", err=True)
    write_report(out, evaluation, films, readme)
    if not quick:  # the longest part; what is measured by now stays if it fails
        heatmaps = check_heatmaps(names, films, heat_films, device)
        write_report(out, replace(evaluation, saliency=heatmaps), films, readme)
    typer.echo(main_table(evaluation))
    typer.echo(f"written to {out}", err=True)
