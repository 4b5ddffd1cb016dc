import pytest
import torch

from pneumonia.evaluation.medmnist_c import SUITE, corrupt
from pneumonia.preprocess import to_canonical


@pytest.mark.parametrize("name", SUITE)
def test_each_corruption_grows_with_its_severity_and_repeats(name, films):
    images = torch.stack([to_canonical(film) for film in films[:2]])
    mild, strong = (corrupt(images, name, severity) for severity in (0, 4))
    assert mild.shape == strong.shape == images.shape and strong.dtype == torch.uint8
    moved = [(changed.float() - images.float()).abs().mean() for changed in (mild, strong)]
    assert 0 < moved[0] < moved[1] < 90
    assert torch.equal(strong, corrupt(images, name, 4))


def test_there_are_thirteen_of_five_severities():
    assert len(SUITE) == 13 and {len(levels) for _, levels in SUITE.values()} == {5}
