"""The tables of compared training runs, losers included: what ``pneumonia runs`` writes."""

import json
import re
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from pneumonia.card import Card, Preprocessing, Training, Validation, switched_on
from pneumonia.evaluation.report import table
from pneumonia.storage.shipped import CARD
from pneumonia.storage.typed_json import load

_HEADINGS = (
    *("run", "model", "sees", "first weights", "epochs", "crop ≥", "frozen", "seed", "input"),
    *("AUROC clean", "AUROC perturbed", "accuracy clean", "shipped"),
)

_PAGE = """# Training runs that were compared

`pneumonia runs docs/runs` wrote this page from the cards beside it, which have each
run's command, commit and versions. Figures: validation films, clean and perturbed in turn; the
official test split was never read. Input: trained at → used at. What is perturbed includes other
framings for the models that see lungs only; those of whole films were never measured on them here.

{}

Runs that differ in nothing but the seed (and the machine: `device` in their cards), mean ± standard
deviation over the seeds. "Then trained": all went on from the same weights, so that the seed is
that of the last stage alone; but in rows of "both stages" it is that of the stage before, too.

{}
{}"""
_SEARCH = """
## Recipes that were tried

Shorter tries by which the recipe was chosen, the earlier ones on a GPU, the later ones on CPUs; no
weights were kept but of those that ship. EfficientNet-Lite0 was no candidate: it is what ImageNet's
weights give by the recipe of densenet169-lungs-covered (`python -m tools.yardstick`). Perturbed:
each film in four other ways. Transplanted: lungs in the surroundings and the outline of the other
class. Covered: without the lungs, where .5 would be best. Misleading: the films whose surroundings
tell the wrong class. Opacity: how often the evidence rises most, or is highest, where one was
drawn. Field: how many px of the view a cell of the map sees. "again" is the same run in float32
instead of bfloat16: what differs between the two is chance, and other seeds may differ by more.
"taught" started from densenet169-lungs-covered and learned from what it and EfficientNet-Lite0 say
(`python -m tools.distil`): no better, so it does not ship. "opacities" started from the models
called "-lungs-covered", with opacities drawn into a quarter of the normal films, whose place the
map had to find; "kept" is its mean with what it started from. The former is worse on perturbed
films, the latter went on. "kept-seed-1" and "kept-seed-2" are runs from the base on, too: a little
better on films, but they tell far more without the lungs, so the next runs went on from the first
one. That it tells so little is chance, then: do not count on it of another run. All figures of runs
and tries are as version 0.3.0 and those before saw films: views that the lungs fill were a little
more blurred than in training, and turned films stayed turned; the evaluation's are of today, and so
are those of "-160-px", "more" and "conflicting". "-160-px" are the weights of "-opacities", used at
a larger size than they were trained at (`pneumonia calibrate --size 160`); of what they gain a part
is due to the views. The small CNN is used so; DenseNet-169, whose accuracy fell, which is no better
on films that are framed or turned in other ways and would take longer, is not. "more" and
"conflicting" went on from there: the command before (docs/training.md, "Taught where to look") once
more, and that with `--conflicting 4`, by which the films whose surroundings tell the wrong class
are seen five times an epoch (after Liu et al. 2021, "Just train twice"). One seed each. The small
CNN ships so. In more of what is drawn DenseNet-169's map is then highest, and it is accurate as
often on perturbed films, on clean ones less often; its AUROC is what it was (0.9866 and 0.9870,
accuracy 0.947, of the weights of densenet169-lungs-opacities with today's views). It tells more
without the lungs, though. "densenet-conflicting-covered" is that with more lungs covered and more
of them set into other films: it tells as much without them, so what a DenseNet-169 says then is
chance more than recipe. "densenet-conflicting-kept" keeps more of what it started from (`--keep
0.675` for 0.35) and lies between that and "densenet-conflicting". "-forgotten" are the same after
`pneumonia calibrate --forget-outline`: their classifier lost the direction in which the classes'
training films differ on average when their lungs are covered. So their AUROC then was aimed at and
proves nothing else. "densenet-conflicting-kept-forgotten" ships, densenet169-lungs-forgotten above.
"cnn-conflicting-refitted" is "cnn-conflicting" after `--refit --forget-outline`: its classifier was
fitted anew, last (docs/training.md, "The classifier, last"). It tells all of these better, but does
not ship: what it says of a film of full size and of its small copy differs more, and its map agrees
less with DenseNet-169's.

{}
"""
_TRIED = (
    *("try", "model", "field", "input", "epochs", "crop ≥", "grafted", "own outline", "covered"),
    "opacities",
    *("AUROC clean", "perturbed", "transplanted", "covered", "misleading sens. / spec."),
    "opacity rises / highest",
)
_SPREADS = (
    *("model", "first weights", "epochs", "seeds"),
    *("AUROC clean", "AUROC perturbed", "accuracy clean"),
)


@dataclass(frozen=True)
class Run:
    """What the tables need of a run's card."""

    model: str
    title: str
    preprocessing: Preprocessing
    validation: Validation
    training: Training


