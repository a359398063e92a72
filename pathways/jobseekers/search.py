"""The search for people: by any part of any name as heard or spelt, and by numbers, e-mail, postcode and date of birth.

Words of names are found in the table ``name_words``, and numbers and e-mail addresses by the keyed hashes of
``person_keys``, so no search reads all people. The records found are then scored in full; the best come first.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from rapidfuzz import fuzz
from sqlalchemy import ColumnElement, Select, or_, select
from stdnum.gb import nhs

from matching.people.heard import (
    MORE_PARTICLES,
    SHORTEST_TO_MISTYPE,
    WORTH,
    NameMatch,
    heard,
    is_faintly_alike,
    longer_forms,
    name_match,
    other_forms,
    other_sounds,
    single_words,
)
from matching.people.identity import keys_of
from matching.people.names import TITLES
from pathways.base import Actor, Role
from pathways.database import Session
from pathways.jobseekers import formats, identify, person_keys, queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, NameKind, NameWord
from pathways.jobseekers.search_schemas import SearchBody, SearchHit
from pathways.sheets import cells

LIKE_ENOUGH = 0.6  # the lowest likeness of a match
PARTLY_ENOUGH, MOST_PARTLY = (
    0.3,
    300,
)  # of records that have a part of the name, which are shown if nobody has all of it
SURE = 0.9  # the lowest likeness of a record that has the NI number, NHS number, telephone number or e-mail
UNKNOWN, DIFFERENT = 0.5, 0.3  # the score of a field that the record lacks; of a number that the record does not have
MOST_MATCHES = 1_000  # a search with more matches is too wide to be read
MOST_OF_A_WORD = 4_000  # rows read for one word; a commoner word only adds to the score of records found otherwise
MOST_SPELLINGS, IDS_AT_ONCE, MOST_TERMS = 400, 500, 6
NUMBERS = ("nino", "nhs_number", "phone", "email")
LAST = "z" * 20  # sorts after every ending of a word
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Parts that are recognised in a text, in this order. What remains is a name.
PARTS = {
    "email": re.compile(r"\S+@\S+\.\S+"),
    "reference": re.compile(r"\bJ-[0-9A-Z]{6}\b", re.IGNORECASE),
    "nino": re.compile(r"\b[A-Z]{2}[\s-]?(?:\d\d[\s-]?){3}(?:[A-D]\b|\b)", re.IGNORECASE),
    "date_of_birth": re.compile(
        r"\b(?:\d{4}-\d\d?-\d\d?|\d\d?[./-]\d\d?[./-]\d{4}|\d\d?(?:st|nd|rd|th)? [a-z]{3,9} \d{4})\b", re.IGNORECASE
    ),
    "postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b", re.IGNORECASE),
    "number": re.compile(r"[+(]?\d[\d\s().-]{7,}\d"),
}
PART_OF_NUMBER = re.compile(r"\S*\d\S*")
SAID_OF_PARTS = re.compile(
    r"\b(?:last|first|two|three|four|five|six|digits?|letters?|ending|ends?|starts?|starting|begins?|beginning|in"
    r"|with|is"
    r"|numbers?|no|ni|nino|nhs|phone|tel|mobile|insurance|national|something|then)\b",
    re.IGNORECASE,
)
WHOLE = {"nino": 8, "nhs_number": 10, "phone": 9}  # the fewest letters and digits of a whole number
PART_OF_A_NUMBER = (
    "Part of a number cannot be looked for, because numbers are stored encrypted. Type the whole number, or search"
    " by name,"
    " date of birth or postcode."
)
PART_OF_A_NAME = "No record that you may see has all of this. These have a part of the name."
NAME_OF_KIND = {
    NameKind.GIVEN: "Given name",
    NameKind.FAMILY: "Family name",
    NameKind.KNOWN_AS: "Known-as name",
    NameKind.EARLIER: "Earlier name",
}
LESS_FOR_KIND = {NameKind.EARLIER: 0.03, NameKind.KNOWN_AS: 0.01}
PARTS_OF_WORDS = {NameMatch.SHORTER, NameMatch.ENDING}
WEIGHT_OF_PARTICLE, WEIGHT_OF_INITIAL = 0.3, 0.5


def _typed_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words of a name that is searched for, without titles such as "Mr" unless there is nothing else."""
    words = list(dict.fromkeys(word for text in texts for word in single_words(text)))
    return tuple([word for word in words if word not in TITLES] or words)[:MOST_TERMS]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The person searched for: the words of the name, and the values of the other fields."""

    words: tuple[str, ...] = ()
    reference: str = ""
    postcode: str = ""
    date_of_birth: date | None = None
    numbers: Mapping[str, str] = field(default_factory=dict)
    has_part_of_number: bool = False

    @property
    def has_more(self) -> bool:
        """Whether anything else than a name is searched for."""
        return bool(self.reference or self.postcode or self.date_of_birth or self.numbers)

    @classmethod
    def of(cls, body: SearchBody) -> "Wanted":
        """Return what a request searches for. Numbers and addresses within a text or name are recognised as such."""
        parts: dict[str, Any] = {}
        names = [_take_parts(text, parts) for text in (body.text, body.name) if text]
        parts |= body.model_dump(exclude_none=True, exclude={"text", "name"})
        short = {name for name in WHOLE if parts.get(name) and len(re.sub(r"[\W_]", "", parts[name])) < WHOLE[name]}
        return cls(
            _typed_words(names),
            (parts.get("reference") or "").strip().upper(),
            formats.compact(parts.get("postcode")) or "",
            parts.get("date_of_birth"),
            {name: parts[name] for name in NUMBERS if parts.get(name) and name not in short},
            bool(short) or "part_of_number" in parts,
        )


def _take_parts(text: str, parts: dict[str, Any]) -> str:
    """Move the parts of a text that are not names into ``parts``, by field, and return the rest of the text."""
    for name, pattern in PARTS.items():
        found = pattern.search(text)
        if found is None:
            continue
        value: Any = found.group(0).strip()
        if name == "date_of_birth":
            value = None
            with suppress(cells.InvalidCell):
                value = cells.as_date(found.group(0))
            if value is None:
                continue
        if name == "number":
            parts["phone"] = value
            if nhs.is_valid(value):
                parts["nhs_number"] = value
        else:
            parts[name] = value
        text = f"{text[: found.start()]} {text[found.end() :]}"
    return _without_parts_of_numbers(text, parts)


def _without_parts_of_numbers(text: str, parts: dict[str, Any]) -> str:
    """Return a text without the words that hold digits: half a postcode, or else a part of a number."""
    words, is_part = [], False
    for word in PART_OF_NUMBER.findall(text):
        if formats.OUTCODE.match(word.upper()) and "postcode" not in parts:
            parts["postcode"] = word
        else:
            words.append(word)
            is_part = True
    text = PART_OF_NUMBER.sub(" ", text)
    if not is_part:
        return text
    parts["part_of_number"] = " ".join(words)
    return SAID_OF_PARTS.sub(" ", text)


@dataclass(frozen=True, slots=True)
class NameTerm:
    """A word of the search, or neighbouring words as one; the words it covers; and how each stored word matches it."""

    text: str
    covers: tuple[int, ...]
    spellings: Mapping[str, NameMatch]


@dataclass(frozen=True, slots=True)
class SearchMatch:
    """A record that matches, how similar it is from 0 to 1, the fields that agree, and one sentence for each."""

    id: UUID
    reference: str
    likeness: float
    agrees_on: list[str]
    reasons: list[str]


NameWords = Sequence[tuple[str, NameKind]]


class NameScores:
    """How well names match the terms of one search. Many people share a name, so each is scored once."""

    def __init__(self, terms: Sequence["NameTerm"], words: Sequence[str]) -> None:
        self.terms, self.words = terms, words
        self._known: dict[tuple[tuple[str, NameKind], ...], tuple[float, list[str]]] = {}

    def of(self, names: NameWords) -> tuple[float, list[str]]:
        """Return how well a person's names match, from 0 to 1, and one sentence for each word that matches."""
        key = tuple(names)
        if key not in self._known:
            self._known[key] = _name_score(self.terms, self.words, names)
        return self._known[key]


