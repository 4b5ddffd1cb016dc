"""What a newcomer reads is true: its links, commands, code, versions and terms."""

import inspect
import re

import factories
import pytest
import typer.main
import yaml
from factories import ROOT

import pneumonia
from pneumonia.card import Card
from pneumonia.cli import app
from pneumonia.evaluation.licence import licence_of
from pneumonia.evaluation.report import markdown, summary
from pneumonia.evaluation.results import Evaluation
from pneumonia.storage.shipped import available_models, checkpoints_root
from pneumonia.synthetic.phantom import draw_phantom

PAGES = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md"),
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
    *sorted(str(path.relative_to(ROOT)) for path in checkpoints_root().glob("*/README.md")),
]
SCRIPTS = {"download_data": "download", "model_cards": "cards", "compare_runs": "runs"}
needs_models = pytest.mark.skipif(not available_models(), reason="no checkpoint to ask")


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def head_of(path: str) -> dict:
    """The front matter of a Markdown file, which the Hugging Face Hub reads."""
    return yaml.safe_load(text_of(path).split("---\n", 2)[1])


def test_the_readme_is_read_in_one_sitting():
    assert len(text_of("README.md").splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    links += re.findall(r'(?:src|srcset)="([^"]+)"', text_of(page))
    for link in links:
        if not link.startswith(("https://", "http://")):
            assert ((ROOT / page).parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_its_options_exist(page):
    commands = typer.main.get_command(app).commands
    for line in code_of(page):
        for file in re.findall(r"python (\S+\.py)", line):
            assert (ROOT / file).is_file(), line
        for module in re.findall(r"python -m (tools\.\w+)", line):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), line
        call = re.search(r"(?:^|-m )pneumonia ([a-z-]+)|python scripts/(\w+)\.py", line)
        if call:
            name = call[1] or SCRIPTS.get(call[2], call[2])
            assert name in commands, line
            known = {option for parameter in commands[name].params for option in parameter.opts}
            given = line[call.start() :]  # what stands before is for torchrun
            assert set(re.findall(r"\s(--[a-z][a-z-]*)", given)) <= known | {"--help"}, line


def code_of(page: str) -> list[str]:
    """The commands of a page: lines of its shell blocks, and what stands between back quotes."""
    text = text_of(page)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.partition(" #")[0] for line in "".join(blocks).splitlines()]
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [*lines, *(" ".join(span.split()) for span in spans)]


@needs_models
@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_the_python_example_works(page, tmp_path, monkeypatch):
    draw_phantom(120, 140).image().save(tmp_path / "film.dcm", "PNG")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL)[0], names)
    assert 0 <= names["prediction"].probability <= 1 and list(tmp_path.glob("*.png"))


def test_the_walk_shows_every_module_of_the_top():
    picture = text_of("docs/walk.svg")
    modules = [path.name for path in (ROOT / "pneumonia").glob("[!_]*.py")]
    assert "reading/" in picture and all(f">{name}<" in picture for name in modules)
    table = text_of("docs/how-it-is-built.md")
    rooms = [f"{path.parent.name}/" for path in (ROOT / "pneumonia").glob("*/__init__.py")]
    assert all(f"`{name}`" in table for name in [*modules, *rooms])


def test_the_layers_are_those_that_import_linter_holds():
    contract = text_of("pyproject.toml").partition("layers = [")[2].partition("\n]")[0]
    layers = re.findall(r'"(.+)"', contract.replace("pneumonia.", ""))
    assert "```\n" + "\n".join(layers) + "\n```" in text_of("docs/how-it-is-built.md")


def test_the_third_model_is_the_tests_own():
    page = text_of("docs/add-a-model.md")
    assert inspect.getsource(factories.build_tiny) in page
    (entry,) = re.findall(r"^TINY = .*\n", text_of("tests/factories.py"), re.MULTILINE)
    assert entry in page


def test_the_figures_are_those_of_the_evaluation():
    evaluation = Evaluation.load(ROOT / "docs/evaluation/evaluation.json")
    assert summary(evaluation) in text_of("README.md")
    assert markdown(evaluation) == text_of("docs/evaluation/evaluation.md")
    films = text_of("docs/evaluation/films.csv").splitlines()
    figures = [model.figures for model in evaluation.models.values()]
    assert {one.films for one in figures} == {len(films) - 1}


def test_one_version_everywhere():
    released = re.findall(r"^## \[(\d.*?)\] - (\S+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert released[0] == (citation["version"], citation["date-released"])
    assert citation["version"] == pneumonia.__version__


@needs_models
@pytest.mark.parametrize("name", available_models())
def test_the_terms_of_the_weights_are_the_same_everywhere(name):
    card = Card.load(checkpoints_root() / name / "card.json")
    licence = licence_of(card.training)
    path = f"checkpoints/{name}/README.md"
    assert head_of(path)["license"] == licence.identifier
    assert head_of(path).get("license_link", licence.link) == licence.link
    readme = " ".join(text_of("README.md").split())
    assert f"{card.title} [{licence.name}]({licence.link})" in readme
    assert f"[{licence.name}]({licence.link})" in " ".join(text_of(path).split())
    package = re.search(r'^license = "(.*)"$', text_of("pyproject.toml"), re.MULTILINE)
    assert package and licence.spdx in package[1].split(" AND ")


def test_only_the_code_is_called_mit():
    assert head_of("README.md")["license"] == "other"
    assert "Code: [MIT](LICENSE)" in text_of("README.md")
    assert text_of("LICENSE").startswith("MIT License")
    assert yaml.safe_load(text_of("CITATION.cff"))["license"] == "MIT"
