#!/usr/bin/env python3
"""Makes the models and golden numbers of this folder, with PyTorch, torchvision and ONNX's reference evaluator as the oracles.

    venv/bin/pip install -r scripts/export_onnx.requirements.txt
    venv/bin/python crates/volley-features/testdata/golden.py

tiny.onnx           a few layers of the kinds that the recipes' networks have, 8 x 8 RGB, with layers that must be refused
tiny.npy            its features of eight test digits, by ONNX's reference evaluator
resize-*.npy        the first test digit resized by torchvision, every ninth row and column of the large one
regnet.graph        torchvision's regnet_x_400mf, batch normalisations folded, as an ONNX GraphProto without its weights
regnet.parameters   names and shapes of the weights, which are those of `weights`
regnet.npy          its features of eight test digits by PyTorch, with these weights
"""

import gzip
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.utils import Extractor
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import regnet_x_400mf
from torchvision.ops.misc import Conv2dNormActivation
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import export_onnx  # noqa: E402

IMAGES = 8


def digits():
    """The first test digits of MNIST, from 0 to 1: N x 1 x 28 x 28."""
    content = gzip.decompress((ROOT / "data/mnist/t10k-images.idx3-ubyte.gz").read_bytes())
    pixels = np.frombuffer(content, np.uint8, IMAGES * 28 * 28, offset=16)
    return torch.from_numpy(pixels.reshape(IMAGES, 1, 28, 28).astype(np.float32) / 255)


def uniform(seed, shape):
    """Values of [-1, 1), in order, of which the tests have the same generator: 24 bits of SplitMix64 (Steele, Lea and
    Flood, 2014) from this seed."""
    mask = (1 << 64) - 1
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        state = np.uint64(seed & mask) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return ((state >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def weights(index, shape):
    """The parameter of this index in the graph: a kernel keeps the size of the signal, a bias is small."""
    scale = np.sqrt(6 / np.prod(shape[1:])) if len(shape) == 4 else 0.1
    return uniform(index, shape) * np.float32(scale)


def save(name, values):
    np.save(HERE / name, np.asarray(values, np.float32))


def tiny():
    shapes = {"stem.w": (6, 3, 3, 3), "stem.b": (6,), "depth.w": (6, 1, 5, 5), "group.w": (6, 3, 1, 1)}
    constants = [numpy_helper.from_array(weights(i, shape), name) for i, (name, shape) in enumerate(shapes.items())]
    scalars = {"low": 0, "high": 6, "zero": 0, "million": 1e6}
    constants += [numpy_helper.from_array(np.float32(value), name) for name, value in scalars.items()]
    node = helper.make_node
    nodes = [
        node("Conv", ["image", "stem.w", "stem.b"], ["stem"], strides=[2, 2], pads=[0, 0, 1, 1], dilations=[1, 1]),
        # The runtime wants all attributes of a convolution written out, as PyTorch does.
        node("Clip", ["stem", "low", "high"], ["stem.6"]),
        node("Conv", ["stem.6", "depth.w"], ["depth"], group=6, strides=[1, 1], pads=[2, 2, 2, 2], dilations=[1, 1]),
        node("Relu", ["depth"], ["depth.relu"]),
        node("Conv", ["depth.relu", "group.w"], ["group"], group=2, strides=[1, 1], pads=[0] * 4, dilations=[1, 1]),
        node("Add", ["group", "stem.6"], ["sum"]),
        node("GlobalAveragePool", ["sum"], ["pool"]),
        node("Flatten", ["pool"], ["features"]),
        node("ArgMax", ["features"], ["class"], axis=1),
        node("Div", ["features", "zero"], ["quotient"]),
        node("ReduceMax", ["image"], ["peak"], keepdims=0),
        node("Mul", ["peak", "million"], ["millions"]),
        node("Cast", ["millions"], ["index"], to=TensorProto.INT64),
        # Beyond the end of any image that is not black.
        node("Gather", ["features", "index"], ["beyond"], axis=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("image", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [value("features", TensorProto.FLOAT, ["N", 6])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "tiny.onnx")
    image = resize(digits(), [8, 8], InterpolationMode.BILINEAR, antialias=True).repeat(1, 3, 1, 1)
    image = (image - 0.5) / 0.25
    wanted = Extractor(model).extract_model(["image"], ["features"])
    save("tiny.npy", ReferenceEvaluator(wanted).run(None, {"image": image.numpy()})[0])


def resizes():
    digit = digits()[:1]
    for name, size, step in [("up", [224, 224], 9), ("down", [10, 13], 1)]:
        for mode in [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC]:
            values = resize(digit, size, mode, antialias=True)[0, 0, ::step, ::step].clamp(0, 1)
            save(f"resize-{mode.value}-{name}.npy", values)


def fold(module):
    """Folds each batch normalisation into the convolution before it."""
    for child in module.modules():
        if isinstance(child, Conv2dNormActivation):
            child[0] = fuse_conv_bn_eval(child[0], child[1])
            child[1] = torch.nn.Identity()


def regnet():
    net = regnet_x_400mf().eval()
    fold(net)
    net = export_onnx.RegNet(net)
    # The classifier is not in the graph.
    parameters = {name: p for name, p in net.named_parameters() if not name.startswith("net.fc")}
    for index, parameter in enumerate(parameters.values()):
        parameter.data = torch.from_numpy(weights(index, tuple(parameter.shape)))
    image = resize(digits(), [224, 224], InterpolationMode.BILINEAR, antialias=True).repeat(1, 3, 1, 1)
    with torch.no_grad():
        save("regnet.npy", net(image))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/regnet.onnx"
        export_onnx.export(net, [224, 224], path)
        graph = onnx.load(path).graph
    constants = [constant for constant in graph.initializer if constant.name not in parameters]
    assert len(graph.initializer) - len(constants) == len(parameters)
    del graph.initializer[:]
    graph.initializer.extend(constants)
    (HERE / "regnet.graph").write_bytes(graph.SerializeToString(deterministic=True))
    lines = [" ".join([name, *map(str, parameter.shape)]) for name, parameter in parameters.items()]
    (HERE / "regnet.parameters").write_text("\n".join(lines) + "\n")


def main():
    torch.manual_seed(0)
    tiny()
    resizes()
    regnet()
    for path in sorted(HERE.iterdir()):
        print(f"{path.stat().st_size:>8} bytes  {path.name}")


if __name__ == "__main__":
    main()
