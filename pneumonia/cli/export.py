from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A shipped model or a checkpoint folder.")
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Compare on this data set's validation films.",
            show_default="drawn films",
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Compare on every N-th film.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The graphs' folder.", show_default="the checkpoint's"),
    ] = None,
) -> None:
    """Export a model for OpenVINO, which answers faster on a CPU than PyTorch.

    \b
        pneumonia export densenet169
        pneumonia export cnn --data DIR --every 4

    Logits, heatmap and the gate's features are one graph, the lung finder another. They are
    compared with PyTorch film by film: probabilities within .001, heatmaps within .01 log-odds and
    equal verdicts, or they are not used and the exit status is 1.
    """
    from tqdm import tqdm

    from pneumonia.checkpoint import checkpoint_folder
    from pneumonia.evaluation.parity import export_graphs
    from pneumonia.predictor import Predictor
    from pneumonia.synthetic.phantom import draw_phantom

    if data:
        from pneumonia.data.dataset import find_records, split_records

        films = [film.path for film in split_records(find_records(data), "val")][::every]
        source = "validation films"
    else:
        films = [draw_phantom(280, 320, 2 * (n % 2), seed=n).image() for n in range(0, 24, every)]
        source = "drawn films"
    folder = out or checkpoint_folder(model)
    predictor = Predictor.load(model, "cpu", "torch")
    bar = tqdm(films, "Comparing", unit="film", disable=None)
    parity = export_graphs(predictor, bar, source, folder)
    typer.echo(
        f"{predictor.title}: {parity.films} {source}, probabilities within "
        f"{parity.probability:.2g}, heatmaps within {parity.attribution:.2g}, verdicts "
        f"{'equal' if parity.verdicts_equal else 'not equal'}; written to {folder}"
    )
    if not parity.passed:
        typer.echo("pneumonia export: the graph is not as PyTorch and will not be used.", err=True)
        raise typer.Exit(1)
