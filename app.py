"""What a Space runs: ``python app.py`` is ``pneumonia serve``."""

from pneumonia.cli import main

if __name__ == "__main__":
    main("serve")
