"""Reading: exact pixel values of every format, and one sentence for every refusal."""

import copy
import functools
import gc
import io
import os
import pickle
import struct
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom.config
import pydicom.data
import pytest
from factories import dicom, saved
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate

from pneumonia.reading.dicom import Tags, parse
from pneumonia.reading.radiograph import (
    MAX_BYTES,
    SUFFIXES,
    Radiograph,
    RadiographError,
    read_radiograph,
)
from pneumonia.synthetic.phantom import draw_phantom

DICOM_FILES = sorted(
    path
    for path in (Path(pydicom.data.__file__).parent / "test_files").rglob("*")
    if path.is_file() and path.suffix != ".py"
)
PACKAGED = {path.name: path for path in DICOM_FILES}
DATA = os.environ.get("PNEUMONIA_DATA")

# Every grey from 0 to 255, no symmetry: a turn, a flip or an inversion shows.
GREY = np.arange(40 * 48).reshape(40, 48).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], np.roll(GREY, 77)], axis=2)


def encoded(image: Image.Image | np.ndarray, format: str, **options) -> bytes:
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def unit(values: np.ndarray, full_scale: int = 255) -> np.ndarray:
    return values.astype(np.float32) / np.float32(full_scale)


def luma(colour: np.ndarray) -> np.ndarray:
    return colour[..., :3].astype(np.float64) @ [0.299, 0.587, 0.114] / 255


def read_dicom(pixels: np.ndarray, **elements) -> Radiograph:
    return read_radiograph(saved(dicom(pixels, **elements)))


def said(film: Radiograph) -> tuple[str, ...]:
    """The notes on a film in words."""
    return tuple(map(str, film.notes))


def refusal(source, name: str | None = None) -> str:
    """The sentence of a refusal, having checked that it is one: named, clean, complete."""
    with pytest.raises(RadiographError) as caught:
        read_radiograph(source, name)
    sentence = str(caught.value)
    assert sentence.startswith('"') and sentence.endswith(".") and sentence.count('"') == 2
    reason = sentence.split('"')[2]
    assert ". " not in sentence and "\n" not in sentence and ": " in reason
    assert "/" not in sentence and "SECRET" not in sentence
    return sentence


# --- what every film keeps ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        GREY,
        GREY.T,  # not contiguous
        encoded(COLOUR, "JPEG"),
        encoded(Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"),
        saved(dicom(GREY.astype(np.int16) * 3, RescaleSlope="1.5", RescaleIntercept="-7")),
        saved(dicom(GREY, VOILUTFunction="SIGMOID", WindowCenter="100", WindowWidth="1")),
    ],
    ids=["array", "strided", "jpeg", "float-tiff", "dicom-signed", "dicom-sigmoid"],
)
def test_pixels_are_float32_contiguous_in_unit_range_and_silent(source):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        film = read_radiograph(source)
    assert film.pixels.dtype == np.float32 and film.pixels.flags.c_contiguous
    assert film.pixels.ndim == 2 and film.pixels.min() >= 0 and film.pixels.max() <= 1


@pytest.mark.parametrize("kind", ["str", "Path", "bytes", "file", "BytesIO", "PIL"])
def test_every_kind_of_source_gives_the_same_film(tmp_path, kind):
    path = tmp_path / "a film.png"
    path.write_bytes(encoded(GREY, "PNG"))
    source = {
        "str": lambda: str(path),
        "Path": lambda: path,
        "bytes": path.read_bytes,
        "file": lambda: path.open("rb"),
        "BytesIO": lambda: io.BytesIO(path.read_bytes()),
        "PIL": lambda: Image.open(path),
    }[kind]()
    film = read_radiograph(source)
    np.testing.assert_array_equal(film.pixels, unit(GREY))
    assert film.format == "PNG" and film.notes == () and film.saturation == 0.0
    assert film.name == ("film" if kind in ("bytes", "BytesIO") else "a film.png")
    if hasattr(source, "close"):
        source.close()


def test_a_radiograph_comes_back_as_it_is():
    film = read_radiograph(GREY)
    assert read_radiograph(film, "other.png") is film


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/home/someone/scan.png", "scan.png"),
        (r"C:\Users\someone\scan.png", "scan.png"),
        ("two\nlines\x1b[31m\u202egnp.exe", "twolines[31mgnp.exe"),
        ("\x00/", "film"),
        ("x" * 300 + ".png", "x" * 60 + "…" + "x" * 15 + ".png"),
        ("Röntgen 1.png", "Röntgen 1.png"),
    ],
)
def test_names_are_base_names_short_and_printable(given, kept):
    assert read_radiograph(GREY, given).name == kept
    assert refusal(b"", given) == f'"{kept}" is empty: choose the file again.'


def test_suffixes_do_not_decide(tmp_path):
    path = tmp_path / "really_a_png.dcm"
    path.write_bytes(encoded(GREY, "PNG"))
    assert read_radiograph(path).format == "PNG" and path.suffix in SUFFIXES


def test_threads_do_not_mix_films():
    sources = [
        encoded(np.full((64, 64), grey, np.uint8), format)
        for grey in range(0, 250, 10)
        for format in ("PNG", "BMP", "TIFF")
    ]
    with ThreadPoolExecutor(8) as pool:
        films = list(pool.map(read_radiograph, sources))
    greys = [np.unique(film.pixels * 255).round().tolist() for film in films]
    assert greys == [[grey] for grey in range(0, 250, 10) for _ in range(3)]


