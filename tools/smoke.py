"""Start the page as a Hugging Face Space does and ask it for a prediction.

    python -m tools.smoke

Only the files git tracks are copied to a folder of their own; app.py runs there unchanged, in this
Python (install requirements.txt alone into it to see what a Space sees). A drawn film goes
to the endpoint /predict; every model's verdict and overlay must come back.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image

from pneumonia.export.hub import space_upload
from pneumonia.synthetic.phantom import draw_phantom
from tools.page_process import ROOT, running_page


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        space, film = Path(scratch, "space"), Path(scratch, "film.png")
        for name, file in space_upload(ROOT, "").files.items():
            (target := space / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        draw_phantom(seed=7).image().save(film)
        own = {name: None for name in os.environ if name.startswith(("GRADIO_", "PNEUMONIA_"))}
        try:
            with running_page(folder=space, env={**own, "PYTHONPATH": ""}) as (_, address):
                client = Client(address, verbose=False)
                verdicts, overlays = client.predict(handle_file(film), api_name="/predict")
        except RuntimeError as error:
            sys.exit(f"smoke.py: {error}")
        print(json.dumps(verdicts, indent=2))
        models = {path.parent.name for path in space.glob("checkpoints/*/card.json")}
        if set(verdicts["models"]) != models:
            sys.exit("smoke.py: a model's verdict is missing.")
        if len(overlays) != len(models):
            sys.exit("smoke.py: an overlay is missing.")
        for overlay in overlays:
            image = Image.open(overlay["image"])
            print(f"overlay of {overlay['caption']}: {image.size}")
            if image.size != Image.open(film).size:
                sys.exit("smoke.py: an overlay does not have the film's size.")
    print("The page starts and answers.")


if __name__ == "__main__":
    main()
