"""What the tests share: drawn films, a data set of them in the Kaggle layout, checkpoints."""

import functools
import gc
import os
import re
import shutil
from pathlib import Path

import pytest
import torch
from factories import TINY, random_checkpoints
from PIL import Image
from served_page import pages

from pneumonia.models import MODELS
from pneumonia.synthetic.phantom import Phantom, draw_phantom
from pneumonia.web.stubs import without_stubs
from tools.page_process import CHROMIUM, FLAGS

# Two tests run at a time: threads that wait for a core of the other's cost more than they bring.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of what tests start


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Nothing of what test files import is garbage, to be looked for then and in every test; nor
    does Gradio write stubs for it, which takes seconds."""
    gc.disable()
    try:
        with without_stubs():
            return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that no worker has a last one when all others rest."""
    long = {
        i.path
        for i in items
        if i.get_closest_marker("slow")
        or i.get_closest_marker("browser")
        or "new_page" in getattr(i, "fixturenames", ())
    }
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session", params=list(MODELS))
def checkpoint(request, tmp_path_factory) -> Path:
    """A checkpoint folder of each model, with random weights."""
    root = random_checkpoints(tmp_path_factory.mktemp("checkpoint"), [request.param])
    return root / request.param


@pytest.fixture(scope="session")
def random_three(tmp_path_factory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "tiny", TINY)
        return random_checkpoints(tmp_path_factory.mktemp("three"), MODELS)


@pytest.fixture
def three_models(random_three, monkeypatch) -> Path:
    """The checkpoints of three models, the shipped two and one that nothing but its entry knows."""
    monkeypatch.setitem(MODELS, "tiny", TINY)
    monkeypatch.setenv("PNEUMONIA_CHECKPOINTS", str(random_three))
    return random_three


@pytest.fixture(scope="session")
def films() -> list:
    """Eight drawn films, ``(height, width)`` float32, every other one with opacities."""
    return [draw_phantom(200, 240, lesions=3 * (i % 2), seed=i).pixels for i in range(8)]


@functools.cache
def drawn(ill: bool, number: int, shot: int) -> Phantom:
    """A film of the data set."""
    return draw_phantom(180, 200, lesions=2 * ill, seed=1000 * ill + 10 * number + shot)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory) -> Path:
    """Drawn films in the Kaggle layout: 2 a patient, with what the real archive also holds."""
    root = tmp_path_factory.mktemp("data")
    for split, patients in (("train", 14), ("val", 2), ("test", 3)):
        for label in ("NORMAL", "PNEUMONIA"):
            folder = root / "chest_xray" / split / label
            folder.mkdir(parents=True)
            for patient in range(patients):
                for shot in range(2):
                    ill = label == "PNEUMONIA"
                    number = {"train": 100, "val": 200, "test": 300}[split] + patient
                    name = f"person{number}_virus_{shot}" if ill else f"IM-0{number}-000{shot}"
                    film = drawn(ill, number, shot).image()
                    film.save(folder / f"{name}.jpeg", quality=90)
    (root / "chest_xray" / "train" / "NORMAL" / ".DS_Store").write_bytes(b"junk")
    (root / "chest_xray" / "train" / "NORMAL" / "IM-0999-0001.jpeg").write_bytes(b"not a film")
    for copy in ("chest_xray", "__MACOSX"):  # what Kaggle's archive nests
        nested = root / "chest_xray" / copy / "train" / "NORMAL"
        nested.mkdir(parents=True)
        (nested / "._IM-0100-0000.jpeg").write_bytes(b"resource fork")
        (nested / "IM-0100-0000.jpeg").write_bytes(b"a copy")
    return root


@pytest.fixture(scope="session")
def few_films(dataset, tmp_path_factory) -> Path:
    """The same without six patients of either class, for trainings that need no more."""

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if re.search(r"(person|IM-0)1(0[89]|1[0-3])", name)}

    root = tmp_path_factory.mktemp("few") / "data"
    return Path(shutil.copytree(dataset, root, copy_function=os.link, ignore=left_out))


@pytest.fixture(scope="session")
def outlines(dataset, tmp_path_factory) -> Path:
    """The lungs of the data set's drawn films, laid out like it; two patients have none."""
    root = tmp_path_factory.mktemp("outlines")
    films = dataset / "chest_xray"
    for film in films.glob("*/*/*[0-9].jpeg"):
        number, shot = map(int, re.findall(r"\d+", film.stem))
        if number in (100, 999):
            continue
        path = (root / film.relative_to(films)).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        lungs = Image.fromarray(drawn(film.parent.name == "PNEUMONIA", number, shot).lungs)
        lungs.resize((224, 224)).save(path)
    return root


@pytest.fixture(scope="session")
def chromium():
    """The system's browser, driven by Playwright."""
    if not CHROMIUM:
        if os.environ.get("CI"):
            pytest.fail("There is neither chromium-headless-shell nor chromium on the PATH.")
        pytest.skip("needs chromium-headless-shell or chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """Opens pages for one test."""
    with pages(chromium) as open_page:
        yield open_page
