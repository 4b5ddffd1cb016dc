"""Folder in, folder out: how routers such as mercure call a module."""

import os
from pathlib import Path

from tqdm import tqdm

from pneumonia.dicom.identity import NOTICE
from pneumonia.dicom.results import Responder
from pneumonia.export.records import SOFTWARE
from pneumonia.storage.atomic import write_json

SUMMARY = "result.json"
NO_FILMS = ("not_dicom", "own_result")


def find_files(folder: Path, out: Path) -> list[Path]:
    """All ordinary files that may be DICOM, whatever they are called, in order.

    Hidden ones do not count, nor the index ``DICOMDIR``, nor what lies in the folder for results.
    """
    found = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        ours = folder in out.parents and path.is_relative_to(out)
        if path.is_file() and not hidden and not ours and path.name != "DICOMDIR":
            found.append(path)
    return found


def answer_folder(folder: Path, out: Path, responder: Responder) -> dict:
    """Answer every DICOM film of a folder; a bad one costs its own answer only.

    Args:
        folder: searched with all below it; nothing in it is changed.
        out: gets the results, and ``result.json`` at the end.
        responder: the models.

    Returns:
        What ``result.json`` holds: ``answered`` and ``refused`` (how many films), ``other_files``
        (how many are no DICOM, or results) and ``films``, each with ``file`` and what
        ``Answer.record`` says.

    Raises:
        OSError: there is no such folder, or the other cannot be written to.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"There is no folder {os.fspath(folder)!r}: check its name.")
    out.mkdir(parents=True, exist_ok=True)
    folder, out = folder.resolve(), out.resolve()  # one may lie in the other, however spelt
    films, others = [], 0
    for path in tqdm(find_files(folder, out), unit="film", disable=None):
        answer = responder.attempt(path)
        if answer.record.get("error") in NO_FILMS:
            others += 1
            continue
        answer.save(out)
        # a name may hold bytes that are not UTF-8
        name = os.fsencode(path.relative_to(folder)).decode(errors="backslashreplace")
        films.append({"file": name, **answer.record})
    refused = sum("error" in film for film in films)
    summary = {
        "software": SOFTWARE,
        "notice": NOTICE,
        "answered": len(films) - refused,
        "refused": refused,
        "other_files": others,
        "films": films,
    }
    write_json(out / SUMMARY, summary)
    return summary
