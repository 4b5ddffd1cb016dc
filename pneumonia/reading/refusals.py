"""Why a film has no answer, and what was done to one that has: codes, and their English words.

A code and its arguments travel; the sentence is made where it is shown, in the reader's language.
The words here are what ``str`` gives, and English on the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

REFUSALS = {
    # files
    "too_large": '"{name}" is larger than {limit} MB: choose a smaller or compressed copy.',
    "empty": '"{name}" is empty: choose the file again.',
    "folder": '"{name}" is a folder: choose a file in it.',
    "not_a_file": '"{name}" is not an ordinary file: choose a picture.',
    "missing": '"{name}" is not there: check its name and folder.',
    "cannot_open": '"{name}" cannot be opened: check its name and your permission.',
    "opened_as_text": '"{name}" was opened as text: open it in binary mode.',
    "not_a_source": '"{name}" is neither a file nor a picture: '
    "choose a JPEG, PNG, TIFF, BMP, WebP, GIF or DICOM file.",
    "not_a_picture": '"{name}" is not a picture that can be read here: '
    "choose a JPEG, PNG, TIFF, BMP, WebP, GIF or DICOM file.",
    "damaged": '"{name}" is damaged or incomplete: export or download it again.',
    "locked": '"{name}" is locked by a password: unpack the archive first.',
    "damaged_in_archive": '"{name}" is damaged inside its archive: pack it again.',
    # sizes and values
    "too_many_pixels": '"{name}" has more than {limit} megapixels: choose a smaller copy.',
    "too_few_pixels": '"{name}" is only {width} × {height} pixels: choose the original film.',
    "out_of_memory": '"{name}" needs more memory than there is: choose a smaller copy.',
    "shape": '"{name}" has the wrong shape: give (height, width) or (height, width, 3 or 4).',
    "type": '"{name}" holds neither integers nor floats: convert it to 8-bit grey.',
    "not_finite": '"{name}" holds values that are not numbers: export it again.',
    "float_range": '"{name}" holds floats outside 0 to 1: save it as 8-bit or 16-bit grey.',
    "integer_range": '"{name}" holds values outside 0 to 65,535: save it as 8-bit or 16-bit grey.',
    "few_colours": '"{name}" uses few of its 16-bit colours: save it as 16-bit grey.',
    "too_costly": '"{name}" takes too long or too much memory to read: '
    "export it again, or choose a smaller copy.",
    # archives
    "too_many_entries": '"{name}" holds more than {limit} files: pack fewer into one archive.',
    "archive_compression": '"{name}" is packed in a way not read here: pack it as an ordinary ZIP.',
    # DICOM
    "modality": '"{name}" is not a radiograph (modality {modality}): '
    "choose a chest film (CR or DX).",
    "not_a_radiograph": '"{name}" is not a radiograph: choose a chest film (CR or DX).',
    "no_pixels": '"{name}" holds no picture (a DICOM without pixels): '
    "export the radiograph itself.",
    "deflated": '"{name}" is a deflated DICOM: export it uncompressed or as JPEG 2000.',
    "compression": '"{name}" is compressed in a way not read here: export it uncompressed.',
    "float_pixels": '"{name}" holds measured values instead of grey levels: '
    "export the radiograph itself.",
    "lut": '"{name}" holds a lookup table that is too short for it: export it again.',
    "contradiction": '"{name}" contradicts itself about its size: export it again.',
    # said of films that were sent to a server
    "gone": "This film is no longer on the server: drop it in again.",
    "broken": "Something went wrong on this side: the film was not analysed. Please try again.",
}

NOTES = {
    "first_frame": "first of several frames",
    "first_of_frames": "first of {frames} frames",
    "turned": "turned upright by its EXIF tag",
    "colour_at_8_bits": "16-bit colour read at 8 bits",
    "alpha": "alpha laid on black",
    "scaled": "scaled as {bits}-bit",
    "white_is_zero": "WhiteIsZero inverted",
    "monochrome1": "MONOCHROME1 inverted",
    "for_processing": "raw detector data, not meant for display",
    "padding": "padding set to black",
    "modality_lut": "modality LUT applied",
    "rescaled": "rescaled",
    "voi_lut": "VOI LUT applied",
    "window": "window applied",
    "no_window": "no window in the file: scaled from its darkest to its brightest value",
}


class RadiographError(ValueError):
    """A file or array that cannot be read as a film.

    ``str(error)`` is one sentence for the person: which file, what is wrong, what to do. It holds
    no path and no patient's data. The decoder's own error, for engineers, is ``error.__cause__``.

    Attributes:
        code: a key of ``REFUSALS``.
        name: the film's, as ``read_radiograph`` would give it.
        arguments: what fills the placeholders of the code's words, ``name`` among them.
    """

    def __init__(self, code: str, name: str, **arguments: str | int) -> None:
        super().__init__(code, name)  # with these alone a copy or a pickle is made anew
        self.code, self.name = code, name
        self.arguments: Mapping[str, str | int] = {"name": name, **arguments}

    def __str__(self) -> str:
        return REFUSALS[self.code].format(**self.arguments)


class Refusal(Exception):
    """The same before the film's name is known, raised and caught inside this package."""

    def __init__(self, code: str, **arguments: str | int) -> None:
        super().__init__(code)
        self.code, self.arguments = code, arguments


@dataclass(frozen=True)
class Note:
    """One thing that was done to a film while it was read; ``str(note)`` says it in English.

    Attributes:
        code: a key of ``NOTES``.
        arguments: what fills the placeholders of the code's words.
    """

    code: str
    arguments: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        return NOTES[self.code].format(**self.arguments)
