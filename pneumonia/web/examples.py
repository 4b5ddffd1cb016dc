"""Films to start with: drawings that show no patient, and whatever lies in ``examples/``."""

import logging
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pneumonia.overlay import film_image
from pneumonia.reading.archive import FilmRef, find_films
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import RadiographError
from pneumonia.storage.shipped import shipped_folder
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web.texts import Argument, plain, ref

FOLDER = shipped_folder("examples")
THUMBNAIL = (240, 240)
_DRAWINGS = {"without": (0, 3), "with": (2, 11)}  # end of their texts' keys: opacities, seed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Example:
    """A film to start with.

    Attributes:
        title: what it shows, for its button.
        note: whose it is.
        film: where it lies, or the drawing itself.
        thumbnail: a small grey picture of it.
    """

    title: Argument
    note: Argument
    film: FilmRef | Radiograph
    thumbnail: Image.Image


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """The drawings, then every readable film of ``folder`` by name; the others are logged."""
    examples = []
    for key, (lesions, seed) in _DRAWINGS.items():
        picture = draw_phantom(lesions=lesions, seed=seed).image()
        film = read_radiograph(picture, name=plain(f"name.{key}"))
        title, note = ref(f"examples.{key}"), ref("examples.drawn")
        examples.append(Example(title, note, film, _thumbnail(film)))
    for path in find_films(folder):
        title, _, note = path.stem.partition(" (")  # "Title (whose it is).jpeg"
        try:
            thumbnail = _thumbnail(read_radiograph(path))
        except RadiographError as error:
            log.warning("Example left out: %s", error)
        else:
            examples.append(Example(title, note.removesuffix(")"), FilmRef(path), thumbnail))
    return examples


def _thumbnail(film: Radiograph) -> Image.Image:
    thumbnail = film_image(film.pixels)
    thumbnail.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    return thumbnail