def notes(body: SearchBody, matches: Sequence[SearchMatch]) -> list[str]:
    """Return what to say about a search: that a part of a number was not looked for, or that nobody has all names."""
    is_partly = bool(matches) and all(match.likeness < LIKE_ENOUGH for match in matches)
    return [PART_OF_A_NUMBER] * Wanted.of(body).has_part_of_number + [PART_OF_A_NAME] * is_partly


def search(session: Session, actor: Actor, body: SearchBody) -> list[SearchMatch]:
    """Return the records that match, best first: at most ``MOST_MATCHES``, limited to what the actor may see.

    A record that was merged leads to the record into which it was merged. If nobody has all of the name, records that
    have a part of it are returned; their likeness is below ``LIKE_ENOUGH``.
    """
    wanted = Wanted.of(body)
    is_one_word = len(wanted.words) == 1 and not wanted.has_more
    same = _people_with_just(session, actor.organisation_id, wanted.words[0]) if is_one_word else {}
    if len(same) == MOST_MATCHES:  # the word is so common that no other spelling of it can be among the best
        word = wanted.words[0]
        terms = [NameTerm(word, (0,), {word: NameMatch.SAME})]
        scores, names, is_complete = NameScores(terms, wanted.words), same, True
    else:
        terms = _terms(session, actor.organisation_id, wanted.words)
        scores = NameScores(terms, wanted.words)
        names, is_complete = _people_named(session, actor.organisation_id, scores, wanted)
    numbers = _people_with_numbers(session, actor.organisation_id, wanted)
    ids = {*names, *itertools.chain.from_iterable(numbers.values()), *_people_by_rest(session, actor, wanted)}
    rows = _records(session, actor, ids)
    if terms:
        more = [key for key in rows if key in ids and (not is_complete or key not in names)]
        names |= _words_of(session, actor.organisation_id, more)
    best: dict[UUID, SearchMatch] = {}
    for key in ids & set(rows):
        survivor = _survivor(rows, key)
        if survivor is None or not survivor.is_visible:
            continue
        match = _scored(wanted, rows[key], survivor, scores.of(names.get(key, ())), numbers)
        if match is not None and (survivor.id not in best or best[survivor.id].likeness < match.likeness):
            best[survivor.id] = match
    found = sorted(best.values(), key=lambda match: (-match.likeness, match.reference))[:MOST_MATCHES]
    return [match for match in found if match.likeness >= LIKE_ENOUGH] or found[:MOST_PARTLY]


