"""Models and page go to the Hub and come back, by its own client, from a Hub of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from factories import ROOT, card_of, evaluation_of, model_result, random_checkpoints
from hub_server import READER, WRITER, Hub, Repository, running_hub
from huggingface_hub import ModelCard, parse_eval_result_entries

from pneumonia.card import Card
from pneumonia.export.hub import RESULTS, model_upload, space_upload
from pneumonia.storage.hub import FILES
from pneumonia.synthetic.phantom import draw_phantom

NOWHERE = "http://127.0.0.1:9"

FETCH = """
import json, sys
from pneumonia.storage.hub import fetch
from pneumonia.storage.shipped import CheckpointError

def answer(address):
    try:
        return str(fetch(address))
    except CheckpointError as error:
        return str(error)

print(json.dumps([answer(address) for address in sys.argv[1:]]))
"""
USE = """
import sys
from pathlib import Path
from pneumonia import Predictor
from pneumonia.cli import app

address = sys.argv[1]
models = [Predictor.load(name, "cpu") for name in (address, "./checkpoints/cnn")]
print(*(model.predict("film.png").probability for model in models))
predict = ["predict", "film.png", "--model", address]
app(predict, standalone_mode=False)
for weights in Path("cache").rglob("model.safetensors"):
    weights.write_bytes(b"other weights")
