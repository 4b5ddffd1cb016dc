"""Which files of Gradio's the page waits for, as a browser that is told nothing asks for them.

    python -m tools.gradio_files        # writes pneumonia/web/gradio_files.txt

They are named in the page's head, so that a browser asks for all of them at once. Their names
change with Gradio's version and with the components that the page consists of. Needs playwright,
and chromium on the PATH.
"""

import re

from playwright.sync_api import Page, Route, sync_playwright

from pneumonia.web.gradio_files import LIST
from tools.page_process import CHROMIUM, FLAGS, running_page

HINT = re.compile(r'<link rel="(?:modulepreload|preload|stylesheet" disabled)[^>]*>')


def waited_for(page: Page, address: str) -> list[str]:
    """Names of the files in the order in which a browser asks, but those that it begins with."""
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.partition("/assets/")[2]))

    def without_hints(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=HINT.sub("", answer.text()))

    page.route(address, without_hints)
    page.goto(address)
    page.wait_for_selector("#entrance", state="detached")
    page.wait_for_timeout(1000)  # for what comes last
    return [name for name in dict.fromkeys(asked) if name and not name.startswith("index-")]


def main() -> None:
    with running_page() as (_, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        files = waited_for(browser.new_page(), address)
        browser.close()
    LIST.write_text("\n".join(files) + "\n", "utf-8")
    print(f"{LIST.name}: {len(files)} files")


if __name__ == "__main__":
    main()