def hits(session: Session, matches: Sequence[SearchMatch]) -> list[SearchHit]:
    """Return the replies for some matches, with the present names."""
    ids = [match.id for match in matches]
    people = (
        select(Jobseeker.id, JobseekerDetails.given_name, JobseekerDetails.family_name, JobseekerDetails.date_of_birth)
        .join(JobseekerDetails, queries.THEIR_DETAILS)
        .where(Jobseeker.id.in_(ids))
    )
    rows = {row.id: row for row in session.execute(people)}
    return [
        SearchHit(
            jobseeker_id=match.id,
            reference=match.reference,
            given_name=rows[match.id].given_name,
            family_name=rows[match.id].family_name,
            date_of_birth=rows[match.id].date_of_birth,
            likeness=match.likeness,
            agrees_on=match.agrees_on,
            reasons=match.reasons,
        )
        for match in matches
    ]


# Names.


def _terms(session: Session, partner_id: UUID, words: Sequence[str]) -> list[NameTerm]:
    """Return the terms of a search: each word, each pair of neighbours as one word, and all words as one word."""
    covered: list[tuple[int, ...]] = [(n,) for n in range(len(words))]
    covered += [(n, n + 1) for n in range(len(words) - 1)]
    everything = tuple(range(len(words)))
    if everything and everything not in covered:
        covered.append(everything)
    terms = []
    for covers in covered:
        text = "".join(words[n] for n in covers)[:80]
        spellings = _spellings(session, partner_id, text)
        if len(covers) > 1:  # a part of words that are written as one may be only one of them
            spellings = {word: match for word, match in spellings.items() if match not in PARTS_OF_WORDS}
        terms.append(NameTerm(text, covers, spellings))
    return terms


