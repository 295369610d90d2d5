#!/usr/bin/env python3
"""Writes 200 random tables, and what an independent reader makes of each.

    python -m venv venv && venv/bin/pip install -r scripts/random_tables.requirements.txt
    venv/bin/python scripts/random_tables.py crates/volley-data/testdata/random-tables.zip

Tables differ in format, shape, types, separators, quotes, line ends, headers, place and kind of the labels, offsets (to
1e12 times the spread) and scales (1e-200 to 1e200). The archive has for each of them the file, for NPY a file of labels,
and where the table is right `NNN.values`: the values as Python's csv and float or numpy.load read them, row by row as
little-endian f64. `manifest.json` is a list of

    {"file": ..., "options": {"labels": ..., "features": ..., "header": "auto" | "yes" | "no"},
     "reading": {"rows": ..., "columns": ..., "labels": [...], "accuracy": ...}}

where `labels` in the options is "usual", {"column": index}, {"named": name} or {"file": name}, and `accuracy` is that
of scikit-learn's StandardScaler and LogisticRegression on the rows that it was fitted to. A table that must be refused
has instead of the reading

    "refusal": {"kind": ..., "row": ...}

with the name of the error, and the row where it has one. The same versions give the same archive.
"""

import csv
import gzip
import io
import json
import pathlib
import sys
import zipfile

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TABLES = 200
SEED = 14
LABELS = [
    ["0", "1", "2", "3"],
    ["-3", "-1", "0", "12"],
    ["1.5", "2.5", "-0.25", "1e3"],
    ["cat", "dog", "cow", "new york"],
    ["été", "日本", "naïve", "Ω"],
    ["a,b", 'say "x"', "c;d", "'e'"],
]
INTEGERS = 2


def archive(files):
    """A ZIP archive without dates."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(info, content)
    return out.getvalue()


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def accuracy(values, labels):
    """Of the same rows with each column moved and scaled into [-1, 1], whose squares do not overflow.

    StandardScaler undoes any of that.
    """
    moved = values - values[0]
    largest = np.abs(moved).max(axis=0)
    moved = moved / np.where(largest > 0, largest, 1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    return float(model.fit(moved, labels).score(moved, labels))


class Sample:
    """Rows of classes that are separated more or less."""

    def __init__(self, rng, single):
        self.rng = rng
        rows, columns = int(rng.integers(40, 91)), int(rng.integers(1, 7))
        classes = int(rng.integers(2, 4))
        centres = rng.normal(size=(classes, columns)) * rng.uniform(1, 4)
        self.classes = rng.permutation(np.arange(rows) % classes)
        self.values = centres[self.classes] + rng.normal(size=(rows, columns))
        for column in self.values.T:
            kind = rng.integers(4)
            if kind == 1:
                column += 10.0 ** rng.uniform(2, 4 if single else 12)
            if kind >= 2:
                column *= 10.0 ** (rng.uniform(-30, 30) if single else rng.uniform(-200, 200))
            if kind == 3 and not single:
                column += np.abs(column).max() * 10.0 ** rng.uniform(0, 9)


class Csv:
    """A table as text."""

    def __init__(self, rng, plain=False):
        sample = Sample(rng, False)
        kinds = LABELS[:5] if plain else LABELS
        names = kinds[rng.integers(len(kinds))]
        self.rng, self.labels = rng, [names[index] for index in sample.classes]
        self.separator = "," if plain else ",;\t"[rng.integers(3)]
        # Seven digits are enough where the offset is not much larger than the spread.
        few = np.all(np.ptp(sample.values, axis=0) > 1e-3 * np.abs(sample.values).max(axis=0))
        show = [repr, "{:.17g}".format, "{:.6e}".format if few else repr][rng.integers(3)]
        if rng.integers(5) == 0:
            # Counts, as in most tables.
            sample.values = np.round(100 * (sample.values - sample.values.min(axis=0))
                                     / np.ptp(sample.values, axis=0))
            show = lambda value: str(int(value))
        self.values = [[show(float(value)) for value in row] for row in sample.values]
        columns = len(self.values[0])
        self.place = [0, columns, int(rng.integers(columns + 1))][rng.integers(3)]
        # What the header is: words, numbers, or none.
        self.head = ["words", "words", "numbers", "none"][rng.integers(4)]
        names = [f"x {index}" for index in range(columns + 1)]
        self.header = {
            "words": names[: self.place] + ["kind"] + names[self.place : columns],
            "numbers": [str(index) for index in range(columns + 1)],
            "none": None,
        }[self.head]
        self.quoting = csv.QUOTE_MINIMAL if plain else [csv.QUOTE_MINIMAL, csv.QUOTE_ALL][rng.integers(2)]
        self.end = "\n" if plain else ["\n", "\r\n", "\r"][rng.integers(3)]
        self.mark = not plain and rng.integers(6) == 0
        self.blank_lines = not plain and rng.integers(6) == 0
        self.blanks = not plain and self.separator != "\t" and rng.integers(4) == 0

    def records(self):
        rows = [row[: self.place] + [label] + row[self.place :] for row, label in zip(self.values, self.labels)]
        return ([self.header] if self.header else []) + rows

    def options(self):
        by_name = self.header and self.rng.integers(2)
        labels = {"named": self.header[self.place]} if by_name else {"column": self.place}
        if self.place == 0 and self.rng.integers(2):
            labels = "usual"
        header = {"words": "auto", "numbers": "yes", "none": "no"}[self.head]
        if self.head != "numbers" and self.rng.integers(2):
            header = {"words": "yes", "none": "auto"}[self.head]
        return {"labels": labels, "header": header}

    def content(self):
        out = io.StringIO(newline="")
        writer = csv.writer(out, delimiter=self.separator, quoting=self.quoting, lineterminator=self.end)
        for index, record in enumerate(self.records()):
            writer.writerow(record)
            if self.blank_lines and index % 7 == 3:
                out.write(self.end)
        text = out.getvalue()
        if self.blanks and self.quoting == csv.QUOTE_ALL:
            text = text.replace('"' + self.separator + '"', f'"{self.separator}  "')
        return (b"\xef\xbb\xbf" if self.mark else b"") + text.encode()

    def read(self, content):
        """By Python's own reader."""
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        records = [row for row in csv.reader(text, delimiter=self.separator, skipinitialspace=True) if row]
        records = records[1 if self.header else 0 :]
        labels = [row.pop(self.place).strip() for row in records]
        return np.array([[float(value) for value in row] for row in records]), labels


