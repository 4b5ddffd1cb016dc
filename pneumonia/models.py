"""The networks and the table that names them.

All are the same walk: convolutional ``features`` → ReLU → average pooling over the lungs → one
logit. That makes the heatmap of each exactly the terms of which its logit is the mean (Zhou et al.
2016, "Learning Deep Features for Discriminative Localization"; Grad-CAM of such a head is the
same map up to a factor, Selvaraju et al. 2017, appendix A), and no term lies outside the lungs.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn


class Network(nn.Module):
    """A film classifier: ``(N, 2, size, size)`` float, see ``EvalPreset`` → ``(N,)`` logits.

    The first channel is what the features are made of, the second the mask of the lungs, over
    which they are pooled; where there is none, as in pretraining, over everything. The logit is
    that of PNEUMONIA: positive speaks for PNEUMONIA, negative for NORMAL. ``relu`` is a module of
    its own that does not overwrite its input (torchvision's DenseNet does, which falsifies what a
    hook on the layer before it sees); its output ``(N, channels, h, w)`` is where heatmaps are
    taken. ``embedding`` names the layer that ends the last stage but one: what it says of a film is
    about pictures in general still, not about the two classes (see ``gate``).
    """

    def __init__(
        self, features: nn.Sequential, channels: int, embedding: str, dropout: float
    ) -> None:
        super().__init__()
        self.features = features
        self._embedding_layer = embedding
        self.relu = nn.ReLU(inplace=False)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(channels, 1)

    @property
    def embedding(self) -> nn.Module:
        return self.features.get_submodule(self._embedding_layer)

    def forward(
        self, inputs: torch.Tensor, terms: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """The logits; if asked for also the terms ``(N, h, w)``: what each cell alone would give.

        Behind a linear classifier, a logit is the mean of its terms over the lungs.
        """
        maps = self.relu(self.features(inputs[:, :1]))
        pooled = (maps * lung_shares(inputs, maps.shape[-2:])).sum((2, 3))
        logits = self.classifier(self.dropout(pooled)).squeeze(1)
        if not terms:
            return logits
        return logits, self.classifier(maps.permute(0, 2, 3, 1)).squeeze(3)


def lung_shares(inputs: torch.Tensor, cells: tuple[int, ...]) -> torch.Tensor:
    """``(N, 2, size, size)`` network input → ``(N, 1, h, w)``: each cell's share of the lungs.

    They sum to 1; without a second channel, or where that is empty, all cells have equal shares.
    """
    if inputs.shape[1] == 1:
        return inputs.new_full((len(inputs), 1, *cells), 1 / (cells[0] * cells[1]))
    lungs = F.adaptive_avg_pool2d(inputs[:, 1:].float(), (cells[0], cells[1]))
    lungs = lungs + (lungs.sum((2, 3), keepdim=True) < 1e-3)
    return lungs / lungs.sum((2, 3), keepdim=True)


def build_cnn(
    widths: tuple[int, ...] = (32, 64, 128, 192, 320), kernels: tuple[int, ...] = (3, 3, 3, 1, 1)
) -> Network:
    """The small CNN: VGG-like blocks, 0.5 M parameters, a 10 × 10 map of a 160-px view.

    The last two blocks are convolutions of one pixel, so that a cell of the map sees 44 px, a good
    quarter of the view's side, and nothing else: what it says is about that place (Brendel and
    Bethge 2019, "Approximating CNNs with bag-of-local-features models works surprisingly well on
    ImageNet").
    """
    layers: list[nn.Module] = []
    previous = 1
    for block, (width, side) in enumerate(zip(widths, kernels, strict=True)):
        if block:
            layers.append(nn.MaxPool2d(2))
        for channels in (previous, width):
            conv = nn.Conv2d(channels, width, side, padding=side // 2, bias=False)
            layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        previous = width
    pools = [str(i) for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
    return Network(nn.Sequential(*layers[:-1]), previous, pools[-1], dropout=0.2)


def build_densenet169() -> Network:
    """DenseNet-169 (Huang et al. 2017) with a grey entry and one logit.

    Layers and names are those of torchvision's model, so that its weights fit; made here, because
    torchvision takes about as long to import as PyTorch, and the page needs nothing else of it. The
    last block keeps the resolution of the one before and reaches as far by dilation (Yu and Koltun
    2016): an 8 × 8 map of a 128-px view, where 4 × 4 would not tell a lung's base from its apex.
    """
    width, growth, depths = 64, 32, (6, 12, 32, 32)
    layers: dict[str, nn.Module] = {
        "conv0": nn.Conv2d(1, width, 7, stride=2, padding=3, bias=False),
        "norm0": nn.BatchNorm2d(width),
        "relu0": nn.ReLU(inplace=True),
        "pool0": nn.MaxPool2d(3, stride=2, padding=1),
    }
    for block, depth in enumerate(depths, 1):
        dense: dict[str, nn.Module] = {}
        for number in range(1, depth + 1):
            dense[f"denselayer{number}"] = DenseLayer(width, growth, dilation=1 + (block == 4))
            width += growth
        layers[f"denseblock{block}"] = nn.Sequential(OrderedDict(dense))
        if block < len(depths):
            transition: dict[str, nn.Module] = {
                "norm": nn.BatchNorm2d(width),
                "relu": nn.ReLU(inplace=True),
                "conv": nn.Conv2d(width, width := width // 2, 1, bias=False),
                "pool": nn.AvgPool2d(2) if block < 3 else nn.Identity(),
            }
            layers[f"transition{block}"] = nn.Sequential(OrderedDict(transition))
    layers["norm5"] = nn.BatchNorm2d(width)
    features = nn.Sequential(OrderedDict(layers))
    for module in features.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    return Network(features, width, "transition3", dropout=0.2)


class DenseLayer(nn.Sequential):
    """``(N, inputs, h, w)`` → ``(N, inputs + growth, h, w)``: the maps, new ones behind them."""

    def __init__(self, inputs: int, growth: int, dilation: int) -> None:
        layers: dict[str, nn.Module] = {
            "norm1": nn.BatchNorm2d(inputs),
            "relu1": nn.ReLU(inplace=True),
            "conv1": nn.Conv2d(inputs, 4 * growth, 1, bias=False),
            "norm2": nn.BatchNorm2d(4 * growth),
            "relu2": nn.ReLU(inplace=True),
            "conv2": nn.Conv2d(
                4 * growth, growth, 3, padding=dilation, dilation=dilation, bias=False
            ),
        }
        super().__init__(OrderedDict(layers))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return torch.cat([input, super().forward(input)], 1)


@dataclass(frozen=True)
class ModelSpec:
    """How to build a model, its name for people, and the defaults of its training.

    ``size`` and ``eval_size`` are the sides of its input in px while it is trained on enlarged
    crops and when it later sees whole films (see ``calibrate``).
    """

    build: Callable[[], Network]
    title: str
    size: int
    eval_size: int
    learning_rate: float


MODELS = {
    "cnn": ModelSpec(build_cnn, "Small CNN", size=128, eval_size=160, learning_rate=3e-3),
    "densenet169": ModelSpec(
        build_densenet169, "DenseNet-169", size=128, eval_size=128, learning_rate=1e-3
    ),
}


def build(name: str) -> Network:
    """The untrained network called ``name``.

    Raises:
        ValueError: no such model.
    """
    if name not in MODELS:
        raise ValueError(f"There is no model {name!r}: choose from {', '.join(MODELS)}.")
    return MODELS[name].build()


def pick_device(name: str = "auto") -> torch.device:
    """Where to compute: ``"auto"`` is the GPU where there is one, else the CPU.

    Raises:
        ValueError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"There is no device {name!r}: give auto, cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("There is no GPU that PyTorch can use here: give the device cpu or auto.")
    return device


