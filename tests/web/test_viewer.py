"""The film viewer in a real Chromium, on a page without a server: what lies on its canvases."""

import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pneumonia.overlay import FAINT, FULL_STRENGTH, STEPS, film_image, overlay
from pneumonia.synthetic.phantom import draw_phantom
from pneumonia.web import modules
from pneumonia.web.texts import load_texts, plain
from pneumonia.web.viewer import Heat, viewer

pytestmark = pytest.mark.browser

HEIGHT, WIDTH = 280, 320
WINDOWS = {"desk": (900, 640), "phone": (390, 844)}
BLACK = np.zeros((HEIGHT, WIDTH), np.float32)
FILM = draw_phantom(HEIGHT, WIDTH, lesions=1, seed=3).pixels
NAME = '<img src=x onerror=alert(1)>".png'
TEXTS = load_texts()["en"]
WEB = modules.FOLDER.parent
STYLES = "".join(
    (WEB / name).read_text("utf-8")
    for name in ("style.css", "verdict.css", "viewer.css", "hide.css")
)
HOME = "http://viewer.test/"
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def heat(seed: int, cells=(6, 6), spread=8.0) -> Heat:
    rng = np.random.default_rng(seed)
    attribution = rng.normal(0, spread, cells).astype(np.float32)
    seen = np.asarray(film_image(FILM).resize((48, 48)), np.float32) / 255
    return Heat(("DenseNet-169", "Small CNN")[seed % 2 - 1], attribution, seen)


HEATS = [heat(1), heat(2, (5, 7))]


@pytest.fixture
def show(new_page):
    """Opens a page with viewers, which ask for nothing, ever."""

    def open_page(*viewers: str, width="desk", locale="en", before=""):
        size = dict(zip(("width", "height"), WINDOWS[width], strict=True))
        page = new_page(HOME, viewport=size, has_touch=width == "phone", locale=locale)
        page.set_default_timeout(10_000)
        words = json.dumps({"i18n_translations": {"en": TEXTS, "ar": load_texts()["ar"]}})
        html = f"""<!doctype html><html lang="en"><meta charset="utf-8">
            <meta name="viewport" content="width=device-width"><style>{STYLES}
            body {{ margin: 16px; background: var(--ground); }}</style>
            <script>{before}; window.gradio_config = {words};</script>
            <script type="module" src="viewer.js"></script><body>{"".join(viewers)}"""

        def answer(route) -> None:
            if route.request.url == HOME:
                route.fulfill(body=html, content_type="text/html")
            else:
                route.fulfill(path=modules.FOLDER / route.request.url.removeprefix(HOME))

        page.route(f"{HOME}**", answer)
        page.goto(HOME)
        return page

    return open_page


def pixels(page, panel: int = 0) -> np.ndarray:
    """What lies on a panel's canvas (0 is the film's), ``(height, width, 3)`` int."""
    page.evaluate(DRAWN)
    data = page.locator(".viewer-stage canvas").nth(panel).evaluate("(c) => c.toDataURL()")
    picture = Image.open(io.BytesIO(base64.b64decode(data.split(",")[1])))
    return np.asarray(picture.convert("RGB")).astype(int)


def expected(shape: tuple[int, ...], attribution: np.ndarray, opacity=0.7, grey=0.0) -> np.ndarray:
    """What ``overlay`` makes of an even film of that shape."""
    film = np.full(shape[:2], grey, np.float32)
    return np.asarray(overlay(film, attribution, opacity)).astype(int)


def assert_same(seen: np.ndarray, wanted: np.ndarray, attribution: np.ndarray) -> None:
    """Equal but where contour lines run, colour begins or the sign changes."""
    height, width = wanted.shape[:2]
    grid = Image.fromarray(attribution).resize((width, height), Image.Resampling.BILINEAR)
    bounds = sorted(sign * level for level in (FAINT, *STEPS) for sign in (-1, 1))
    band = Image.fromarray(np.digitize(np.asarray(grid), bounds).astype(np.uint8))
    highest, lowest = band.filter(ImageFilter.MaxFilter(9)), band.filter(ImageFilter.MinFilter(9))
    even = (np.asarray(highest) == np.asarray(lowest))[:, -seen.shape[1] :]
    away = np.abs(seen - wanted[:, -seen.shape[1] :]).max(2)
    assert even.mean() > 0.3 and np.quantile(away[even], 0.995) <= 6 and away[even].mean() < 1


