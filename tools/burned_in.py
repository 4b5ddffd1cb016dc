"""How often text in the rim is seen: in films as they are, and with words written into them.

    python -m tools.burned_in --films DIR

DIR holds films at their full size. Where somebody has already written into one, the first figure
counts it as well.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pneumonia.reading.archive import find_films
from pneumonia.reading.burned_in import SIDE, has_text
from pneumonia.reading.radiograph import read_radiograph

WORDS = ("MILLER ANNA", "12.04.2019", "ID 0042917 F", "DOE^JOHN")
PLACES = ((0.02, 0.02), (0.6, 0.02), (0.02, 0.92), (0.55, 0.92))
HEIGHTS = (12, 16, 24, 36)  # px of a font, on a film whose longer side has SIDE of them


def write(pixels: np.ndarray, number: int, height: int) -> np.ndarray:
    """The film with one of the words in one of the corners."""
    picture = Image.fromarray((pixels * 255).astype(np.uint8))
    font = ImageFont.load_default(max(pixels.shape) / SIDE * height)
    (x, y), text = PLACES[number % 4], WORDS[number // 4 % 4]
    place = x * picture.width, y * picture.height
    ImageDraw.Draw(picture).text(place, text, fill=255, font=font)
    return np.asarray(picture, np.float32) / 255


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=Path, required=True, metavar="DIR")
    films = [read_radiograph(path).pixels for path in find_films(parser.parse_args().films)]
    print(f"as they are: {sum(map(has_text, films))} of {len(films)} films")
    for height in HEIGHTS:
        seen = sum(has_text(write(film, n, height)) for n, film in enumerate(films))
        print(f"words of {height} px: {seen} of {len(films)}")


if __name__ == "__main__":
    main()
