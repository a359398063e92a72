"""ESCO, the European classification of skills and occupations, out of its CSV files as they are downloaded.

Read so far: skills, occupations, which skills an occupation or a skill needs, and the broader of two skills.
Where it is shown, so is "This service uses the ESCO classification of the European Commission"; it may be reused under
Commission Decision 2011/833/EU.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pathways.errors import RuleBroken

# The longest cell of version 1.1.1 has 2,237 characters. Only ever raised, for the limit is the whole process's, and
# never to the system's largest number, which some systems refuse.
LONGEST_CELL = 1_000_000


class EscoFileNotUnderstood(RuleBroken):
    title = "The ESCO file cannot be read"


class EscoFileKind(StrEnum):
    SKILLS = "skills"
    OCCUPATIONS = "occupations"
    SKILL_GROUPS = "skill groups"
    OCCUPATION_SKILLS = "occupation skills"
    SKILL_SKILLS = "skill skills"
    BROADER_SKILLS = "broader skills"


class ConceptKind(StrEnum):
    SKILL = "skill"
    OCCUPATION = "occupation"
    SKILL_GROUP = "skill_group"


class RelationKind(StrEnum):
    BROADER = "broader"
    ESSENTIAL = "essential"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class EscoConcept:
    """A skill or an occupation. Hidden labels (old or misspelt) are among the alternatives."""

    uri: str
    kind: ConceptKind
    preferred: str
    alternatives: tuple[str, ...] = ()
    description: str = ""
    code: str = ""
    skill_type: str = ""
    reuse_level: str = ""


@dataclass(frozen=True, slots=True)
class EscoRelation:
    """``to_uri`` is broader than ``from_uri``, or essential or optional for it."""

    from_uri: str
    to_uri: str
    kind: RelationKind


# The columns that a kind of file has and no other kind has all of; files differ only by their columns.
COLUMNS: Mapping[EscoFileKind, tuple[str, ...]] = {
    EscoFileKind.SKILLS: (
        "conceptUri",
        "skillType",
        "reuseLevel",
        "preferredLabel",
        "altLabels",
        "hiddenLabels",
        "description",
    ),
    EscoFileKind.OCCUPATIONS: (
        "conceptUri",
        "iscoGroup",
        "preferredLabel",
        "altLabels",
        "hiddenLabels",
        "description",
        "code",
    ),
    EscoFileKind.SKILL_GROUPS: (
        "conceptType",
        "conceptUri",
        "preferredLabel",
        "altLabels",
        "hiddenLabels",
        "description",
        "code",
    ),
    EscoFileKind.OCCUPATION_SKILLS: ("occupationUri", "relationType", "skillUri"),
    EscoFileKind.SKILL_SKILLS: ("originalSkillUri", "relationType", "relatedSkillUri"),
    EscoFileKind.BROADER_SKILLS: ("conceptUri", "broaderUri"),
}
CONCEPTS: Mapping[EscoFileKind, ConceptKind] = {
    EscoFileKind.SKILLS: ConceptKind.SKILL,
    EscoFileKind.OCCUPATIONS: ConceptKind.OCCUPATION,
    EscoFileKind.SKILL_GROUPS: ConceptKind.SKILL_GROUP,
}


def kind_of(path: Path) -> EscoFileKind:
    """Return what a file holds, by its header."""
    return _kind(path, next(_lines(path), []))


def concepts(path: Path) -> Iterator[EscoConcept]:
    """Yield the skills or occupations of a file, one at a time; a URI may come once only."""
    seen: set[str] = set()
    for kind, row, cells in _rows(path, list(CONCEPTS)):
        _fill(path, row, cells, ("conceptUri", "preferredLabel"))
        if cells["conceptUri"] in seen:
            raise _not_understood(path, row, "conceptUri", "the concept comes a second time")
        seen.add(cells["conceptUri"])
        yield _concept(kind, cells)


def relations(path: Path) -> Iterator[EscoRelation]:
    """Yield the relations of a file, one at a time."""
    for kind, row, cells in _rows(path, [kind for kind in EscoFileKind if kind not in CONCEPTS]):
        columns = COLUMNS[kind]
        _fill(path, row, cells, columns)
        if kind is EscoFileKind.BROADER_SKILLS:
            yield EscoRelation(cells["conceptUri"], cells["broaderUri"], RelationKind.BROADER)
            continue
        told = cells["relationType"]
        if told not in {RelationKind.ESSENTIAL, RelationKind.OPTIONAL}:
            raise _not_understood(path, row, "relationType", "it is neither essential nor optional")
        yield EscoRelation(cells[columns[0]], cells[columns[2]], RelationKind(told))


def _concept(kind: EscoFileKind, cells: Mapping[str, str]) -> EscoConcept:
    labels = f"{cells['altLabels']}\n{cells['hiddenLabels']}".split("\n")
    is_skill = kind is EscoFileKind.SKILLS
    return EscoConcept(
        uri=cells["conceptUri"],
        kind=CONCEPTS[kind],
        preferred=cells["preferredLabel"],
        alternatives=tuple(dict.fromkeys(label.strip() for label in labels if label.strip())),
        description=cells["description"],
        code="" if is_skill else cells["code"],
        skill_type=cells["skillType"] if is_skill else "",
        reuse_level=cells["reuseLevel"] if is_skill else "",
    )


def _rows(path: Path, wanted: Sequence[EscoFileKind]) -> Iterator[tuple[EscoFileKind, int, dict[str, str]]]:
    """Yield the file's kind and each row by column, numbered as a spreadsheet shows it: the header is row 1."""
    lines = _lines(path)
    header = next(lines, [])
    kind = _kind(path, header)
    if kind not in wanted:
        raise EscoFileNotUnderstood(f"{path.name}, row 1 holds {kind}, not {' or '.join(wanted)}.")
    for row, line in enumerate(lines, start=2):
        if not line:
            continue
        if len(line) != len(header):
            column = header[min(len(line), len(header) - 1)]
            raise _not_understood(path, row, column, f"the row has {len(line)} cells and the header {len(header)}")
        cells = {name: cell.strip() for name, cell in zip(header, line, strict=True)}
        for column, cell in cells.items():
            if "\x00" in cell:
                raise _not_understood(path, row, column, "it holds a null character")
        yield kind, row, cells


def _lines(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    row = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for row, line in enumerate(csv.reader(text, strict=True), start=1):  # noqa: B007 - told when a row fails
                yield line
    except (csv.Error, UnicodeDecodeError) as broken:
        raise EscoFileNotUnderstood(
            f"{path.name}, row {row + 1} is not CSV in UTF-8 ({broken}); download the file again."
        ) from broken
    except OSError as broken:
        raise EscoFileNotUnderstood(f"{path.name} cannot be opened ({broken.strerror}).") from broken


def _kind(path: Path, header: Sequence[str]) -> EscoFileKind:
    for kind, columns in COLUMNS.items():
        if set(columns) <= set(header):
            return kind
    raise EscoFileNotUnderstood(
        f"{path.name}, row 1 is the header of no ESCO file that is read here: one of skills, say, has the columns "
        f"{', '.join(COLUMNS[EscoFileKind.SKILLS])}."
    )


def _fill(path: Path, row: int, cells: Mapping[str, str], columns: Sequence[str]) -> None:
    for column in columns:
        if not cells[column]:
            raise _not_understood(path, row, column, "it is empty")


def _not_understood(path: Path, row: int, column: str, what: str) -> EscoFileNotUnderstood:
    return EscoFileNotUnderstood(f"{path.name}, row {row}, column {column}: {what}.")
