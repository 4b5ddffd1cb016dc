"""Lets the scripts beside this run in a checkout that is not installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pneumonia.cli import main

__all__ = ["main"]
