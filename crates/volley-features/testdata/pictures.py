"""Makes testdata/pictures: small files of the kinds of PNG and JPEG, and their pixels by Pillow (NAME.npy, bytes of grey or RGB).

    python -m venv venv && venv/bin/pip install -r operators.requirements.txt && venv/bin/python pictures.py
"""

import pathlib
import shutil

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent / "pictures"


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    y, x = np.mgrid[0:20, 0:28]
    waves = [np.sin(x / 7 + y / 9 + phase) for phase in (0, 1, 2.5)]
    colour = Image.fromarray(np.stack([127 + 120 * wave for wave in waves], -1).astype(np.uint8))
    grey = colour.convert("L")

    def save(name, image, expected, **options):
        image.save(OUT / name, **options)
        if expected is not None:
            np.save(OUT / f"{name}.npy", np.asarray(Image.open(OUT / name).convert(expected))[None])

    full = dict(quality=95, subsampling=0)
    save("colour.jpg", colour, "RGB", **full)
    save("halved.jpg", colour, "RGB", quality=95, subsampling=2)
    save("progressive.jpg", colour, "RGB", progressive=True, **full)
    save("restarts.jpg", colour, "RGB", restart_marker_blocks=2, **full)
    save("as-rgb.jpg", colour, "RGB", keep_rgb=True, **full)
    save("grey.jpg", grey, "L", **full)
    save("cmyk.jpg", colour.convert("CMYK"), None, **full)
    save("colour.png", colour, "RGB")
    save("palette.png", colour.quantize(8), "RGB")
    save("two.png", grey.convert("1"), "L")
    clear = colour.copy()
    clear.putalpha(grey)
    save("clear.png", clear, "RGB")
    deep = Image.fromarray((np.asarray(grey).astype(np.uint16) * 257))
    deep.save(OUT / "deep.png")
    np.save(OUT / "deep.png.npy", np.asarray(grey)[None])
    save("animated.png", colour, None, save_all=True, append_images=[colour.rotate(180)])
    print(sum(path.stat().st_size for path in OUT.iterdir()), "bytes")


if __name__ == "__main__":
    main()
