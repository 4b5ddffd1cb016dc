"""The reader's processes: the same films, and limits that end one film instead of the page."""

import os
import resource
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from factories import ROOT, dicom, saved
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from pneumonia.reading.archive import FilmRef, list_films
from pneumonia.reading.cage import OWN, Cage
from pneumonia.reading.radiograph import RadiographError, read_radiograph
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import memory

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs Linux")


@pytest.fixture(scope="module")
def cage():
    cage = Cage(1)
    yield cage
    cage.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two good films of different kinds, one torn, and an archive of all three."""
    root = tmp_path_factory.mktemp("films")
    draw_phantom(200, 240, seed=1).image().save(root / "a.png")
    grey = (60_000 * draw_phantom(200, 240, seed=2).pixels).astype(np.uint16)
    b = dicom(grey, WindowCenter="30000", WindowWidth="50000", PatientAge="003Y", ViewPosition="AP")
    (root / "b.dcm").write_bytes(saved(b))
    (root / "torn.png").write_bytes((root / "a.png").read_bytes()[:500])
    with zipfile.ZipFile(root / "films.zip", "w") as archive:
        for name in ("a.png", "b.dcm", "torn.png"):
            archive.write(root / name, name)
    return root


def test_a_film_comes_back_as_it_is_read_here(cage, folder):
    for film in list_films([folder / "a.png", folder / "b.dcm", folder / "films.zip"]):
        try:
            answer = cage.read(film)
        except RadiographError as error:
            assert film.member == "torn.png" and error.code == "damaged"
            assert str(error).startswith('"torn.png" is damaged')
            continue
        here = read_radiograph(folder / (film.member or film.path.name))
        np.testing.assert_array_equal(answer.pixels, here.pixels)
        assert answer.pixels.flags.writeable and answer.pixels.dtype == np.float32
        assert (answer.name, answer.format) == (here.name, here.format)
        assert (answer.notes, answer.saturation) == (here.notes, here.saturation)
        assert (answer.tags, answer.ends) == (here.tags, here.ends)


def test_a_missing_file_is_said_to_be_missing(cage, tmp_path):
    with pytest.raises(RadiographError, match=r'"gone\.png" is not there'):
        cage.read(FilmRef(tmp_path / "gone.png"))


@pytest.fixture
def limited(monkeypatch):
    """Makes a cage whose first worker runs under what the given code changes."""
    cages = []

    def make(change: str) -> Cage:
        program = f"from pneumonia.reading import worker\n{change}\nworker.main()"
        popen, commands = subprocess.Popen, []

        def start(command, **options):
            commands.append(command)
            if len(commands) == 1:
                command = [command[0], "-c", program, *command[3:]]
            return popen(command, **options)

        monkeypatch.setattr("pneumonia.reading.cage.subprocess.Popen", start)
        cages.append(Cage(1))
        return cages[0]

    yield make
    cages[0].close()


def test_a_film_that_takes_too_long_costs_itself_only(limited, folder):
    cage = limited(
        "def forever():\n    while True: pass\n"
        "real = worker.allow_seconds\nworker.SECONDS = 0\n"
        "worker.allow_seconds = lambda: (real(), forever())"
    )
    film = FilmRef(folder / "a.png")
    first, second = cage.read_films([film, film])
    assert str(first).startswith('"a.png" takes too long or too much memory to read')
    np.testing.assert_array_equal(second.pixels, read_radiograph(film.path).pixels)


def test_a_film_that_takes_too_much_memory_costs_itself_only(limited, folder, tmp_path):
    cage = limited("worker.MEMORY = 450 * 2**20")
    Image.fromarray(np.zeros((6300, 6300, 3), np.uint8)).save(tmp_path / "large.png")
    with pytest.raises(RadiographError, match="memory"):
        cage.read(FilmRef(tmp_path / "large.png"))
    assert cage.read(FilmRef(folder / "a.png")).name == "a.png"


def test_what_a_refused_film_took_is_there_for_the_next(limited, tmp_path):
    cage = limited("worker.MEMORY = 800 * 2**20")  # one of these takes 700 MB
    values = Image.fromarray(np.full((6000, 6000), 2, np.float32))
    values.save(tmp_path / "values.tiff", compression="tiff_adobe_deflate")
    for _ in range(3):
        with pytest.raises(RadiographError, match="floats outside 0 to 1"):
            cage.read(FilmRef(tmp_path / "values.tiff"))


def test_limits_of_who_started_the_page_are_kept_and_refuse_no_film(limited, folder):
    cage = limited(
        "import resource\n"
        "for limit, most in (('CPU', 3600), ('AS', 2**30), ('NOFILE', 48)):\n"
        "    resource.setrlimit(getattr(resource, 'RLIMIT_' + limit), (most, most))"
    )
    assert cage.read(FilmRef(folder / "a.png")).format == "PNG"


def test_a_moment_without_room_for_a_process_costs_one_film(folder):
    cage, film = Cage(1), FilmRef(folder / "a.png")
    (reader,) = cage._idle.queue
    reader._process.kill()
    reader._process.wait()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            cage.read(film)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert cage.read(film).format == "PNG"
    cage.close()


def test_a_reader_that_is_not_itself_any_more_is_replaced(limited, folder):
    cage = limited("worker.answer = lambda film, memory: {'shape': [60_000, 60_000]}")
    film = FilmRef(folder / "a.png")
    first, second = cage.read_films([film, film])
    assert str(first).startswith('"a.png" takes too long') and second.name == "a.png"


def test_the_largest_film_in_colour_has_room(cage, tmp_path):
    Image.new("RGBA", (6324, 6324), (10, 200, 30, 128)).save(tmp_path / "large.webp")
    film = cage.read(FilmRef(tmp_path / "large.webp"))
    assert film.size == (6324, 6324) and film.saturation > 0.3


MEGABYTES = 600


def large_films(folder: Path) -> None:
    """Films of nearly 40 megapixels, of the kinds that take most."""
    film = draw_phantom(500, 625, seed=3).image().resize((7071, 5655))
    grey, tinted = np.asarray(film), Image.merge("RGB", [film, film.point(lambda v: v // 2), film])
    deep = dicom(grey.astype(np.uint16) * 16, WindowCenter="2000", WindowWidth="4000")
    deep.compress(JPEG2000Lossless)
    deep.save_as(folder / "jpeg2000.dcm", enforce_file_format=True)
    for photometric, picture in (("MONOCHROME2", film), ("YBR_FULL", tinted)):
        picture.save(folder / f"{photometric}.jpeg", progressive=True)
        coded = dicom(np.asarray(picture), PhotometricInterpretation=photometric)
        coded.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
        coded.PixelData = encapsulate([(folder / f"{photometric}.jpeg").read_bytes()])
        coded["PixelData"].is_undefined_length = True
        coded.save_as(folder / f"{photometric}.dcm", enforce_file_format=True)
    tinted.save(folder / "tinted.png", compress_level=1)


@pytest.mark.slow
def test_a_film_of_forty_megapixels_takes_little_memory(tmp_path):
    large_films(tmp_path)
    peaks = {}
    for path in sorted(tmp_path.iterdir()):
        cage = Cage(1)
        film = cage.read(FilmRef(path))
        assert film.size == (5655, 7071) and film.pixels.shape == (2828, 3536)
        peaks[path.name] = memory(cage._idle.queue[0]._process.pid, most=True)
        cage.close()
    assert len(peaks) == 6 and max(peaks.values()) <= MEGABYTES, peaks


def test_a_batch_that_is_left_does_not_confuse_the_next_film(cage, folder):
    films = list_films([folder / "films.zip"])
    batch = cage.read_films(films)
    next(batch)
    batch.close()
    assert cage.read(FilmRef(folder / "b.dcm")).name == "b.dcm"


def test_many_threads_each_get_their_own_film(cage, tmp_path):
    films = []
    for i in range(8):
        Image.fromarray(np.full((64, 64 + i), 10 * i, np.uint8)).save(tmp_path / f"{i}.png")
        films.append(FilmRef(tmp_path / f"{i}.png"))
    answers: dict[int, float] = {}

    def visit(i: int) -> None:
        film = cage.read(films[i])
        answers[i] = round(255 * film.pixels.mean()) + film.pixels.shape[1] / 1000

    threads = [threading.Thread(target=visit, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {i: 10 * i + (64 + i) / 1000 for i in range(8)}


def test_a_worker_writes_no_file_and_reaches_no_network(tmp_path):
    code = (
        "import signal, socket, sys\nfrom pneumonia.reading import worker\nworker.confine()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n    print(open(sys.argv[1], 'wb', 0).write(b'x'))\n"
        "except OSError:\n    print('no disk')\n"
        "try:\n    print(socket.create_connection(('127.0.0.1', int(sys.argv[2])), 5))\n"
        "except OSError:\n    print('no network')\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(tmp_path / "x"), str(server.getsockname()[1])]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            **{"capture_output": True, "text": True, "cwd": ROOT},
            env={**os.environ, **OWN},
        )
    assert done.stdout.splitlines()[0] == "no disk", done.stderr
    if os.geteuid() == 0:  # others may be refused a network of their own
        assert done.stdout.splitlines()[1] == "no network"
