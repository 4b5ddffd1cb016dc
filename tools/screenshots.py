"""Photograph the page: films really dropped into it, in a real Chromium.

    python -m tools.screenshots film.jpeg            # docs/page-{desktop,phone}[-light].png
    python -m tools.screenshots film.jpeg --views DIR --language en ar

With --views every view is photographed, at both widths, dark and light, in each language. Without a
film it photographs a drawing. Needs playwright, and chromium on the PATH.
"""

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from pneumonia.synthetic.distractors import draw_distractors
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import CHROMIUM, FLAGS, ROOT, running_page

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
INPUT = "#{} input[type=file]"
DONE = ".viewer:not([aria-busy])"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("film", nargs="?", type=Path, help="a film that may be published")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder (default: docs)")
    parser.add_argument("--views", type=Path, metavar="DIR", help="photograph every view into DIR")
    parser.add_argument("--language", nargs="+", default=["en", "ar"], help="of the views")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    languages = options.language if options.views else ["en"]
    with (
        running_page() as (_, address),
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as scratch,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        films = draw_films(Path(scratch), options.film)
        for size, scheme, language in itertools.product(SIZES, ("dark", "light"), languages):
            page = open_page(browser, size, scheme, language)
            page.goto(address)
            for view in tour(page, films):
                if options.views:
                    path = options.views / f"{view}-{size}-{scheme}-{language}.png"
                elif view == "result":
                    path = options.out / f"page-{size}{'' if scheme == 'dark' else '-light'}.png"
                else:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                # in whole, but a phone's bar of tools would lie amid a long page's words
                whole = view != "notice" and not (size == "phone" and options.views is None)
                page.screenshot(path=path, full_page=whole)
                print(path)
            page.context.close()
        browser.close()


def open_page(browser: Browser, size: str, scheme: str, language: str) -> Page:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=language,
        device_scale_factor=1.5 if size == "phone" else 1,
    )
    return context.new_page()


def draw_films(folder: Path, film: Path | None) -> dict[str, list[Path]]:
    """What is dropped into the page, by view."""
    hand = (255 * draw_distractors()["hands"][0]).astype(np.uint8)
    Image.fromarray(hand).save(folder / "hand.png")
    (folder / "broken.png").write_text("words")
    many = []
    for number in range(6):
        draw_phantom(lesions=number % 3, seed=number).image().save(folder / f"film{number}.png")
        many.append(folder / f"film{number}.png")
    result = [film] if film else many[2:3]
    batch = [*result, *many[:3], folder / "broken.png", folder / "hand.png", *many[3:]]
    truth = folder / "truth.csv"
    rows = [f"{path.name},{('NORMAL', 'PNEUMONIA')[i % 2]}" for i, path in enumerate(many)]
    truth.write_text("\n".join(["film,truth", *rows]))
    return {"result": result, "refused": [folder / "hand.png"], "many": batch, "truth": [truth]}


def tour(page: Page, films: dict[str, list[Path]]) -> Iterator[str]:
    """Leads from view to view; yields each one's name once it is there."""
    page.wait_for_selector(INPUT.format("film"), state="attached")
    page.wait_for_selector(".notice[open]")
    yield "notice"
    page.click(".notice button")
    yield "first"
    page.set_input_files(INPUT.format("film"), films["result"])
    page.wait_for_selector(DONE)
    page.wait_for_timeout(300)  # until the pictures are painted
    yield "result"
    if page.locator(".viewer-choice.mode").is_visible():  # a phone has no room for the slider
        page.locator(".viewer-choice.mode label").last.click()
        page.locator("[data-toggle=windowing]").first.click()
        yield "slider"
        page.locator(".viewer-choice.mode label").first.click()
    page.locator("#result details").evaluate_all("(all) => all.forEach((d) => { d.open = true; })")
    page.locator("[data-toggle=hiding], [data-toggle=outline]").evaluate_all(
        "(all) => all.forEach((button) => button.click())"
    )
    page.focus(".viewer-panel.film .viewer-stage")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".without:not([hidden])")
    yield "asked"
    page.locator("[data-example]").first.click()
    page.wait_for_selector(".known >> visible=true")
    page.wait_for_selector(DONE)
    page.wait_for_selector("[data-compare] >> visible=true")
    yield "known"
    page.select_option("[data-compare]", label=films["result"][0].name)
    page.wait_for_selector("#prior .viewer[data-mounted]")
    page.wait_for_timeout(300)
    yield "compared"
    page.click("[data-compare-end]")
    page.set_input_files(INPUT.format("film"), films["refused"])
    page.wait_for_selector(f".refusal {DONE}", state="attached")
    yield "refused"
    page.locator(".refusal summary").click()
    page.wait_for_timeout(300)
    yield "anyway"
    page.set_input_files(INPUT.format("film"), films["many"][4])
    page.wait_for_selector(".refusal:not(:has(.viewer))")
    yield "broken"
    page.get_by_role("tab").nth(1).click()
    page.set_input_files(INPUT.format("films"), films["many"])
    page.wait_for_function(
        f"document.querySelectorAll('.batch tbody tr').length === {len(films['many'])}"
    )
    page.wait_for_selector("#cancel", state="hidden")
    yield "many"
    page.set_input_files(INPUT.format("films"), films["truth"])
    page.wait_for_selector(".quiz-start >> visible=true")
    yield "truth"
    page.click(".quiz-start")
    page.wait_for_selector(".quiz-film img >> visible=true")
    yield "quiz"
    page.click("[data-call=NORMAL]")
    yield "called"
    page.click(".quiz-end")
    yield "score"
    page.click(".quiz-close")
    page.get_by_role("tab").nth(2).click()
    page.wait_for_selector(".about >> visible=true")
    yield "about"
    page.locator("#tab-about :is(details, .label-wrap:not(.open))").evaluate_all(
        "(all) => all.forEach((one) => (one.open === undefined ? one.click() : (one.open = true)))"
    )
    yield "numbers"
    page.locator(".keys-open").dispatch_event("click")
    yield "keys"


if __name__ == "__main__":
    main()
