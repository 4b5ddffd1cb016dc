from pathlib import Path
from typing import Annotated

import typer

from pneumonia.cli.options import Checkpoints


def push(
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="Whose repositories.")],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The Space's; models are NAME-MODEL.")
    ] = "pneumonia",
    evaluation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The evaluation.json of these weights.",
            show_default="the shipped one",
        ),
    ] = None,
    checkpoints: Checkpoints = None,
    space: Annotated[bool, typer.Option(help="Also the page, as a Space.")] = True,
    hardware: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="A new Space's: zero-a10g is ZeroGPU, cpu-basic needs a paid plan."
        ),
    ] = "zero-a10g",
    private: Annotated[
        bool, typer.Option("--private", help="New repositories are not public.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be sent; send nothing.")
    ] = False,
) -> None:
    """Publish models and page on the Hugging Face Hub.

    \b
        pneumonia push OWNER --dry-run
        hf auth login                     # or HF_TOKEN: a token that may write
        pneumonia push OWNER

    Each model gets a repository OWNER/NAME-MODEL: weights, gate and card, a model card with its
    figures, and these as evaluation results. OWNER/NAME is the Space: the files that git tracks
    here; what the Space had besides is deleted from it. A token is never shown or stored.
    """
    from pneumonia.evaluation.results import Evaluation
    from pneumonia.export.hub import Upload, model_upload, push, space_upload
    from pneumonia.storage.shipped import available_models, checkpoints_root, shipped_folder

    root = checkpoints or checkpoints_root()
    measured = Evaluation.load(evaluation or shipped_folder("docs") / "evaluation/evaluation.json")
    page = f"{owner}/{name}"
    home = space_upload(Path.cwd(), page) if space else Upload(page, "space", {})
    uploads = [
        model_upload(root / model, f"{page}-{model}", home, measured)
        for model in available_models(root)
    ]
    for upload in [*uploads, *([home] if space else [])]:
        sizes = upload.sizes
        typer.echo(f"{upload.kind} {upload.repository}: {_size(sum(sizes.values()))}")
        if dry_run:
            for file, size in sizes.items():
                typer.echo(f"  {file}  {_size(size)}")
            continue
        commit = push(upload, private, hardware)
        pinned = f" = hf://{upload.repository}@{commit}" if upload.kind == "model" else ""
        typer.echo(f"  {upload.url}{pinned}")
    if dry_run:
        typer.echo("Nothing was sent.")


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 1e5 else f"{number / 1e3:.1f} kB"
