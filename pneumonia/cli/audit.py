from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Cache


def audit(
    ctx: typer.Context,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The data set's folder.")] = None,
    metadata: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Size and compression of original files.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The report's folder.")] = Path(
        "docs/audit"
    ),
    cache: Cache = None,
) -> None:
    """Audit a data set for shortcuts.

    \b
        pneumonia audit --data DIR
        pneumonia audit --metadata originals_metadata.csv --out docs/audit
        pneumonia audit --data DIR --metadata originals_metadata.csv

    Can the classes be told apart without looking at the lungs? Prints a table of AUROCs,
    patient-grouped and out-of-fold, of classifiers that see only file metadata, grey levels without
    their place, or the film's rim; and counts the patients, the byte-identical and the nearly
    identical films that the splits share. Writes audit.json, audit.md and audit.png. The CSV has
    the columns file, label, width, height, bytes, jpeg_luma_quantization_sum and mode: a record of
    the original files where only a resized copy is at hand.
    """
    from pneumonia.data.audit import audit, write_audit

    if not (data or metadata):
        raise typer.BadParameter("give --data, --metadata or both.")
    report, traits = audit(data, metadata, cache)
    typer.echo(write_audit(out, {"command": ctx.obj, **report}, traits))
    typer.echo(f"written to {out}", err=True)