def set_slider(page, name: str, value: float) -> None:
    page.locator(f"[data-set={name}]").first.fill(str(value))


def text(page, selector: str) -> str:
    page.evaluate(DRAWN)
    return page.locator(selector).first.inner_text()


def stage(page, panel: int = 0):
    return page.locator(".viewer-stage").nth(panel)


def test_the_map_is_that_of_the_other_pictures(show):
    fine = Heat("cnn", np.zeros((128, 128), np.float32), FILM)
    fine.attribution[40:90, 20:60] = FULL_STRENGTH / 2  # exactly nothing elsewhere
    page = show(viewer(BLACK, NAME, [*HEATS, fine], ["any words"], "a"))
    shape = pixels(page, 1).shape
    assert shape[1] / shape[0] == pytest.approx(WIDTH / HEIGHT, rel=0.02)
    for opacity in (70, 100):
        set_slider(page, "opacity", opacity)
        for panel, shown in enumerate([*HEATS, fine], start=1):
            wanted = expected(shape, shown.attribution, opacity / 100)
            assert_same(pixels(page, panel), wanted, shown.attribution)
    assert pixels(page, 3)[:5].max() == 0
    set_slider(page, "opacity", 0)
    assert pixels(page, 1).max() == 0
    assert text(page, ".viewer-opacity") == "0\u00a0%"


