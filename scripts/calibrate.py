"""Set calibration, operating point and gate of a trained model anew, without training.

    python scripts/calibrate.py --data DIR --model densenet169 --size 192

The first two are chosen on the validation films (the patient-grouped sixth of train + val), the
gate on the training films, clean and perturbed; the model's card gets them, the figures they lead
to, and this command.
"""

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.checkpoint import CheckpointError, checkpoint_folder, load_checkpoint
from pneumonia.data.dataset import find_records, load_images, split_records
from pneumonia.evaluation.calibration import calibrate_and_save
from pneumonia.training.loop import pick_device


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, metavar="DIR", help="the data set's folder")
    parser.add_argument("--model", required=True, help="a shipped model or a checkpoint folder")
    parser.add_argument("--size", type=int, help="side of the input in px (default: the card's)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu, cuda …")
    parser.add_argument(
        "--cache", metavar="DIR", help="decoded films (default: ~/.cache/pneumonia)"
    )
    args = parser.parse_args()
    device = pick_device(args.device)
    network, card, _ = load_checkpoint(args.model, device)
    found = find_records(args.data)
    training, _, _ = load_images(split_records(found, "train"), args.cache)
    images, films, _ = load_images(split_records(found, "val"), args.cache)
    labels = np.array([film.label for film in films])
    size = args.size or card.preprocessing.size
    card = calibrate_and_save(
        checkpoint_folder(args.model),
        *(network, card.model, card.training, training, images, labels, size, device),
        before=card,
        command="python " + shlex.join(sys.argv),
    )
    print(f"{card.title} at {size} px: {card.operating_point}, {card.validation}")


if __name__ == "__main__":
    try:
        main()
    except (CheckpointError, FileNotFoundError, ValueError) as error:
        sys.exit(f"calibrate.py: {error}")
