"""``pneumonia train``, with the yardstick among the networks, so that it can teach.

    python -m tools.yardstick --data DIR
    python -m tools.distil --data DIR --model densenet169 --init checkpoints/densenet169 \
        --teacher runs/yardstick-imagenet/efficientnet-lite0 --teacher densenet169 …

Options are those of ``pneumonia train``.
"""

import sys

from pneumonia.cli import main
from tools.yardstick import register

if __name__ == "__main__":
    register()
    sys.argv[1:1] = ["train"]
    main()
