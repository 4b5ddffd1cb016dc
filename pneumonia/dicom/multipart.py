"""Multipart bodies with DICOM in them: form-data and related, one film in, results out."""

import io
import secrets
from collections.abc import Iterable
from typing import BinaryIO

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from pneumonia.dicom.results import Result

_KINDS = (b"multipart/form-data", b"multipart/related")


class BodyError(ValueError):
    """A body that is not one film in a multipart; ``str(error)`` is one sentence."""


class FilmBody:
    """Takes a body piece by piece and writes the one film in it into a file."""

    def __init__(self, content_type: str, file: BinaryIO) -> None:
        """Args:
            content_type: the request's.
            file: gets the film.

        Raises:
            BodyError: the content type is none of the two, or has no boundary.
        """
        kind, options = parse_options_header(content_type)
        if kind not in _KINDS or not options.get(b"boundary"):
            raise BodyError("Send the film as multipart/form-data or multipart/related.")
        self._file, self._parts, self._whole = file, 0, False
        callbacks = {
            "on_part_begin": self._begin,
            "on_part_data": lambda data, start, end: self._file.write(data[start:end]),
            "on_end": self._end,
        }
        self._parser = MultipartParser(options[b"boundary"], callbacks)  # pyright: ignore[reportArgumentType]

    def write(self, piece: bytes) -> None:
        """Take the next piece.

        Raises:
            BodyError: it is no multipart, or holds more than one part.
        """
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise BodyError("This is no whole multipart body.") from error

    def close(self) -> None:
        """After the last piece.

        Raises:
            BodyError: something is missing.
        """
        if not self._whole or not self._parts:
            raise BodyError("This is no whole multipart body.")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise BodyError("Send one film at a time.")

    def _end(self) -> None:
        self._whole = True


def related(results: Iterable[Result]) -> tuple[bytes, str]:
    """Results as one multipart/related body, as STOW-RS takes and WADO-RS gives it.

    Returns:
        The body and its content type.
    """
    boundary, body = secrets.token_hex(16), io.BytesIO()
    for result in results:
        body.write(f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode())
        part = io.BytesIO()
        result.write(part)
        body.write(part.getvalue() + b"\r\n")
    body.write(f"--{boundary}--\r\n".encode())
    return body.getvalue(), f'multipart/related; type="application/dicom"; boundary={boundary}'
