"""Where a page listens: from the first moment, so that a mistake is told before models are loaded.

Who asks meanwhile waits for the answer, and no other program takes the port.
"""

import errno
import os
import socket
from contextlib import ExitStack

FIRST_PORT, PORTS = 7860, 100  # tried where no port is asked for

_NO_ADDRESS = "This machine has no address {0!r} to listen at: give one of its own by --host."
_NOT_ALLOWED = "Port {1} is the administrator's: choose one above 1023 by --port."


def listen(host: str | None = None, port: int | None = None) -> tuple[str, list[socket.socket]]:
    """A host without brackets, and sockets that listen at its addresses, all at one port.

    Args:
        host: by default ``$GRADIO_SERVER_NAME``, else 127.0.0.1; an IPv6 address may have brackets.
        port: by default the first free one from ``$GRADIO_SERVER_PORT``, else from 7860.

    Raises:
        OSError: there is none.
        ValueError: the variable holds no number.
    """
    host = (host or os.environ.get("GRADIO_SERVER_NAME") or "127.0.0.1").strip("[]")
    first, count = (_first_port(), PORTS) if port is None else (port, 1)
    if not 0 < first < 2**16:
        raise OSError(f"A port is a number from 1 to 65535, not {first}.")
    for number in range(first, min(first + count, 2**16)):
        try:
            return host, _sockets(host, number)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                words = _NOT_ALLOWED if error.errno == errno.EACCES else _NO_ADDRESS
                raise OSError(words.format(host, number)) from error
    ports = f"Port {first} is" if count == 1 else f"{count} ports from {first} on are"
    raise OSError(f"{ports} taken: end what listens there, or choose another by --port.")


def url(host: str, sockets: list[socket.socket]) -> str:
    """Where these listen, for a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{sockets[0].getsockname()[1]}/"


def _first_port() -> int:
    variable = os.environ.get("GRADIO_SERVER_PORT") or str(FIRST_PORT)
    if not variable.isdecimal():
        raise ValueError(f"GRADIO_SERVER_PORT is no number: {variable!r}.")
    return int(variable)


def _sockets(host: str, port: int) -> list[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_server(place, family=family))
            for family, place in dict.fromkeys((entry[0], entry[4]) for entry in found)
        ]
        opened.pop_all()
    return sockets
