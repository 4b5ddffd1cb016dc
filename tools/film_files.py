"""Films as files, made here: ordinary ones, and what hostile ones are made of."""

import io
import struct

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumonia.synthetic.phantom import draw_phantom

GREY = (255 * draw_phantom(300, 340, seed=3).pixels).astype(np.uint8)


def dicom(pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, **elements) -> Dataset:
    """A DICOM film with a patient's name, uncompressed.

    Args:
        pixels: integers, ``(rows, columns)``, ``(rows, columns, 3)`` or ``(frames, rows,
            columns)``.
        syntax: what its header says of the coding.
        elements: what to add or replace by keyword; None removes.
    """
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    film = Dataset()
    film.SOPClassUID = DigitalXRayImageStorageForPresentation
    film.SOPInstanceUID = "1.2.3"
    film.Modality = "DX"
    film.PatientName = "SECRET^PERSON"
    film.PatientID = "SECRET-42"
    film.Rows, film.Columns = pixels.shape[:2] if colour or pixels.ndim == 2 else pixels.shape[1:]
    film.SamplesPerPixel = 3 if colour else 1
    if colour:
        film.PlanarConfiguration = 0
    film.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    film.BitsAllocated = film.BitsStored = 8 * pixels.dtype.itemsize
    film.PixelRepresentation = int(pixels.dtype.kind == "i")
    film.PixelData = pixels.tobytes()
    film["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(film, keyword)
        else:
            setattr(film, keyword, value)
    film.HighBit = film.BitsStored - 1
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = syntax
    return film


def saved(film: Dataset) -> bytes:
    """A DICOM film as the bytes of its file."""
    film.save_as(file := io.BytesIO(), enforce_file_format=True)
    return file.getvalue()


def encoded(kind: str, pixels=GREY, **options) -> bytes:
    """A picture file of grey levels."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def compressed(stream: bytes, syntax: str, **elements) -> bytes:
    """A DICOM film of ``GREY``'s size with this stream for its pixels."""
    film = dicom(GREY, syntax, **elements)
    film.PixelData = encapsulate([stream])
    film["PixelData"].VR = "OB"
    return saved(film)


def siz(width: int, height: int) -> bytes:
    """The beginning of a JPEG 2000 codestream that claims this size."""
    sizes = struct.pack(">8IH", width, height, 0, 0, width, height, 0, 0, 1)
    return b"\xff\x4f\xff\x51" + struct.pack(">HH", 41, 0) + sizes + b"\x07\x01\x01"


def rle(*segments: bytes) -> bytes:
    """A frame of DICOM's run-length coding."""
    offsets = np.cumsum([64, *map(len, segments)])[: len(segments)].tolist()
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(
        segments
    )


def grey_png(value: int) -> bytes:
    """A film of one grey, by PNG."""
    return encoded("PNG", np.full((64, 64), value, np.uint8))
