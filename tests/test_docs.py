"""What a newcomer reads is true: its links, commands, versions and terms."""

import re

import pytest
import yaml
from factories import ROOT

from pneumonia.card import Card
from pneumonia.checkpoint import available_models, checkpoints_root
from pneumonia.evaluation.licence import licence_of


def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def head_of(path: str) -> dict:
    """The front matter of a Markdown file, which the Hugging Face Hub reads."""
    return yaml.safe_load(text_of(path).split("---\n", 2)[1])


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
