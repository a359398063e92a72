"""Judge ranked lists of real people's wishes by grades that were given blind, beside named alternatives.

``python -m benchmarks.lists pool --placements FILE --referrals FILE --out FOLDER`` ranks the placements for twelve
people that we made up (``lists/people.json``) and for thirteen of the referrals: by our ranking, by TF-IDF of the
texts, by the sentence model and the journey, and at random. It writes the pairs of all first fives to ``pairs.csv``,
without saying who proposed which and with an empty column ``grade``, and the lists to ``lists.json``.

``python -m benchmarks.lists judge --lists FILE --grades FILE ...`` prints NDCG@5 of each, the paired difference to ours
with its 95 % interval over people, and how far two readings agree. Grades: 3 a place to propose first, 2 worth showing,
1 at a pinch, 0 not this person. Gain 2 ** grade - 1; the ideal list is made of the graded pairs of the person.

``python -m benchmarks.lists sure --placements FILE --referrals FILE --grades FILE ...`` prints how sure the ranker was
of the order of two graded places, beside how often the readers see it in the same order.
"""

import argparse
import csv
import json
import random
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from matching.pairs import eligibility
from matching.pairs.features import codes_of
from matching.pairs.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.pairs.travel import minutes_between
from matching.pairs.wishes import read_wishes, says_something
from matching.score.confidence import deviations
from matching.score.ranker import PlacementRanker
from matching.words.sentence import ModelMissing, SentenceModel
from pathways.reference import half_days, postcodes, vocabulary
from pathways.shortlists.profiles import context

DAY = date(2026, 11, 30)
MADE_UP = Path(__file__).with_name("lists") / "people.json"
N_REFERRED, FIRST, SEED, DRAWS = 13, 5, 3, 10_000