def _spellings(session: Session, partner_id: UUID, text: str) -> dict[str, NameMatch]:
    """Return the partner's stored words that match a term, best first.

    A typing error is in one half of a word, so the other half finds the word: its first letters by ``word``, or its
    last letters by ``backwards``.
    """
    of_partner = NameWord.partner_id == partner_id
    exact = [text, text[:1], *other_forms(text)]
    found = set(session.scalars(select(NameWord.word).where(of_partner, NameWord.word.in_(exact)).distinct()))
    if len(text) > 1:
        found |= _distinct(session, NameWord.word, _begins(of_partner, NameWord.word, text))
        found |= _distinct(
            session, NameWord.word, [of_partner, NameWord.sound.in_([heard(text), *sorted(other_sounds(text))])]
        )
    if len(text) >= SHORTEST_TO_MISTYPE:
        half = max(2, (len(text) - 1) // 2)
        found |= _distinct(session, NameWord.word, _begins(of_partner, NameWord.word, text[:half]))
        backwards = _distinct(session, NameWord.backwards, _begins(of_partner, NameWord.backwards, text[::-1][:half]))
        found |= {word[::-1] for word in backwards}
    if longer := longer_forms(text):
        ranges = [(NameWord.word >= form) & (NameWord.word <= form + LAST) for form in longer]
        found |= _distinct(session, NameWord.word, [of_partner, or_(*ranges)])
    matches = {word: match for word in found if (match := name_match(text, word)) is not None}
    best = sorted(matches, key=lambda word: (-WORTH[matches[word]], len(word), word))[:MOST_SPELLINGS]
    return {word: matches[word] for word in best}


def _begins(of_partner: ColumnElement[bool], column: Any, text: str) -> list[ColumnElement[bool]]:
    return [of_partner, column >= text, column <= text + LAST]


def _distinct(session: Session, column: Any, conditions: Iterable[ColumnElement[bool]]) -> set[str]:
    rows: Select[Any] = select(column).where(*conditions).distinct()
    return set(session.scalars(rows))


def _people_named(
    session: Session, partner_id: UUID, scores: NameScores, wanted: Wanted
) -> tuple[dict[UUID, list[tuple[str, NameKind]]], bool]:
    """Return the people with a matching word, each with these words. The best ``MOST_MATCHES`` by name are kept.

    The second result is whether these are all matching words of these people. They are not if a word of the search is
    common, or is an initial.
    """
    names: dict[UUID, list[tuple[str, NameKind]]] = {}
    common: list[NameTerm] = []
    for term in scores.terms:
        rows = _rows_with(session, partner_id, term)
        if len(rows) > MOST_OF_A_WORD and len(wanted.words) > 1:
            common.append(term)
            continue
        for jobseeker_id, word, kind in rows[:MOST_OF_A_WORD]:
            names.setdefault(jobseeker_id, []).append((word, kind))
    if not names and common:  # every word is common, so only people with two of them are read
        also = common[1] if len(common) > 1 else None
        for jobseeker_id, word, kind in _rows_with(session, partner_id, common[0], also=also):
            names.setdefault(jobseeker_id, []).append((word, kind))
    is_complete = not common and all(len(word) > 1 for word in wanted.words)
    worth = {key: scores.of(words)[0] for key, words in names.items()}
    if is_complete and not wanted.has_more:
        enough = {key: words for key, words in names.items() if worth[key] >= LIKE_ENOUGH}
        partly = sorted((key for key in names.keys() - enough.keys()), key=lambda key: (-worth[key], key))
        # All words of these people, because another of them may be the one that was misheard.
        names = enough | (_words_of(session, partner_id, partly[:MOST_PARTLY]) if len(wanted.words) > 1 else {})
        worth = {key: scores.of(words)[0] for key, words in names.items()}
    best = sorted(names, key=lambda key: (worth[key], key), reverse=True)[:MOST_MATCHES]
    return {key: names[key] for key in best}, is_complete


def _people_with_just(session: Session, partner_id: UUID, word: str) -> dict[UUID, list[tuple[str, NameKind]]]:
    """Return up to ``MOST_MATCHES`` people with a word as their given or family name: nobody can match it better."""
    rows = select(NameWord.jobseeker_id, NameWord.word, NameWord.kind).where(
        NameWord.partner_id == partner_id,
        NameWord.word == word,
        NameWord.kind.in_([NameKind.GIVEN, NameKind.FAMILY]),
    )
    found: dict[UUID, list[tuple[str, NameKind]]] = {}
    for jobseeker_id, written, kind in session.execute(rows.limit(2 * MOST_MATCHES)):  # one person may have it twice
        if len(found) == MOST_MATCHES:
            break
        found.setdefault(jobseeker_id, []).append((written, kind))
    return found


def _rows_with(session: Session, partner_id: UUID, term: NameTerm, also: NameTerm | None = None) -> Sequence[Any]:
    """Return (person, word, kind) of the words that match a term; with ``also``, of people who match both terms."""
    if not term.spellings or (len(term.text) == 1 and len(term.covers) == 1 and term.text not in term.spellings):
        return []
    rows = select(NameWord.jobseeker_id, NameWord.word, NameWord.kind).where(
        NameWord.partner_id == partner_id, NameWord.word.in_(list(term.spellings))
    )
    if also is not None:
        people = select(NameWord.jobseeker_id).where(
            NameWord.partner_id == partner_id, NameWord.word.in_(list(also.spellings))
        )
        rows = rows.where(NameWord.jobseeker_id.in_(people))
    # Not ordered by person: SQLite would then read all names of the partner to avoid sorting the rows found.
    found = session.execute(rows.limit(MOST_OF_A_WORD + 1)).all()
    if len(found) > MOST_OF_A_WORD and len(term.spellings) > 1:  # then the word itself comes before its other spellings
        same = session.execute(rows.where(NameWord.word == term.text).limit(MOST_OF_A_WORD)).all()
        return [*same, *found]
    return found


def _words_of(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, NameKind]]]:
    """Return all words of the names of some people."""
    names: dict[UUID, list[tuple[str, NameKind]]] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        rows = select(NameWord.jobseeker_id, NameWord.word, NameWord.kind).where(
            NameWord.partner_id == partner_id, NameWord.jobseeker_id.in_(ids[start : start + IDS_AT_ONCE])
        )
        for jobseeker_id, word, kind in session.execute(rows):
            names.setdefault(jobseeker_id, []).append((word, kind))
    return names


