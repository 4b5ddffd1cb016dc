"""Checkpoints and page → repositories of the Hugging Face Hub."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumonia.card import Card
from pneumonia.evaluation.model_card import model_card
from pneumonia.evaluation.results import Evaluation
from pneumonia.evaluation.wording import CAVEATS, SHOWN
from pneumonia.storage.hub import problem
from pneumonia.storage.shipped import CARD

DATASET = "hf-vision/chest-xray-pneumonia"  # the films, as the Hub has them
RESULTS = ".eval_results/chest-xray-pneumonia.yaml"
SITE = "https://huggingface.co"
FREE = "zero-a10g"  # what the Hub calls ZeroGPU


@dataclass(frozen=True)
class Upload:
    """What one repository gets.

    Attributes:
        repository: ``OWNER/NAME``.
        kind: ``"model"`` or ``"space"``.
        files: path in the repository → the file, or its content.
    """

    repository: str
    kind: str
    files: dict[str, Path | bytes]

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{SITE}/{'spaces/' if self.kind == 'space' else ''}{self.repository}"

    @property
    def sizes(self) -> dict[str, int]:
        """Path in the repository → bytes."""
        return {
            name: len(file) if isinstance(file, bytes) else file.stat().st_size
            for name, file in self.files.items()
        }


def model_upload(folder: Path, repository: str, space: Upload, evaluation: Evaluation) -> Upload:
    """A checkpoint's weights, gate and card, its model card for people, and its figures.

    Args:
        folder: the checkpoint.
        repository: where it goes.
        space: the page that has the lung finder and the report.
        evaluation: of these weights.

    Raises:
        ValueError: the evaluation is of other weights.
    """
    card = Card.load(folder / CARD)
    text = model_card(card, evaluation).replace(
        "](../lungs/README.md)", f"]({space.url}/blob/main/checkpoints/lungs/README.md)"
    )
    text += f"""
## Use it

With the package of [the page's repository]({space.url}), which has the lung finder:

```python
from pneumonia import Predictor

prediction = Predictor.load("hf://{repository}").predict("film.dcm")
```

`hf://{repository}@COMMIT` stays the same model for ever.
"""
    files: dict[str, Path | bytes] = {
        "README.md": text.encode(),
        RESULTS: evaluation_results(card, evaluation, f"{space.url}/blob/main/docs/evaluation"),
    }
    names = (CARD, card.weights.file, card.gate.file, "curves.csv", "curves.png")
    files |= {name: folder / name for name in names if (folder / name).is_file()}
    return Upload(repository, "model", files)


def evaluation_results(card: Card, evaluation: Evaluation, source: str) -> bytes:
    """The figures as the Hub's evaluation results, an entry each.

    The Hub ranks models by them where the data set is registered as a benchmark; this one is not,
    and the films of a validation are no split of it. The notes say so.

    See the Hub's documentation, "Evaluation results".

    Raises:
        KeyError: the evaluation does not measure this model.
    """
    import yaml
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    figures = evaluation.models[card.model].figures
    films = "patient-grouped validation sixth" if evaluation.split == "val" else "official test"
    entries = [
        EvalResultEntry(
            dataset_id=DATASET,
            task_id=name,
            value=round(getattr(figures, name), 4),
            source_url=f"{source}/evaluation.md",
            source_name="report",
            notes=f"{figures.films} films, {films}. {CAVEATS[evaluation.split]}",
        )
        for name in SHOWN
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False).encode()


def space_upload(checkout: Path, repository: str) -> Upload:
    """The page: the files that git tracks in a checkout.

    Raises:
        ValueError: the folder is no checkout.
    """
    listing = subprocess.run(["git", "-C", str(checkout), "ls-files", "-z"], capture_output=True)
    names = [name for name in listing.stdout.decode().split("\0") if (checkout / name).is_file()]
    if "app.py" not in names:
        raise ValueError(
            "A Space is made from a checkout: clone the repository, or use --no-space."
        )
    return Upload(repository, "space", {name: checkout / name for name in names})


def push(upload: Upload, private: bool = False, hardware: Any = FREE) -> str:
    """Create the repository where it is missing and commit the files, all in one commit.

    The token is ``huggingface_hub``'s own (``hf auth login`` or ``$HF_TOKEN``). Files of a Space
    that the checkout has no more are deleted, so that no model stays on the page by mistake.

    Args:
        upload: what goes where.
        private: a repository that is created is not public.
        hardware: a Space's that is created.

    Returns:
        The commit's hash.

    Raises:
        RuntimeError: the Hub did not take it; the sentence says why.
    """
    from httpx2 import HTTPError
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(library_name="pneumonia")
    repository, kind = upload.repository, upload.kind
    changes: list[Any] = [CommitOperationAdd(name, file) for name, file in upload.files.items()]
    try:
        api.create_repo(
            repository,
            repo_type=kind,
            private=private or None,
            exist_ok=True,
            space_sdk="gradio" if kind == "space" else None,
            space_hardware=hardware if kind == "space" else None,
        )
        if kind == "space":
            gone = set(api.list_repo_files(repository, repo_type=kind))
            gone -= {*upload.files, ".gitattributes"}
            changes += [CommitOperationDelete(name) for name in sorted(gone)]
        message = "pneumonia push"
        done = api.create_commit(repository, changes, commit_message=message, repo_type=kind)
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        raise RuntimeError(problem(error, repository)) from error
    return done.oid
