from typing import Annotated

import typer


def score_archive(
    places: Annotated[list[str], typer.Argument(metavar="FOLDER_OR_ADDRESS")],
    out: Annotated[str, typer.Option(metavar="FOLDER_OR_ADDRESS", help="Gets the Parquet files.")],
    model: Annotated[
        str, typer.Option(metavar="NAME", help="A shipped model, or a checkpoint folder.")
    ] = "densenet169",
    device: Annotated[
        str, typer.Option(metavar="DEVICE", help="auto, cpu or cuda; Ray chooses which GPU.")
    ] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes with a predictor.",
            show_default="as many as there are GPUs, else cores",
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, metavar="N", help="Films per forward pass.")] = 8,
    part: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most films of a Parquet file.")
    ] = 1000,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Of a Ray cluster.", show_default="this machine alone"
        ),
    ] = None,
) -> None:
    """Score an archive of films, on one machine or on a Ray cluster.

    \b
        pneumonia score-archive /archive --out answers
        pneumonia score-archive s3://films --out s3://answers --address auto

    Folders and addresses (whatever fsspec knows) are searched for JPEG, PNG and DICOM files, and
    the other formats that pneumonia predict reads. OUT gets Parquet files with one row per film:
    path, model, card_sha256, probability, verdict, gate, error. The same command goes on where it
    was interrupted, and scores what has come since. At the end summary.json in OUT counts them.
    """
    from pneumonia.archive.run import score_archive
    from pneumonia.gate import REASONS
    from pneumonia.reading.refusals import REFUSALS

    summary = score_archive(
        places,
        out,
        model,
        device=device,
        workers=workers,
        batch=batch,
        part=part,
        address=address,
    )
    now, seconds = summary["scored_now"], summary["seconds"]
    typer.echo(
        f"{summary['films']} films in {out}; {now} of them now, in {seconds} s "
        f"({now / max(seconds, 0.1):.1f} films/s, start included)"
    )
    for name, count in summary["verdicts"].items():
        typer.echo(f"{count:>10}  {name}")
    for code, count in summary["gate"].items():
        if code != "ok":
            typer.echo(f"{count:>10}  out of scope, {code}: {REASONS.get(code, code)}")
    for code, count in summary["errors"].items():
        typer.echo(f"{count:>10}  not read, {code}: {REFUSALS.get(code, code)}")
