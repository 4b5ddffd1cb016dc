"""What the tests of DICOM out and in share: a model, films, programs of other people."""

import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from factories import chest_dicom, random_checkpoints, saved

WHEN = datetime(2024, 5, 6, 7, 8, 9)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A checkpoint of the small network with random weights, which knows every film."""
    return random_checkpoints(tmp_path_factory.mktemp("dicom"), ["cnn"]) / "cnn"


@pytest.fixture(scope="session")
def responder(model):
    from pneumonia.dicom.results import Responder

    responder = Responder(str(model), "cpu")
    yield responder
    responder.close()


@pytest.fixture
def film(tmp_path):
    """Writes a film with these elements, and says where."""

    def write(name: str = "film.dcm", **elements) -> Path:
        path = tmp_path / name
        path.write_bytes(saved(chest_dicom(**elements)))
        return path

    return write


@pytest.fixture
def answer(responder, film):
    """What becomes of a film with these elements."""
    return lambda **elements: responder.answer(film(**elements), WHEN)


@pytest.fixture(scope="session")
def program():
    """Where a program of a Debian package is; without it a test is skipped."""

    def find(name: str, package: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        if not path:
            missing = f"needs {name} (apt-get install {package})"
            pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
        return path

    return find
