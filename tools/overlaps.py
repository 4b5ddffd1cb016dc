"""Look for words that lie over other words, or outside the screen, on every view of the page.

    python -m tools.overlaps                      # five widths, six languages; ends with 1 if any
    python -m tools.overlaps --width 320 --language ar pt

Needs playwright, and chromium on the PATH.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from pneumonia.web.texts import LANGUAGES
from tools.page_process import CHROMIUM, FLAGS, running_page
from tools.screenshots import draw_films, tour

WIDTHS = (320, 390, 768, 1024, 1440)
# Boxes of lines of text that can be seen. Some lie over others on purpose: what is over a film, or
# sticks to an edge, a dialog over the page. Words of such a layer are held against its own alone.
FIND = """() => {
  const layers = ".viewer-stage, .viewer-bar, .viewer-panel.film, [data-testid=status-tracker]";
  const top = document.querySelector("dialog[open]") ?? document.body;
  const boxes = [];
  const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim()) continue;
    if (element.closest("script, style, option, .unseen, .sr-only")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 2 || box.height < 2) continue;
      if (getComputedStyle(element).clipPath !== "none") continue;
      const layer = element.closest(layers);
      boxes.push({ node, words: node.data.trim().slice(0, 40), box, layer });
    }
  }
  const found = [];
  const scrolls = (node) => node.parentElement.closest(".scroll, .card, pre");
  for (const { node, words, box } of boxes) {
    const beyond = box.left < -1 || box.right > innerWidth + 1;
    if (beyond && !scrolls(node) && getComputedStyle(node.parentElement).overflow !== "hidden")
      found.push(`outside: ${words}`);
  }
  for (let i = 0; i < boxes.length; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      const [a, b] = [boxes[i], boxes[j]];
      if (a.node === b.node || a.layer !== b.layer || scrolls(a.node) || scrolls(b.node)) continue;
      const wide = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const high = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      if (wide > 2 && high > 0.35 * Math.min(a.box.height, b.box.height))
        found.push(`${a.words} | ${b.words}`);
    }
  }
  return [...new Set(found)]; }"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--width", nargs="+", type=int, default=WIDTHS, help="in px")
    parser.add_argument("--language", nargs="+", choices=LANGUAGES, default=[*LANGUAGES])
    parser.add_argument("--address", help="of a page that runs already")
    options = parser.parse_args()
    if options.address:
        sys.exit(look(options.address, options.width, options.language))
    with running_page() as (_, address):
        sys.exit(look(address, options.width, options.language))


def look(address: str, widths: list[int], languages: list[str]) -> int:
    """Print every overlap; 1 if there is any."""
    some = 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        films = draw_films(Path(scratch), None)
        for language in languages:
            page = browser.new_context(locale=language).new_page()
            page.goto(address)
            for view in tour(page, films):
                for width in widths:
                    page.set_viewport_size({"width": width, "height": 900})
                    for words in overlaps(page):
                        print(f"{language} {width} {view}: {words}")
                        some = 1
                page.set_viewport_size({"width": 1440, "height": 900})
            page.context.close()
        browser.close()
    return some


def overlaps(page: Page) -> list[str]:
    """Words that lie over other words, or outside the screen."""
    frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    page.evaluate(frames)
    return page.evaluate(FIND)


if __name__ == "__main__":
    main()
