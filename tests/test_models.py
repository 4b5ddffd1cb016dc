from pathlib import Path

import pytest
import torch
from factories import seeded_network
from safetensors.torch import save_file
from torchvision.models import densenet169

from pneumonia.models import MODELS, build, initialise, lung_shares, pick_device


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_one_logit_a_film_at_any_size(name):
    network = seeded_network(name)
    with torch.inference_mode():
        assert network(torch.randn(3, 1, 96, 96)).shape == (3,)
        assert network(torch.randn(1, 1, 128, 128)).shape == (1,)


@pytest.mark.parametrize("name", MODELS)
def test_a_logit_is_the_mean_of_its_terms_over_the_lungs(name):
    network, inputs = seeded_network(name), torch.randn(2, 2, 64, 64)
    inputs[:, 1] = torch.rand(2, 64, 64)
    with torch.inference_mode():
        logits, terms = network(inputs, terms=True)
        torch.testing.assert_close(logits, network(inputs))
    shares = lung_shares(inputs, terms.shape[-2:])[:, 0]
    torch.testing.assert_close((terms * shares).sum((1, 2)), logits, rtol=1e-3, atol=1e-4)


def test_the_cnn_is_small():
    assert sum(p.numel() for p in build("cnn").parameters()) <= 2_000_000


@pytest.mark.parametrize("name", MODELS)
def test_the_relu_leaves_the_last_normalisation_as_it_was(name):
    network, seen = seeded_network(name), []
    network.features.register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.inference_mode():
        network(torch.randn(1, 1, 64, 64))
    assert seen[0].min() < 0


def test_grey_densenet_equals_torchvisions_on_three_equal_channels():
    torch.manual_seed(0)
    reference, network = densenet169(weights=None).eval(), build("densenet169").eval()
    network.features.transition3.pool = torch.nn.AvgPool2d(2, 2)  # without the finer last block
    for layer in network.features.denseblock4.children():
        layer.conv2.dilation = layer.conv2.padding = (1, 1)
    state = {k.removeprefix("features."): v for k, v in reference.state_dict().items()}
    state["conv0.weight"] = state["conv0.weight"].sum(1, keepdim=True)
    network.features.load_state_dict({k: v for k, v in state.items() if "classifier" not in k})
    film = torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        expected = reference.features(film.expand(-1, 3, -1, -1))
        torch.testing.assert_close(network.features(film), expected, rtol=1e-4, atol=1e-5)


def old_name(name: str) -> str:
    """As in torchvision's published file: denselayer1.norm1.weight → denselayer1.norm.1.weight"""
    if "denselayer" in name:
        for kind in ("norm", "conv"):
            name = name.replace(f".{kind}1.", f".{kind}.1.").replace(f".{kind}2.", f".{kind}.2.")
    return name


@pytest.mark.parametrize(
    "kind", ["torchvision .pth", "old names .pth", "own .safetensors", "own folder"]
)
def test_initialise_from_a_local_file(kind, tmp_path):
    torch.manual_seed(1)
    if kind.startswith("own"):
        source = build("densenet169")
        save_file(source.state_dict(), file := tmp_path / "model.safetensors")
        path = tmp_path if kind == "own folder" else file
    else:
        source = densenet169(weights=None)
        state = source.state_dict()
        if kind.startswith("old"):
            state = {old_name(k): v for k, v in state.items() if "num_batches" not in k}
            assert "features.denseblock1.denselayer1.norm.1.weight" in state
        path = tmp_path / "weights.pth"
        torch.save(state, path)
    network = build("densenet169")
    head = network.classifier.weight.clone()
    initialise(network, str(path))
    expected = source.features.conv0.weight.sum(1, keepdim=True)
    torch.testing.assert_close(network.features.conv0.weight, expected)
    last = "denseblock4.denselayer32.conv2.weight"
    torch.testing.assert_close(
        network.features.get_parameter(last), source.features.get_parameter(last)
    )
    if kind == "own folder":  # which goes on
        head = source.classifier.weight
    assert torch.equal(network.classifier.weight, head)


def test_initialise_none_changes_nothing_and_errors_speak(tmp_path):
    network = build("cnn")
    before = network.features[0].weight.clone()
    initialise(network, "none")
    assert torch.equal(network.features[0].weight, before)
    with pytest.raises(FileNotFoundError, match="no weights file"):
        initialise(network, str(tmp_path / "absent.pth"))
    torch.save({"features.other": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="do not fit"):
        initialise(network, str(tmp_path / "other.pth"))
    torch.save({"state_dict": network.state_dict()}, tmp_path / "nested.pth")
    torch.save(Path("code"), tmp_path / "code.pth")
    for name in ("torn.safetensors", "torn.pth"):
        (tmp_path / name).write_bytes(b"no weights at all")
    for name in ("nested.pth", "code.pth", "torn.safetensors", "torn.pth"):
        with pytest.raises(ValueError, match=f"{name}' cannot be read as weights"):
            initialise(network, str(tmp_path / name))
    with pytest.raises(ValueError, match="no model"):
        build("resnet")


def test_imagenet_goes_through_torchvisions_weights(monkeypatch, tmp_path):
    """torchvision finds its published file in the hub's folder, here one made for the test."""
    from torchvision.models import DenseNet169_Weights

    torch.manual_seed(2)
    source = densenet169(weights=None)
    weights = DenseNet169_Weights.IMAGENET1K_V1
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    torch.save({old_name(k): v for k, v in source.state_dict().items()}, file)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    network = build("densenet169")
    initialise(network, "imagenet")
    expected = source.features.conv0.weight.sum(1, keepdim=True)
    torch.testing.assert_close(network.features.conv0.weight, expected)


def test_auto_takes_what_is_there():
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert pick_device("cpu").type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_explained():
    with pytest.raises(ValueError, match="no GPU"):
        pick_device("cuda")


def test_a_device_that_nobody_knows_is_explained():
    with pytest.raises(ValueError, match="no device 'gpu'"):
        pick_device("gpu")
