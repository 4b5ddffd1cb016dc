"""What happens when the ground gives way: a killed page, a full disk, a damaged checkpoint."""

import os
import resource
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file

from pneumonia.checkpoint import CheckpointError
from pneumonia.storage.shipped import available_models
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import handlers
from pneumonia.web.retention import MAX_AGE
from tools.page_process import free_port, running_page

pytestmark = pytest.mark.skipif(not available_models(), reason="no checkpoint to show")


@pytest.fixture
def film(tmp_path) -> Path:
    draw_phantom(300, 360, seed=3).image().save(path := tmp_path / "film.png")
    return path


@pytest.mark.slow
def test_a_page_killed_amid_a_batch_is_followed_by_one_that_works(film, tmp_path):
    uploads, port = tmp_path / "uploads", free_port()
    env = {"GRADIO_TEMP_DIR": str(uploads)}
    with running_page(port=port, env=env) as (process, address), ThreadPoolExecutor(1) as visitor:
        client = Client(address, verbose=False)
        films = [handle_file(film)] * 60
        batch = visitor.submit(client.predict, films, api_name="/predict_batch")
        while not list(uploads.rglob("film.png")):
            time.sleep(0.1)
        time.sleep(1)
        assert not batch.done()
        process.kill()
        with pytest.raises(Exception, match=r".+"):  # whatever httpx calls it
            batch.result(60)
    left = [path for path in uploads.rglob("*") if path.is_file()]
    assert left  # nobody could tidy up
    for path in left:
        os.utime(path, (time.time() - MAX_AGE - 1,) * 2)
    with running_page(port=port, env=env) as (_, address):
        client = Client(address, verbose=False)
        verdicts, _ = client.predict(handle_file(film), api_name="/predict")
        assert verdicts["film"] == "film.png"
        assert not [path for path in left if path.exists()]


@pytest.mark.slow
def test_an_upload_for_which_there_is_no_room_costs_only_itself(film, tmp_path):
    """The disk is full for files of more than 64 kB."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))

    draw_phantom(400, 450, seed=3).image().save(large := tmp_path / "large.png")
    assert film.stat().st_size < 2**16 < large.stat().st_size
    env = {"GRADIO_TEMP_DIR": str(tmp_path / "uploads")}
    quiet = {"stderr": subprocess.DEVNULL, "preexec_fn": limit}
    with running_page(env=env, **quiet) as (process, address):
        answer = httpx.post(
            f"{address}gradio_api/upload", files={"files": large.read_bytes()}, timeout=60
        )
        assert answer.status_code == 507 and "no room for this film" in answer.text
        with film.open("rb") as file:
            upload = httpx.post(f"{address}gradio_api/upload", files={"files": file})
        assert upload.status_code == 200
        rows = Client(address, verbose=False).predict(
            [handle_file(film)], api_name="/predict_batch"
        )
        assert rows[0]["film"] == "film.png" and "models" in rows[0]
        assert process.poll() is None


@pytest.mark.parametrize("part", ["model.safetensors", "gate.safetensors", "card.json"])
@pytest.mark.parametrize("damage", ["missing", "flipped"])
def test_a_page_with_a_damaged_checkpoint_says_so_and_does_not_start(
    checkpoint, tmp_path, monkeypatch, part, damage
):
    folder = tmp_path / checkpoint.name
    shutil.copytree(checkpoint, folder)
    content = bytearray((folder / part).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / part).unlink()
    if damage == "flipped":
        (folder / part).write_bytes(content)
    monkeypatch.setenv("PNEUMONIA_CHECKPOINTS", str(tmp_path))
    with pytest.raises(CheckpointError) as said:
        handlers.load_models()
    if (damage, part) == ("missing", "card.json"):  # which is what makes it a checkpoint
        assert "no model to show" in str(said.value)
    else:
        assert str(folder) in str(said.value)
        assert "damaged" in str(said.value) or "cannot be read" in str(said.value)
