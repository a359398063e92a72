"""One word, one meaning: riddling words stand neither in names of definitions nor in texts that people read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[2]
SOURCES = [path for top in ("pathways", "matching", "benchmarks") for path in sorted((ROOT / top).rglob("*.py"))]
# CONTRIBUTING.md says what to write instead. A problem's class name is its address, so it never changes, nor does the
# id of an operation, from which clients are made.
IN_NAMES = frozenset(
    [
        "told",
        "tell",
        "tells",
        "look",
        "looked",
        "looks",
        "stand",
        "stands",
        "standing",
        "stood",
        "asked",
        "asks",
        "beside",
        "whose",
        "whom",
        "whoever",
        "who",
        "anew",
        "aside",
        "bare",
        "bares",
        "lot",
        "lots",
        "shown",
        "somebody",
        "nobody",
        "anybody",
        "whatever",
        "theirs",
        "thing",
        "things",
        "stuff",
        "helper",
        "util",
        "utils",
        "misc",
    ]
)
ADDRESSES = frozenset({"AskedTooOften", "list_asked"})
IN_TEXTS = (
    r"\bwhoever\b",
    r"\bwhomever\b",
    r"\bof whom\b",
    r"\bwhat stands\b",
    r"\bit stands\b",
    r"\bis told\b",
    r"\bare told\b",
    r"\btold of\b",
    r"\bthere is no (?:send|accept)\b",
    r"\bhas not come\b",
    r"\bthat is against a rule\b",
    r"\bput aside\b",
    r"\banew\b",
    r"\bby lot\b",
    r"\bwho asks\b",
    r"\bone that is\b",
    r"\bnobody knows\b",
    r"\bfor long\b",
    r"\bis no job\b",
    r"\bmay do that\b",
    r"domain reference|measured finding",
)


def _snake(name: str) -> list[str]:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower().strip("_").split("_")


def definitions() -> Iterator[tuple[Path, str]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield path, node.name


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each text of a file that people read, docstrings too: strings of several words, parts of f-strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 1:
            yield node.lineno, node.value


def comments(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("#"):
            yield number, line


def test_no_definition_has_a_riddling_name():
    found, looked_at = [], 0
    for path, name in definitions():
        looked_at += 1
        if name not in ADDRESSES and IN_NAMES.intersection(_snake(name)):
            found.append(f"{path.relative_to(ROOT)}: {name}")
    assert looked_at > 3000
    assert found == []


@pytest.mark.parametrize("read", [texts, comments])
def test_no_text_has_a_riddling_wording(read):
    wrong, looked_at = re.compile("|".join(IN_TEXTS), re.IGNORECASE), 0
    found = []
    for path in SOURCES:
        for line, text in read(path):
            looked_at += 1
            match = wrong.search(re.sub(r"\s+", " ", text))
            if match:
                found.append(f"{path.relative_to(ROOT)}:{line}: {match.group(0)}")
    assert looked_at > 250
    assert found == []


def test_the_pages_and_the_api_document_have_no_riddling_wording():
    wrong = re.compile("|".join(IN_TEXTS), re.IGNORECASE)
    for name in pages.PAGES:
        text = (pages.DOCS / name).read_text(encoding="utf-8")
        assert wrong.findall(text) == [], name


def test_the_lexicon_has_some_forty_words():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lexicon = text.split("## Lexicon")[1].split("\n## ")[0]
    assert 38 <= lexicon.count("\n| ") - 1 <= 60
