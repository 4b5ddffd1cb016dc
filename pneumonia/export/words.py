"""The words of a report, in one language."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumonia.card import LABELS
from pneumonia.overlay import FAINT
from pneumonia.prediction import Prediction

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Words:
    """Texts by their keys, as the page has them (see ``pneumonia.web.texts.words``).

    Attributes:
        language: its code, such as ``"fr"``.
        texts: key → text with {placeholders}.
    """

    language: str
    texts: Mapping[str, str]

    @property
    def right_to_left(self) -> bool:
        """Whether the language is written so."""
        return self.language == "ar"

    def __call__(self, key: str, **args: Any) -> str:
        """The text with its arguments.

        Raises:
            KeyError: there is no such text, or an argument is missing.
        """
        return _PLACEHOLDER.sub(lambda found: str(args[found[1]]), self.texts[key])


def headline(predictions: Sequence[Prediction], say: Callable[..., Any]) -> Any:
    """The verdicts, and whether they agree, in one sentence.

    Args:
        predictions: of one film, one per model.
        say: makes of a text's key and its arguments what is returned.
    """
    total = len(predictions)
    if total == 1:
        return say(f"headline.one.{predictions[0].verdict}", title=predictions[0].card.title)
    counts = Counter(p.verdict for p in predictions)
    match [called for called in LABELS if counts[called]]:
        case []:
            return say("headline.none")
        case [called] if counts[called] == total == 2:
            return say(f"headline.both.{called}")
        case [called] if counts[called] == total:
            return say(f"headline.all.{called}", total=total)
        case [called]:
            return say(f"headline.some.{called}", count=counts[called], total=total)
    return say("headline.disagree", count=counts["PNEUMONIA"], total=total)


def spoke(attribution: np.ndarray) -> str:
    """End of the text's key that says which way what a model used went, if anywhere.

    It went either way alike if its mean is too weak to be seen as a colour.
    """
    clear = attribution[np.abs(attribution) >= FAINT]
    if not clear.size:
        return "nothing_spoke"
    mean = clear.mean(dtype=float)
    return "both_alike" if abs(mean) < FAINT else "mostly_raised" if mean > 0 else "mostly_lowered"
