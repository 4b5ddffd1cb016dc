"""Fuzz the reader, led by what the bytes make it run (atheris): a film or the one refusal.

    pip install atheris            # Linux
    python -m tools.fuzz                      # until something is found, or Ctrl-C
    python -m tools.fuzz -max_total_time=300  # any option of libFuzzer

It begins with the films of tools/fuzz_seeds.py, which every test run changes at random, and keeps
what led somewhere new in runs/fuzz. An input that takes more than 5 s or 2 GB is a finding too; a
finding is left in the working folder as crash-… and the exit status is not 0.
"""

import hashlib
import logging
import sys
import warnings
from pathlib import Path

if {"-h", "--help"} & set(sys.argv[1:]):
    print(__doc__)
    sys.exit()
try:
    import atheris
except ImportError:
    sys.exit(
        "fuzz.py: atheris is not installed: pip install atheris (Linux, Python 3.11 or newer)."
    )

CORPUS = Path("runs/fuzz")

with atheris.instrument_imports(include=["pneumonia", "PIL", "pydicom"]):
    from tools.fuzz_seeds import SEEDS, film_or_refusal


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable()
    CORPUS.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS.values():
        (CORPUS / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    options = ["-timeout=5", "-rss_limit_mb=2048", "-max_len=20000", *sys.argv[1:]]
    atheris.Setup([sys.argv[0], *options, str(CORPUS)], film_or_refusal)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
