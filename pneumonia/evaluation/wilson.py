"""How sure a share is that was counted on few films."""

import math
from statistics import NormalDist


def wilson(right: int, films: int) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927); None without films."""
    if not films:
        return None
    z2 = NormalDist().inv_cdf(0.975) ** 2  # scipy's takes a second to import
    middle, total = right + z2 / 2, films + z2
    half = math.sqrt(z2 * (right * (films - right) / films + z2 / 4))
    return (middle - half) / total, (middle + half) / total
