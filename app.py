"""The door: ``python app.py`` loads the models and serves the page.

Where ``--host`` and ``--port`` are not given, Gradio's own variables decide (GRADIO_SERVER_NAME,
GRADIO_SERVER_PORT), and without them http://127.0.0.1:7860.
"""

import argparse
import signal
import sys
from contextlib import ExitStack

from pneumonia.web import malloc
from pneumonia.web.retention import upload_folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the chest-film page.")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    options = parser.parse_args()

    malloc.limit_arenas()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # at any moment; nothing is left behind
    with ExitStack() as stack:
        try:
            stack.enter_context(upload_folder())
        except OSError as error:
            sys.exit(
                f"Uploads cannot be kept in {error.filename!r} ({error.strerror}): point "
                "GRADIO_TEMP_DIR at a folder that can be written to."
            )
        from pneumonia.web import handlers, page

        handlers.share_cores()
        try:
            blocks = page.build()
        except handlers.CheckpointError as error:
            sys.exit(str(error))
        malloc.trim_heap()
        page.launch(blocks, options.host, options.port)


if __name__ == "__main__":
    main()