# --- arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "pixels", "notes"),
    [
        (GREY, unit(GREY), ()),
        (GREY[..., None], unit(GREY), ()),
        (GREY // 8, unit(GREY // 8), ()),  # a dark 8-bit film stays dark
        (GREY > 99, (GREY > 99).astype(np.float32), ()),
        (GREY / 255, unit(GREY), ()),
        (GREY.astype(np.int64), unit(GREY), ("scaled as 8-bit",)),
        (GREY.astype(np.uint16) * 16, unit(GREY.astype(int) * 16, 4095), ("scaled as 12-bit",)),
        (GREY.astype(np.uint16) * 257, unit(GREY), ("scaled as 16-bit",)),
        (GREY[:32].astype(">u2") + 1, unit(GREY[:32] + 1.0, 511), ("scaled as 9-bit",)),
        (np.stack([GREY] * 3, 2), unit(GREY), ()),  # grey stored as colour: exactly the same
    ],
)
def test_arrays(array, pixels, notes):
    film = read_radiograph(array)
    np.testing.assert_array_equal(film.pixels, pixels)
    assert (film.format, film.name, said(film), film.saturation) == ("array", "film", notes, 0.0)


def test_colour_becomes_luma_and_keeps_16_bits():
    fine = COLOUR.astype(np.uint16) * 256 + 37
    expected = fine.astype(np.float64) @ [0.299, 0.587, 0.114] / 65535
    np.testing.assert_allclose(read_radiograph(fine).pixels, expected, atol=2e-7)
    pillow = np.asarray(Image.fromarray(COLOUR).convert("L")) / 255
    np.testing.assert_allclose(read_radiograph(COLOUR).pixels, pillow, atol=0.51 / 255)


def test_saturation_is_the_mean_chroma():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:20, :, 0] = 255  # half pure red: 1
    picture[20:30] = 200  # a quarter grey: 0
    picture[30:] = (3, 0, 0)  # a quarter coding noise: 3 / 255
    expected = 0.5 + 0.25 * 3 / 255
    assert read_radiograph(picture).saturation == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (GREY[0], "wrong shape"),
        (COLOUR[..., :2], "wrong shape"),
        (GREY[None, None], "wrong shape"),
        (GREY / 255 + 0.01, "floats outside 0 to 1"),
        (GREY / 255 - 0.01, "floats outside 0 to 1"),
        (np.where(GREY == 7, np.nan, 0.5), "not numbers"),
        (np.where(GREY == 7, np.inf, 0.5), "not numbers"),
        (GREY.astype(int) - 1, "outside 0 to 65,535"),
        (GREY.astype(int) * 300, "outside 0 to 65,535"),
        (GREY.astype(complex), "neither integers nor floats"),
        (GREY.astype(object), "neither integers nor floats"),
        (GREY[:31], "only 48 × 31 pixels"),
        (np.zeros((0, 0)), "only 0 × 0 pixels"),
        (np.broadcast_to(np.uint8(0), (8000, 8000)), "more than 40 megapixels"),
    ],
)
def test_arrays_refused(array, words):
    assert words in refusal(array)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (encoded(GREY, "PNG"), "PNG"),
        (encoded(GREY, "BMP"), "BMP"),
        (encoded(GREY, "TIFF"), "TIFF"),
        (encoded(GREY, "TIFF", compression="tiff_lzw"), "TIFF"),
        (encoded(GREY, "GIF"), "GIF"),
        (encoded(np.stack([GREY] * 3, 2), "WEBP", lossless=True), "WEBP"),
        (encoded(Image.fromarray(GREY).convert("P"), "PNG"), "PNG"),
    ],
)
def test_lossless_8_bit_pictures_are_exact(data, format):
    film = read_radiograph(data)
    np.testing.assert_array_equal(film.pixels, unit(GREY))
    assert film.format == format and film.notes == () and film.saturation == 0.0


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("factor", "full_scale", "note"),
    [(257, 65535, "16-bit"), (16, 4095, "12-bit"), (5, 2047, "11-bit"), (1, 255, "8-bit")],
)
def test_16_bit_pictures_scale_by_the_bits_they_use(format, factor, full_scale, note):
    deep = GREY.astype(np.uint16) * factor
    film = read_radiograph(encoded(deep, format))
    np.testing.assert_array_equal(film.pixels, unit(deep, full_scale))
    assert said(film) == (f"scaled as {note}",)


@pytest.mark.parametrize(("values", "bits"), [(GREY, 8), (GREY.astype(np.uint16) * 257, 16)])
def test_tiff_white_is_zero_is_a_negative(values, bits):
    data = encoded(values, "TIFF")
    black_is_zero, white_is_zero = (struct.pack("<HHII", 262, 3, 1, value) for value in (1, 0))
    assert data.count(black_is_zero) == 1
    film = read_radiograph(data.replace(black_is_zero, white_is_zero))
    np.testing.assert_allclose(film.pixels, 1 - GREY / 255, atol=1e-7)
    assert ("WhiteIsZero inverted" in said(film)) == (bits == 16)  # at 8 bits Pillow does it


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(COLOUR, "PNG"), COLOUR),
        (encoded(COLOUR, "WEBP", lossless=True), COLOUR),
        (encoded(Image.fromarray(COLOUR).convert("CMYK"), "TIFF"), COLOUR),
    ],
    ids=["rgb", "webp", "cmyk"],
)
def test_colour_pictures_become_luma(data, colour):
    film = read_radiograph(data)
    np.testing.assert_allclose(film.pixels, luma(colour), atol=1e-6)
    chroma = (colour.max(2).astype(float) - colour.min(2)).mean() / 255
    assert film.saturation == pytest.approx(chroma, abs=1e-6)


def test_palette():
    indices = Image.fromarray(GREY % 3, "L")
    picture = Image.frombytes("P", indices.size, indices.tobytes())
    picture.putpalette([0, 0, 0, 255, 0, 0, 10, 20, 30])
    colours = np.array([[0, 0, 0], [255, 0, 0], [10, 20, 30]])
    film = read_radiograph(encoded(picture, "PNG"))
    np.testing.assert_allclose(film.pixels, luma(colours[GREY % 3]), atol=1e-7)


