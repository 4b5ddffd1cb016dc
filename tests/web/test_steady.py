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


FULL = 2**16  # bytes, from which on a file finds no room on the disk


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    draw_phantom(300, 360, seed=3).image().save(path := tmp_path_factory.mktemp("a") / "film.png")
    return path


@pytest.fixture(scope="module")
def follower(film, tmp_path_factory):
    """The address of a page on a full disk, where one was killed amid a batch, and what that left
    behind."""
    uploads, port = tmp_path_factory.mktemp("uploads"), free_port()
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

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL))

    quiet = {"stderr": subprocess.DEVNULL, "preexec_fn": limit}
    with running_page(port=port, env=env, **quiet) as (process, address):
        yield address, left
        assert process.poll() is None


def rows_of(address: str, film: Path) -> list[dict]:
    return Client(address, verbose=False).predict([handle_file(film)], api_name="/predict_batch")


@pytest.mark.slow
def test_a_page_killed_amid_a_batch_is_followed_by_one_that_works(follower, film):
    address, left = follower
    (row,) = rows_of(address, film)
    assert row["film"] == "film.png" and "models" in row
    assert not [path for path in left if path.exists()]


@pytest.mark.slow
def test_an_upload_for_which_there_is_no_room_costs_only_itself(follower, film, tmp_path):
    address, _ = follower
    draw_phantom(400, 450, seed=3).image().save(large := tmp_path / "large.png")
    assert film.stat().st_size < FULL < large.stat().st_size
    upload = f"{address}gradio_api/upload"
    answer = httpx.post(upload, files={"files": large.read_bytes()}, timeout=60)
    assert answer.status_code == 507 and "no room for this film" in answer.text
    with film.open("rb") as file:
        assert httpx.post(upload, files={"files": file}).status_code == 200
    assert "models" in rows_of(address, film)[0]


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
