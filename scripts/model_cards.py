"""Write the model card (README.md) of every checkpoint from its card.json and an evaluation.

python scripts/model_cards.py --evaluation docs/evaluation/evaluation.json
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.card import Card
from pneumonia.checkpoint import CARD, available_models, checkpoints_root
from pneumonia.evaluation.model_card import model_card


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--evaluation", metavar="FILE", help="evaluation.json of these weights (default: none)"
    )
    parser.add_argument("--checkpoints", default=checkpoints_root(), metavar="DIR", type=Path)
    args = parser.parse_args()
    report = json.loads(Path(args.evaluation).read_text("utf-8")) if args.evaluation else None
    for name in available_models(args.checkpoints):
        folder = args.checkpoints / name
        card = Card.load(folder / CARD)
        (folder / "README.md").write_text(model_card(card, report), encoding="utf-8")
        print(f"written: {folder / 'README.md'}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"model_cards.py: {error}")
