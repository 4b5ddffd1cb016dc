"""``pneumonia download`` from a checkout that is not installed; ``--help`` says how."""

from _checkout import main

if __name__ == "__main__":
    main("download")
