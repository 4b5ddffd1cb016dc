"""``pneumonia``, with the yardstick among the networks, so that it can teach.

    python -m tools.yardstick --data DIR
    python -m tools.distil train --data DIR --model densenet169 --init checkpoints/densenet169 \\
        --teacher runs/yardstick-imagenet/efficientnet-lite0 --teacher densenet169 …
"""

from pneumonia.cli import main
from tools.yardstick import register

if __name__ == "__main__":
    register()
    main(program="python -m tools.distil")