def words(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def number(cell: Any) -> float | None:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def place(postcode: str) -> tuple[float, float] | None:
    point = postcodes.in_directory(postcode)
    return None if point is None else (float(point.easting), float(point.northing))


def listing_of(row: Mapping[str, str]) -> PlacementProfile | None:
    """Return a row of a placement file as a listing; None if a cell cannot be read."""
    try:
        week = half_days.parse(row["half_days"])
    except half_days.NotHalfDays:
        return None
    if not row["title"].strip():
        return None
    return PlacementProfile(
        key=row["placement_ref"],
        title=row["title"],
        occupation=row["occupation"] or None,
        description=row["description"] or None,
        essential_skills=words(row["essential_skills"]) or None,
        desirable_skills=words(row["desirable_skills"]) or None,
        licences_needed=words(row["licences_needed"]) or None,
        hours_per_week=number(row["hours_per_week"]),
        hours_flexible={"yes": True, "no": False}.get(row["hours_flexible"].strip().lower()),
        half_days=week,
        place=place(row["postcode"]),
        remote=row["remote"] or None,
        environment=words(row["environment"]) or None,
        support_offered=words(row["support_offered"]) or None,
    )


def person_of(row: Mapping[str, Any]) -> JobseekerProfile:
    """Return a made-up person or a referral as a profile."""
    read = read_wishes(row["aspirations"])
    week = half_days.parse(row["available"])
    limit = number(row["max_travel_minutes"])
    minutes = None if limit is None else int(limit)
    low, high = number(row.get("hours_min")), number(row.get("hours_max"))
    return JobseekerProfile(
        key=row["key"],
        limits=JobseekerLimits(
            right_to_work="unrestricted",
            hours_min=low,
            hours_max=high,
            half_days=week,
            place=place(row["postcode"]),
            travel_modes=tuple(row["travel_modes"]) or None,
            max_travel_minutes=minutes,
        ),
        wishes=JobseekerWishes(
            aspirations=read.wanted or None,
            avoid=(*filter(says_something, row["avoid"]), *read.avoided) or None,
            environment=tuple(row["environment"]) or None,
        ),
        offer=JobseekerOffer(
            skills=tuple(row["skills"]) or None,
            hours_min=low,
            hours_max=high,
            half_days=week,
            max_travel_minutes=minutes,
        ),
    )


def referred(path: Path) -> list[dict[str, Any]]:
    """Return thirteen referrals with wishes, skills, a place and times, drawn at random."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    needed = ("aspirations", "skills", "postcode", "available", "max_travel_minutes")
    whole = [row for row in rows if all(row[name].strip() for name in needed)]
    people = []
    for row in random.Random(SEED).sample(whole, len(whole)):
        lists = {
            name: list(words(row[name])) for name in ("aspirations", "avoid", "skills", "environment", "travel_modes")
        }
        person = {**row, **lists, "key": row["referral_ref"], "about": "A referral"}
        try:
            if place(row["postcode"]) and half_days.parse(row["available"]):
                people.append(person)
        except half_days.NotHalfDays:
            continue
        if len(people) == N_REFERRED:
            break
    return people


def text_of(listing: PlacementProfile) -> str:
    own = (listing.title, listing.occupation, *(listing.essential_skills or ()), *(listing.desirable_skills or ()))
    return ". ".join(text for text in (*own, *(listing.environment or ()), listing.description) if text)


def said_by(row: Mapping[str, Any]) -> str:
    return ". ".join([*row["aspirations"], *row["skills"], *row["environment"]])


def rankings(
    rows: Sequence[Mapping[str, Any]], listings: Sequence[PlacementProfile]
) -> dict[str, dict[str, list[str]]]:
    """Return the first five keys for each person, by method."""
    ranker = PlacementRanker(vocabulary.starter(), context(DAY))
    texts = [text_of(listing) for listing in listings]
    vectoriser = TfidfVectorizer(sublinear_tf=True, stop_words="english", ngram_range=(1, 2))
    table = vectoriser.fit_transform(texts)
    found: dict[str, dict[str, list[str]]] = {}
    model: SentenceModel | None = None
    vectors = np.zeros((len(texts), 1), np.float32)
    try:
        model = SentenceModel.installed()
        vectors = model.encode([text.lower() for text in texts])
    except ModelMissing as missing:
        print(f"Without the sentence model. {missing}")
    for row in rows:
        person = person_of(row)
        by_text = np.asarray((table @ vectoriser.transform([said_by(row)]).T).todense()).ravel()
        order = {
            "ours": [match.placement.key for match in ranker.rank(person, listings).matches],
            "TF-IDF": [listings[at].key for at in np.argsort(-by_text, kind="stable")],
            "random": [listing.key for listing in random.Random(row["key"]).sample(listings, len(listings))],
        }
        if model is not None:
            near = vectors @ model.encode([said_by(row).lower()])[0]
            trips = [eligibility.journey(person.limits, listing, ranker.context) for listing in listings]
            middle = np.array([90.0 if trip is None else (trip.minutes_low + trip.minutes_high) / 2 for trip in trips])
            order["MiniLM + journey"] = [
                listings[at].key for at in np.argsort(-(near + np.clip(1 - middle / 90, 0, 1)))
            ]
        found[row["key"]] = {name: keys[:FIRST] for name, keys in order.items()}
    return found


def pool(options: argparse.Namespace) -> None:
    with options.placements.open(encoding="utf-8-sig", newline="") as lines:
        read = [listing_of(row) for row in csv.DictReader(lines)]
    listings = [listing for listing in read if listing is not None]
    rows = [*json.loads(MADE_UP.read_text(encoding="utf-8")), *referred(options.referrals)]
    lists, by_key = rankings(rows, listings), {listing.key: listing for listing in listings}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "lists.json").write_text(json.dumps(lists, indent=1), encoding="utf-8")
    ctx = context(DAY)
    with (options.out / "pairs.csv").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["person", "placement", "the person", "the place", "journey", "grade"])
        for row in rows:
            person = person_of(row)
            for key in sorted({key for keys in lists[row["key"]].values() for key in keys}):
                trip = eligibility.journey(person.limits, by_key[key], ctx)
                way = "not known" if trip is None else f"{trip.km:g} km, {minutes_between(trip)}"
                writer.writerow([row["key"], key, about(row), described(by_key[key]), way, ""])


def about(row: Mapping[str, Any]) -> str:
    names = ("about", "aspirations", "avoid", "skills", "environment", "hours_min", "hours_max", "available")
    said = {name: row.get(name) for name in (*names, "travel_modes", "max_travel_minutes")}
    return "; ".join(f"{name}: {', '.join(v) if isinstance(v, list) else v}" for name, v in said.items() if v)


def described(listing: PlacementProfile) -> str:
    week = half_days.text_of(listing.half_days) if listing.half_days else "not said"
    hours = f"{listing.hours_per_week or '?'} hours, flexible: {listing.hours_flexible}"
    return f"{text_of(listing)}; {hours}; half-days: {week}"


def ndcg(keys: Sequence[str], grades: Mapping[str, float]) -> float:
    gains = [2 ** grades.get(key, 0.0) - 1 for key in keys[:FIRST]]
    ideal = sorted((2**grade - 1 for grade in grades.values()), reverse=True)[:FIRST]
    discount = [1 / np.log2(rank + 2) for rank in range(FIRST)]
    whole = sum(gain * weight for gain, weight in zip(ideal, discount, strict=False))
    return float(sum(gain * weight for gain, weight in zip(gains, discount, strict=False)) / whole) if whole else np.nan


def judge(options: argparse.Namespace) -> None:
    lists = json.loads(options.lists.read_text(encoding="utf-8"))
    readings: list[dict[tuple[str, str], int]] = []
    for path in options.grades:
        with path.open(encoding="utf-8", newline="") as lines:
            readings.append({(row["person"], row["placement"]): int(row["grade"]) for row in csv.DictReader(lines)})
    both = [(readings[0][pair], readings[-1][pair]) for pair in readings[0] if pair in readings[-1]]
    exact = np.mean([a == b for a, b in both])
    print(f"{len(both)} pairs; two readings: equal {exact:.2f}, weighted kappa {kappa(both):.2f}")
    mean = {pair: float(np.mean([reading[pair] for reading in readings])) for pair in readings[0]}
    of_person: dict[str, dict[str, float]] = {}
    for (person, key), grade in mean.items():
        of_person.setdefault(person, {})[key] = grade
    names = list(next(iter(lists.values())))
    scores = {name: np.array([ndcg(lists[key][name], of_person[key]) for key in lists]) for name in names}
    ours, rng = scores["ours"], np.random.default_rng(SEED)
    for name, values in scores.items():
        known = ~np.isnan(values)
        gaps = (ours - values)[known]
        drawn = rng.choice(gaps, (DRAWS, len(gaps))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        less = f"ours less this {gaps.mean():+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"{name:20}NDCG@5 {np.mean(values[known]):.3f}   {less}")


def sure(options: argparse.Namespace) -> None:
    """Print how often readers agree with the order of two places, beside how sure the ranker was of it."""
    with options.placements.open(encoding="utf-8-sig", newline="") as lines:
        listings = [listing for row in csv.DictReader(lines) if (listing := listing_of(row)) is not None]
    rows = [*json.loads(MADE_UP.read_text(encoding="utf-8")), *referred(options.referrals)]
    grades = mean_grades(options.grades)
    ranker, spreads, orders = PlacementRanker(vocabulary.starter(), context(DAY)), [], []
    for row in rows:
        person = person_of(row)
        matches = [match for _, match in ranker.pairs((person, listing) for listing in listings)[0]]
        codes = codes_of([match.values for match in matches])
        logs, spread = np.log([match.score for match in matches]), deviations(ranker.model, codes)
        spreads.append(logs.std())
        graded = [(at, grades.get((row["key"], match.placement.key))) for at, match in enumerate(matches)]
        for (a, first), (b, second) in combinations([(at, grade) for at, grade in graded if grade is not None], 2):
            if first != second:
                gap = logs[a] - logs[b]
                chance = NormalDist().cdf(abs(gap) / float(np.hypot(spread[a], spread[b])))
                orders.append((chance, (gap > 0) == (first > second)))
    print(f"mean standard deviation of the log-scores of a list: {np.mean(spreads):.2f}")
    print("chance of the right order, as foretold and as the readers see it")
    for low, high in pairwise((0.5, 0.6, 0.7, 0.8, 0.9, 1.01)):
        inside = [(chance, is_right) for chance, is_right in orders if low <= chance < high]
        foretold, seen = np.mean(inside, axis=0) if inside else (np.nan, np.nan)
        print(f"  {low:.1f} to {min(high, 1.0):.1f}   foretold {foretold:.2f}   seen {seen:.2f}   {len(inside)} orders")


def mean_grades(paths: Sequence[Path]) -> dict[tuple[str, str], float]:
    readings: dict[tuple[str, str], list[int]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                readings.setdefault((row["person"], row["placement"]), []).append(int(row["grade"]))
    return {pair: float(np.mean(grades)) for pair, grades in readings.items()}


def kappa(pairs: Sequence[tuple[int, int]]) -> float:
    """Return Cohen's kappa with squared weights for grades from 0 to 3."""
    table = np.zeros((4, 4))
    for first, second in pairs:
        table[first, second] += 1
    table /= table.sum()
    weights = np.square(np.subtract.outer(np.arange(4), np.arange(4)))
    chance = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float(1 - (weights * table).sum() / (weights * chance).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(required=True)
    making = steps.add_parser("pool")
    making.add_argument("--placements", type=Path, required=True)
    making.add_argument("--referrals", type=Path, required=True)
    making.add_argument("--out", type=Path, required=True)
    making.set_defaults(step=pool)
    judging = steps.add_parser("judge")
    judging.add_argument("--lists", type=Path, required=True)
    judging.add_argument("--grades", type=Path, nargs="+", required=True)
    judging.set_defaults(step=judge)
    foretelling = steps.add_parser("sure")
    foretelling.add_argument("--placements", type=Path, required=True)
    foretelling.add_argument("--referrals", type=Path, required=True)
    foretelling.add_argument("--grades", type=Path, nargs="+", required=True)
    foretelling.set_defaults(step=sure)
    options = parser.parse_args()
    options.step(options)


if __name__ == "__main__":
    main()
