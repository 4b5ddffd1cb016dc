"""The yardstick is ImageNet's network, but for one grey channel and a finer last map."""

import sys

import pytest
import torch

from tools.yardstick import build_yardstick, published, trunk


def test_every_other_cell_is_what_the_published_network_says():
    view = torch.randn(2, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = published().eval().extract_features(view.expand(-1, 3, -1, -1))
        ours = trunk(published()).eval()(view).clamp(0, 6)
    assert ours.shape == (2, 1280, 8, 8) and theirs.std() > 0.1
    torch.testing.assert_close(ours[:, :, 1::2, 1::2], theirs, rtol=1e-3, atol=1e-3)


def test_it_can_be_trained_by_the_recipe_and_read_by_the_gate():
    network = build_yardstick()
    assert network(torch.rand(2, 2, 128, 128)).shape == (2,)
    assert network.embedding is network.features.block10


def test_without_the_packages_it_says_where_they_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    with pytest.raises(SystemExit, match=r"'efficientnet_lite_pytorch': see requirements-dev\.txt"):
        published()
