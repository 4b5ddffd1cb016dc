"""Films to start with: films of the data set with their truth, a drawing, what ``examples/`` holds.

``examples/examples.json`` says what is known of the films that ship; ``python -m
tools.choose_examples`` chooses them and writes it.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pneumonia.card import LABELS
from pneumonia.overlay import film_image
from pneumonia.reading.archive import FilmRef, find_films
from pneumonia.reading.radiograph import Radiograph, read_radiograph
from pneumonia.reading.refusals import RadiographError
from pneumonia.storage import typed_json
from pneumonia.storage.shipped import shipped_folder
from pneumonia.synthetic.opacity import Lesion
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web.texts import Argument, plain, ref

FOLDER = shipped_folder("examples")
LIST = "examples.json"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
SOURCE = "https://doi.org/10.17632/rscbjbr9sj.2"
AUTHORS = "Kermany, Zhang, Goldbaum"
THUMBNAIL = (240, 240)
_OPACITIES, _SEED = 2, 11  # of the drawing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Known:
    """What is known of a film that ships.

    Attributes:
        file: its name in the folder, which says nothing of what it shows.
        kind: what it is an example of: ``"normal"``, ``"pneumonia"``, ``"not_called"``,
            ``"wrong"`` or ``"refused"``.
        source: the file that it is a copy of, or ``"drawing"``.
        truth: the data set's label; None of what is no film of the data set.
    """

    file: str
    kind: str
    source: str
    truth: str | None = None

    def __post_init__(self) -> None:
        typed_json.check(self.truth in (*LABELS, None), "truth", self.truth)


@dataclass(frozen=True)
class Shipped:
    """``examples.json``: the films that ship, in the order in which the page shows them."""

    credit: str
    licence: str
    films: tuple[Known, ...]


@dataclass(frozen=True)
class Example:
    """A film to start with.

    Attributes:
        title: what it is called, on its button. Of a film with a truth it gives nothing away.
        note: more of it, or "".
        film: where it lies, or the drawing itself.
        thumbnail: a small grey picture of it.
        truth: what the data set's doctors called it, where that is known.
        lesions: where opacities were drawn into it.
    """

    title: Argument
    note: Argument
    film: FilmRef | Radiograph
    thumbnail: Image.Image
    truth: str | None = None
    lesions: tuple[Lesion, ...] = ()


def load_examples(folder: Path = FOLDER) -> list[Example]:
    """The films that ship, the drawing, then every other readable film of ``folder`` by name.

    What cannot be read is logged and left out.
    """
    known = _shipped(folder)
    examples = []
    for number, film in enumerate(known):
        title = ref("examples.film", letter=chr(ord("A") + number))
        examples += _read(folder / film.file, title, "", film.truth)
    examples.append(_drawing())
    listed = {film.file for film in known}
    for path in find_films(folder):
        if path.name not in listed:
            title, _, note = path.stem.partition(" (")  # "Title (whose it is).jpeg"
            examples += _read(path, title, note.removesuffix(")"))
    return examples


def _shipped(folder: Path) -> tuple[Known, ...]:
    try:
        return typed_json.load(Shipped, folder / LIST).films
    except FileNotFoundError:
        return ()
    except typed_json.FormatError as error:
        log.warning("%s is passed over: %s", LIST, error)
        return ()


def _read(path: Path, title: Argument, note: str, truth: str | None = None) -> list[Example]:
    """The film as an example, or none."""
    try:
        thumbnail = _thumbnail(read_radiograph(path))
    except (RadiographError, OSError) as error:
        log.warning("Example left out: %s", error)
        return []
    return [Example(title, note, FilmRef(path), thumbnail, truth)]


def _drawing() -> Example:
    phantom = draw_phantom(lesions=_OPACITIES, seed=_SEED)
    film = read_radiograph(phantom.image(), name=plain("name.with"))
    title, note = ref("examples.drawn"), ref("examples.with")
    return Example(title, note, film, _thumbnail(film), lesions=phantom.lesions)


def _thumbnail(film: Radiograph) -> Image.Image:
    thumbnail = film_image(film.pixels)
    thumbnail.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    return thumbnail
