"""Documents are true: generated pages equal the code, links resolve, nothing is too long, everything has its line."""

import difflib
import re
import tomllib
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[2]
MOST_LINES, MOST_README_LINES = 300, 150
WRITTEN = [
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
]


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_generated_page_is_what_the_code_says(name: str):
    stored, made = (pages.DOCS / name).read_text(encoding="utf-8"), pages.PAGES[name]()
    lines = difflib.unified_diff(stored.split("\n"), made.split("\n"), "stored", "made", n=2)
    difference = "\n".join(list(lines)[:200])
    assert stored == made, f"Run `make documents` and review the difference of docs/{name}:\n{difference}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_every_link_between_documents_resolves():
    looked_at = 0
    for path in WRITTEN:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            file, _, anchor = target.partition("#")
            found = (path.parent / file).resolve() if file else path
            assert found.exists(), f"{path.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor in {_anchor(heading) for heading in headings}, f"{path.name} links to {target}"
            looked_at += 1
    assert looked_at > 50


def test_no_document_is_too_long():
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_README_LINES
    written = [path for path in (ROOT / "docs").rglob("*.md") if path.name not in pages.PAGES]
    assert len(written) > 25
    for path in written:
        assert len(path.read_text().splitlines()) <= MOST_LINES, path


def test_every_path_that_a_document_names_exists():
    looked_at = 0
    for path in WRITTEN:
        if path.name in {"CHANGELOG.md", "RESULTS.md"}:
            continue
        rooms = "pathways|matching|tests|benchmarks|migrations|docs"
        for named in re.findall(rf"`((?:{rooms})/[\w./-]*)`", path.read_text()):
            assert (ROOT / named).exists(), f"{path.name} names {named}"
            looked_at += 1
    assert looked_at > 80


def test_every_dependency_has_its_reason():
    written = (ROOT / "docs" / "dependencies.md").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = [re.split(r"[\[>=;]", line)[0].strip() for line in needed]
    assert len(names) > 50
    assert [name for name in names if f"`{name}`" not in written] == []


def test_every_command_is_on_its_page_with_an_example():
    page = (pages.DOCS / "commands.md").read_text()
    headings = re.findall(r"^## `(pathways [a-z -]+)", page, re.MULTILINE)
    assert len(headings) > 30
    assert page.count("Example: ") >= len(headings)


def test_every_option_of_a_command_has_help():
    page = (pages.DOCS / "commands.md").read_text()
    options = re.findall(r"^- (`--.*)$", page, re.MULTILINE)
    assert len(options) > 60
    assert [option for option in options if re.fullmatch(r"`[^`]+`(:  Default.*)?", option)] == []
