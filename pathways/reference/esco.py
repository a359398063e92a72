"""Readers of the CSV files of ESCO, the European classification of skills and occupations.

These files are read as downloaded: skills, occupations, skill groups, the skills that an occupation or a skill needs,
and the broader skill of each skill. ESCO may be reused under Commission Decision 2011/833/EU. Every reply that uses it
must say "This service uses the ESCO classification of the European Commission".
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pathways.errors import RuleBroken

# The longest cell of version 1.1.1 has 2,237 characters. The limit applies to the whole process, so never lower it.
# It is not set to the largest integer, because some systems refuse that.
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


ESCO = "esco"
# The uri of an entry of another classification is this mark, the name of the classification and the code of the entry.
OF_LIST = "list:"


def source_of(uri: str) -> str:
    """Return the classification that an entry belongs to: esco, or the name under which another list was loaded."""
    return uri.removeprefix(OF_LIST).rpartition(":")[0] if uri.startswith(OF_LIST) else ESCO


class RelationKind(StrEnum):
    BROADER = "broader"
    ESSENTIAL = "essential"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class EscoConcept:
    """A skill, a skill group or an occupation. ``alternatives`` includes hidden labels, which are old or misspelt."""

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
    """A relation: ``to_uri`` is broader than ``from_uri``, or is a skill that ``from_uri`` needs or may use."""

    from_uri: str
    to_uri: str
    kind: RelationKind


# The columns that identify each kind of file: no other kind has all of them.
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
    """Return the kind of a file, determined by its header."""
    return _kind(path, next(_lines(path), []))


def concepts(path: Path) -> Iterator[EscoConcept]:
    """Yield the concepts of a file. Raise ``EscoFileNotUnderstood`` if a URI occurs twice."""
    seen: set[str] = set()
    for kind, row, cells in _rows(path, list(CONCEPTS)):
        _fill(path, row, cells, ("conceptUri", "preferredLabel"))
        if cells["conceptUri"] in seen:
            raise _not_understood(path, row, "conceptUri", "this concept occurs twice in the file")
        seen.add(cells["conceptUri"])
        yield _concept(kind, cells)


def relations(path: Path) -> Iterator[EscoRelation]:
    """Yield the relations of a file."""
    for kind, row, cells in _rows(path, [kind for kind in EscoFileKind if kind not in CONCEPTS]):
        columns = COLUMNS[kind]
        _fill(path, row, cells, columns)
        if kind is EscoFileKind.BROADER_SKILLS:
            yield EscoRelation(cells["conceptUri"], cells["broaderUri"], RelationKind.BROADER)
            continue
        relation = cells["relationType"]
        if relation not in {RelationKind.ESSENTIAL, RelationKind.OPTIONAL}:
            raise _not_understood(path, row, "relationType", "the value must be essential or optional")
        yield EscoRelation(cells[columns[0]], cells[columns[2]], RelationKind(relation))


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
    """Yield, for each row, the kind of the file, the row number (the header is row 1) and the cells by column."""
    lines = _lines(path)
    header = next(lines, [])
    kind = _kind(path, header)
    if kind not in wanted:
        raise EscoFileNotUnderstood(f"{path.name} holds {kind}, not {' or '.join(wanted)}. Choose another file.")
    for row, line in enumerate(lines, start=2):
        if not line:
            continue
        if len(line) != len(header):
            column = header[min(len(line), len(header) - 1)]
            raise _not_understood(path, row, column, f"the row has {len(line)} cells but the header has {len(header)}")
        cells = {name: cell.strip() for name, cell in zip(header, line, strict=True)}
        for column, cell in cells.items():
            if "\x00" in cell:
                raise _not_understood(path, row, column, "the cell contains a null character")
        yield kind, row, cells


def _lines(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    row = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            for row, line in enumerate(csv.reader(text, strict=True), start=1):  # noqa: B007 - used in the error message
                yield line
    except (csv.Error, UnicodeDecodeError) as broken:
        raise EscoFileNotUnderstood(
            f"{path.name}, row {row + 1} is not CSV in UTF-8 ({broken}). Download the file again."
        ) from broken
    except OSError as broken:
        raise EscoFileNotUnderstood(f"{path.name} cannot be opened ({broken.strerror}). Check the path.") from broken


def _kind(path: Path, header: Sequence[str]) -> EscoFileKind:
    for kind, columns in COLUMNS.items():
        if set(columns) <= set(header):
            return kind
    raise EscoFileNotUnderstood(
        f"{path.name}, row 1 is not the header of an ESCO file that this service reads. A file of skills, for example, "
        f"has the columns {', '.join(COLUMNS[EscoFileKind.SKILLS])}. Use the CSV files as downloaded from ESCO."
    )


def _fill(path: Path, row: int, cells: Mapping[str, str], columns: Sequence[str]) -> None:
    for column in columns:
        if not cells[column]:
            raise _not_understood(path, row, column, "the cell is empty")


def _not_understood(path: Path, row: int, column: str, what: str) -> EscoFileNotUnderstood:
    return EscoFileNotUnderstood(f"{path.name}, row {row}, column {column}: {what}. Download the file again.")
