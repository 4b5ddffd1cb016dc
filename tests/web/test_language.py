"""A visitor changes the page's language, in a real Chromium, on a small page of its own."""

import pytest
from served_page import serve

from pneumonia.web import modules, texts

WORDS = texts.load_texts()
LOADED = """() => ["ar", "es", "fr", "pt", "pt-BR", "zh-CN"].every((name) =>
    performance.getEntriesByType("resource").some((e) => e.name.includes(`/assets/${name}-`))
)"""  # Gradio's own words of all languages

pytestmark = pytest.mark.browser


def launch() -> None:
    """A page with every kind of text: the HTML's, a later event's, CSS's and the components'."""
    import gradio as gr

    import pneumonia.web.gradio_private  # noqa: F401  (with it a page rests while nobody asks)

    label = texts.i18n()
    first = texts.menu() + texts.tag("use.privacy", 'p id="words"')
    first += texts.number(4360) + texts.number(0.995, 3)
    first += f"<img {texts.attributes({'alt': 'film.alt'}, name='<b>.png')}>"

    def answer(turn: int) -> tuple[str, int]:
        key = ("headline.one.NORMAL", "headline.one.PNEUMONIA")[turn % 2]
        return texts.tag(key, "h2", title="Small CNN"), turn + 1

    with gr.Blocks(analytics_enabled=False) as page:
        gr.HTML(first)
        with gr.Tab(label("tabs.one"), elem_id="tab"):
            gr.File(label=label("upload.label"), elem_id="film")
            gr.Radio([(label("choice.all"), "all"), "cnn"], label=label("choice.label"))
            result, turn = gr.HTML("<p>–</p>", elem_id="result"), gr.State(0)
            gr.Button(label("batch.cancel"), elem_id="go").click(answer, turn, [result, turn])
    page.launch(
        i18n=label,
        head=modules.head("language.js"),
        app_kwargs={"routes": [modules.ROUTE]},
        css="#result::after { content: var(--style-drop); }",
        run_history=False,
        ssr_mode=False,
    )


@pytest.fixture
def visit(new_page):
    """Opens the page for a visitor of that locale."""

    def open_page(locale: str, fragment: str = "", come: str = "hover"):
        address = serve(__file__)
        page = new_page(address, again=True, locale=locale)
        page.goto(address + fragment)
        page.wait_for_selector("#go")
        getattr(page, come)("select.language")  # whoever wants another one comes here first
        page.wait_for_function(LOADED)
        return page

    return open_page


def reads(page, selector: str, words: str) -> None:
    """Waits until that element says exactly that."""
    same = "([selector, words]) => document.querySelector(selector)?.textContent.trim() === words"
    page.wait_for_function(same, arg=[selector, words])


def speaks(page, language: str, gradio: str) -> None:
    """Waits until everything on the page is in that language; ``gradio`` is its word for API."""
    words = WORDS[language]
    reads(page, "#words", words["use.privacy"])
    reads(page, "#go", words["batch.cancel"])
    page.wait_for_selector(f"footer :text({gradio!r})")
    assert page.get_attribute("img[data-t-alt]", "alt") in (
        words["film.alt"].replace("{name}", name) for name in ("<b>.png", "\u2068<b>.png\u2069")
    )
    assert words["upload.label"] in page.inner_text("#film")
    assert page.inner_text("[role=tab]:visible") == words["tabs.one"]
    labels = page.locator("[role=radiogroup], fieldset").first.inner_text()
    assert labels.split() == [*words["choice.label"].split(), *words["choice.all"].split(), "cnn"]
    drop = page.evaluate("getComputedStyle(document.querySelector('#result'), '::after').content")
    assert drop == f'"{words["style.drop"]}"'
    assert page.title() == words["page.title"]
    assert page.input_value("select.language") == language
    assert page.get_attribute("select.language", "aria-label") == words["language.label"]
    assert page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    assert page.get_attribute("html", "lang").split("-")[0] == language


@pytest.mark.parametrize(
    ("locale", "language", "gradio"),
    [
        ("zh-TW", "zh", "通过 API 使用"),
        ("pt-PT", "pt", "Usar via API"),
        ("de-DE", "en", "Use via API"),
    ],
)
def test_the_page_starts_in_the_browsers_language_or_in_english(visit, locale, language, gradio):
    speaks(visit(locale), language, gradio)


def test_html_that_comes_later_is_translated_and_so_is_what_replaces_it(visit):
    page = visit("fr-FR")
    page.click("#go")
    for key in ("headline.one.NORMAL", "headline.one.PNEUMONIA"):
        reads(page, "#result h2", WORDS["fr"][key].format(title="Small CNN"))
        page.click("#go")
    assert page.inner_text("[data-digits='0']").split() == ["4", "360"]
    assert page.inner_text("[data-digits='3']") == "0,995"


def test_a_choice_turns_the_page_at_once_and_keeps_the_result(visit):
    page = visit("en-GB", come="focus")
    page.click("#go")
    page.wait_for_selector("#result h2")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.select_option("select.language", "ar")
    speaks(page, "ar", "عبر API")
    headline = page.inner_text("#result h2")
    assert headline == WORDS["ar"]["headline.one.NORMAL"].format(title="\u2068Small CNN\u2069")
    assert page.inner_text("[data-digits='3']") == "0.995"  # Latin digits
    for language in ("es", "zh", "fr", "en", "ar", "pt"):  # the last one wins, in Gradio too
        page.select_option("select.language", language)
    speaks(page, "pt", "Usar via API")
    assert page.locator("#result h2").count() == 1
    assert not requests

    page.reload()  # the address knows
    page.wait_for_selector("#go")
    speaks(page, "pt", "Usar via API")
    stored = "document.cookie + JSON.stringify([{...localStorage}, {...sessionStorage}])"
    assert page.evaluate(stored) == "[{},{}]"


def test_a_link_can_carry_a_language(visit):
    speaks(visit("es-ES", "#lang=ar"), "ar", "عبر API")
    speaks(visit("es-ES", "#lang=xx"), "es", "Usar vía API")


def test_gradios_own_settings_change_the_page_too(visit):
    page = visit("en-GB")
    page.click("footer >> text=Settings")
    chooser = page.locator("input[role=combobox]")
    for name, language, gradio in (
        ("Français", "fr", "Utiliser via API"),
        ("Deutsch", "en", "Use via API"),  # not one of the page's
    ):
        chooser.click()
        page.click(f"li[role=option][aria-label={name!r}]")
        speaks(page, language, gradio)


if __name__ == "__main__":
    launch()