def _name_score(terms: Sequence[NameTerm], words: Sequence[str], names: NameWords) -> tuple[float, list[str]]:
    """Return how well a person's names match, from 0 to 1, and one sentence for each word that matches."""
    scores, reasons = [0.0] * len(words), [""] * len(words)
    for term in terms:
        for word, kind in names:
            match = term.spellings.get(word)
            if match is None and len(word) == 1 and term.text.startswith(word):
                match = NameMatch.INITIAL
            if match is None and len(term.text) == 1 and word.startswith(term.text):
                match = NameMatch.INITIAL
            if match is None:
                continue
            score = WORTH[match] - LESS_FOR_KIND.get(kind, 0.0)
            for n in term.covers:
                if score > scores[n]:
                    scores[n], reasons[n] = score, f"{NAME_OF_KIND[kind]}: {match}."
    for n, word in enumerate(words):
        if max(scores) > 0.0 and scores[n] == 0.0 and any(is_faintly_alike(word, other) for other, _ in names):
            scores[n] = WORTH[NameMatch.FAINT]
            reasons[n] = f"Another name: {NameMatch.FAINT}."
    weights = [_weight(word) for word in words]
    total = sum(weight * score for weight, score in zip(weights, scores, strict=True))
    return total / (sum(weights) or 1.0), list(dict.fromkeys(filter(None, reasons)))


