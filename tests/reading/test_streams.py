"""Files made to cost far more than they weigh: each is refused before it is decoded."""

import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from pneumonia.reading.archive import MAX_ENTRIES, list_films, read_films
from pneumonia.reading.radiograph import RadiographError, read_radiograph
from pneumonia.reading.streams import coded_shape
from tools.film_files import (
    GREY,
    compressed,
    dicom,
    encoded,
    grey_png,
    rle,
    saved,
    siz,
)


def refusal(data: bytes, most=2**26) -> str:
    """The code of its refusal, which takes little memory."""
    tracemalloc.start()
    with pytest.raises(RadiographError) as error:
        read_radiograph(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most
    return error.value.code


def test_a_jpeg_2000_is_as_large_as_its_own_header_says_whatever_stands_before_it():
    small, large = siz(340, 300), siz(60_000, 60_000)
    signature = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A)
    free = struct.pack(">I4s", 8 + len(small), b"free") + small
    decoy = signature + free + struct.pack(">I4s", 0, b"jp2c") + large
    assert coded_shape(decoy) == (60_000, 60_000, 1)
    end = b"\xff\xd9"
    assert refusal(compressed(decoy + end, uid.JPEG2000Lossless)) == "contradiction"
    assert refusal(compressed(b"\0" + small + large + end, uid.JPEG2000Lossless)) == "compression"


def test_a_jpeg_is_as_large_as_its_frame_header_says():
    jpeg = encoded("JPEG", np.zeros((64, 64), np.uint8))
    inside = siz(340, 300)
    decoy = jpeg[:2] + b"\xff\xe5" + struct.pack(">H", 2 + len(inside)) + inside + jpeg[2:]
    assert coded_shape(decoy) == (64, 64, 1)
    assert refusal(compressed(decoy, uid.JPEGBaseline8Bit)) == "contradiction"
    start = jpeg.index(b"\xff\xc0")
    length = 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big")
    twice = jpeg[:start] + jpeg[start : start + length] + jpeg[start:]
    assert refusal(compressed(twice, uid.JPEGBaseline8Bit)) == "contradiction"


@pytest.mark.parametrize("inside_dicom", [False, True])
def test_dozens_of_scans_are_not_decoded(inside_dicom):
    jpeg = encoded("JPEG", progressive=True)
    assert read_radiograph(jpeg).pixels.shape == GREY.shape
    last = jpeg.rindex(b"\xff\xda")
    bomb = jpeg[:last] + 50 * jpeg[last:-2] + b"\xff\xd9"
    data = compressed(bomb, uid.JPEGBaseline8Bit) if inside_dicom else bomb
    assert refusal(data) == "too_costly"


def test_runs_that_unpack_to_more_than_the_film_are_refused():
    film = compressed(rle(b"\x81\x40" * 803), uid.RLELossless)  # 803 × 128 ≥ 300 × 340
    assert refusal(film) == "contradiction"
    exact = b"\x81\x40" * 796 + bytes([257 - 112, 0x40])
    assert read_radiograph(compressed(rle(exact), uid.RLELossless)).pixels.shape == GREY.shape
    assert refusal(compressed(rle(b"\x81\x40" * 2_000_000), uid.RLELossless)) == "contradiction"


def test_segments_that_lie_over_each_other_are_refused_and_ones_in_a_row_are_not():
    nothing = b"\x80" * 1000
    offsets = (8 * [64, 64 + len(nothing)])[:15]  # eight times the same
    film = compressed(struct.pack("<16I", 15, *offsets) + nothing, uid.RLELossless)
    assert refusal(film) == "contradiction"
    pixels = (np.arange(64 * 64, dtype=np.uint16) % 999).reshape(64, 64)
    in_a_row = dicom(pixels)
    in_a_row.compress(uid.RLELossless)
    assert np.array_equal(
        read_radiograph(saved(in_a_row)).pixels, read_radiograph(saved(dicom(pixels))).pixels
    )


def lut(entries: bytes, count: int, bits: int) -> Dataset:
    item = Dataset()
    item.LUTDescriptor = [count, 0, bits]
    item.add_new(0x00283006, "OW", entries)
    return item