def arrays(rng):
    """Values and labels for NumPy."""
    dtype = [">f8", "<f8", "<f4", ">f4", "<i8", ">i2", "<i4", "u1", "<u2", "i1"][rng.integers(10)]
    sample = Sample(rng, dtype.endswith("4"))
    values = sample.values
    if "f" not in dtype:
        low, high = values.min(axis=0), values.max(axis=0)
        info = np.iinfo(np.dtype(dtype))
        low_end, high_end = max(info.min, -(2**50)), min(info.max, 2**50)
        values = np.round((values - low) / (high - low) * (high_end - low_end) + low_end)
    values = np.array(values.astype(dtype), order="CF"[rng.integers(2)])
    kind = rng.integers(len(LABELS))
    names = np.array(LABELS[kind])
    if kind < INTEGERS:
        names = names.astype(["<i8", ">i4", "i1"][rng.integers(3)])
    elif all(name.isascii() for name in LABELS[kind]) and rng.integers(2):
        names = names.astype("S")
    return values, names[sample.classes]


def texts(labels):
    return [label.decode() if isinstance(label, bytes) else str(label) for label in labels.tolist()]


def text_table(rng, name):
    table = Csv(rng)
    content = table.content()
    values, labels = table.read(content)
    if rng.integers(5) == 0:
        name, content = name + ".csv.gz", gzip.compress(content, mtime=0)
    else:
        name += ".csv"
    return {name: content}, {"file": name, "options": table.options()}, values, labels


def array_table(rng, name):
    values, labels = arrays(rng)
    options = {"labels": "usual", "header": "auto"}
    if rng.integers(2):
        files = {name + ".npy": npy(values), name + ".labels.npy": npy(labels)}
        options["labels"] = {"file": name + ".labels.npy"}
        path = name + ".npy"
        read = (np.load(io.BytesIO(content)) for content in files.values())
    else:
        path = name + ".npz"
        parts = ["X", "y"]
        if rng.integers(2):
            parts = ["features", "kind"]
            options |= {"features": "features", "labels": {"named": "kind"}}
        files = {path: archive({parts[0] + ".npy": npy(values), parts[1] + ".npy": npy(labels)})}
        loaded = np.load(io.BytesIO(files[path]))
        read = (loaded[part] for part in parts)
    values, labels = read
    if rng.integers(6) == 0:
        files[path + ".gz"] = gzip.compress(files.pop(path), mtime=0)
        path += ".gz"
    return files, {"file": path, "options": options}, values.astype("<f8"), texts(labels)


