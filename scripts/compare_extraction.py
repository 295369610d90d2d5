#!/usr/bin/env python3
"""Times the extraction of features by `volley features` and by PyTorch: the same network, images and threads.

    cargo build --release -p volley-cli
    venv/bin/python scripts/compare_extraction.py efficientnet-lite0 data/mnist/t10k-images.idx3-ubyte.gz [--weights FILE]

The network is exported by export_onnx.py. The time of both begins with the bytes of the images and ends with their features;
loading the network is taken out, of ours as the difference of two runs. The largest difference of the features is shown.
"""

import argparse
import gzip
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

import numpy as np
import torch
from torchvision.transforms.v2.functional import resize

import export_onnx

ROOT = pathlib.Path(__file__).resolve().parent.parent
FEW = 8


def read_idx(path):
    content = pathlib.Path(path).read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    count, rows, columns = np.frombuffer(content, ">u4", 3, offset=4)
    return np.frombuffer(content, np.uint8, offset=16).reshape(count, rows, columns)


def with_pytorch(net, recipe, images, batch):
    channel = lambda name, absent: torch.tensor(recipe.get(name, [absent] * 3)).view(1, 3, 1, 1)
    mean, deviation = channel("mean", 0.0), channel("deviation", 1.0)
    features = []
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            image = torch.from_numpy(images[start : start + batch].astype(np.float32) / 255)[:, None]
            image = resize(image, recipe["size"], antialias=True).repeat(1, 3, 1, 1)
            features.append(net((image - mean) / deviation).numpy())
    return np.concatenate(features)


def with_volley(model, images, count, threads, target):
    command = [ROOT / "target/release/volley", "features", model, images, "-o", target, "--force"]
    start = time.perf_counter()
    subprocess.run([*command, "--range", f"0..{count}", "--threads", str(threads)], check=True, capture_output=True)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbone", choices=export_onnx.BACKBONES)
    parser.add_argument("images", help="IDX file")
    parser.add_argument("--count", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16, help="of PyTorch")
    parser.add_argument("--weights", help="file of weights, or `random`")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = tomllib.loads((export_onnx.RECIPES / f"{arguments.backbone}.toml").read_text())
    net = export_onnx.BACKBONES[arguments.backbone](recipe["size"], arguments.weights).eval()
    images = read_idx(arguments.images)[: arguments.count]
    with tempfile.TemporaryDirectory() as folder:
        model, target = f"{folder}/{arguments.backbone}.onnx", f"{folder}/features.npy"
        export_onnx.export(net, recipe["size"], model)
        pathlib.Path(model).with_suffix(".toml").write_text(
            (export_onnx.RECIPES / f"{arguments.backbone}.toml").read_text()
        )
        few = with_volley(model, arguments.images, FEW, arguments.threads, target)
        all_images = with_volley(model, arguments.images, FEW + arguments.count, arguments.threads, target)
        ours = (all_images - few) / arguments.count
        found = np.load(target)[: arguments.count]
    with_pytorch(net, recipe, images[:FEW], arguments.batch)
    start = time.perf_counter()
    expected = with_pytorch(net, recipe, images, arguments.batch)
    theirs = (time.perf_counter() - start) / arguments.count
    print(f"{arguments.backbone}, {recipe['size']}, {arguments.count} images, {arguments.threads} threads")
    print(f"volley   {ours * 1e3:8.1f} ms an image")
    print(f"PyTorch  {theirs * 1e3:8.1f} ms an image, {arguments.batch} at once")
    print(f"the largest difference is {np.abs(found - expected).max():.1e}, the largest feature {np.abs(expected).max():.1e}")


if __name__ == "__main__":
    sys.exit(main())