def _weight(word: str) -> float:
    if word in MORE_PARTICLES:
        return WEIGHT_OF_PARTICLE
    return WEIGHT_OF_INITIAL if len(word) == 1 else 1.0


# Other fields.


def _people_with_numbers(session: Session, partner_id: UUID, wanted: Wanted) -> dict[str, set[UUID]]:
    """Return, by field, the people with the NI number, NHS number, telephone number or e-mail address."""
    if not wanted.numbers:
        return {}
    identity = identify.identity(session, "", Details.of(wanted.numbers))
    keys = {person_keys.hashed(session, key): key.split(":")[0] for key in keys_of(identity)}
    if identity.phone:  # whoever has an extension of the number is found too
        keys[person_keys.hashed(session, f"switchboard:{identity.phone}")] = "phone"
    people: dict[str, set[UUID]] = {name: set() for name in wanted.numbers}
    for key, ids in person_keys.sharing(session, partner_id, sorted(keys), MOST_MATCHES).items():
        if keys[key] in people:
            people[keys[key]] |= set(ids)
    return people


def _people_by_rest(session: Session, actor: Actor, wanted: Wanted) -> set[UUID]:
    """Return the people whose reference, date of birth or postcode is like the one searched for."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.reference:
        conditions.append(Jobseeker.reference.in_(_references_like(wanted.reference)))
    if wanted.date_of_birth:
        conditions.append(Jobseeker.date_of_birth.in_(_days_like(wanted.date_of_birth)))
    if wanted.postcode and not wanted.words and not wanted.date_of_birth:
        sector = wanted.postcode[:-2] if len(wanted.postcode) > formats.INWARD + 1 else wanted.postcode
        conditions.append(Jobseeker.postcode_key.between(sector, sector + "Z" * 4))
    people: set[UUID] = set()
    for condition in conditions:
        rows = select(Jobseeker.id).where(Jobseeker.partner_id == actor.organisation_id, condition)
        people |= set(session.scalars(rows.order_by(Jobseeker.id.desc()).limit(MOST_OF_A_WORD)))
    return people


def _references_like(reference: str) -> list[str]:
    """Return the reference and every reference that differs in one character, or in two neighbours that are swapped."""
    code = reference.removeprefix("J-").removeprefix("J ").translate(str.maketrans("OIL", "011"))
    codes = {code}
    for n in range(len(code) + 1):
        codes |= {code[:n] + letter + code[n:] for letter in CROCKFORD}
        codes |= {code[:n] + letter + code[n + 1 :] for letter in ("", *CROCKFORD)}
        codes.add(code[:n] + code[n + 1 : n + 2] + code[n : n + 1] + code[n + 2 :])
    return sorted({f"J-{code}" for code in codes} | {reference})


def _days_like(day: date) -> list[date]:
    """Return the day, the day with day and month swapped, and every day of which one digit differs."""
    text, days = day.isoformat(), {day}
    with suppress(ValueError):
        days.add(date(day.year, day.day, day.month))
    for n, old in enumerate(text):
        for new in "0123456789" if old.isdigit() else "":
            with suppress(ValueError):
                days.add(date.fromisoformat(text[:n] + new + text[n + 1 :]))
    return sorted(days | {day - timedelta(days=1), day + timedelta(days=1)})


def _records(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Return the rows of these people, and of the records into which they were merged."""
    is_void = Jobseeker.state == JobseekerState.VOIDED
    visible = queries.may_see(actor) if actor.role is Role.TEAM_MANAGER else queries.may_see(actor) & ~is_void
    columns = select(
        Jobseeker.id,
        Jobseeker.reference,
        Jobseeker.merged_into_id,
        Jobseeker.date_of_birth,
        Jobseeker.postcode_key,
        visible.label("is_visible"),
    ).where(Jobseeker.partner_id == actor.organisation_id)
    rows: dict[UUID, Any] = {}
    wanted = sorted(ids)
    while wanted:
        for start in range(0, len(wanted), IDS_AT_ONCE):
            found = session.execute(columns.where(Jobseeker.id.in_(wanted[start : start + IDS_AT_ONCE])))
            rows |= {row.id: row for row in found}
        survivors = {row.merged_into_id for row in rows.values() if row.merged_into_id is not None}
        wanted = sorted(survivors - set(rows))
    return rows


