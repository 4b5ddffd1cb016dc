"""Films to start with: drawings that show no patient, and whatever lies in ``examples/``."""

import logging
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pneumonia.checkpoint import shipped_folder
from pneumonia.overlay import film_image
from pneumonia.reading.radiograph import SUFFIXES, RadiographError, Source, read_radiograph
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web.texts import Argument, plain, ref

FOLDER = shipped_folder("examples")
THUMBNAIL = (240, 240)
_DRAWINGS = {"without": (0, 3), "with": (2, 11)}  # end of their texts' keys: opacities, seed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """``source`` is what ``read_radiograph`` takes, ``thumbnail`` a small grey picture of it."""

    title: Argument
    note: Argument
    source: Source
    thumbnail: Image.Image


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """The drawings, then every readable film of ``folder`` by name; the others are logged."""
    examples = []
    for key, (lesions, seed) in _DRAWINGS.items():
        picture = draw_phantom(lesions=lesions, seed=seed).image()
        film = read_radiograph(picture, name=plain(f"name.{key}"))
        examples.append(_example(ref(f"examples.{key}"), ref("examples.drawn"), film))
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in SUFFIXES:
            try:
                title, _, note = path.stem.partition(" (")  # "Title (whose it is).jpeg"
                examples.append(_example(title, note.removesuffix(")"), path))
            except RadiographError as error:
                log.warning("Example left out: %s", error)
    return examples


def _example(title: Argument, note: Argument, source: Source) -> Example:
    thumbnail = film_image(read_radiograph(source).pixels)
    thumbnail.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    return Example(title, note, source, thumbnail)
