"""A round through a real archive: a film stored in it, fetched, answered, the results stored."""

import io
import json
import subprocess
from pathlib import Path

import httpx
import pydicom
import pytest
from factories import chest_dicom, saved
from typer.testing import CliRunner

from pneumonia.cli import app
from tools.page_process import free_port, wait_for

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"


@pytest.fixture(scope="module")
def orthanc(program, tmp_path_factory):
    """The address of an Orthanc with DICOMweb, on this machine alone, with nothing in it."""
    command = program("Orthanc", "orthanc orthanc-dicomweb")
    folder = tmp_path_factory.mktemp("orthanc")
    port = free_port()
    settings = {
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [PLUGIN],
        "DicomWeb": {"Enable": True},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [command, folder / "orthanc.json"], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://127.0.0.1:{port}"
            assert wait_for(f"{address}/system", process), (folder / "log").read_text()
            yield address
        finally:
            process.terminate()
            process.wait()


def stow(address: str, files: list[bytes]) -> httpx.Response:
    head = b"--frontier\r\nContent-Type: application/dicom\r\n\r\n"
    body = b"".join(head + file + b"\r\n" for file in files) + b"--frontier--\r\n"
    kind = 'multipart/related; type="application/dicom"; boundary=frontier'
    headers = {"content-type": kind, "accept": "application/dicom+json"}
    return httpx.post(f"{address}/dicom-web/studies", content=body, headers=headers, timeout=60)


@pytest.mark.slow
def test_results_join_their_film_in_an_archive(orthanc, model, tmp_path):
    assert stow(orthanc, [saved(chest_dicom())]).status_code == 200
    (film,) = httpx.get(f"{orthanc}/instances").json()
    fetched = httpx.get(f"{orthanc}/instances/{film}/file").content
    (tmp_path / "film.dcm").write_bytes(fetched)
    words = ["dicom-result", tmp_path / "film.dcm", "--out", tmp_path / "out", "--model", model]
    ended = CliRunner().invoke(app, [str(word) for word in words])
    paths = [Path(line) for line in ended.stdout.splitlines()]
    results = [path.read_bytes() for path in paths]
    stored = stow(orthanc, results)
    assert stored.status_code == 200
    assert len(stored.json()["00081199"]["Value"]) == 3  # Referenced SOP Sequence: all were taken
    stow(orthanc, results)  # again: they bear the same identifiers
    counts = httpx.get(f"{orthanc}/statistics").json()
    assert (counts["CountPatients"], counts["CountStudies"]) == (1, 1)
    assert (counts["CountSeries"], counts["CountInstances"]) == (4, 4)
    found = [
        pydicom.dcmread(io.BytesIO(httpx.get(f"{orthanc}/instances/{one}/file").content))
        for one in httpx.get(f"{orthanc}/instances").json()
    ]
    uids = {str(one.SOPInstanceUID) for one in found}
    assert uids == {"1.2.3.6", *(path.stem for path in paths)}
    preview = f"{orthanc}/dicom-web/studies/1.2.3.4/series"
    kinds = {one["00080060"]["Value"][0] for one in httpx.get(preview).json()}
    assert kinds == {"DX", "OT", "SR"}
