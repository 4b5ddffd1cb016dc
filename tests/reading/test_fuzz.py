"""Mutated files: whatever the bytes, a film or the one refusal, and never a large one."""

import io
import struct
import tracemalloc
import zlib

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumonia.reading.radiograph import RadiographError, read_radiograph
from tools.fuzz_seeds import PIXELS, SEEDS, film_or_refusal

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),  # where
        st.sampled_from(["set", "insert", "cut", "repeat", "ends"]),
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def mutate(data: bytes, edits) -> bytes:
    for where, kind, piece in edits:
        at = int(where * len(data))
        if kind == "set":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "cut":
            data = data[:at] + data[at + 4 * len(piece) :]
        elif kind == "repeat":
            data = data[:at] + 20 * data[at : at + 8 * len(piece)] + data[at:]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("name", SEEDS)
def test_the_seeds_are_films(name):
    assert read_radiograph(SEEDS[name]).pixels.shape == PIXELS.shape


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS)
def test_mutated_files_are_films_or_refused(name, edits):
    film_or_refusal(mutate(SEEDS[name], edits))


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from(
        [*sorted({seed[:6] for seed in SEEDS.values()}), b"", bytes(128) + b"DICM"]
    ),
    data=st.binary(max_size=400),
)
def test_noise_behind_a_magic_number_is_refused_or_read(head, data):
    film_or_refusal(head + data)


# --- bombs: small files that ask for much --------------------------------------------------------


def bomb_tiff() -> bytes:
    """A tag that claims four billion values, another at an offset far beyond the file."""
    entries = [
        (256, 4, 1, 64),
        (257, 4, 1, 64),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (270, 2, 0xFFFFFFFF, 8),
        (273, 4, 0xFFFFFFF0, 0xFFFFFFF0),
        (279, 4, 0xFFFFFFF0, 8),
        (700, 7, 0xFFFFFFF0, 8),
    ]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + table + bytes(4)


def bomb_dicom() -> bytes:
    """A hundred thousand frames, all there."""
    film = pydicom.dcmread(io.BytesIO(SEEDS["dicom implicit"]))
    film.Rows, film.Columns, film.NumberOfFrames = 8, 8, 100_000
    film.PixelData = PIXELS[:8, :8].tobytes() * 100_000
    film.save_as(file := io.BytesIO(), enforce_file_format=True)
    return file.getvalue()


def bomb_zlib_png() -> bytes:
    """A text chunk that unpacks to 200 MB."""
    text = b"Comment\x00\x00" + zlib.compress(bytes(200_000_000), 9)
    chunk = b"zTXt" + text
    chunk = struct.pack(">I", len(text)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return SEEDS["png"][:33] + chunk + SEEDS["png"][33:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("bomb", [bomb_tiff, bomb_dicom, bomb_zlib_png])
def test_bombs_do_not_go_off(bomb):
    data = bomb()
    tracemalloc.start()
    try:
        film = read_radiograph(data, "film")
        assert film.pixels.size <= PIXELS.size
    except RadiographError as error:
        assert str(error).startswith('"film" ')
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < len(data) * 3 + 20_000_000