def test_warm_raises_cool_lowers_nothing_is_quiet_and_no_colour_is_grey(show):
    halves = np.zeros((1, 3), np.float32)
    halves[0] = FULL_STRENGTH * np.array([0.9, 0, -0.9])
    grey = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    page = show(viewer(grey, NAME, [Heat("cnn", halves, FILM)], [], "a"))
    page.click("[data-toggle=cells]")
    seen = pixels(page, 1)
    height, width = seen.shape[:2]
    warm, quiet, cool = (seen[height // 2, width * third // 6] for third in (1, 3, 5))
    assert warm[0] > warm[2] + 60 and cool[2] > cool[0] + 60
    assert np.ptp(quiet) == 0 and quiet[0] < 128  # the film itself, darker
    legend = page.locator(".viewer-legend canvas").evaluate(
        "(c) => [5, 127, 249].map((x) => [...c.getContext('2d').getImageData(x, 0, 1, 1).data])"
    )
    assert legend[0][2] > legend[0][0] + 60 and legend[2][0] > legend[2][2] + 60
    assert np.ptp(legend[1][:3]) == 0
    words = text(page, ".viewer-legend")
    assert "lowered it a lot" in words and "raised it a lot" in words and "odds" not in words
    assert "15 log-odds" in page.get_attribute(".viewer-legend canvas", "title")
    assert page.locator(".viewer select").count() == 0  # there is one map


def test_contour_lines_run_at_fixed_steps_dashed_where_it_was_lowered(show):
    ramp = np.linspace(-FULL_STRENGTH, FULL_STRENGTH, 64, dtype=np.float32)[None].repeat(64, 0)
    page = show(viewer(BLACK, NAME, [Heat("cnn", ramp, FILM)], [], "a"))
    set_slider(page, "opacity", 100)
    seen = pixels(page, 1)
    away = np.abs(seen - expected(seen.shape, ramp, 1)).max(2) > 40
    runs = away.mean(0)  # along each column
    for side in (-1, 1):
        for step in STEPS:
            at = round((0.5 + side * step / FULL_STRENGTH / 2 * 63 / 64) * len(runs))
            share = runs[at - 2 : at + 3].max()
            assert share > 0.9 if side > 0 else 0.3 < share < 0.9, (side, step)
    assert (runs[: len(runs) // 10] == 0).all()


def test_windows_are_ready_for_the_lungs_and_the_bones_and_told_in_the_values_of_the_file(show):
    greys = np.full((HEIGHT, WIDTH), 0.6, np.float32)  # bones
    lungs = np.zeros((4, 4), np.float32)
    lungs[1:3, 1:3] = 1
    greys[70:210, 80:240] = np.linspace(0.2, 0.4, 160)
    greys[:70] = 0  # what is darker than lungs is no bone
    page = show(viewer(greys, NAME, HEATS[:1], [], "a", lungs=lungs, ends=(4095, 0)))
    page.click("[data-toggle=windowing]")
    assert text(page, ".viewer-wl") == "W 4,095 · L 2,048"

    page.click("[data-on=lungs]")
    seen = pixels(page)
    middle, (top, bottom) = seen.shape[0] // 2, (seen.shape[0] // 10, seen.shape[0] * 9 // 10)
    inside = seen[middle, seen.shape[1] // 4 : seen.shape[1] * 3 // 4, 0]
    assert inside[2] <= 10 and inside[-3] >= 245 and (np.diff(inside[2:-2]) >= 0).all()
    width, level = (int(n.split()[1].replace(",", "")) for n in text(page, ".viewer-wl").split("·"))
    assert width == pytest.approx(0.2 * 4095, rel=0.03)
    assert level == pytest.approx(0.7 * 4095, rel=0.01)

    page.click("[data-on=bones]")
    seen = pixels(page)
    assert seen[top, :, 0].max() == 0 and 120 < seen[bottom, 5, 0] < 135
    page.click("[data-on=film]")
    assert pixels(page)[bottom, 5, 0] == 153

    page = show(viewer(greys, NAME, HEATS[:1], [], "a", ends=(8073, 8173)))  # no lungs are known
    page.click("[data-toggle=windowing]")
    assert page.locator("[data-do=preset]").count() == 0
    assert text(page, ".viewer-wl") == "W 100 · L 8,123"


def test_the_film_and_its_tools_leave_the_heat_alone(show):
    page = show(viewer(FILM, NAME, HEATS[:1], [], "a"))
    plain = pixels(page)
    wanted = film_image(FILM).resize(plain.shape[1::-1], Image.Resampling.BILINEAR)
    assert np.abs(plain[..., 0] - np.asarray(wanted).astype(int)).mean() < 2
    assert (plain[..., 0] == plain[..., 2]).all()

    page.click("[data-toggle=invert]")
    assert np.abs(pixels(page) - (255 - plain)).max() <= 2
    page.click("[data-toggle=invert]")

    page.click("[data-toggle=windowing]")
    set_slider(page, "contrast", 40)  # half the width
    set_slider(page, "brightness", 20)
    assert text(page, ".viewer-wl") == "W 128 · L 102"
    narrow = np.clip((plain - 102) / 127.5 * 255 + 127.5, 0, 255)
    assert np.abs(pixels(page) - narrow).mean() < 3
    page.click("[data-do=reset]")
    assert np.abs(pixels(page) - plain).max() == 0

    page = show(viewer(BLACK, NAME, HEATS[:1], [], "a"))
    page.click("[data-toggle=invert]")
    seen = pixels(page, 1)
    wanted = expected(seen.shape, HEATS[0].attribution, grey=1)
    assert_same(seen, wanted, HEATS[0].attribution)


def test_dragging_sets_the_window_and_a_double_click_resets_it(show):
    page = show(viewer(FILM, NAME, HEATS[:1], [], "a"))
    plain = pixels(page)
    for button in ("right", "left"):
        if button == "left":  # which needs the tool
            page.click("[data-toggle=windowing]")
            page.evaluate(DRAWN)
        box = stage(page).bounding_box()
        middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(*middle)
        page.mouse.down(button=button)
        page.mouse.move(middle[0], middle[1] - 60, steps=3)
        page.mouse.up(button=button)
        assert pixels(page).mean() > plain.mean() + 10  # upwards is brighter
        assert "W 255" in text(page, ".film .viewer-readout")
        page.mouse.dblclick(*middle)
        assert np.abs(pixels(page) - plain).max() == 0


def test_zoom_and_pan_move_all_panels_together(show):
    page = show(viewer(FILM, NAME, HEATS, [], "a"))
    set_slider(page, "opacity", 0)
    plain = Image.fromarray(pixels(page).astype(np.uint8))
    page.click("[data-do=zoomIn]")
    assert text(page, ".viewer-zoom") == "150\u00a0%"
    width, height = plain.size
    crop = (width / 6, height / 6, width * 5 / 6, height * 5 / 6)
    wanted = np.asarray(plain.resize(plain.size, Image.Resampling.BILINEAR, crop)).astype(int)
    assert np.abs(pixels(page) - wanted).mean() < 4
    small = Image.fromarray(pixels(page, 1).astype(np.uint8)).resize(plain.size)
    assert np.abs(np.asarray(small).astype(int) - wanted).mean() < 6

    before, box = pixels(page), stage(page).bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 170)
    page.mouse.up()
    moved = pixels(page)
    assert np.abs(moved[:-30, 40:] - before[30:, :-40]).mean() < 2
    stage(page).focus()
    page.keyboard.press("0")
    assert text(page, ".viewer-zoom") == "100\u00a0%"
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    assert np.abs(pixels(page) - before).mean() > 2
    page.keyboard.press("-")

    corner = box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.mouse.move(*corner)
    page.keyboard.down("Control")
    for _ in range(3):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.wait_for_function("parseInt(document.querySelector('.viewer-zoom').value) > 200")
    view = np.array(plain)[int(height * 0.6) :, int(width * 0.6) :]  # what is there stays there
    assert abs(pixels(page).mean() - view.mean()) < 6


def test_unsmoothed(show):
    page = show(viewer(BLACK, NAME, HEATS[:1], [], "a"))
    attribution = HEATS[0].attribution
    set_slider(page, "opacity", 100)
    page.click("[data-toggle=cells]")
    seen = pixels(page, 1)
    centres = [(np.arange(6) + 0.5) * side / 6 for side in seen.shape[:2]]
    cells = seen[np.ix_(*(c.astype(int) for c in centres))]
    flat = [expected((9, 9), np.full((1, 1), value), 1)[4, 4] for value in attribution.flat]
    assert np.abs(cells - np.reshape(flat, (6, 6, 3))).max() <= 4

    box, chip = stage(page, 1).bounding_box(), page.locator(".viewer-cell")
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    page.wait_for_selector(f".viewer-cell:has-text({said(attribution[1, 4])!r})")
    page.mouse.move(0, 0)
    chip.wait_for(state="hidden")
    stage(page, 1).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert text(page, ".viewer-live") == f"Row 2, column 2: {said(attribution[1, 1])}"
    assert chip.is_visible()
    page.keyboard.press("Tab")
    chip.wait_for(state="hidden")


def said(value: float) -> str:
    """What a cell did, in words and in log-odds."""
    size = abs(value)
    key = f"{'raises' if value > 0 else 'lowers'}_{sum(size >= step for step in STEPS)}"
    words = TEXTS["viewer.quiet" if size < FAINT else f"viewer.{key}"]
    return f"{words} ({number(value)} log-odds)"


def number(value: float) -> str:
    return f"{round(float(value), 2):+.1f}".replace("-", "−")


def test_a_place_says_in_words_what_it_did(show):
    levels = [[0.1, 1, 6, 12], [-0.1, -1, -6, -12]]
    page = show(viewer(BLACK, NAME, [Heat("cnn", np.array(levels, np.float32), FILM)], [], "a"))
    stage(page, 1).scroll_into_view_if_needed()
    box = stage(page, 1).bounding_box()
    for row, values in enumerate(levels):
        for column, value in enumerate(values):
            x, y = (column + 0.5) / 4, (row + 0.5) / 2
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            page.wait_for_selector(f".viewer-cell:has-text({number(value)!r})")
            assert text(page, ".viewer-cell").startswith(said(value).partition(" (")[0])


def test_the_slider_divides_film_and_heat(show):
    page = show(viewer(BLACK, NAME, HEATS, [], "a"), locale="ar")  # which turns no picture round
    page.check("[value=slider]", force=True)
    seen = pixels(page, 1)
    assert page.locator(".viewer-panel:visible").count() == 1
    half = seen.shape[1] // 2
    wanted = expected(seen.shape, HEATS[0].attribution)
    assert seen[:, : half - 1].max() == 0
    assert_same(seen[:, half + 1 :], wanted, HEATS[0].attribution)

    divider = page.get_by_role("slider", name=load_texts()["ar"]["viewer.divider"])
    divider.press("End")
    assert pixels(page, 1).max() == 0 and divider.get_attribute("aria-valuenow") == "100"
    divider.press("Home")
    assert_same(pixels(page, 1), wanted, HEATS[0].attribution)
    assert divider.get_attribute("aria-valuenow") == "0"
    divider.press("PageUp")
    divider.press("ArrowRight")
    box = stage(page, 1).bounding_box()
    page.mouse.move(box["x"] + 0.12 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 90, steps=2)
    page.mouse.up()
    assert pixels(page, 1)[:, : int(0.74 * seen.shape[1])].max() == 0
    assert divider.get_attribute("aria-valuenow") == "75"

    page.get_by_role("radio", name="Small CNN").check(force=True)
    assert text(page, ".viewer-panel:visible strong") == "Small CNN"


def test_what_the_model_saw(show):
    page = show(viewer(FILM, NAME, HEATS[:1], [], "a"))
    page.click("[data-toggle=invert]")
    page.get_by_role("button", name=TEXTS["viewer.saw"]).click()
    seen = pixels(page, 1)
    height, width = seen.shape[:2]
    left = (width - height) // 2
    assert seen[:, : left - 1].max() == 0  # its own square shape, and its own greys
    places = ((np.arange(48) + 0.5) * height / 48).astype(int)
    square = seen[places][:, places + round((width - height) / 2), 0]
    assert np.abs(square - np.round(255 * HEATS[0].model_input)).max() <= 1
    assert "48 × 48 px" in text(page, ".heat figcaption")


def test_weak_evidence_is_called_none(show):
    weak = heat(3, cells=(4, 4), spread=0.1)
    strong = np.full((2, 2), -FULL_STRENGTH, np.float32)
    both = strong * [[1, -1], [0, 0.1]]
    heats = [weak, *(Heat("cnn", cells, FILM) for cells in (strong, -strong, both))]
    page = show(viewer(BLACK, NAME, heats, [], "a"))
    says = page.locator(".viewer-says")
    page.evaluate(DRAWN)
    keys = ("nothing_spoke", "mostly_lowered", "mostly_raised", "both_alike")
    assert says.all_inner_texts() == [TEXTS[f"viewer.{key}"] for key in keys]
    saw = page.locator("[data-toggle=input2]")
    saw.click()
    page.wait_for_selector(".viewer-says:has-text('Network input')")
    saw.click()
    page.wait_for_selector(".viewer-says:has-text('Network input')", state="detached")
    assert says.all_inner_texts() == [TEXTS[f"viewer.{key}"] for key in keys]


def test_the_next_film_keeps_the_settings_and_forgets_the_view(show):
    first, second = (viewer(f, NAME, HEATS, [], i) for f, i in ((BLACK, "a"), (FILM, "b")))
    page = show(first)
    page.click("[data-toggle=cells]")
    page.click("[data-toggle=invert]")
    page.click("[data-do=zoomIn]")
    set_slider(page, "opacity", 35)
    page.check("[value=slider]", force=True)
    page.click("[data-toggle=invert]")
    page.click("[data-toggle=invert]")

    def state() -> list:
        page.evaluate(DRAWN)
        return page.evaluate(
            """[...document.querySelectorAll(".viewer")].map((root) => [
                root.dataset.mode,
                ...["opacity"].map((n) => root.querySelector(`[data-set=${n}]`).value),
                ...["cells", "invert"].map(
                    (n) => root.querySelector(`[data-toggle=${n}]`).getAttribute("aria-pressed")),
                root.querySelector(".viewer-zoom").value])"""
        )

    kept = ["slider", "35", "true"]
    page.evaluate("html => document.body.insertAdjacentHTML('beforeend', html)", second)
    assert state() == [[*kept, "true", "150\u00a0%"], [*kept, "false", "100\u00a0%"]]
    assert pixels(page, 4).max() > 200

    # Elements that become those of another film, as a page that compares them makes them
    page.evaluate(
        """html => {
            const [root, other] = document.querySelectorAll(".viewer");
            other.remove();
            const parsed = new DOMParser().parseFromString(html, "text/html");
            const next = parsed.querySelector(".viewer");
            for (const { name } of [...root.attributes]) root.removeAttribute(name);
            for (const { name, value } of next.attributes) root.setAttribute(name, value);
            root.querySelector("img").src = next.querySelector("img").src;
            for (const canvas of root.querySelectorAll("canvas")) canvas.removeAttribute("width");
        }""",
        second,
    )
    assert state() == [[*kept, "false", "100\u00a0%"]]
    page.wait_for_function("document.querySelectorAll('.viewer-stage canvas')[1].width > 300")
    assert pixels(page, 1).max() > 200
    page.evaluate("document.querySelector('.viewer').remove()")


def test_full_screen_where_there_is_one(show):
    page = show(viewer(FILM, NAME, HEATS, [], "a"))
    button = page.get_by_role("button", name=TEXTS["viewer.fullscreen"])
    for pressed in ("true", "false"):
        button.click()
        page.wait_for_selector(f"[data-do=fullscreen][aria-pressed={pressed}]")
        assert page.evaluate("Boolean(document.fullscreenElement)") == (pressed == "true")
    lacking = "Object.defineProperty(document, 'fullscreenEnabled', { value: false })"
    page = show(viewer(FILM, NAME, HEATS, [], "a"), before=lacking)
    assert page.get_by_role("button", name=TEXTS["viewer.invert"]).count() == 1
    assert page.get_by_role("button", name=TEXTS["viewer.fullscreen"]).count() == 0


def test_on_a_phone(show):
    page = show(viewer(FILM, NAME, HEATS, ["x" * 80], "a"), width="phone")
    boxes = [stage(page, panel).bounding_box() for panel in range(3)]
    assert all(box["width"] == boxes[0]["width"] > 340 for box in boxes)
    assert sorted(boxes, key=lambda box: box["y"]) == boxes  # film, heat, heat
    bar = page.locator(".viewer-bar").bounding_box()  # at the thumb
    assert bar["y"] + bar["height"] == pytest.approx(page.viewport_size["height"], abs=1)
    page.tap("[data-toggle=sheet]")
    page.tap("[data-toggle=windowing]")
    for mode in ("side", "slider"):
        page.check(f"[value={mode}]", force=True)
        page.evaluate(DRAWN)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        small = page.evaluate(
            """[...document.querySelectorAll("button, select, [type=range], label:has(:checked)")]
                .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().height)"""
        )
        assert min(small) >= 44


def test_two_fingers_zoom(show):
    page = show(viewer(FILM, NAME, HEATS[:1], [], "a"), width="phone")
    box = stage(page).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    for kind, apart in (("Start", 20), ("Move", 30), ("Move", 40), ("End", None)):
        points = [] if apart is None else [{"x": x - apart, "y": y}, {"x": x + apart, "y": y}]
        for number, point in enumerate(points):
            point["id"] = number
        session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
    page.wait_for_function("parseInt(document.querySelector('.viewer-zoom').value) > 150")
    assert page.evaluate("visualViewport.scale") == 1  # the film, not the page


def test_everything_has_a_name_and_takes_the_focus(show):
    page = show(viewer(FILM, NAME, HEATS, [], "a"))
    page.click("[data-toggle=windowing]")
    page.evaluate(DRAWN)
    names = page.evaluate(
        """[...document.querySelectorAll("button, input, select, [tabindex]")]
            .filter((e) => e.checkVisibility() && e.tabIndex === 0)
            .map((e) => [Object.values(e.dataset)[0] ?? e.className,
                e.ariaLabel || e.labels?.[0]?.innerText || e.textContent.trim()
                || document.getElementById(e.getAttribute("aria-labelledby")).innerText])"""
    )
    assert all(name.strip() for _, name in names)
    reached = {page.evaluate("document.activeElement.dataset.toggle")}
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("Object.values(document.activeElement.dataset)[0]"))
    assert reached == {"windowing", "invert", "zoomOut", "zoomIn", "reset"}
    controls = "mode opacity cells fullscreen brightness contrast input1 input2 0 1 2"
    assert {*controls.split(), *reached, "viewer-stage"} == {what for what, _ in names}
    outline = page.evaluate(
        """document.querySelector(".viewer-stage").focus({ focusVisible: true }),
        getComputedStyle(document.querySelector(".viewer-stage")).outlineStyle"""
    )
    assert outline == "solid"
    page.locator("[data-enlarge='1']").click()
    page.evaluate(DRAWN)
    widths = [stage(page, panel).bounding_box()["width"] for panel in (0, 1)]
    assert widths[1] > 1.5 * widths[0]


def test_words_come_from_the_table_and_can_be_exchanged(show):
    class Words(HTMLParser):
        """Collects [key, words] of every element that has a key."""

        def __init__(self) -> None:
            super().__init__()
            self.found = []

        def handle_starttag(self, tag, attributes):
            attributes = dict(attributes)
            if "data-t" in attributes:
                self.found.append([attributes["data-t"], ""])
            if "data-t-label" in attributes:
                args = json.loads(attributes.get("data-args", "{}"))
                assert attributes["aria-label"] == plain(attributes["data-t-label"], **args)

        def handle_data(self, data):
            if self.found and not self.found[-1][1]:
                self.found[-1][1] = data

    html = viewer(FILM, NAME, HEATS, ["<i>any words</i>"], "a")
    words = Words()
    words.feed(html)
    assert words.found and all(plain(key) == text for key, text in words.found)
    assert "<img src=x" not in html
    assert "where the disease" not in json.dumps(TEXTS).lower()

    page = show(html)
    said = page.locator(".viewer-says").first
    page.evaluate(DRAWN)
    spoke = said.get_attribute("data-t")
    assert said.text_content() == TEXTS[spoke]
    page.evaluate("location.hash = 'lang=ar'")
    arabic = load_texts()["ar"][spoke]
    page.wait_for_selector(f".viewer-says:text-is({arabic!r})")
    assert text(page, ".film figcaption").endswith(f"{NAME} · any words")


def test_a_film_is_described_by_the_keys_that_work_on_it(show):
    page = show(viewer(FILM, NAME, HEATS[:1], [], "a", hides=True))
    described = page.locator(f"#{stage(page).get_attribute('aria-describedby')}")
    page.evaluate(DRAWN)
    assert described.text_content().startswith(f"+ =: {TEXTS['keys.zoomIn']}.")
    page.click("[data-toggle=hiding]")
    page.evaluate(DRAWN)
    assert f"Shift ← ↑ → ↓: {TEXTS['keys.hideSize']}." in described.text_content()
    page.evaluate("location.hash = 'lang=ar'")
    page.wait_for_selector(
        f"#a-help:has-text({load_texts()['ar']['keys.hideSize']!r})", state="attached"
    )


def test_the_lungs_are_outlined_on_request(show):
    lungs = np.zeros((32, 32), np.float32)
    lungs[8:24, 4:12] = 1
    page = show(
        viewer(np.full((HEIGHT, WIDTH), 0.5, np.float32), NAME, HEATS[:1], [], "a", lungs=lungs)
    )
    plain, legend = pixels(page), page.locator(".viewer-outlined")
    assert np.ptp(plain) == 0 and not legend.is_visible()
    page.get_by_role("button", name=TEXTS["lungs.button"]).click()
    changed = np.argwhere(np.abs(pixels(page) - plain).max(2) > 60) / plain.shape[:2]
    assert legend.is_visible()
    np.testing.assert_allclose(changed.min(0), [8 / 32, 4 / 32], atol=0.02)
    np.testing.assert_allclose(changed.max(0), [24 / 32, 12 / 32], atol=0.02)
    inside = pixels(page)[int(0.4 * plain.shape[0]), int(0.25 * plain.shape[1])]
    assert (inside == plain[0, 0]).all()
    page.get_by_role("button", name=TEXTS["lungs.button"]).click()
    assert np.abs(pixels(page) - plain).max() == 0
    without = show(viewer(FILM, NAME, HEATS[:1], [], "a"))
    assert without.get_by_role("button", name=TEXTS["lungs.button"]).count() == 0


def test_a_box_is_drawn_moved_sized_and_taken_away(show):
    page = show(viewer(BLACK, NAME, HEATS[:1], [], "a", hides=True))
    page.evaluate("window.told = []; document.addEventListener('hide', (e) => told.push(e.detail))")
    page.click("[data-toggle=hiding]")
    page.evaluate(DRAWN)  # what to do stands above the film now
    box = stage(page).bounding_box()

    def drag(start, end) -> list[float]:
        for number, (x, y) in enumerate((start, end)):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
            page.mouse.down() if number == 0 else page.mouse.up()
        return page.evaluate("told.at(-1)")

    assert drag((0.5, 0.6), (0.2, 0.3)) == pytest.approx([0.2, 0.3, 0.5, 0.6], abs=0.01)
    assert text(page, ".viewer-zoom") == "100\u00a0%"
    assert drag((0.3, 0.4), (0.4, 0.5)) == pytest.approx([0.3, 0.4, 0.6, 0.7], abs=0.01)
    assert drag((0.4, 0.5), (0.99, 0.5)) == pytest.approx([0.7, 0.4, 1, 0.7], abs=0.01)
    assert pixels(page).max() > 200  # its edge
    stage(page).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowDown")
    assert page.evaluate("told.at(-1)") == pytest.approx([0.7, 0.38, 1, 0.7], abs=0.01)
    page.keyboard.press("Escape")
    assert page.evaluate("told.at(-1)") is None and pixels(page).max() == 0
    page.keyboard.press("ArrowUp")
    assert page.evaluate("told.at(-1)") == pytest.approx([0.4, 0.4, 0.6, 0.6])
    page.click("[data-toggle=hiding]")
    assert page.evaluate("told.at(-1)") is None and pixels(page).max() == 0
