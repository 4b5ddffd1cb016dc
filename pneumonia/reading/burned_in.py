"""Whether text is burned into a film's rim, such as a name or a date.

No letters are read: what counts is a row of small marks of one height that stand out from what lies
around them, as printed words do. A side marker of one or two letters is no such row.
"""

import numpy as np
from scipy.ndimage import find_objects, label, uniform_filter

SIDE = 1024  # px of the longer side at which letters are looked for
RIM = 0.22  # of each side, that is looked at
HEIGHTS = (6, 42)  # px of a letter
LETTERS = 4  # in a row, that make a word
MOST = 400  # letters that are looked at


def has_text(pixels: np.ndarray) -> bool:
    """Whether a film's rim may hold words.

    Args:
        pixels: ``(height, width)`` float32, 0..1. Of films of less than some 400 px, whose letters
            are smeared, nothing can be told.
    """
    step = max(1, min(round(max(pixels.shape) / SIDE), *pixels.shape))
    film = pixels[: pixels.shape[0] // step * step, : pixels.shape[1] // step * step]
    film = film.reshape(film.shape[0] // step, step, -1, step).mean((1, 3))
    around = uniform_filter(film, 41, mode="nearest")
    return any(_row(_marks(sign * (film - around))) for sign in (1, -1))


def _marks(contrast: np.ndarray) -> np.ndarray:
    """``(N, 4)``: top, bottom, left, right of what has the size and the fill of a letter."""
    height, width = contrast.shape
    marks, count = label(contrast > 0.18)  # pyright: ignore[reportGeneralTypeIssues]
    if not 0 < count <= 5000:  # more is a texture, which would take long
        return np.empty((0, 4))
    boxes = np.array([(r.start, r.stop, c.start, c.stop) for r, c in find_objects(marks)], float)
    top, bottom, left, right = boxes.T
    tall, wide = bottom - top, right - left
    fill = np.bincount(marks.ravel())[1:] / (tall * wide)
    y, x = (top + bottom) / 2 / height, (left + right) / 2 / width
    letter = (tall >= HEIGHTS[0]) & (tall <= HEIGHTS[1]) & (wide >= 2) & (wide <= 1.4 * tall)
    inside = (y > RIM) & (y < 1 - RIM) & (x > RIM) & (x < 1 - RIM)
    return boxes[letter & ~inside & (fill >= 0.15) & (fill <= 0.95)][:MOST]


def _row(marks: np.ndarray) -> bool:
    """Whether enough of them stand in one line, close together and alike in height."""
    top, bottom, left, right = marks[np.argsort(marks[:, 2])].T
    tall, middle = bottom - top, (top + bottom) / 2
    length = np.ones(len(marks), int)
    for one in range(len(marks)):
        for other in range(one):
            alike = 0.7 < tall[one] / tall[other] < 1.43
            level = abs(middle[one] - middle[other]) < 0.3 * tall[other]
            gap = left[one] - right[other]
            if alike and level and -0.2 * tall[other] < gap < 1.2 * tall[other]:
                length[one] = max(length[one], length[other] + 1)
        if length[one] >= LETTERS:
            return True
    return False
