"""What the PDF reports are drawn with: A4 pages, text of strangers, the scale, pictures.

All lengths are in mm from the upper left corner of the page, sizes of type in points.
"""

import io
import unicodedata
from datetime import datetime
from pathlib import Path

import matplotlib
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import MethodReturnValue, TextDirection
from PIL import Image

from pneumonia.export.records import INTENDED_USE, utc
from pneumonia.predictor import Prediction

INK, QUIET, LINE, RAISED = (20, 24, 28), (80, 90, 100), (211, 216, 221), (243, 244, 245)
ACCENT, WHITE = (10, 95, 158), (255, 255, 255)

LEFT, RIGHT = 18.0, 192.0
TOP, BODY, FOOT = 15.0, 25.0, 271.0  # where the head, the content and the intended use begin
SPAN = RIGHT - LEFT
LEADING = 1.4 * 25.4 / 72  # height of a line a point of type

_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")


class Canvas(FPDF):
    """Pages in DejaVu Sans on which everything is placed; nothing flows by itself.

    Args:
        title: for the document's metadata, which hold nothing else but the date.
        when: the document's date; see ``report.utc``.
    """

    def __init__(self, title: str, when: datetime | None) -> None:
        super().__init__(format="A4")
        self.when = utc(when)
        self.set_creation_date(self.when)
        self.set_title(title)
        self.set_lang("en")
        self.set_margin(0)
        self.c_margin = 0
        self.set_auto_page_break(False)
        self.str_alias_nb_pages = None  # else a film called "{nb}" would be renamed
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font("sans", style, _FONTS / file)

    def start(self, number: str = "") -> None:
        """A new page with its head and, at its foot, the intended use."""
        self.add_page()
        self.rule(FOOT, INK)
        self.write(LEFT, FOOT + 2, INTENDED_USE, 7, lines=4)
        date = " · ".join(filter(None, [f"{self.when:%Y-%m-%d %H:%M} UTC", number]))
        self.write(LEFT, TOP, date, 7.5, QUIET, align="R")
        self.write(LEFT, TOP, "Pneumonia on chest films: a second look", 7.5, QUIET)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: tuple[int, int, int] = INK,
        *,
        bold: bool = False,
        width: float | None = None,
        lines: int = 1,
        align: str = "L",
    ) -> float:
        """Text in a box from (x, y) on, cut with "…" after ``lines``; returns the text's end."""
        self.set_font("sans", "B" if bold else "", size)
        self.set_text_color(*colour)
        width = width or RIGHT - x
        for line in self._broken(text, width, lines):
            self.set_xy(x, y)
            self.cell(width, LEADING * size, _as_seen(line), align=align)
            y += LEADING * size
        return y

    def height(self, text: str, size: float, width: float, lines: int) -> float:
        """How much ``write`` would take of the page."""
        self.set_font("sans", "", size)
        return LEADING * size * len(self._broken(text, width, lines))

    def _broken(self, text: str, width: float, lines: int) -> list[str]:
        """The text in lines that fit, only with what can be shown of it."""
        text = unicodedata.normalize("NFC", text)
        text = "".join(c if c.isprintable() or c == "\u00a0" else " " * c.isspace() for c in text)
        known = self.current_font.cmap
        text = "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in text)
        found = self.multi_cell(width, text=text, dry_run=True, output=MethodReturnValue.LINES)
        if len(found) > lines:
            last = found[lines - 1]
            while last and self.get_string_width(last + "…") > width:
                last = last[:-1]
            found[lines - 1 :] = [last.rstrip() + "…"]
        return found

    def rule(self, y: float, colour: tuple[int, int, int] = LINE) -> None:
        """A hairline across the page."""
        self.set_draw_color(*colour)
        self.set_line_width(0.2)
        self.line(LEFT, y, RIGHT, y)

    def block(
        self, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]
    ) -> None:
        """A filled rectangle."""
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def picture(
        self, picture: Image.Image, x: float, y: float, width: float, height: float, alt: str
    ) -> None:
        """A picture as JPEG; ``alt`` is read out where it cannot be seen."""
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=88)
        self.image(file, x, y, width, height, alt_text=alt)

    def scale(self, x: float, y: float, width: float, prediction: Prediction) -> None:
        """The probability on a bar from 0 to 1, 3.6 high, with uncertain band and threshold."""
        colour, middle = ACCENT if prediction.in_scope else QUIET, y + 1.8
        self.block(x, middle - 0.6, width, 1.2, LINE)
        self.block(x, middle - 0.6, width * prediction.probability, 1.2, colour)
        low, high = prediction.card.conformal.uncertain
        self.hatch(x + width * low, y + 0.4, width * (high - low), 2.8)
        for radius, fill in ((1.8, WHITE), (1.3, colour)):
            self.set_fill_color(*fill)
            self.circle(x + width * prediction.probability, middle, radius, style="F")
        for edge, fill in ((0.55, WHITE), (0.25, INK)):
            self.block(x + width * prediction.threshold - edge, y - 0.4, 2 * edge, 4.4, fill)

    def hatch(self, x: float, y: float, width: float, height: float) -> None:
        """A hatched rectangle: what "uncertain" looks like."""
        self.set_draw_color(*QUIET)
        self.set_line_width(0.15)
        with self.rect_clip(x, y, width, height):
            for step in range(int((width + height) / 1.1) + 1):
                start = x - height + 1.1 * step
                self.line(start, y + height, start + height, y)
        self.rect(x, y, width, height)


def _as_seen(line: str) -> str:
    """A line in the order in which it is drawn, from left to right."""
    if not any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in line):
        return line
    paragraph = BidiParagraph(text=line, base_direction=TextDirection.LTR)
    return "".join(
        c.character.translate(_MIRRORED) if c.embedding_level % 2 else c.character
        for c in paragraph.get_reordered_characters()
    )
