"""Films to start with: drawings that show no patient, and whatever lies in ``examples/``."""

import logging
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pneumonia.checkpoint import shipped_folder
from pneumonia.overlay import film_image
from pneumonia.reading.radiograph import SUFFIXES, RadiographError, Source, read_radiograph
from pneumonia.synthetic.phantom import draw_phantom

FOLDER = shipped_folder("examples")
THUMBNAIL = (240, 240)
_DRAWINGS = (("Without opacities", 0, 3), ("With opacities", 2, 11))  # title, opacities, seed
_DRAWN = "Drawing, no patient"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """``source`` is what ``read_radiograph`` takes, ``thumbnail`` a small grey picture of it."""

    title: str
    note: str
    source: Source
    thumbnail: Image.Image


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """The drawings, then every readable film of ``folder`` by name; the others are logged."""
    examples = []
    for title, lesions, seed in _DRAWINGS:
        picture = draw_phantom(lesions=lesions, seed=seed).image()
        film = read_radiograph(picture, name=f"{_DRAWN} ({title.lower()})")
        examples.append(_example(title, _DRAWN, film))
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in SUFFIXES:
            try:
                title, _, note = path.stem.partition(" (")  # "Title (whose it is).jpeg"
                examples.append(_example(title, note.removesuffix(")"), path))
            except RadiographError as error:
                log.warning("Example left out: %s", error)
    return examples


def _example(title: str, note: str, source: Source) -> Example:
    thumbnail = film_image(read_radiograph(source).pixels)
    thumbnail.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    return Example(title, note, source, thumbnail)