def test_adobe_cmyk_jpeg_is_not_a_negative():
    """Adobe writes CMYK inverted, with an APP14 marker to say so; Pillow writes the same way."""
    paper = np.full((64, 64, 3), 230, np.uint8)
    paper[16:48, 16:48] = 20
    data = encoded(Image.fromarray(paper).convert("CMYK"), "JPEG", quality=100)
    assert b"Adobe" in data
    pixels = read_radiograph(data).pixels
    assert pixels[4, 4] == pytest.approx(230 / 255, abs=0.02)
    assert pixels[32, 32] == pytest.approx(20 / 255, abs=0.02)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "palette", "key"])
def test_alpha_is_laid_on_black(mode):
    alpha = np.roll(GREY, 1000)
    picture = Image.fromarray(GREY).convert("LA" if mode == "LA" else "RGBA")
    picture.putalpha(Image.fromarray(alpha))
    expected = GREY / 255 * (alpha / 255)
    if mode == "palette":
        data = encoded(Image.fromarray(GREY).convert("P"), "PNG", transparency=bytes(range(256)))
        expected = (GREY / 255) ** 2
    elif mode == "key":
        data = encoded(GREY, "PNG", transparency=200)
        expected = np.where(GREY == 200, 0, GREY / 255)
    else:
        data = encoded(picture, "PNG")
    film = read_radiograph(data)
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)
    assert said(film) == ("alpha laid on black",)


def test_hidden_colours_do_not_count():
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[..., 0] = 255
    picture[:10, :, 3] = 255
    film = read_radiograph(picture)
    assert film.saturation == pytest.approx(0.25)


def test_opaque_alpha_is_no_news():
    film = read_radiograph(encoded(Image.fromarray(GREY).convert("RGBA"), "PNG"))
    np.testing.assert_array_equal(film.pixels, unit(GREY))
    assert film.notes == ()


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).T),
        (8, np.rot90),
    ],
)
def test_exif_orientation(format, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    picture = np.stack([GREY] * 3, 2)
    film = read_radiograph(encoded(picture, format, exif=exif, **options))
    np.testing.assert_array_equal(film.pixels, unit(turn(GREY)))
    assert said(film) == (("turned upright by its EXIF tag",) if orientation > 1 else ())
    assert film.size == film.pixels.shape


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_deep_tiffs_are_turned_once(mode, compression):
    exif = Image.Exif()
    exif[0x0112] = 6
    values = (257 * GREY.astype(int)).astype(">u2" if mode == "I;16B" else "<u2")
    picture = Image.frombytes(mode, GREY.shape[::-1], values.tobytes())
    film = read_radiograph(encoded(picture, "TIFF", exif=exif, compression=compression))
    np.testing.assert_array_equal(film.pixels, unit(np.rot90(GREY, -1)))
    assert film.size == film.pixels.shape


@pytest.mark.parametrize(
    ("tag", "kind", "count", "value"),
    [
        (0x011A, 2, 4, b"300\0"),  # XResolution in words
        (0x011A, 10, 1, struct.pack("<i", 38)),  # a negative one, which stands at byte 38
        (0x0128, 2, 2, b"2\0\0\0"),  # ResolutionUnit
        (0x0100, 2, 3, b"48\0\0"),  # ImageWidth
    ],
)
@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_mistyped_tag_beside_the_orientation_does_not_break_the_film(
    format, tag, kind, count, value
):
    entries = sorted([(0x0112, 3, 1, b"\6\0\0\0"), (tag, kind, count, value)])
    ifd = b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + ifd + bytes(4) + struct.pack("<ii", -1, 3)
    film = read_radiograph(encoded(GREY, format, exif=exif))
    np.testing.assert_allclose(film.pixels, unit(np.rot90(GREY, -1)), atol=0.05)
    assert film.size == (48, 40) and said(film) == ("turned upright by its EXIF tag",)


def test_a_broken_exif_block_does_not_break_the_film():
    film = read_radiograph(encoded(GREY, "PNG", exif=b"Exif\0\0no such thing"))
    np.testing.assert_array_equal(film.pixels, unit(GREY))


@pytest.mark.parametrize("format", ["GIF", "TIFF", "PNG", "WEBP", "MPO"])
def test_the_first_of_several_frames(format):
    first, second = (Image.fromarray(np.full((48, 48), grey, np.uint8)) for grey in (80, 200))
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(first, format, save_all=True, append_images=[second], **options)
    film = read_radiograph(data)
    np.testing.assert_allclose(film.pixels, 80 / 255, atol=1e-6)
    assert said(film) == ("first of several frames",)
    assert film.format == ("JPEG" if format == "MPO" else format)


def png(width: int, height: int, depth: int, kind: int, stream: bytes) -> bytes:
    """A PNG by hand: what Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def test_16_bit_colour_is_read_at_8_bits_or_refused():
    def rgb16(values: np.ndarray) -> bytes:
        rows = np.repeat(values.astype(">u2")[..., None], 3, axis=2)
        return png(48, 40, 16, 2, zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))

    film = read_radiograph(rgb16(GREY.astype(np.uint16) * 256))
    np.testing.assert_array_equal(film.pixels, unit(GREY))
    assert said(film) == ("16-bit colour read at 8 bits",)
    assert "save it as 16-bit grey" in refusal(rgb16(GREY.astype(np.uint16) * 16))


# --- files refused --------------------------------------------------------------------------------

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)


def corrupt_png() -> bytes:
    data = bytearray(encoded(NOISE, "PNG"))
    data[data.index(b"IDAT") + 1000] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("scan.png", b"", "is empty"),
        ("scan.png", b"Dear colleague, here is the film.\n" * 20, "is not a picture"),
        ("scan.dcm", b"\x08\x00" + b"Dear colleague, " * 20, "is not a picture"),
        ("scan.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "is not a picture"),
        ("scan.ppm", encoded(GREY, "PPM"), "is not a picture"),  # a decoder that is not offered
        ("scan.png", corrupt_png(), "is damaged"),
        ("dot.png", encoded(GREY[:31, :31], "PNG"), "only 31 × 31 pixels"),
        ("nan.tif", encoded(np.where(GREY == 7, np.nan, 0.5).astype("f4"), "TIFF"), "not numbers"),
        ("hot.tif", encoded(GREY.astype("f4"), "TIFF"), "floats outside 0 to 1"),
        ("big.tif", encoded(GREY.astype("i4") * 999, "TIFF"), "outside 0 to 65,535"),
        ("large.dcm", bytes(MAX_BYTES + 1), "larger than 25 MB"),
    ],
)
@pytest.mark.parametrize("door", ["path", "bytes", "file"])
def test_files_refused(tmp_path, name, data, words, door):
    (tmp_path / name).write_bytes(data)
    with (tmp_path / name).open("rb") as file:
        sentence = refusal({"path": tmp_path / name, "bytes": data, "file": file}[door], name)
    assert sentence.startswith(f'"{name}" ') and words in sentence


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_half_a_film_is_no_film(format, kept):
    data = encoded(NOISE, format)
    refusal(data[: int(len(data) * kept)])


def test_a_refusal_survives_a_copy_and_a_pickle_without_what_it_held():
    with pytest.raises(RadiographError) as caught:
        read_radiograph(np.zeros((8, 9)), "a.png")
    error = caught.value
    assert (error.code, error.name) == ("too_few_pixels", "a.png")
    assert error.arguments == {"name": "a.png", "width": 9, "height": 8}
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(again) == str(error) and again.arguments == error.arguments
        assert again.__traceback__ is None and again.__cause__ is None


def test_paths_refused(tmp_path):
    assert refusal(tmp_path / "gone.png") == '"gone.png" is not there: check its name and folder.'
    (tmp_path / "films").mkdir()
    assert refusal(tmp_path / "films") == '"films" is a folder: choose a file in it.'
    assert "cannot be opened" in refusal("nul\0byte.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        assert "is not an ordinary file" in refusal(tmp_path / "pipe.png")


@pytest.mark.parametrize("source", [None, 42, [GREY], io.StringIO("text")])
def test_other_objects_refused(source):
    refusal(source)


class Dripping(io.BytesIO):
    """An upload of which each call gives a few bytes, as a socket or a pipe does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 100))


