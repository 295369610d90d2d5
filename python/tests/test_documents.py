"""The Python of the documents, run in their order; what another library does is run where it is installed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDE = ROOT / "docs" / "guide" / "src"
DOCUMENTS = [ROOT / "README.md", ROOT / "python" / "README.md", GUIDE / "python.md"]


def blocks(document):
    """The libraries and texts of the blocks, each text at its lines of the document."""
    text = document.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        lines = text[: block.start(2)].count("\n")
        yield block.group(1), "\n" * lines + block.group(2)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_python_of_a_document(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"VOLLEY": ROOT}
    for _, text in blocks(document):
        exec(compile(text, document, "exec"), names)
    assert names


@pytest.mark.parametrize(("library", "text"), list(blocks(GUIDE / "from-other-libraries.md")))
def test_lines_of_other_libraries_and_ours(library, text, monkeypatch):
    if library == "openfhe":
        # Its wheel is for another version of Python, and the scripts of the peers know how to load it.
        monkeypatch.syspath_prepend(ROOT / "benches" / "peers")
        try:
            pytest.importorskip("openfhe_ops").load()
        except ImportError as absent:
            pytest.skip(str(absent))
    elif library:
        pytest.importorskip(library, exc_type=ImportError)
    exec(compile(text, "from-other-libraries.md", "exec"), {})
