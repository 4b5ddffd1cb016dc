"""Under which terms a checkpoint's weights may be used: those of what they were trained on."""

from dataclasses import dataclass

from pneumonia.card import Training


@dataclass(frozen=True)
class Licence:
    """Terms of use of weights.

    Attributes:
        name: for people: ``"CC BY 4.0"``.
        identifier: the Hugging Face Hub's, ``"other"`` where the Hub has none.
        spdx: for the package's metadata.
        link: the terms themselves; empty where nobody knows them.
    """

    name: str
    identifier: str
    spdx: str
    link: str


CC_BY = Licence(
    "CC BY 4.0", "cc-by-4.0", "CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/"
)
NON_COMMERCIAL = Licence(
    "non-commercial research only",
    "other",
    "LicenseRef-non-commercial-research",
    "https://www.image-net.org/download.php",
)
UNKNOWN = Licence("unknown terms: ask before use", "other", "LicenseRef-unknown", "")


def licence_of(training: Training) -> Licence:
    """The strictest terms among the films and the pictures that weights were trained on.

    ImageNet and Tiny ImageNet, a part of it, may be used for non-commercial research. First
    weights, films or teachers whose terms the card does not say make the terms unknown.
    """
    if "CC BY 4.0" not in training.data.name or training.recipe.get("teachers"):
        return UNKNOWN
    if training.initialisation == "none":
        return CC_BY
    source = str((training.pretraining or {}).get("source", ""))
    if training.initialisation == "imagenet" or "non-commercial" in source:
        return NON_COMMERCIAL
    return CC_BY if "CC BY 4.0" in source else UNKNOWN
