"""``pneumonia pretrain`` from a checkout that is not installed; ``--help`` says how."""

from _checkout import main

main("pretrain")