def _survivor(rows: Mapping[UUID, Any], key: UUID) -> Any:
    """Return the row of the record into which a record was merged, or its own row; None if that record is gone."""
    row = rows.get(key)
    while row is not None and row.merged_into_id is not None:
        row = rows.get(row.merged_into_id)
    return row


def _scored(
    wanted: Wanted, row: Any, survivor: Any, name: tuple[float, list[str]], numbers: Mapping[str, set[UUID]]
) -> SearchMatch | None:
    """Return a record as a match, or None if it is not similar enough."""
    scores = {field: 1.0 if row.id in people else DIFFERENT for field, people in numbers.items()}
    has_number = any(score == 1.0 for score in scores.values())
    if wanted.words:
        scores["name"] = name[0]
    if wanted.reference:
        scores["reference"] = fuzz.ratio(wanted.reference, row.reference) / 100
    if wanted.postcode:
        scores["postcode"] = _alike_postcodes(wanted.postcode, row.postcode_key)
    if wanted.date_of_birth:
        scores["date_of_birth"] = _alike_dates(wanted.date_of_birth, row.date_of_birth)
    likeness = max(sum(scores.values()) / max(len(scores), 1), SURE if has_number else 0.0)
    if likeness < (PARTLY_ENOUGH if set(scores) == {"name"} and len(wanted.words) > 1 else LIKE_ENOUGH):
        return None
    least = min(LIKE_ENOUGH, likeness)
    agreeing = sorted(field for field, score in scores.items() if score >= least)
    reasons = [*(name[1] if "name" in agreeing else ()), *(_reason(field, scores[field]) for field in agreeing)]
    return SearchMatch(survivor.id, survivor.reference, round(likeness, 3), agreeing, list(filter(None, reasons)))


def _reason(field: str, score: float) -> str:
    """Return the sentence for a field that agrees. The sentences for a name come from its words."""
    labels = {"nino": "NI number", "nhs_number": "NHS number", "email": "E-mail"}
    label = labels.get(field, field.replace("_", " ").capitalize())
    return "" if field == "name" else f"{label}: {'the same' if score == 1.0 else 'almost the same'}."


def _alike_postcodes(first: str, second: str | None) -> float:
    if second is None:
        return UNKNOWN
    if first == second:
        return 1.0
    is_sector = first[:-2] == second[:-2] or (len(first) <= formats.INWARD + 1 and second[: -formats.INWARD] == first)
    return 0.8 if is_sector else 0.0


def _alike_dates(first: date, second: date | None) -> float:
    if second is None:
        return UNKNOWN
    if first == second:
        return 1.0
    return 0.85 if second in _days_like(first) else 0.0