def compare_runs(folder: Path, checkpoints: Path) -> str:
    """Write the ``README.md`` of a folder of runs; returns it.

    Args:
        folder: holds the card of each run as ``NAME.json``, and in ``search`` the figures of tries
            that left no card.
        checkpoints: the runs whose weights lie there, used at the same size, are "shipped".

    Raises:
        FileNotFoundError: there are no cards.
    """
    cards = [Card.load(path) for path in checkpoints.glob(f"*/{CARD}")]
    shipped = [(card.training, card.preprocessing) for card in cards]
    runs = {path.stem: load(Run, path) for path in sorted(folder.glob("*.json"))}
    if not runs:
        raise FileNotFoundError(f"There are no cards (NAME.json) in {str(folder)!r}.")
    rows, recipes, both = [], defaultdict(list), defaultdict(list)
    for name, card in runs.items():
        rows.append(row(name, card, (card.training, card.preprocessing) in shipped))
        recipes[same_but_seed(card)].append(card)
        if stages := same_but_seeds(card):
            both[stages].append(card)
    seeds = [spread(cards) for cards in recipes.values() if len(cards) > 1]
    seeds += [spread(cards, "both stages") for cards in both.values() if len(cards) > 1]
    tries = [
        tried(name, one)
        for path in sorted(folder.glob("search/*.json"))
        for name, one in json.loads(path.read_text("utf-8")).items()
    ]
    text = _PAGE.format(
        table(_HEADINGS, rows),
        table(_SPREADS, seeds) if seeds else "none yet.",
        _SEARCH.format(table(_TRIED, tries)) if tries else "",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
    return text


def first_weights(training: Training) -> str:
    """Where the first weights come from, in a few words."""
    first, before = training.initialisation, training.pretraining or {}
    if "pictures" in before:
        first = f"{before['pictures']:,} natural pictures, {before['epochs']} epochs"
    elif first == "none":
        first = "random"
    return f"{first}, then trained" if "then" in before else first


def row(name: str, card: Run, shipped: bool) -> list[str]:
    """A row of the first table."""
    training, figures = card.training, card.validation
    recipe = training.recipe
    return [
        f"[{name}]({name}.json)",
        card.title,
        "lungs" if card.preprocessing.lungs_sha256 else "the whole film",
        first_weights(training),
        f"{training.epochs_run} of {recipe['epochs']}",
        f"{recipe.get('crop', 0.6)}",
        f"{recipe['freeze_epochs']}",
        f"{recipe['seed']}",
        f"{recipe['size']} → {card.preprocessing.size} px",
        f"{figures.clean.auroc:.4f}",
        f"{figures.perturbed.auroc:.4f}",
        f"{figures.clean.accuracy:.3f}",
        "yes" if shipped else "",
    ]


def tried(name: str, one: dict) -> list[str]:
    """A row of the third table."""
    settings = [f"{one[key]}" for key in ("size", "epochs", "crop", "graft", "own", "cover")]
    settings.append(f"{one.get('opacities', 0.0)}")
    aurocs = [f"{one[f'auroc{kind}']:.4f}" for kind in ("", "_perturbed", "_transplanted")]
    misleading = [one[f"misleading_{key}"] for key in ("sensitivity", "specificity")]
    opacity = [one[f"opacity_{key}"] for key in ("rise", "heat")]
    return [
        *(name, one["title"], f"{one['sees_px'] or 'all'}", *settings, *aurocs),
        f"{one['auroc_covered']:.2f}",
        " / ".join(f"{value:.2f}" for value in misleading),
        " / ".join(f"{value:.2f}" for value in opacity),
    ]


def same_but_seed(card: Run) -> str:
    """A key that runs share which differ in nothing but the seed."""
    training, sees = card.training, asdict(card.preprocessing)
    recipe = switched_on({"crop": 0.6, **training.recipe, "seed": None})
    first = [training.initialisation, (training.pretraining or {}).get("then")]
    first += [bool(training.refitted_by), bool(training.outline_forgotten_by)]
    return json.dumps([card.model, sees, first, recipe], sort_keys=True)


def same_but_seeds(card: Run) -> str | None:
    """The same for two stages of one seed: the run and that of the weights it went on from."""
    before = (card.training.pretraining or {}).get("then", "")
    seed = re.search(r"--seed (\d+)", before)
    if "to weights" not in before or int(seed[1] if seed else 0) != card.training.recipe["seed"]:
        return None
    same = re.sub(r"to weights \w+|--resume|--(seed|out) [^ )]+", "", before)
    pretraining = {**(card.training.pretraining or {}), "then": same.split()}
    return same_but_seed(replace(card, training=replace(card.training, pretraining=pretraining)))


def spread(cards: list[Run], stages: str = "") -> list[str]:
    """A row of the second table: runs that differ in nothing but the seed."""
    training = cards[0].training
    first = ", ".join([first_weights(training), stages]).removesuffix(", ")
    cells = [cards[0].title, first, str(training.recipe["epochs"])]
    cells.append(", ".join(str(card.training.recipe["seed"]) for card in cards))
    for part, key in (("clean", "auroc"), ("perturbed", "auroc"), ("clean", "accuracy")):
        values = [getattr(getattr(card.validation, part), key) for card in cards]
        cells.append(f"{mean(values):.4f} ± {stdev(values):.4f}")
    return cells
