"""How long a visitor on a slow line waits: for the page, and for the verdict on the first film.

    python -m tools.slow_line                     # 1.6 Mbit/s, 300 ms
    python -m tools.slow_line --kilobytes 1000 --latency 50 --files

The line is Chromium's own (Network.emulateNetworkConditions). Needs playwright, and chromium on the
PATH.
"""

import argparse
import time

from playwright.sync_api import Request, sync_playwright

from tools.page_process import CHROMIUM, FLAGS, ROOT, running_page

FILM = ROOT / "examples" / "film-a.jpeg"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kilobytes", type=float, default=200, metavar="N", help="per second")
    parser.add_argument("--latency", type=float, default=300, metavar="MS")
    parser.add_argument("--files", action="store_true", help="list what is fetched, and when")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    fetched: list[Request] = []
    with running_page() as (_, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script("localStorage.accepted = 'yes'")
        page.on("requestfinished", lambda one: fetched.append(one))
        line = page.context.new_cdp_session(page)
        rate = args.kilobytes * 1000
        slow = {"offline": False, "latency": args.latency}
        slow |= {"downloadThroughput": rate, "uploadThroughput": rate}
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", slow)

        began = time.monotonic()
        page.goto(address, wait_until="commit")
        for what, state in (("the first words", "visible"), ("the page", "detached")):
            page.wait_for_selector("#entrance h1", state=state)
            print(f"{what:30} {time.monotonic() - began:5.1f} s", flush=True)
        with page.expect_event("requestfinished", lambda one: one.url.endswith("/upload")):
            began = time.monotonic()
            page.set_input_files("#film input[type=file]", FILM)
            page.wait_for_selector("#desk.previewing img")
            print(f"{'the film itself':30} {time.monotonic() - began:5.1f} s after its choice")
        began = time.monotonic()
        page.wait_for_selector("#result .verdict")
        print(f"{'the verdict':30} {time.monotonic() - began:5.1f} s after the upload")
        if args.files:
            first = fetched[0].timing["startTime"]
            for one in sorted(fetched, key=lambda one: one.timing["startTime"]):
                start = (one.timing["startTime"] - first) / 1000
                end = start + one.timing["responseEnd"] / 1000
                size, file = one.sizes()["responseBodySize"], one.url.replace(address, "/")
                print(f"{start:6.2f} {end:6.2f} {size:8d} {file[:90]}")
        browser.close()


if __name__ == "__main__":
    main()
