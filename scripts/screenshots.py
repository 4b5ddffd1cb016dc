"""Photograph the page for the README: a film really dropped into it, in a real Chromium.

    python scripts/screenshots.py film.jpeg        # writes docs/page-{desktop,phone}[-light].png

Without a film it photographs a drawing. Needs playwright, and chromium on the PATH.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("film", nargs="?", type=Path, help="a film that may be published")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder (default: docs)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = subprocess.Popen([sys.executable, ROOT / "app.py", "--port", str(port)], cwd=ROOT)
    try:
        address = f"http://127.0.0.1:{port}/"
        wait_for(address, app)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            for name, (width, height) in SIZES.items():
                for scheme in ("dark", "light"):
                    context = browser.new_context(
                        viewport={"width": width, "height": height},
                        color_scheme=scheme,
                        device_scale_factor=1.5 if name == "phone" else 1,
                    )
                    page = context.new_page()
                    page.goto(address)
                    page.wait_for_selector("#film input[type=file]", state="attached")
                    page.click(".notice button")
                    if options.film:
                        page.set_input_files("#film input[type=file]", options.film)
                    else:
                        page.locator("#examples button").last.click()
                    page.wait_for_selector(".viewer:not([aria-busy])")
                    path = options.out / f"page-{name}{'' if scheme == 'dark' else '-light'}.png"
                    page.screenshot(path=path, full_page=True)
                    print(path)
                    context.close()
            browser.close()
    finally:
        app.terminate()
        app.wait()


def wait_for(address: str, app: subprocess.Popen) -> None:
    while True:
        try:
            urllib.request.urlopen(address).close()
            return
        except urllib.error.URLError:
            if app.poll() is not None:
                sys.exit("The page did not start.")
            time.sleep(0.3)


if __name__ == "__main__":
    main()
