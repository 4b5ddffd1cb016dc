"""Hostile files and requests against a page of its own: what does each cost, and whom?

    python -m tools.attack
    python -m tools.attack --only jpeg

Every file is made here. While the page reads one, another visitor sends an ordinary film. Of each
attack the table says how long it took to be answered, how much more memory page and readers held,
and how long the other visitor waited. The exit status is 1 where one took more than 10 s, 1.5 GB,
or 2 s more of the other visitor's time than that film takes alone, or where the page has ended.
"""

import argparse
import io
import struct
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
from gradio_client import Client, handle_file
from pydicom import uid

from pneumonia.synthetic.phantom import draw_phantom
from tools.film_files import compressed, dicom, encoded, grey_png, rle, saved, siz
from tools.page_process import memory, running_page

SECONDS, MEGABYTES, OTHER = 10, 1500, 2  # per attack: to its answer, more memory, to the other's


def decoy() -> bytes:
    """A small JPEG 2000 header in a box that nobody reads, before a stream of 60,000 px."""
    small = siz(340, 300)
    boxes = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A) + struct.pack(
        ">I4s", 8 + len(small), b"free"
    )
    return boxes + small + struct.pack(">I4s", 0, b"jp2c") + siz(60_000, 60_000) + b"\xff\xd9"


def scans(count: int) -> bytes:
    """A progressive JPEG of 36 megapixels whose last scan comes again and again."""
    jpeg = encoded("JPEG", np.zeros((6000, 6000), np.uint8), progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:-2] + count * jpeg[last:-2] + b"\xff\xd9"


def items(count: int) -> bytes:
    """A DICOM film with that many empty items in one sequence."""
    film = saved(dicom(np.zeros((64, 64), np.uint8)))
    at = film.index(struct.pack("<2H", 0x7FE0, 0x0010))
    body = count * b"\xfe\xff\x00\xe0\0\0\0\0"
    head = struct.pack("<2H2sHI", 0x0028, 0x3010, b"SQ", 0, len(body))
    return film[:at] + head + body + film[at:]


def packed(names: list[str], content: bytes, packing: int = zipfile.ZIP_STORED) -> bytes:
    """An archive whose members are all alike."""
    with zipfile.ZipFile(file := io.BytesIO(), "w", packing) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def picture(format: str, mode: str, **options) -> bytes:
    """A film of almost 40 megapixels."""
    image = draw_phantom(400, 500, seed=1).image().resize((7071, 5655)).convert(mode)
    image.save(file := io.BytesIO(), format, **options)
    return file.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    "jpeg 2000 decoy.dcm": lambda: compressed(decoy(), uid.JPEG2000Lossless),
    "jpeg 2000 of 60000 px.dcm": lambda: compressed(siz(60_000, 60_000), uid.JPEG2000Lossless),
    "jpeg of 2000 scans.jpg": lambda: scans(2000),
    "jpeg of 39 scans.jpg": lambda: scans(33),
    "jpeg of 2000 scans.dcm": lambda: compressed(scans(2000), uid.JPEGBaseline8Bit),
    "items, 2.9 million.dcm": lambda: items(2_900_000),
    "items, 9000.dcm": lambda: items(9_000),
    "runs.dcm": lambda: compressed(rle(2_000_000 * b"\x81\0"), uid.RLELossless),
    "zip of 10000.zip": lambda: packed([f"{n}.png" for n in range(10_000)], b"no film"),
    "zip of twins.zip": lambda: packed(2 * ["film.png"], grey_png(90)),
    "zip of bzip2.zip": lambda: packed(["film.png"], bytes(2**31 - 1), zipfile.ZIP_BZIP2),
    "40 MP colour.jpg": lambda: picture("JPEG", "RGB", progressive=True),
    "40 MP colour.webp": lambda: picture("WEBP", "RGB", method=0),
    "40 MP alpha.png": lambda: picture("PNG", "RGBA", compress_level=1),
    "noise.dcm": lambda: b"\0" * 128 + b"DICM" + np.random.default_rng(0).bytes(2**24),
}


def held(page: int) -> int:
    """MB of the page and of its readers."""
    children = Path(f"/proc/{page}/task/{page}/children").read_text().split()
    return sum(memory(process) for process in (page, *map(int, children)))


class Watch(threading.Thread):
    """Looks at the memory of a page until it is told to stop."""

    def __init__(self, page: int) -> None:
        super().__init__(daemon=True)
        self.page, self.most, self.ended = page, 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.05):
            try:
                self.most = max(self.most, held(self.page))
            except (OSError, TypeError):  # a reader was just ended
                continue


def send(address: str, path: Path) -> tuple[float, str]:
    """Seconds until the page answers, and what it says."""
    client = Client(address, verbose=False)
    batch = path.suffix == ".zip"
    film, name = handle_file(path), "/predict_batch" if batch else "/predict"
    began = time.monotonic()
    try:
        answer = client.predict([film] if batch else film, api_name=name)
        said = f"{len(answer)} rows" if batch else "read"
    except Exception as error:
        said = str(error).partition(": ")[0][:60]
    return time.monotonic() - began, said


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="attacks whose name holds this")
    only = parser.parse_args().only
    broken = []
    with tempfile.TemporaryDirectory() as scratch, running_page() as (page, address):
        ordinary = Path(scratch, "ordinary.png")
        draw_phantom(900, 1100, seed=7).image().save(ordinary)
        alone = sorted(send(address, ordinary)[0] for _ in range(4))[1]
        print(f"the other visitor alone: {alone:.1f} s")
        print(f"{'attack':28} {'KB':>6} {'s':>6} {'MB more':>8} {'other, s':>9}  answer")
        for name, make in FILES.items():
            if only not in name:
                continue
            path = Path(scratch, name)
            path.write_bytes(make())
            before, watch = held(page.pid), Watch(page.pid)
            watch.start()
            with ThreadPoolExecutor(1) as attacker:
                attack = attacker.submit(send, address, path)
                time.sleep(0.3)
                other, _ = send(address, ordinary)
                seconds, said = attack.result()
            watch.ended.set()
            more = max(0, watch.most - before)
            size = path.stat().st_size // 1024
            print(f"{name:28} {size:6} {seconds:6.1f} {more:8} {other:9.1f}  {said}", flush=True)
            alive = page.poll() is None and httpx.get(address).status_code == 200
            if seconds > SECONDS or more > MEGABYTES or other > alone + OTHER or not alive:
                broken.append(name)
    if broken:
        sys.exit(f"attack.py: a bound is broken by {', '.join(broken)}.")


if __name__ == "__main__":
    main()
