"""From nothing to a page that answers, and back to nothing: no upload is left behind."""

import gc
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from pneumonia.storage.shipped import NO_MODEL, CheckpointError, available_models
from pneumonia.web import malloc
from pneumonia.web.address import listen
from pneumonia.web.container import allow_files, check_memory
from pneumonia.web.retention import upload_folder
from pneumonia.web.stubs import without_stubs


def serve(host: str | None = None, port: int | None = None) -> None:
    """Load the models and serve the page until this process is told to end.

    Args:
        host: address to listen on; by default ``$GRADIO_SERVER_NAME``, else this machine only.
        port: by default ``$GRADIO_SERVER_PORT``, else the first free one from 7860.

    Raises:
        OSError: nothing can listen there, uploads cannot be kept, or the memory is too small.
        CheckpointError: there is no model, or one cannot be used.
    """
    host, sockets = listen(host, port)
    check_memory()
    if not available_models():
        raise CheckpointError(NO_MODEL)
    allow_files()
    malloc.limit_arenas()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))  # at any moment; nothing is left behind
    with ExitStack() as stack:
        try:
            stack.enter_context(upload_folder())
        except OSError as error:
            raise OSError(
                f"Uploads cannot be kept in {error.filename!r} ({error.strerror}): point "
                "GRADIO_TEMP_DIR at a folder that can be written to."
            ) from error
        stack.callback(gc.enable)
        gc.disable()  # what is imported and loaded stays: hardly any of it is garbage
        with without_stubs():
            from pneumonia.web import handlers, logs

        logs.write_escaped()
        handlers.cage()  # its processes start while the models load
        handlers.share_cores()
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(handlers.load_models)
            from pneumonia.web import page

            loading.result()
        blocks = page.build()
        gc.freeze()
        gc.enable()
        malloc.trim_heap()
        page.launch(blocks, host, sockets)
