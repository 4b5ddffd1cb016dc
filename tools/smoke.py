"""Start the page as a Hugging Face Space does and ask it for a prediction.

    python tools/smoke.py

Only the files git tracks are copied to a folder of their own; app.py runs there unchanged, in this
Python (install requirements.txt alone into it to see what a Space sees). A drawn film goes
to the endpoint /predict; the verdicts of both models and their overlays must come back.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gradio_client import Client, handle_file
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.synthetic.phantom import draw_phantom

ROOT = Path(__file__).resolve().parent.parent


def copy_tracked(folder: Path) -> None:
    """What a Space gets when the repository is pushed to it."""
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    for name in filter(None, listing.stdout.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())


def wait_for(process: subprocess.Popen, address: str, patience: int) -> Client:
    """A client of the page once it answers.

    Raises:
        RuntimeError: it ended, or did not answer within ``patience`` seconds.
    """
    for _ in range(patience):
        if process.poll() is not None:
            raise RuntimeError(f"app.py ended with status {process.returncode}.")
        try:
            return Client(address, verbose=False)
        except Exception:  # not listening yet, or not answering yet
            time.sleep(1)
    raise RuntimeError(f"app.py did not answer within {patience} seconds.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patience", type=int, default=180, help="seconds to wait (default 180)")
    patience = parser.parse_args().patience
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as scratch:
        space, film = Path(scratch, "space"), Path(scratch, "film.png")
        copy_tracked(space)
        draw_phantom(seed=7).image().save(film)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("GRADIO_", "PNEUMONIA_"))}
        gradio = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port)}
        env = {**keep, **gradio, "PYTHONPATH": ""}
        process = subprocess.Popen([sys.executable, "app.py"], cwd=space, env=env)
        try:
            client = wait_for(process, f"http://127.0.0.1:{port}/", patience)
            verdicts, overlays = client.predict(handle_file(film), api_name="/predict")
            print(json.dumps(verdicts, indent=2))
            if set(verdicts["models"]) != {"cnn", "densenet169"}:
                sys.exit("smoke.py: a model's verdict is missing.")
            for overlay in overlays:
                image = Image.open(overlay["image"])
                print(f"overlay of {overlay['caption']}: {image.size}")
                if image.size != Image.open(film).size:
                    sys.exit("smoke.py: an overlay does not have the film's size.")
            if len(overlays) != 2:
                sys.exit("smoke.py: an overlay is missing.")
        except RuntimeError as error:
            sys.exit(f"smoke.py: {error}")
        finally:
            process.terminate()
            process.wait()
    print("The page starts and answers.")


if __name__ == "__main__":
    main()