def test_a_lookup_table_that_is_too_short_is_refused_instead_of_read_as_bytes():
    table = np.linspace(0, 4095, 256).astype("<u2").tobytes()
    whole = read_radiograph(saved(dicom(GREY, VOILUTSequence=[lut(table, 256, 12)])))
    np.testing.assert_allclose(whole.pixels, GREY / 255, atol=2e-3)
    short = saved(dicom(GREY, VOILUTSequence=[lut(table[:-2], 256, 12)]))
    assert refusal(short) == "lut"
    odd = saved(dicom(GREY % 255, VOILUTSequence=[lut(bytes(range(255)) + b"\0", 255, 8)]))
    assert read_radiograph(odd).pixels.max() == pytest.approx((GREY % 255).max() / 255)


def test_millions_of_elements_or_items_are_not_parsed():
    film = saved(dicom(GREY))
    item = b"\xfe\xff\x00\xe0" + bytes(4)
    start = film.index(b"\x28\x00\x02\x00")  # SamplesPerPixel
    sequence = b"\x28\x00\x00\x00SQ\0\0" + struct.pack("<I", 8 * 200_000) + 200_000 * item
    assert refusal(film[:start] + sequence + film[start:]) == "too_costly"
    crumbs = 200_000 * b"\x09\x00\x01\x00SH\0\0"
    place = film.index(b"\x10\x00\x10\x00")
    assert refusal(film[:place] + crumbs + film[place:]) == "too_costly"


def test_sections_and_measured_values_are_no_radiographs():
    section = dicom(GREY, Modality="OT", SOPClassUID=uid.CTImageStorage)
    assert refusal(saved(section)) == "not_a_radiograph"
    measured = dicom(GREY, PixelData=None, FloatPixelData=GREY.astype("<f4").tobytes())
    assert refusal(saved(measured)) == "float_pixels"


def test_two_entries_of_one_name_are_two_films(tmp_path):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", grey_png(40))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.png", grey_png(200))
    films = list_films([path])
    assert list_films([path] * 1000, 3) == [*films, films[0]]
    greys = [round(255 * film.pixels.mean()) for film in read_films(films)]
    assert greys == [40, 200]


def test_an_archive_is_opened_once_for_all_its_films(tmp_path, monkeypatch):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(20):
            archive.writestr(f"{i}.png", grey_png(i))
    films, opened = list_films([path]), []
    real = zipfile.ZipFile.__init__
    monkeypatch.setattr(
        zipfile.ZipFile, "__init__", lambda *a, **k: (opened.append(1), real(*a, **k))[1]
    )
    assert len(list(read_films(films))) == 20 and len(opened) == 1


def test_a_directory_of_very_many_entries_is_not_read(tmp_path):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(MAX_ENTRIES + 1):
            archive.writestr(f"{i}", b"")
    (film,) = list_films([path])
    (answer,) = read_films([film])
    assert answer.code == "too_many_entries" and '"films.zip"' in str(answer)


def test_a_directory_of_more_entries_than_its_end_says_is_refused(tmp_path):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(MAX_ENTRIES + 1):
            archive.writestr(f"{i}", b"")
    whole = path.read_bytes()
    path.write_bytes(whole[:-14] + struct.pack("<HH", 1, 1) + whole[-10:])
    (film,) = list_films([path])
    (answer,) = read_films([film])
    assert answer.code == "too_many_entries" and '"films.zip"' in str(answer)


def test_an_archive_of_a_later_version_of_the_format_is_refused(tmp_path):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", grey_png(1))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"PK\x01\x02") + 6] = 64
    path.write_bytes(content)
    (answer,) = read_films(list_films([path]))
    assert isinstance(answer, RadiographError) and '"films.zip"' in str(answer)


@pytest.mark.parametrize("comment", [0, 2**16 - 19, 2**16 - 1])
def test_an_archive_whose_true_numbers_stand_elsewhere_is_not_read(tmp_path, monkeypatch, comment):
    path = tmp_path / "films.zip"
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)  # makes it a zip64
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", grey_png(1))
        archive.comment = bytes(comment)
    (answer,) = read_films(list_films([path]))
    assert answer.code == "too_many_entries"


def test_a_packing_that_python_does_not_know_is_named(tmp_path):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", grey_png(1))
    data = path.read_bytes()
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    data = bytearray(data)
    data[local + 8 : local + 10] = data[central + 10 : central + 12] = struct.pack("<H", 9)
    path.write_bytes(data)
    (answer,) = read_films(list_films([path]))
    assert answer.code == "archive_compression"


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_unpack_without_a_bound_are_not_read(tmp_path, packing):
    path = tmp_path / "films.zip"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr("a.png", grey_png(1))
    (answer,) = read_films(list_films([path]))
    assert answer.code == "archive_compression"