def test_an_open_file_is_read_to_its_end():
    assert read_radiograph(Dripping(encoded(GREY, "PNG"))).size == GREY.shape
    assert "opened as text" in refusal(io.StringIO("a film"))


class Endless(io.RawIOBase):
    """An upload without end that counts what is read of it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= MAX_BYTES + 1
        self.taken += size
        return bytes(size)


def test_no_more_than_the_limit_is_ever_read(tmp_path):
    endless = Endless()
    assert "larger than 25 MB" in refusal(endless)
    assert endless.taken <= MAX_BYTES + 1
    sparse = tmp_path / "huge.png"
    with sparse.open("wb") as file:
        file.truncate(MAX_BYTES * 1000)
    assert "larger than 25 MB" in peak_under(2**20, sparse)


def peak_under(limit: int, source) -> str:
    """The refusal of a source, which must not take more than `limit` bytes of memory."""
    tracemalloc.start()
    try:
        sentence = refusal(source)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()
    return sentence


@pytest.mark.parametrize("side", [(6_400, 6_400), (10_000, 10_000), (20_000, 10_000)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_by_their_header(side):
    """The pixel stream is garbage: decoding it would say "damaged"."""
    assert "more than 40 megapixels" in peak_under(2**20, png(*side, 8, 0, b"no pixels here"))
    film = dicom(GREY, syntax=uid.JPEG2000Lossless)
    film.Columns, film.Rows = side
    film.PixelData = encapsulate([b"no pixels here"])
    assert "more than 40 megapixels" in peak_under(2**20, saved(film))


# --- DICOM: values --------------------------------------------------------------------------------

DEEP = GREY.astype(np.uint16) * 16 + 3  # 3 .. 4083


def linear(x, center, width):
    """PS3.3 C.11.2.1.2.1, as printed there, with an output from 0 to 1."""
    y = (x - (center - 0.5)) / (width - 1) + 0.5
    low = x <= center - 0.5 - (width - 1) / 2
    high = x > center - 0.5 + (width - 1) / 2
    return np.where(low, 0, np.where(high, 1, y))


@pytest.mark.parametrize(
    ("elements", "expected", "notes"),
    [
        (
            {},
            lambda x: (x - 3) / 4080,
            ("no window in the file: scaled from its darkest to its brightest value",),
        ),
        (
            {"WindowCenter": "2000", "WindowWidth": "1000"},
            lambda x: linear(x, 2000, 1000),
            ("window applied",),
        ),
        (
            {"WindowCenter": ["2000", "9"], "WindowWidth": ["1000", "9"]},
            lambda x: linear(x, 2000, 1000),
            ("window applied",),
        ),
        (
            {"WindowCenter": "2000", "WindowWidth": "1"},
            lambda x: x > 1999.5,
            ("window applied",),
        ),
        (
            {"WindowCenter": "2000", "WindowWidth": "1000", "VOILUTFunction": "LINEAR_EXACT"},
            lambda x: np.clip((x - 2000) / 1000 + 0.5, 0, 1),
            ("window applied",),
        ),
        (
            {"WindowCenter": "2000", "WindowWidth": "1000", "VOILUTFunction": "SIGMOID"},
            lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 1000)),
            ("window applied",),
        ),
        (
            {"WindowCenter": "2000", "WindowWidth": "0"},  # no such window
            lambda x: (x - 3) / 4080,
            ("no window in the file: scaled from its darkest to its brightest value",),
        ),
        (
            {
                "RescaleSlope": "0.5",
                "RescaleIntercept": "-100",
                "WindowCenter": "900",
                "WindowWidth": "400",
            },
            lambda x: linear(x * 0.5 - 100, 900, 400),
            ("rescaled", "window applied"),
        ),
        (
            {
                "PhotometricInterpretation": "MONOCHROME1",
                "WindowCenter": "2000",
                "WindowWidth": "1000",
            },
            lambda x: 1 - linear(x, 2000, 1000),
            ("window applied", "MONOCHROME1 inverted"),
        ),
        (
            {"PhotometricInterpretation": "MONOCHROME1"},
            lambda x: 1 - (x - 3) / 4080,
            (
                "no window in the file: scaled from its darkest to its brightest value",
                "MONOCHROME1 inverted",
            ),
        ),
    ],
)
def test_dicom_grey_levels(elements, expected, notes):
    film = read_dicom(DEEP, BitsStored=12, **elements)
    np.testing.assert_allclose(film.pixels, expected(DEEP.astype(float)), atol=1e-5)
    assert film.format == "DICOM" and said(film) == notes and film.saturation == 0.0


def test_windows_by_hand():
    """Worked out on paper: centre 100, width 51 runs from 74.5 to 124.5 in steps of 1/50."""
    film = read_dicom(GREY, WindowCenter="100", WindowWidth="51")
    row = {int(grey): value for grey, value in zip(GREY[0], film.pixels[0], strict=True)}
    row |= {int(g): v for g, v in zip(GREY[2], film.pixels[2], strict=True)}
    assert row[0] == 0 and row[125] == 1
    assert row[100] == pytest.approx(0.51, abs=1e-6)
    assert row[110] == pytest.approx(0.71, abs=1e-6)
    sigmoid = read_dicom(GREY, WindowCenter="20", WindowWidth="40", VOILUTFunction="SIGMOID")
    assert sigmoid.pixels[0, 20] == pytest.approx(0.5)
    assert sigmoid.pixels[0, 30] == pytest.approx(0.7310586)  # 1 / (1 + 1/e)


def lut(entries: np.ndarray, first: int, bits: int, vr: str) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 2**16, first, bits])
    item.add_new("LUTData", vr, entries.tobytes() if vr == "OW" else entries.tolist())
    return item


@pytest.mark.parametrize("vr", ["US", "OW"])
@pytest.mark.parametrize(
    ("count", "first", "bits"),
    [
        (4096, 0, 12),
        (1000, 500, 16),
        (1000, 500, 12),
        (2**16, 0, 16),  # written as 0 entries
        (4096, 0, 8),  # wraps around in pydicom 3.0
    ],
)
@pytest.mark.filterwarnings("ignore:The value for the data element")  # 65,536 numbers as US
def test_voi_lut(count, first, bits, vr):
    table = np.linspace(2**bits - 1, 0, count).astype(np.uint16)  # falling, so order shows
    film = read_dicom(DEEP, BitsStored=12, VOILUTSequence=[lut(table, first, bits, vr)])
    expected = table[np.clip(DEEP.astype(int) - first, 0, count - 1)]
    np.testing.assert_allclose(film.pixels, expected / (2**bits - 1), atol=1e-7)
    assert said(film) == ("VOI LUT applied",)


def test_modality_lut_then_voi_lut_then_inversion():
    modality = lut((np.arange(4096)[::-1] // 4).astype(np.uint16), 0, 10, "US")
    voi = lut((np.arange(1024) ** 2 // 1024).astype(np.uint16), 0, 10, "US")
    film = read_dicom(
        DEEP,
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        ModalityLUTSequence=[modality],
        VOILUTSequence=[voi],
    )
    expected = 1 - ((4095 - DEEP.astype(int)) // 4) ** 2 // 1024 / 1023
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)
    assert said(film) == ("modality LUT applied", "VOI LUT applied", "MONOCHROME1 inverted")


@pytest.mark.parametrize(
    ("elements", "ends"),
    [
        ({}, (3, 4083)),  # its darkest and its brightest value
        ({"PhotometricInterpretation": "MONOCHROME1"}, (4083, 3)),
        ({"WindowCenter": "2000", "WindowWidth": "1001"}, (1499.5, 2499.5)),
        (
            {"WindowCenter": "2000", "WindowWidth": "1000", "VOILUTFunction": "LINEAR_EXACT"},
            (1500, 2500),
        ),
        ({"RescaleSlope": "2", "RescaleIntercept": "-1000"}, (-994, 7166)),
        ({"WindowCenter": "9", "WindowWidth": "9", "VOILUTFunction": "SIGMOID"}, None),
        ({"WindowCenter": "1e999", "WindowWidth": "9"}, None),
        ({"VOILUTSequence": [lut(np.arange(4096, dtype=np.uint16), 0, 12, "US")]}, None),
    ],
)
def test_which_values_of_a_dicom_are_black_and_white(elements, ends):
    with pydicom.config.disable_value_validation():
        film = read_dicom(DEEP, BitsStored=12, **elements)
    assert film.ends == ends
    if ends:
        slope, intercept = (
            float(elements.get(f"Rescale{key}", default))
            for key, default in (("Slope", 1), ("Intercept", 0))
        )
        greys = (DEEP * slope + intercept - ends[0]) / (ends[1] - ends[0])
        np.testing.assert_allclose(film.pixels, np.clip(greys, 0, 1), atol=1e-5)


def test_voi_lut_after_a_rescale_takes_the_nearest_entry():
    voi = lut(np.arange(0, 1024, dtype=np.uint16), -512, 10, "US")
    film = read_dicom(
        DEEP.astype(np.int16),
        RescaleSlope="0.25",
        RescaleIntercept="-512",
        VOILUTSequence=[voi],
    )
    nearest = np.rint(DEEP / 4)  # 0.75, 4.75, ...
    np.testing.assert_allclose(film.pixels, nearest / 1023, atol=1e-7)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_does_not_set_the_range(photometric):
    padded = DEEP.copy()
    padded[:5], padded[-5:] = 60000, 60010
    film = read_dicom(
        padded,
        PhotometricInterpretation=photometric,
        PixelPaddingValue=60000,
        PixelPaddingRangeLimit=60010,
    )
    shown = (DEEP[5:-5] - DEEP[5:-5].min()) / np.ptp(DEEP[5:-5])
    expected = 1 - shown if photometric == "MONOCHROME1" else shown
    np.testing.assert_allclose(film.pixels[5:-5], expected, atol=1e-6)
    assert film.pixels[:5].max() == film.pixels[-5:].max() == 0
    assert said(film)[-1] == "padding set to black"


def test_overlay_bits_above_the_stored_bits_are_ignored():
    film = read_dicom(DEEP | 0x8000, BitsStored=12)
    np.testing.assert_allclose(film.pixels, (DEEP - 3) / 4080, atol=1e-6)


def test_raw_detector_data_is_noted():
    raw = read_dicom(GREY, PresentationIntentType="FOR PROCESSING")
    assert said(raw)[0].startswith("raw detector data")
    assert "raw" not in " ".join(said(read_dicom(GREY)))


def test_a_flat_film_is_black():
    assert not read_dicom(np.full((40, 40), 77, np.uint8)).pixels.any()


def test_the_first_frame_alone_is_decoded():
    frames = [encoded(np.full((40, 48), 90, np.uint8), "JPEG2000", no_jp2=True), b"garbage"]
    film = dicom(GREY, syntax=uid.JPEG2000Lossless, NumberOfFrames=2)
    film.PixelData = encapsulate(frames)
    film.WindowCenter, film.WindowWidth = "90", "3"
    result = read_radiograph(saved(film))
    np.testing.assert_allclose(result.pixels, 0.75)  # (90 - 89.5) / 2 + 0.5
    assert said(result) == ("first of 2 frames", "window applied")


@pytest.mark.parametrize(
    "syntax", [uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian, uid.RLELossless]
)
def test_transfer_syntaxes_agree(syntax):
    film = dicom(DEEP, BitsStored=12)
    expected = read_radiograph(saved(film)).pixels
    if syntax == uid.RLELossless:
        film.compress(syntax)
        data = saved(film)
    else:
        if syntax == uid.ExplicitVRBigEndian:
            film.PixelData = DEEP.astype(">u2").tobytes()
        film.file_meta.TransferSyntaxUID = syntax
        data = saved(film)
    np.testing.assert_array_equal(read_radiograph(data).pixels, expected)


@pytest.mark.parametrize("values", [GREY, DEEP], ids=["8", "16"])
def test_jpeg_2000_lossless_equals_uncompressed(values):
    stream = encoded(values, "JPEG2000", no_jp2=True)
    film = dicom(values, syntax=uid.JPEG2000Lossless)
    film.PixelData = encapsulate([stream])
    np.testing.assert_array_equal(read_radiograph(saved(film)).pixels, read_dicom(values).pixels)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_dicom_without_preamble(header, implicit):
    syntax = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    data = saved(dicom(DEEP, syntax=syntax))
    bare = data[132:] if header else data[data.index(b"\x08\x00\x16\x00") :]
    film = read_radiograph(bare)
    np.testing.assert_array_equal(film.pixels, read_dicom(DEEP).pixels)
    assert film.format == "DICOM"


def test_colour_dicom():
    film = read_dicom(COLOUR)
    np.testing.assert_allclose(film.pixels, luma(COLOUR), atol=1e-6)
    assert film.saturation > 0.2


def test_palette_dicom():
    source = pydicom.dcmread(PACKAGED["examples_palette.dcm"])
    source.Modality, source.SOPClassUID = "OT", uid.SecondaryCaptureImageStorage
    film = read_radiograph(saved(source))
    colour = pydicom.pixels.apply_color_lut(source.pixel_array, source)
    expected = colour[..., :3].astype(float) @ [0.299, 0.587, 0.114] / np.iinfo(colour.dtype).max
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)


def test_a_palette_in_segments_is_refused_before_it_is_unpacked():
    """13 kB of which pydicom makes half a gigabyte."""
    words = np.array([0, 1, 7] + [1, 65535, 7] * 500, "<u2").tobytes()
    colours = ("Red", "Green", "Blue")
    tables = {f"Segmented{colour}PaletteColorLookupTableData": words for colour in colours}
    tables |= {f"{colour}PaletteColorLookupTableDescriptor": [256, 0, 16] for colour in colours}
    data = saved(dicom(NOISE, PhotometricInterpretation="PALETTE COLOR", **tables))
    assert "compressed in a way" in peak_under(2**20, data)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("SC_rgb_rle.dcm", 1e-6),
        ("SC_rgb_rle_16bit.dcm", 1e-6),
        ("SC_rgb_gdcm_KY.dcm", 0.02),  # JPEG 2000
        ("SC_rgb_jpeg_gdcm.dcm", 1e-6),  # JPEG lossless
        ("SC_rgb_jpeg_dcmtk.dcm", 0.02),  # YBR_FULL
        ("SC_rgb_jls_lossy_line.dcm", 0.02),  # JPEG-LS
        ("SC_ybr_full_422_uncompressed.dcm", 0.02),
    ],
)
def test_one_colour_chart_in_many_codings(name, tolerance):
    """Bands of red, green and blue, each also in pastel, and greys: the luma of each."""
    pixels = read_radiograph(PACKAGED[name]).pixels
    pure = np.array([0.299, 0.587, 0.114])
    pastel = pure + (1 - pure) * 128 / 255
    bands = [*np.stack([pure, pastel], axis=1).ravel(), 0, 64 / 255, 192 / 255, 1]
    np.testing.assert_allclose(pixels[5::10, 50], bands, atol=tolerance)


# --- DICOM: refusals and privacy ------------------------------------------------------------------


@pytest.mark.parametrize("modality", ["CR", "DX", "DR", "RG", "RF", "XA", "OT", "SC", "", None])
def test_projections_are_read(modality):
    assert read_dicom(GREY, Modality=modality).pixels.shape == GREY.shape


@pytest.mark.parametrize(
    ("modality", "words"),
    [
        ("CT", "not a radiograph (modality CT)"),
        ("us", "not a radiograph (modality US)"),
        ("RTDOSE", "not a radiograph:"),
        ("SECRET^PERSON", "not a radiograph:"),  # a stray name is not repeated
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_other_modalities_refused(modality, words):
    assert words in refusal(saved(dicom(GREY, Modality=modality)), "scan.dcm")


def sixty_thousand_squared() -> bytes:
    """A JPEG 2000 stream of 60 × 60 whose header claims 60,000 × 60,000."""
    stream = bytearray(encoded(np.zeros((60, 60), np.uint8), "JPEG2000", no_jp2=True))
    struct.pack_into(">II", stream, 8, 60_000, 60_000)
    return bytes(stream)


JPEG = encoded(NOISE, "JPEG")


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"PixelData": None}, "is damaged or incomplete"),
        ({"PixelData": GREY.tobytes()[:-100]}, "is damaged or incomplete"),
        ({"PhotometricInterpretation": None}, "is damaged or incomplete"),
        ({"RescaleSlope": "nan", "RescaleIntercept": "0"}, "not numbers"),
        ({"Rows": 31}, "only 48 × 31 pixels"),
        ({"syntax": uid.JPEG2000, "PixelData": encapsulate([b"xx"])}, "compressed in a way"),
        ({"syntax": uid.MPEG2MPML, "PixelData": encapsulate([b"xx"])}, "compressed in a way"),
        ({"syntax": uid.JPEGBaseline8Bit, "PixelData": encapsulate([JPEG])}, "contradicts itself"),
        (
            {"syntax": uid.JPEG2000, "PixelData": encapsulate([sixty_thousand_squared()])},
            "contradicts itself",
        ),
        (
            {
                "syntax": uid.JPEGBaseline8Bit,
                "Rows": 64,
                "Columns": 64,
                "PixelData": encapsulate([JPEG[: len(JPEG) // 2]]),
            },
            "is damaged or incomplete",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
def test_dicom_refused(elements, words):
    assert words in refusal(saved(dicom(GREY, **elements)), "scan.dcm")


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_a_dicom_that_breaks_off_is_refused_wherever_it_does():
    film = dicom(NOISE, syntax=uid.JPEG2000Lossless)
    film.PixelData = encapsulate([encoded(NOISE, "JPEG2000", no_jp2=True)])
    for data in (saved(film), saved(dicom(NOISE))):
        for end in (200, len(data) // 2, len(data) - 30):
            assert "is damaged or incomplete" in refusal(data[:end], "scan.dcm")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reportsi.dcm", "holds no picture (a DICOM without pixels)"),
        ("DICOMDIR", "holds no picture (a DICOM without pixels)"),
        ("image_dfl.dcm", "is a deflated DICOM"),
        ("MR_small.dcm", "(modality MR)"),
        ("liver_1frame.dcm", "is not a radiograph"),
    ],
)
def test_packaged_files_refused(name, words):
    assert words in refusal(PACKAGED[name])


@pytest.mark.parametrize(
    ("elements", "age"),
    [
        ({}, None),
        ({"PatientAge": "081Y"}, 81),
        ({"PatientAge": "018M"}, 1.5),
        ({"PatientAge": "010D"}, 10 / 365),
        ({"PatientAge": "365D"}, 1),
        ({"PatientBirthDate": "20190307", "StudyDate": "20230307"}, 4),
        ({"PatientBirthDate": "20190307", "StudyDate": "20200307"}, 1),
        ({"PatientBirthDate": "20190307", "StudyDate": "20250306"}, 5),
        ({"PatientBirthDate": "20190307", "StudyDate": "20250307"}, 6),
        ({"PatientBirthDate": "20190307", "StudyDate": "20190306"}, 0),
        ({"PatientBirthDate": "20190307"}, None),
        ({"PatientBirthDate": "SECRET", "StudyDate": "20230307"}, None),
    ],
)
def test_the_age_is_what_the_file_says_or_its_dates(elements, age):
    with pydicom.config.disable_value_validation():
        film = read_radiograph(saved(dicom(DEEP, **elements)))
    assert film.tags.age == pytest.approx(age)
    assert "2019" not in repr(film) and "SECRET" not in repr(film)


def test_view_and_body_part_are_defined_terms_or_nothing():
    read = read_radiograph(saved(dicom(DEEP, ViewPosition="PA", BodyPartExamined="CHEST")))
    assert (read.tags.view, read.tags.body_part) == ("PA", "CHEST")
    with pydicom.config.disable_value_validation():
        odd = dicom(DEEP, ViewPosition="<b>SECRET", BodyPartExamined="of Ms. Secret, 1 Main St")
        odd = read_radiograph(saved(odd))
    assert odd.tags == Tags() == read_radiograph(saved(dicom(DEEP))).tags


@pytest.mark.parametrize(("value", "burned_in"), [("YES", True), ("NO", False), ("SECRET", False)])
def test_a_dicom_says_whether_words_are_burned_in(value, burned_in):
    with pydicom.config.disable_value_validation():
        film = read_radiograph(saved(dicom(DEEP, BurnedInAnnotation=value)))
    assert film.tags == Tags(burned_in=burned_in)


def test_no_patient_element_is_read_or_leaves_the_file():
    data = saved(dicom(DEEP, PhotometricInterpretation="MONOCHROME1", PatientComments="SECRET"))
    assert b"SECRET" in data
    assert "PatientName" not in parse(data)
    film = read_radiograph(data)
    assert film.notes and film.name == "film"
    assert "SECRET" not in repr(film)


@pytest.mark.parametrize("path", DICOM_FILES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_every_file_of_pydicom_is_read_or_refused(path):
    try:
        film = read_radiograph(path)
    except RadiographError:
        refusal(path)
        return
    assert film.pixels.dtype == np.float32 and film.pixels.ndim == 2
    assert film.pixels.min() >= 0 and film.pixels.max() <= 1  # NaN fails both


# --- real films -----------------------------------------------------------------------------------


@pytest.mark.skipif(not DATA, reason="PNEUMONIA_DATA does not name the folder of real films")
class TestRealFilms:
    def test_originals_equal_pillow(self):
        paths = sorted(Path(DATA).glob("originals/*/*.jpeg"))
        assert paths
        for path in paths:
            film = read_radiograph(path)
            with Image.open(path) as picture:
                expected = np.asarray(picture.convert("L")) / 255
            np.testing.assert_allclose(film.pixels, expected, atol=0.51 / 255)
            assert film.format == "JPEG" and film.saturation < 0.02

    @pytest.mark.parametrize(
        ("name", "shape"), [("RG1_J2KI.dcm", (1955, 1841)), ("nih_dx_no_finding.dcm", (1024, 1024))]
    )
    def test_dicom_lungs_are_darker_than_the_spine(self, name, shape):
        film = read_radiograph(Path(DATA) / "dicom" / name)
        assert film.pixels.shape == shape
        height, width = shape
        band = film.pixels[int(0.35 * height) : int(0.5 * height)]
        columns = np.median(band, axis=0)
        spine = columns[int(0.45 * width) : int(0.55 * width)].mean()
        lungs = [columns[int(a * width) : int((a + 0.1) * width)].mean() for a in (0.2, 0.7)]
        assert max(lungs) < spine - 0.1


def test_a_refused_film_is_freed_with_its_refusal():
    """Not when garbage is collected: a batch of large ones would fill the memory before that."""
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(3):
            try:
                read_radiograph(np.full((2000, 1000), 2.0))
            except RadiographError as error:
                assert error.code == "float_range"
            assert tracemalloc.get_traced_memory()[0] < 2**20
        assert tracemalloc.get_traced_memory()[1] > 2**20
    finally:
        tracemalloc.stop()
        gc.enable()


# --- large films ----------------------------------------------------------------------------------


@functools.cache
def thirteen_megapixels() -> Image.Image:
    film = draw_phantom(400, 520, seed=4).image()
    return film.resize((4101, 3171), Image.Resampling.BICUBIC)


def large(kind: str) -> tuple[np.ndarray, bytes]:
    """A smooth film of 13 megapixels as greys from 0 to 1, and as a file of that kind."""
    film = thirteen_megapixels()
    grey = np.asarray(film)
    if kind == "dicom":
        values = grey.astype(np.uint16) * 16
        return grey / 255, saved(dicom(values, WindowCenter="2040.5", WindowWidth="4081"))
    format, mode = kind.split("-")
    film.convert(mode).save(file := io.BytesIO(), format, quality=95, compress_level=1)
    return grey / 255, file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG-L", "JPEG-RGB", "PNG-L", "PNG-RGBA", "PNG-P", "dicom"])
def test_a_large_film_is_kept_at_half_its_sides_and_knows_its_size(kind):
    grey, data = large(kind)
    film = read_radiograph(data)
    assert film.size == grey.shape == (3171, 4101) and film.pixels.shape == (1586, 2051)
    assert film.pixels.dtype == np.float32 and film.pixels.flags.c_contiguous
    boxes = grey[:3170, :4100].reshape(1585, 2, 2050, 2).mean((1, 3))
    assert np.abs(film.pixels[:1585, :2050] - boxes).mean() < 0.006


def test_a_large_film_that_is_turned_knows_its_size_upright():
    grey, _ = large("PNG-L")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray((255 * grey).astype(np.uint8)).save(file := io.BytesIO(), "JPEG", exif=exif)
    film = read_radiograph(file.getvalue())
    assert film.size == (4101, 3171) and film.pixels.shape == (2051, 1586)


def test_a_picture_of_the_caller_stays_as_it_is():
    _, data = large("JPEG-L")
    picture = Image.open(io.BytesIO(data))
    assert read_radiograph(picture).pixels.shape == (1586, 2051)
    assert picture.size == (4101, 3171)


def test_the_brightest_value_of_a_whole_film_without_window_is_white():
    values = np.zeros((700, 300), np.uint16)
    values[600, 7], values[3, 7] = 4000, 1000  # in other stripes
    film = read_radiograph(saved(dicom(values)))
    assert film.pixels[600, 7] == 1 and film.pixels[3, 7] == 0.25 and film.size == (700, 300)
