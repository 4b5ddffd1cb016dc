"""``pneumonia COMMAND``: a command is parsed here and does its work in the package.

What a command needs is imported when it runs: ``--help`` is quick, and training needs no gradio.
"""

import shlex
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pneumonia import __version__
from pneumonia.cli.audit import audit
from pneumonia.cli.calibrate import calibrate
from pneumonia.cli.cards import cards
from pneumonia.cli.dicom_folder import dicom_folder
from pneumonia.cli.dicom_result import dicom_result
from pneumonia.cli.dicom_service import dicom_service
from pneumonia.cli.download import download
from pneumonia.cli.evaluate import evaluate
from pneumonia.cli.evaluate_lungs import evaluate_lungs
from pneumonia.cli.export import export
from pneumonia.cli.predict import predict
from pneumonia.cli.pretrain import pretrain
from pneumonia.cli.push import push
from pneumonia.cli.runs import runs
from pneumonia.cli.score_archive import score_archive
from pneumonia.cli.serve import serve
from pneumonia.cli.train import train
from pneumonia.cli.train_lungs import train_lungs

COMMANDS = (
    *(serve, predict, score_archive, download, audit, train_lungs, pretrain, train, calibrate),
    *(evaluate_lungs, evaluate, export, cards, runs, push),
    *(dicom_result, dicom_folder, dicom_service),
)
# What a user can cause and mend; anything else is a mistake in here and keeps its traceback.
ERRORS = (OSError, ValueError, ArithmeticError, MemoryError, RuntimeError, ModuleNotFoundError)
EXTRAS = {  # others: "train"
    **dict.fromkeys(("gradio", "fpdf", "markdown_it", "uharfbuzz"), "web"),
    "pytorch_grad_cam": "evaluate",
    **{"httpx2": "hub", "huggingface_hub": "hub"},
    **dict.fromkeys(("highdicom", "uvicorn", "starlette", "fastapi", "python_multipart"), "dicom"),
    **dict.fromkeys(("ray", "pyarrow", "fsspec"), "scale"),
}


class Sentences(TyperGroup):
    """Commands that end in one sentence and status 1 where a user's error stops them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.obj = command_line(args, ctx.info_name or "pneumonia")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            options = {option.name for option in self.commands[ctx.invoked_subcommand].params}
            hint = "the same command with --resume goes on after the last whole epoch."
            typer.echo(f"\nInterrupted{': ' + hint if 'resume' in options else '.'}", err=True)
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except ERRORS as error:
            if ctx.params["traceback"]:
                raise
            typer.echo(f"pneumonia {ctx.invoked_subcommand}: {sentence(error)}", err=True)
            raise typer.Exit(1) from error


def command_line(words: list[str], program: str = "pneumonia") -> str:
    """What was typed, for cards and reports: as it can be typed again, without this machine's
    folders."""
    parts = (word.rpartition("=") for word in words)
    short = (o + eq + (Path(v).name if Path(v).is_absolute() else v) for o, eq, v in parts)
    return f"{program} {shlex.join(short)}"


def sentence(error: BaseException) -> str:
    """What is wrong, in one line, and what to do where the error does not say."""
    if isinstance(error, ModuleNotFoundError):
        extra = EXTRAS.get(str(error.name), "train")
        return f"it needs the package {error.name!r}: pip install 'pneumonia[{extra}]'"
    if isinstance(error, MemoryError) or "out of memory" in str(error):
        return "the memory is used up: a smaller --batch or --size needs less, or --device cpu."
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    return str(error).partition("\n")[0] or type(error).__name__


app = typer.Typer(
    name="pneumonia",
    cls=Sentences,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for command in COMMANDS:
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error comes from.")
    ] = False,
) -> None:
    """Pneumonia on children's chest films: calibrated models, and what they used."""


def main(*words: str, program: str = "pneumonia") -> None:
    """Run the command line of that name, after ``words`` if there are any.

    A character that the terminal or pipe cannot hold is written as its number and stops nothing.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr always is
    app([*words, *sys.argv[1:]], prog_name=program)
