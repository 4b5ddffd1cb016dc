"""Cut the Chinese font of the PDF reports out of Noto Sans CJK: `python -m tools.fonts`.

Debian's `fonts-noto-cjk` holds the font. What is kept: the 3,755 usual characters (level 1 of
GB 2312), every character of the page's Chinese texts, and punctuation.
"""

from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from pneumonia.export.canvas import HAN
from pneumonia.web.texts import load_texts

SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIMPLIFIED_CHINESE = 2  # of the fonts in that file


def characters() -> str:
    """What the font has to hold."""
    usual = "".join(
        bytes([row, column]).decode("gb2312", "ignore")
        for row in range(0xB0, 0xD8)
        for column in range(0xA1, 0xFF)
    )
    used = (c for text in load_texts()["zh"].values() for c in text)
    return usual + "".join(c for c in used if ord(c) > 0x2000) + "，。：；？！、“”‘’（）《》—…·％"


def main() -> None:
    font = TTFont(SOURCE, fontNumber=SIMPLIFIED_CHINESE)
    options = Options(hinting=False, layout_features=[], name_IDs=["*"])
    options.drop_tables += ["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(text=characters())
    subsetter.subset(font)
    font.save(HAN)
    print(f"{HAN}: {HAN.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
