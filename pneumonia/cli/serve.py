from typing import Annotated

import typer


def serve(
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen; 0.0.0.0 (or ::) for every machine that reaches this one.",
            show_default="this machine only",
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", show_default="the first free one from 7860")
    ] = None,
) -> None:
    """Load the models and serve the page.

    \b
        pneumonia serve
        pneumonia serve --host 0.0.0.0 --port 8000

    Where --host and --port are not given, Gradio's own variables decide (GRADIO_SERVER_NAME,
    GRADIO_SERVER_PORT), and without them http://127.0.0.1:7860.
    """
    from pneumonia.web.serve import serve

    serve(host, port)
