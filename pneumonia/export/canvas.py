"""What the PDF reports are drawn with: A4 pages, text from any file, the scale, pictures.

All lengths are in mm from the upper left corner of the page, sizes of type in points.
"""

import io
import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import cast

import matplotlib
from fpdf import FPDF
from fpdf.enums import MethodReturnValue
from fpdf.fonts import TTFFont
from PIL import Image

from pneumonia.export.records import utc
from pneumonia.export.words import Words

Colour = tuple[int, int, int]

INK, QUIET, LINE, RAISED = (20, 24, 28), (80, 90, 100), (211, 216, 221), (243, 244, 245)
ACCENT, WHITE = (10, 95, 158), (255, 255, 255)

LEFT, RIGHT = 18.0, 192.0
TOP, BODY, FOOT = 15.0, 25.0, 271.0  # where the head, the content and the intended use begin
SPAN = RIGHT - LEFT
LEADING = 1.4 * 25.4 / 72  # line height in mm per point

_FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
HAN = Path(__file__).parent / "fonts" / "NotoSansSC-Regular.otf"  # made by tools/fonts.py
_IDEOGRAPH = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef])(?![，。：；？！、”’）》…])")


class Canvas:
    """Pages on which everything is placed; nothing flows by itself.

    Set in DejaVu Sans, Chinese in Noto Sans; only the glyphs used are embedded. For Arabic the page
    is mirrored: all lengths from the left are from the right then, and pictures stay as they are.

    Args:
        words: of the document; its title is the page's, and its metadata hold nothing else but that
            and the date.
        when: the document's date; see ``records.utc``.
    """

    def __init__(self, words: Words, when: datetime | None) -> None:
        self.words, self.when = words, utc(when)
        self.mirrored = words.right_to_left
        self._pdf = FPDF(format="A4")
        self._pdf.set_creation_date(self.when)
        self._pdf.set_title(words("page.title"))
        self._pdf.set_lang(words.language)
        self._pdf.set_margin(0)
        self._pdf.c_margin = 0
        self._pdf.set_auto_page_break(False)
        self._pdf.str_alias_nb_pages = ""  # else a film called "{nb}" would be renamed
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self._pdf.add_font("sans", style, _FONTS / file)
        self._pdf.add_font("han", "", HAN)
        self._pdf.set_fallback_fonts(["han"], exact_match=False)
        fonts = self._pdf.fonts.values()
        self._known = frozenset().union(*(cast(TTFFont, font).cmap for font in fonts))

    def start(self, number: str = "") -> None:
        """A new page with its head and, at its foot, the intended use."""
        self._pdf.add_page()
        self.hairline(FOOT, INK)
        use = f"{self.words('use.purpose')} {self.words('use.films')}"
        self.text_box(LEFT, FOOT + 2, use, 7, lines=5)
        date = " · ".join(filter(None, [f"{self.when:%Y-%m-%d %H:%M} UTC", number]))
        self.text_box(LEFT, TOP, date, 7.5, QUIET, align="R", ltr=True)
        self.text_box(LEFT, TOP, self.words("page.title"), 7.5, QUIET)

    def output(self) -> bytes:
        """The document as it stands."""
        return bytes(self._pdf.output())

    def text_box(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: Colour = INK,
        *,
        bold: bool = False,
        width: float | None = None,
        lines: int = 1,
        align: str = "L",
        ltr: bool = False,
    ) -> float:
        """Text in a box from (x, y) on, cut with "…" after ``lines``; returns the text's end.

        Figures and the like, ``ltr``, are read from left to right in every language.
        """
        width = width or RIGHT - x
        x = self._across(x, width)
        align = {"L": "R", "R": "L"}.get(align, align) if self.mirrored else align
        direction = "rtl" if self.mirrored and not ltr else "ltr"
        self._pdf.set_text_shaping(True, direction=direction)
        found = self._wrap(text, size, bold, width, lines)
        self._pdf.set_text_color(*colour)
        for line in found:
            self._choose_font(size, bold)
            self._pdf.set_xy(x, y)
            self._pdf.cell(width, LEADING * size, line, align=align)
            y += LEADING * size
        return y

    def text_height(self, text: str, size: float, width: float, lines: int) -> float:
        """How much ``text_box`` would take of the page."""
        return LEADING * size * len(self._wrap(text, size, False, width, lines))

    def _wrap(self, text: str, size: float, bold: bool, width: float, lines: int) -> list[str]:
        """The text in lines that fit, only with what can be shown of it."""
        self._choose_font(size, bold)
        text = unicodedata.normalize("NFC", text)
        text = "".join(c if c.isprintable() or c == "\u00a0" else " " * c.isspace() for c in text)
        text = "".join(c if ord(c) in self._known else "\N{REPLACEMENT CHARACTER}" for c in text)
        text = _IDEOGRAPH.sub("\N{ZERO WIDTH SPACE}", text)  # where a line may end
        room = 0.96 * width if self.mirrored else width  # Arabic is measured before it is joined
        wrapped = self._pdf.multi_cell(
            room, text=text, dry_run=True, output=MethodReturnValue.LINES
        )
        found = [line.replace("\N{ZERO WIDTH SPACE}", "") for line in cast(list[str], wrapped)]
        if len(found) > lines:
            last = found[lines - 1]
            while last and self._pdf.get_string_width(last + "…") > width:
                last = last[:-1]
            found[lines - 1 :] = [last.rstrip() + "…"]
        return found

    def _choose_font(self, size: float, bold: bool) -> None:
        """Also where fpdf2 believes it is chosen: a Chinese word before may have changed it."""
        self._pdf.set_font("han", "", size)
        self._pdf.set_font("sans", "B" if bold else "", size)

    def hairline(self, y: float, colour: Colour = LINE) -> None:
        """A thin line across the page."""
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(0.2)
        self._pdf.line(LEFT, y, RIGHT, y)

    def fill_rect(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle."""
        self._fill(self._across(x, width), y, width, height, colour)

    def picture(
        self, picture: Image.Image, x: float, y: float, width: float, height: float, alt: str
    ) -> None:
        """A picture as JPEG; ``alt`` is read out where it cannot be seen."""
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=88)
        self._pdf.image(file, self._across(x, width), y, width, height, alt_text=alt)

    def scale(
        self,
        x: float,
        y: float,
        width: float,
        p: float,
        low: float,
        high: float,
        colour: Colour = ACCENT,
    ) -> None:
        """A probability on a bar from 0 to 1, 3.6 high, which is never mirrored.

        Args:
            x: its left end, or its right end where the page is mirrored.
            y: its upper edge.
            width: its length.
            p: the probability.
            low: where the uncertain band begins.
            high: where it ends.
            colour: of bar and dot.
        """
        left, middle = self._across(x, width), y + 1.8
        self._fill(left, middle - 0.6, width, 1.2, LINE)
        self._fill(left, middle - 0.6, width * p, 1.2, colour)
        self._hatch(left + width * low, y + 0.4, width * (high - low), 2.8)
        for radius, fill in ((1.8, WHITE), (1.3, colour)):
            self._pdf.set_fill_color(*fill)
            self._pdf.circle(left + width * p, middle, radius, style="F")

    def hatch(self, x: float, y: float, width: float, height: float) -> None:
        """A hatched rectangle: what "not called" looks like."""
        self._hatch(self._across(x, width), y, width, height)

    def _across(self, x: float, width: float) -> float:
        """Where something of that width begins, counted from the left."""
        return LEFT + RIGHT - x - width if self.mirrored else x

    def _fill(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(x, y, width, height, style="F")

    def _hatch(self, x: float, y: float, width: float, height: float) -> None:
        self._pdf.set_draw_color(*QUIET)
        self._pdf.set_line_width(0.15)
        with self._pdf.rect_clip(x, y, width, height):
            for step in range(int((width + height) / 1.1) + 1):
                start = x - height + 1.1 * step
                self._pdf.line(start, y + height, start + height, y)
        self._pdf.rect(x, y, width, height)
