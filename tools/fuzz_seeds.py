"""Small films of every kind that is read, and what must hold whatever becomes of their bytes."""

import io

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from pneumonia.reading.arrays import MAX_PIXELS
from pneumonia.reading.radiograph import Radiograph, RadiographError, read_radiograph

PIXELS = np.add.outer(np.arange(64), 3 * np.arange(72)).astype(np.uint8)


def picture(format: str, mode: str = "L", **options) -> bytes:
    image = Image.fromarray(PIXELS).convert(mode)
    image.save(file := io.BytesIO(), format, **options)
    return file.getvalue()


def dicom(syntax: str, bits: int = 16) -> bytes:
    film = pydicom.Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = (
        ImplicitVRLittleEndian if syntax == ImplicitVRLittleEndian else ExplicitVRLittleEndian
    )
    film.SOPClassUID, film.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    film.Modality, film.PhotometricInterpretation = "CR", "MONOCHROME1"
    film.Rows, film.Columns = PIXELS.shape
    film.BitsAllocated = film.BitsStored = bits
    film.HighBit, film.SamplesPerPixel, film.PixelRepresentation = bits - 1, 1, 0
    film.WindowCenter, film.WindowWidth, film.RescaleSlope, film.RescaleIntercept = 90, 200, 2, -5
    film.PixelData = PIXELS.astype(f"u{bits // 8}").tobytes()
    if syntax in (RLELossless, JPEG2000Lossless):
        film.compress(syntax)
    film.save_as(file := io.BytesIO(), enforce_file_format=True)
    return file.getvalue()


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
    "dicom": dicom(ExplicitVRLittleEndian),
    "dicom implicit": dicom(ImplicitVRLittleEndian, 8),
    "dicom rle": dicom(RLELossless),
    "dicom jpeg 2000": dicom(JPEG2000Lossless),
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
