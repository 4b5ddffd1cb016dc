"""Small films of every kind that is read, and what must hold whatever becomes of their bytes."""

import io

import numpy as np
from PIL import Image
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from pneumonia.reading.arrays import MAX_PIXELS
from pneumonia.reading.radiograph import Radiograph, RadiographError, read_radiograph
from tools.film_files import dicom, saved

PIXELS = np.add.outer(np.arange(64), 3 * np.arange(72)).astype(np.uint8)


def picture(format: str, mode: str = "L", **options) -> bytes:
    image = Image.fromarray(PIXELS).convert(mode)
    image.save(file := io.BytesIO(), format, **options)
    return file.getvalue()


def dicom_file(syntax: str, bits: int = 16) -> bytes:
    plain = ImplicitVRLittleEndian if syntax == ImplicitVRLittleEndian else ExplicitVRLittleEndian
    greys = {"WindowCenter": 90, "WindowWidth": 200, "RescaleSlope": 2, "RescaleIntercept": -5}
    greys |= {"PhotometricInterpretation": "MONOCHROME1"}
    film = dicom(PIXELS.astype(f"u{bits // 8}"), plain, **greys)
    if syntax in (RLELossless, JPEG2000Lossless):
        film.compress(syntax)
    return saved(film)


SEEDS = {
    "jpeg": picture("JPEG"),
    "jpeg cmyk": picture("JPEG", "CMYK"),
    "progressive": picture("JPEG", "RGB", progressive=True),
    "png": picture("PNG"),
    "png palette": picture("PNG", "P"),
    "png 16": picture("PNG", "I;16"),
    "tiff": picture("TIFF"),
    "tiff lzw": picture("TIFF", compression="tiff_lzw"),
    "tiff deflate": picture("TIFF", "RGB", compression="tiff_adobe_deflate"),
    "bmp": picture("BMP"),
    "webp": picture("WEBP", "RGB"),
    "gif": picture("GIF", "P"),
    "dicom": dicom_file(ExplicitVRLittleEndian),
    "dicom implicit": dicom_file(ImplicitVRLittleEndian, 8),
    "dicom rle": dicom_file(RLELossless),
    "dicom jpeg 2000": dicom_file(JPEG2000Lossless),
}


def film_or_refusal(data: bytes) -> None:
    """What must hold of any bytes."""
    try:
        film = read_radiograph(data, "film")
    except RadiographError as error:
        assert str(error).startswith('"film" ') and str(error).endswith(".")
        assert str(error).count("\n") == 0 and len(str(error)) < 200
    else:
        assert isinstance(film, Radiograph) and film.pixels.dtype == np.float32
        assert film.pixels.size <= MAX_PIXELS
        assert np.isfinite(film.pixels).all() and 0 <= film.pixels.min() <= film.pixels.max() <= 1
