"""Reads any classification of occupations or skills as a plain CSV: a code, a title, and what else is known.

The columns ``code`` and ``title`` are needed. ``other_titles`` (separated by "|") and ``description`` may be there. A
code in several rows is one entry with all their titles, as in an index of job titles; its first title is shown.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pathways.errors import RuleBroken
from pathways.reference.esco import ESCO, OF_LIST, ConceptKind, EscoConcept

NEEDED, OPTIONAL = ("code", "title"), ("other_titles", "description")
BETWEEN = "|"
LONGEST_NAME = 60


class ListNotUnderstood(RuleBroken):
    """A file of a classification has no code or title, or cannot be read as CSV."""

    title = "The list cannot be read"


def concepts(path: Path, kind: ConceptKind, name: str) -> Iterator[EscoConcept]:
    """Yield the entries of a list, each with all its titles, in the order of their first rows.

    Raises ``ListNotUnderstood`` if the name or a row cannot be used.
    """
    if not name.strip() or ":" in name or len(name) > LONGEST_NAME or name.strip().lower() in {ESCO, "starter"}:
        raise ListNotUnderstood(
            f"A list needs a name of at most {LONGEST_NAME} characters without a colon, other than esco and starter. "
            'Example: --named "SOC 2020".'
        )
    found: dict[str, EscoConcept] = {}
    for row, cells in _rows(path):
        titles = [cells["title"], *(cells["other_titles"] or "").split(BETWEEN)]
        titles = [title.strip() for title in titles if title.strip()]
        code = cells["code"].strip()
        if not code or not titles:
            missing = "title" if code else "code"
            raise ListNotUnderstood(f"{path.name}, row {row}, column {missing}: the cell is empty. Fill it in.")
        before = found.get(code)
        if before is None:
            uri = f"{OF_LIST}{name.strip()}:{code}"
            found[code] = EscoConcept(uri, kind, titles[0], tuple(titles[1:]), cells["description"] or "", code)
        else:
            others = dict.fromkeys((*before.alternatives, *titles))
            others.pop(before.preferred, None)
            found[code] = replace(before, alternatives=tuple(others))
    if not found:
        raise ListNotUnderstood(f"{path.name} has no rows below its header. Choose another file.")
    yield from found.values()


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the row number and the cells of each row by column; the header is row 1."""
    row = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text, strict=True)
            header = [name.strip().lower() for name in next(lines, [])]
            if missing := [name for name in NEEDED if name not in header]:
                raise ListNotUnderstood(
                    f"{path.name}, row 1 has no column {' and no column '.join(missing)}. The columns are code, title "
                    "and, if you have them, other_titles and description."
                )
            for row, line in enumerate(lines, start=2):
                if any(cell.strip() for cell in line):
                    cells = dict(zip(header, line, strict=False))
                    yield row, {name: cells.get(name, "") for name in (*NEEDED, *OPTIONAL)}
    except (csv.Error, UnicodeDecodeError) as broken:
        raise ListNotUnderstood(
            f"{path.name}, row {row + 1} is not CSV in UTF-8 ({broken}). Save the file again as CSV UTF-8."
        ) from broken
    except OSError as broken:
        raise ListNotUnderstood(f"{path.name} cannot be opened ({broken.strerror}). Check the path.") from broken