def initialise(network: Network, init: str) -> None:
    """Give a network its first weights, in place: its features, and of a checkpoint all.

    Args:
        network: as ``build`` returns it.
        init: ``"none"`` leaves it random; ``"imagenet"`` takes torchvision's
            ``DenseNet169_Weights.IMAGENET1K_V1`` (downloaded on first use, DenseNet-169 only); else
            the path of a weights file, ``.safetensors`` or a ``torch.save``d state dict, with the
            parameter names of this network or of torchvision's model; the classifier stays random
            then. Or the path of a checkpoint's folder.

    Raises:
        FileNotFoundError: no file at that path.
        ValueError: the file's weights cannot be read, or are not those of this network.
    """
    if init == "none":
        return
    checkpoint = init != "imagenet" and Path(init).is_dir()
    if checkpoint:
        init = str(Path(init, "model.safetensors"))
    if init == "imagenet":
        from torchvision.models import DenseNet169_Weights

        state = DenseNet169_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    elif not Path(init).is_file():
        raise FileNotFoundError(
            f"There is no weights file {init!r}: give imagenet, none or a path."
        )
    else:
        state = _read_weights(init)
    # torchvision's published file still has the names of an older module ("norm.1" for "norm1")
    old = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.)")
    state = {old.sub(r"\1\2", name): tensor.float() for name, tensor in state.items()}
    if not checkpoint:
        state = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
        state |= {f"classifier.{k}": v for k, v in network.classifier.state_dict().items()}
    entry = state.get("features.conv0.weight")
    if entry is not None and entry.shape[1] == 3:  # three equal channels ≡ their summed weights
        state["features.conv0.weight"] = entry.sum(1, keepdim=True)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"The weights of {init!r} do not fit this network: {error}") from error


def _read_weights(path: str) -> dict[str, torch.Tensor]:
    try:
        if path.endswith(".safetensors"):
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
            raise TypeError("it holds more than names and tensors")
    except Exception as error:  # the readers' own errors have no common kind
        raise ValueError(f"{path!r} cannot be read as weights: {error}") from error
    return state