sys.exit(app(predict, standalone_mode=False))
"""


@pytest.fixture(scope="module")
def hub():
    with running_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A checkout of two files with the checkpoint of a small network, and a film."""
    folder = tmp_path_factory.mktemp("home")
    random_checkpoints(folder / "checkpoints", ["cnn"])
    card = Card.load(folder / "checkpoints/cnn/card.json")
    evaluation_of({"cnn": model_result(card)}).save(folder / "evaluation.json")
    draw_phantom(120, 140).image().save(folder / "film.png")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    (folder / "app.py").write_text("print()")
    for words in (["init", "-q"], ["add", "README.md", "app.py"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def run(home: Path, endpoint: str, *words: str, token: str = "", **env: str):
    """A program of this environment, whose only Hub is that one."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    own |= {"PYTHONPATH": str(ROOT), "HF_HOME": str(home / "cache"), "HF_ENDPOINT": endpoint}
    own |= {"HF_HUB_DISABLE_XET": "1", **({"HF_TOKEN": token} if token else {}), **env}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=home, env=own, capture_output=True, text=True)
    assert WRITER not in done.stdout + done.stderr and READER not in done.stdout + done.stderr
    return done


def push(home: Path, endpoint: str, *words: str, token: str = ""):
    own = ["--checkpoints", "checkpoints", "--evaluation", "evaluation.json"]
    return run(home, endpoint, "-m", "pneumonia", "push", "me", *own, *words, token=token)


@pytest.fixture(scope="module")
def pushed(hub: Hub, home: Path):
    done = push(home, hub.address, token=WRITER)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_is_published_whole(hub, home, pushed):
    model = hub.repositories["models", "me/pneumonia-cnn"]
    files = {name: model.files[name] for name in model.files if name != ".gitattributes"}
    names = {"card.json", "gate.safetensors", "model.safetensors"}
    assert set(files) == {*names, "README.md", RESULTS}
    for name in names:
        assert files[name] == (home / "checkpoints/cnn" / name).read_bytes()
    text = files["README.md"].decode()
    assert "## Model facts" in text and 'Predictor.load("hf://me/pneumonia-cnn")' in text
    assert "](../" not in text
    assert {r.metric_type for r in ModelCard(text).data.eval_results} >= {"roc_auc", "accuracy"}
    entries = parse_eval_result_entries(yaml.safe_load(files[RESULTS]))
    assert ("auroc", 0.9) in {(entry.task_id, entry.value) for entry in entries}
    assert all("4 films" in entry.notes and entry.source_url for entry in entries)
    assert f"hf://me/pneumonia-cnn@{model.head}" in pushed


def test_the_page_is_published_as_git_tracks_it(hub, home, pushed):
    space = hub.repositories["spaces", "me/pneumonia"]
    assert space.settings["sdk"] == "gradio" and space.settings["hardware"] == "zero-a10g"
    assert set(space.files) == {".gitattributes", "README.md", "app.py"}
    space.commit({**space.files, "checkpoints/old/card.json": b"{}"})
    again = push(home, hub.address, token=WRITER)
    assert again.returncode == 0, again.stderr
    assert set(space.files) == {".gitattributes", "README.md", "app.py"}


def fetch(home: Path, endpoint: str, *addresses: str, **env: str) -> list[str]:
    done = run(home, endpoint, "-c", FETCH, *addresses, **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_model_is_fetched_once(hub, home, pushed):
    pinned = f"hf://me/pneumonia-cnn@{hub.repositories['models', 'me/pneumonia-cnn'].head}"
    before = len(hub.asked)
    folder, again = fetch(home, hub.address, pinned, "hf://me/pneumonia-cnn")
    assert folder == again and {path.name for path in Path(folder).iterdir()} == set(FILES)
    large = [line for line in hub.asked[before:] if line.startswith("GET /lfs/")]
    assert len(large) == 2  # weights and gate
    before = len(hub.asked)
    for endpoint, offline in ((hub.address, {"HF_HUB_OFFLINE": "1"}), (NOWHERE, {})):
        assert fetch(home, endpoint, pinned, "hf://me/pneumonia-cnn", **offline) == [folder] * 2
    assert len(hub.asked) == before


def test_what_cannot_be_fetched_is_one_sentence(hub, home, pushed):
    names = ["hf://me/nothing", "hf://me/pneumonia-cnn@v9", "hf://nobody", "hf://me/plain"]
    plain = hub.repositories["models", "me/plain"] = Repository({})
    plain.commit({"README.md": b"", "model.safetensors": b""})
    nothing, revision, address, other = fetch(home, hub.address, *names)
    assert nothing.startswith("hf://me/nothing is not on the Hub, or not for you")
    assert revision == "hf://me/pneumonia-cnn@v9 has no such revision."
    assert address.startswith("'hf://nobody' is no address")
    assert other == "hf://me/plain is no checkpoint of this project: it has no card.json."
    (silent,) = fetch(home, NOWHERE, names[0])
    assert silent == f"hf://me/nothing is not in the cache: the Hub ({NOWHERE}) does not answer."


def test_a_fetched_model_is_checked_and_predicts(hub, home, pushed):
    before = len(hub.asked)
    done = run(home, hub.address, "-c", USE, "hf://me/pneumonia-cnn")
    looked_up = [line for line in hub.asked[before:] if line.endswith("/revision/main")]
    assert len(looked_up) == 3  # one for each time it is loaded
    figures, _, row = done.stdout.splitlines()
    fetched, own = figures.split()
    assert fetched == own and row.startswith("film.png,cnn,")
    damaged = "damaged or not that of its card: `hf cache rm model/me/pneumonia-cnn`, then load it"
    assert done.returncode == 1 and damaged in done.stderr.splitlines()[-1]


def test_a_dry_run_lists_and_sends_nothing(home):
    done = push(home, NOWHERE, "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = [line.split("  ")[1] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert {"README.md", RESULTS, "card.json", "model.safetensors", "app.py"} <= set(lines)
    assert done.stdout.endswith("Nothing was sent.\n")


@pytest.mark.parametrize(
    ("token", "words", "said"),
    [
        ("", [], "log in with `hf auth login`, or set HF_TOKEN."),
        (READER, [], "Your token has no right to do this to me/pneumonia-cnn"),
        (WRITER, ["--name", "paid", "--hardware", "cpu-basic"], "wants to be paid for me/paid"),
        (WRITER, ["--name", "a b"], "The Hub refused me/a b-cnn: "),
    ],
)
def test_what_the_hub_refuses_is_one_sentence(hub, home, token, words, said):
    done = push(home, hub.address, *words, token=token)
    assert done.returncode == 1
    assert said in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


def test_a_hub_that_does_not_answer_is_one_sentence(home):
    done = push(home, NOWHERE, token=WRITER)
    (said,) = done.stderr.splitlines()
    assert said.endswith(f"me/pneumonia-cnn: the Hub ({NOWHERE}) does not answer.")


def test_figures_of_other_weights_are_not_published(home):
    other = evaluation_of({"cnn": model_result(card_of("cnn"))})
    space = space_upload(home, "me/pneumonia")
    with pytest.raises(ValueError, match="not of these weights"):
        model_upload(home / "checkpoints/cnn", "me/pneumonia-cnn", space, other)


def test_a_space_needs_a_checkout(tmp_path):
    with pytest.raises(ValueError, match="--no-space"):
        space_upload(tmp_path, "me/pneumonia")
