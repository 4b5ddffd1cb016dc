"""Can the classes be told apart without looking at the lungs? The report of ``pneumonia audit``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from pneumonia.card import LABELS
from pneumonia.data.dataset import Record, find_records, load_images, split_records
from pneumonia.data.duplicates import identical_pairs, near_identical_pairs, overlaps
from pneumonia.data.shortcut_figure import draw_audit, precise
from pneumonia.data.shortcuts import (
    METADATA,
    FileTraits,
    border_profile,
    pixel_statistics,
    shortcut_auroc,
    traits_from_csv,
    traits_from_records,
)
from pneumonia.storage.atomic import write_json

COPIES = {"identical": "byte-identical pairs", "near": "nearly identical pairs, other bytes"}


def audit(
    data: Path | None, metadata: Path | None, cache: Path | None = None
) -> tuple[dict, FileTraits]:
    """Audit a folder of films, a record of original files, or both.

    Args:
        data: the data set's folder.
        metadata: a CSV of the original files (see ``traits_from_csv``), where only a resized copy
            of them is at hand.
        cache: folder for decoded films.

    Returns:
        The report, and what is known of the files: the original ones where both are given.

    Raises:
        ValueError: neither is given.
    """
    sources, report, traits = {}, {}, None
    if metadata:
        traits = traits_from_csv(metadata)
        sources["original files"] = audit_metadata(traits)
    if data:
        images, films, unreadable = load_images(find_records(data), cache)
        for error in unreadable:
            print(f"skipped: {error}", file=sys.stderr)
        folder = traits_from_records(films)
        section = audit_metadata(folder)
        section["shortcut_auroc"] |= {
            "grey levels without their place": shortcut_auroc(pixel_statistics(images), folder),
            "outer rim of the film": shortcut_auroc(border_profile(images), folder),
        }
        sources["films of the folder"] = section
        report = {"unreadable": len(unreadable), "copies": audit_copies(films, images)}
        traits = traits or folder
    if traits is None:
        raise ValueError("Give a folder of films, a CSV of original files, or both.")
    return {"sources": sources, **report}, traits


_NOTE = """\
No classifier sees a picture of the lungs; but grey levels and bytes are of the whole film, so
not all that they tell is a shortcut."""


def write_audit(out: Path, report: dict, traits: FileTraits) -> str:
    """Write ``audit.json``, ``audit.md`` and ``audit.png``; returns the tables as Markdown."""
    out.mkdir(parents=True, exist_ok=True)
    text = markdown(report)
    write_json(out / "audit.json", report)
    title = "# Shortcut audit\n\n![AUROC without looking at the lungs](audit.png)\n\n"
    (out / "audit.md").write_text(f"{title}{text}\n\n{_NOTE}\n", encoding="utf-8")
    draw_audit(out / "audit.png", bars(report), traits)
    return text


def audit_metadata(traits: FileTraits) -> dict:
    """What each group of file metadata gives away, and the medians of each class."""
    aurocs = {}
    for name, keys in METADATA.items():
        features = np.stack([traits.metadata[key] for key in keys], axis=1).astype(float)
        aurocs[name] = shortcut_auroc(features, traits)
    medians = {
        name: {
            key: float(np.nanmedian(column[traits.labels == label]))
            for key, column in traits.metadata.items()
            if key != "mode" and np.isfinite(column).any()
        }
        for label, name in enumerate(LABELS)
    }
    counts = {name: int((traits.labels == label).sum()) for label, name in enumerate(LABELS)}
    return {"films": counts, "medians": medians, "shortcut_auroc": aurocs}


def audit_copies(films: Sequence[Record], images: Tensor) -> dict:
    """Which films and patients the splits share: the official ones, and this project's."""
    identical = identical_pairs(films)
    near = sorted(set(near_identical_pairs(images)) - set(identical))
    pairs = {"identical": identical, "near": near}
    validation = set(split_records(films, "val"))
    cut = [f.split if f.split == "test" else "val" if f in validation else "train" for f in films]
    return {
        "official folders": overlaps(films, pairs, [film.split for film in films]),
        "this project's cut": overlaps(films, pairs, cut),
    }


def markdown(report: dict) -> str:
    """The report's tables."""
    rows = [(s, n, r) for s, x in report["sources"].items() for n, r in x["shortcut_auroc"].items()]
    tested = any(result["test"] for *_, result in rows)
    lines = [f"`{report['command']}` prints:", ""]
    lines.append("| source | the classifier saw only | films | AUROC (95 % interval) |")
    lines[-1] += " on test |" if tested else ""
    lines.append("|---|---|---|---|" + "---|" * tested)
    for source, name, result in rows:
        cells = [source, name, f"{result['films']:,}", figure_of(result)]
        if tested:
            cells.append(figure_of(result["test"] | {"constant": False}) if result["test"] else "–")
        lines.append("| " + " | ".join(cells) + " |")
    for split, found in report.get("copies", {}).items():
        places = list(found["identical"])
        lines += ["", f"| {split} | " + " | ".join(places) + " |", "|---|" + "---|" * len(places)]
        shared = (str(len(found["patients"].get(p, ()))) if "–" in p else "" for p in places)
        lines.append("| patients in both | " + " | ".join(shared) + " |")
        for kind, title in COPIES.items():
            for key, suffix in (("pairs", ""), ("two_patients", ", of two patients")):
                cells = (str(found[kind][place][key]) for place in places)
                lines.append(f"| {title}{suffix} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def figure_of(result: dict) -> str:
    """An AUROC and its interval."""
    low, high = map(precise, result["interval"])
    if result["constant"]:
        return f"{precise(result['auroc'])} (the same in every file)"
    return f"{precise(result['auroc'])} ({low}–{high})"


def bars(report: dict) -> dict:
    """What the figure shows: nothing that is the same in every file, nothing twice."""
    shown = {}
    for source, section in report["sources"].items():
        aurocs = {name: r for name, r in section["shortcut_auroc"].items() if not r["constant"]}
        if len(aurocs.keys() & METADATA.keys()) == 2:  # one group, and "all" which is that group
            aurocs.pop(next(iter(METADATA)))
        title = f"{source[0].upper()}{source[1:]} ({sum(section['films'].values()):,})"
        shown[title] = list(aurocs.items())
    return shown