def text_refusal(rng, name, kind):
    """A table as text with one defect."""
    table = Csv(rng, plain=True)
    row, column = int(rng.integers(1, len(table.values))), int(rng.integers(len(table.values[0])))
    line = row + 1 + bool(table.header)
    values, labels, quote = table.values, table.labels, "\x01"
    place = {"row": line}
    edit = lambda text: text
    if kind == "EmptyValue":
        values[row][column] = " " * int(rng.integers(2))
    elif kind == "NotANumber":
        values[row][column] = ["NA", "1 234", "0x10", "1,5", "12%", "1e"][rng.integers(6)]
    elif kind == "NotFinite":
        values[row][column] = ["nan", "inf", "-Infinity", "1e400", "NaN"][rng.integers(5)]
    elif kind == "EmptyLabel":
        labels[row] = ""
    elif kind == "RowLength":
        values[row] = values[row][1:] if rng.integers(2) else values[row] + ["0"]
    elif kind == "LabelCharacter":
        labels[row] = ["a\nb", "a\r\nb", "a\tb", "a\0b", "a\u2028b", "b\n"][rng.integers(6)]
    elif kind == "NotUtf8":
        labels[row] = "caf\x01"
        edit = lambda text: text.replace(b"\x01", b"\xe9")
    elif kind == "OpenQuote":
        labels[row] = quote + labels[row]
    elif kind == "TextAfterQuote":
        labels[row] = quote + labels[row] + quote + "x"
    elif kind == "QuoteInText":
        labels[row] = "x" + quote + labels[row] + quote
    elif kind == "Separators":
        table.header, table.head, place = None, "none", {}
        labels[0] = "one\x01two"
        edit = lambda text: text.replace(b"\x01", b";")
    if kind in ("OpenQuote", "TextAfterQuote", "QuoteInText"):
        edit = lambda text: text.replace(b"\x01", b'"')
    content = edit(table.content())
    if kind == "Separators" and b"," not in content.splitlines()[0]:
        content = content.replace(b";", b",;", 1)
    if kind == "Gzip":
        content, place = gzip.compress(content, mtime=0)[:-9], {}
        name += ".csv.gz"
    else:
        name += ".csv"
    return {name: content}, {"file": name, "options": table.options(), "refusal": {"kind": kind} | place}


def array_refusal(rng, name, kind):
    """An NPZ file with one defect."""
    values, labels = arrays(rng)
    place = {}
    if kind == "NotFinite":
        values = values.astype("<f8")
        row = int(rng.integers(len(values)))
        values[row, 0] = [np.nan, np.inf][rng.integers(2)]
        place = {"row": row + 1}
    elif kind == "LabelCharacter":
        labels = np.array(texts(labels), dtype="<U20")
        row = int(rng.integers(len(values)))
        labels[row] = "a\nb"
        place = {"row": row + 1}
    elif kind == "LabelCount":
        labels = labels[1:]
    elif kind == "Pickled":
        labels = labels.astype(object)
    elif kind == "ElementType":
        values = values.astype(complex)
    elif kind == "Dimensions":
        values = values[:, 0]
    content = npy(values)
    if kind == "Size":
        content = content[:-1]
    files = {name + ".npz": archive({"X.npy": content, "y.npy": npy(labels)})}
    options = {"labels": "usual", "header": "auto"}
    return files, {"file": name + ".npz", "options": options, "refusal": {"kind": kind} | place}


REFUSALS = [
    (text_refusal, kind)
    for kind in [
        "EmptyValue", "NotANumber", "NotFinite", "EmptyLabel", "RowLength", "LabelCharacter", "NotUtf8", "OpenQuote",
        "TextAfterQuote", "QuoteInText", "Separators", "Gzip",
    ]
] + [
    (array_refusal, kind)
    for kind in ["NotFinite", "LabelCharacter", "LabelCount", "Pickled", "ElementType", "Dimensions", "Size"]
]


def main(path):
    rng = np.random.default_rng(SEED)
    files, manifest = {}, []
    for index in range(TABLES):
        name = f"{index:03}"
        if index % 4 == 3:
            make, kind = REFUSALS[index // 4 % len(REFUSALS)]
            parts, entry = make(rng, name, kind)
        else:
            parts, entry, values, labels = (array_table if index % 4 == 2 else text_table)(rng, name)
            entry["reading"] = {
                "rows": values.shape[0],
                "columns": values.shape[1],
                "labels": labels,
                "accuracy": round(accuracy(values, labels), 4),
            }
            parts[name + ".values"] = values.astype("<f8").tobytes("C")
        files |= parts
        manifest.append(entry)
    files["manifest.json"] = json.dumps(manifest, ensure_ascii=False, indent=0)
    pathlib.Path(path).write_bytes(archive(files))


if __name__ == "__main__":
    main(sys.argv[1])
