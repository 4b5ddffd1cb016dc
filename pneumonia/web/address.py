"""Where a page can listen: settled first, so that a mistake is told before models are loaded."""

import errno
import os
import socket

FIRST_PORT, PORTS = 7860, 100  # tried where no port is asked for

_NO_ADDRESS = "This machine has no address {0!r} to listen at: give one of its own by --host."
_NOT_ALLOWED = "Port {1} is the administrator's: choose one above 1023 by --port."


def address(host: str | None = None, port: int | None = None) -> tuple[str, int]:
    """A host and a port that can be listened at.

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
            _listen(host, number)
            return host, number
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                words = _NOT_ALLOWED if error.errno == errno.EACCES else _NO_ADDRESS
                raise OSError(words.format(host, number)) from error
    ports = f"Port {first} is" if count == 1 else f"{count} ports from {first} on are"
    raise OSError(f"{ports} taken: end what listens there, or choose another by --port.")


def _first_port() -> int:
    variable = os.environ.get("GRADIO_SERVER_PORT") or str(FIRST_PORT)
    if not variable.isdecimal():
        raise ValueError(f"GRADIO_SERVER_PORT is no number: {variable!r}.")
    return int(variable)


def _listen(host: str, port: int) -> None:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    places = {(family, place) for family, _, _, _, place in found}
    places.add((socket.AF_INET, ("127.0.0.1", port)))  # Gradio asks for it, whatever the host
    for family, place in places:
        socket.create_server(place, family=family).close()
