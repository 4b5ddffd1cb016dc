"""What the tests share: drawn films, a data set of them in the Kaggle layout, checkpoints."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumonia.checkpoint import save_checkpoint
from pneumonia.gate import Gate
from pneumonia.models import MODELS, build
from pneumonia.phantom import draw_phantom

torch.set_num_threads(2)


def card_of(model: str) -> dict:
    """The parts of a card that a prediction needs."""
    return {
        "model": model,
        "title": MODELS[model].title,
        "preprocessing": {"grid": 224, "size": 64, "standardise": "per film"},
        "calibration": {"temperature": 1.5, "bias": -0.2},
        "operating_point": {"threshold": 0.4},
        "validation": {"clean": {"sensitivity": 0.95, "specificity": 0.97}},
        "conformal": {"coverage": 0.9, "normal_to": 0.3, "pneumonia_from": 0.6},
    }


def open_gate(model: str, limit: float = 1e6) -> Gate:
    """A gate that lets films through whose inner features are within ``limit`` of 0."""
    channels = {"cnn": 160, "densenet169": 640}[model]
    precision = np.eye(channels, dtype=np.float32) / np.float32(limit) ** 2
    return Gate(np.zeros(channels, np.float32), precision)


def seeded_network(model: str, seed: int = 0) -> torch.nn.Module:
    """A network whose normalisations are not at their neutral start, so that mistakes show."""
    torch.manual_seed(seed)
    network = build(model)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            torch.nn.init.normal_(module.bias, std=0.2)
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.7, 1.3)
    torch.nn.init.normal_(network.classifier.weight, std=0.1)
    return network.eval()


@pytest.fixture(scope="session", params=list(MODELS))
def checkpoint(request, tmp_path_factory) -> Path:
    """A checkpoint folder of each model, with random weights."""
    folder = tmp_path_factory.mktemp("checkpoint") / request.param
    model = request.param
    save_checkpoint(folder, seeded_network(model), card_of(model), open_gate(model))
    return folder


@pytest.fixture(scope="session")
def films() -> list:
    """Eight drawn films, ``(height, width)`` float32, every other one with opacities."""
    return [draw_phantom(200, 240, lesions=3 * (i % 2), seed=i).pixels for i in range(8)]


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
                    seed = 1000 * ill + 10 * number + shot
                    phantom = draw_phantom(180, 200, lesions=2 * ill, seed=seed)
                    phantom.image().save(folder / f"{name}.jpeg", quality=90)
    (root / "chest_xray" / "train" / "NORMAL" / ".DS_Store").write_bytes(b"junk")
    (root / "chest_xray" / "train" / "NORMAL" / "IM-0999-0001.jpeg").write_bytes(b"not a film")
    for copy in ("chest_xray", "__MACOSX"):  # what Kaggle's archive nests
        nested = root / "chest_xray" / copy / "train" / "NORMAL"
        nested.mkdir(parents=True)
        (nested / "._IM-0100-0000.jpeg").write_bytes(b"resource fork")
        (nested / "IM-0100-0000.jpeg").write_bytes(b"a copy")
    return root


FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture(scope="session")
def chromium():
    """The system's browser, driven by Playwright."""
    path = shutil.which("chromium")
    if not path:
        if os.environ.get("CI"):
            pytest.fail("There is no chromium on the PATH.")
        pytest.skip("needs chromium on the PATH")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=path, args=FLAGS.split())
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium):
    """Opens pages, each for a visitor of its own; afterwards none may have complained, nor asked
    for anything but what it carries and what lies below the address ``home``."""
    contexts, elsewhere, complaints = [], [], []

    def open_page(home: str = "data:", **options):
        local = (home, "data:", "blob:")
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", lambda r: None if r.url.startswith(local) else elsewhere.append(r.url))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not elsewhere
    assert not complaints
