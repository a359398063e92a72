"""Make up any number of people and placements that resemble real ones: towns, half-days, words and blank answers.

With ``blank``, answers are left out as often as in our samples of job centre referrals and real adverts.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.random import Generator

from matching.pairs.eligibility import Context
from matching.pairs.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.pairs.travel import Mode
from matching.pairs.vocabulary import Vocabulary

DAY = date(2026, 11, 2)
MODES = {
    "walk": Mode(5.5, 4.0, 1.2, 1.4, 0, 0),
    "bicycle": Mode(18, 12, 1.2, 1.4, 2, 5),
    "bus": Mode(24, 12, 1.2, 1.5, 4, 15),
    "car": Mode(50, 20, 1.2, 1.4, 2, 10),
}
WAYS = (("walk",), ("walk", "bus"), ("walk", "bus"), ("walk", "bicycle", "bus"), ("walk", "car"))
VERBS = (
    *("fixing", "making", "selling", "cleaning", "sorting", "moving"),
    *("growing", "cooking", "painting", "packing", "checking", "writing"),
)
SKILLS = tuple(f"{verb} thing{n:03}" for verb in VERBS for n in range(250))
TITLES = tuple(f"trade{n:02} {who}" for n in range(60) for who in ("helper", "assistant", "operative", "worker"))
ENVIRONMENTS = ("quiet", "busy", "outdoors", "indoors", "small team", "alone")
ADJUSTMENTS = ("quiet space", "written instructions", "flexible breaks", "step-free access", "job coach")
LICENCES = ("driving licence", "forklift licence", "CSCS card", "food hygiene")
AVOIDED = ("nights", "phones", "heights", "lone working")
HOURS = np.array([8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 37.5])
# The shares of blank answers in 602 referrals of a job centre, and in 1,402 placements taken from real adverts.
BLANKS = {"place": 0.03, "aspirations": 0.27, "avoid": 0.34, "skills": 0.17, "level": 0.28, "licences": 0.5,
          "hours_min": 0.26, "hours_max": 0.14, "half_days": 0.2, "earliest": 0.65, "modes": 0.17, "minutes": 0.2,
          "adjustments": 0.15, "environment": 0.33, "age": 0.02, "right_to_work": 0.16}  # fmt: skip
LISTING_BLANKS = {"essential": 0.34, "desirable": 0.11, "half_days": 0.32, "hours": 0.14, "flexible": 0.32,
                  "starts": 0.51, "ends": 0.82, "adjustments": 0.32, "environment": 0.21, "support": 0.25}  # fmt: skip
# With 15 towns and every answer known, 1.0 to 1.6 % of pairs are eligible, as in the data that our figures are compared
# with. The city is as wide as Leicester (73 square kilometres by the ONS). In it, about 13 % of pairs are eligible.
TOWNS, ACROSS, CITY_ACROSS = 15, 550_000.0, 9_000.0  # metres


def context() -> Context:
    return Context(on=DAY, modes=MODES)


def vocabulary() -> Vocabulary:
    return Vocabulary()


def _places(rng: Generator, count: int, *, city: bool) -> Any:
    if city:
        return np.round(300_000.0 + rng.uniform(0, CITY_ACROSS, (count, 2)))
    towns = np.random.default_rng(99)
    centres, sizes = towns.uniform(0, ACROSS, (TOWNS, 2)), towns.pareto(1.6, TOWNS) + 0.3
    town = rng.choice(TOWNS, size=count, p=sizes / sizes.sum())
    return np.round(
        np.abs(centres[town] + rng.normal(0, 2500 + 1500 * np.minimum(sizes[town], 4)[:, None], (count, 2)))
    )


def _weeks(rng: Generator, count: int, chance: float) -> Any:
    evenings = np.where(np.arange(21) % 3 == 2, 0.35, 1.0) * np.where(np.arange(21) >= 15, 0.4, 1.0)
    return (rng.random((count, 21)) < chance * evenings) @ (1 << np.arange(21))


def people(count: int, *, seed: int, blank: bool = False, city: bool = False, first: int = 0) -> list[JobseekerProfile]:
    """Return made-up people. Their numbers start at the value of ``first``; another value gives different people."""
    rng = np.random.default_rng([seed, 1, first])
    gone = {name: rng.random(count) < (share if blank else 0.0) for name, share in BLANKS.items()}
    at, week = _places(rng, count, city=city), _weeks(rng, count, 0.75)
    hours, ages = HOURS[rng.integers(len(HOURS), size=count)], rng.integers(16, 66, count)
    skills, wishes = rng.integers(len(SKILLS), size=(count, 8)), rng.integers(len(TITLES), size=(count, 3))
    small = rng.integers(0, 1 << 30, size=(count, 8))
    made = []
    for i in range(count):
        low = None if gone["hours_min"][i] else max(4.0, hours[i] - 8)
        high = None if gone["hours_max"][i] else hours[i] + 6
        half_days = None if gone["half_days"][i] else int(week[i])
        earliest = None if gone["earliest"][i] else DAY + timedelta(days=int(small[i, 0] % 40))
        limits = JobseekerLimits(
            age_years=None if gone["age"][i] else int(ages[i]),
            right_to_work=None if gone["right_to_work"][i] else ("no" if small[i, 1] % 50 == 0 else "unrestricted"),
            qualification_level=None if gone["level"][i] else ("E1", "E3", "1", "2")[small[i, 2] % 4],
            licences=None if gone["licences"][i] else LICENCES[: small[i, 3] % 3],
            hours_min=low,
            hours_max=high,
            half_days=half_days,
            earliest_start_on=earliest,
            place=None if gone["place"][i] else (float(at[i, 0]), float(at[i, 1])),
            travel_modes=None if gone["modes"][i] else WAYS[small[i, 4] % len(WAYS)],
            max_travel_minutes=None if gone["minutes"][i] else (20, 30, 45, 45, 60)[small[i, 5] % 5],
        )
        wanted = JobseekerWishes(
            aspirations=None if gone["aspirations"][i] else tuple(TITLES[w] for w in wishes[i]),
            avoid=None if gone["avoid"][i] else (AVOIDED[small[i, 6] % 4],),
            environment=None if gone["environment"][i] else (ENVIRONMENTS[small[i, 6] % 6],),
            adjustments=None if gone["adjustments"][i] else (ADJUSTMENTS[small[i, 7] % 5],),
        )
        offer = JobseekerOffer(
            skills=None if gone["skills"][i] else tuple(SKILLS[s] for s in skills[i]),
            hours_min=low,
            hours_max=high,
            half_days=half_days,
            earliest_start_on=earliest,
        )
        made.append(JobseekerProfile(limits, wanted, offer, key=f"J{first + i:08}"))
    return made


def in_blocks(count: int, at_once: int, **shape: Any) -> Iterator[list[JobseekerProfile]]:
    """Yield blocks of people, each of at most ``at_once`` people."""
    for first in range(0, count, at_once):
        yield people(min(at_once, count - first), first=first, **shape)


def listings(count: int, *, seed: int, blank: bool = False, city: bool = False) -> list[PlacementProfile]:
    """Return made-up placements."""
    rng = np.random.default_rng([seed, 2])
    gone = {name: rng.random(count) < (share if blank else 0.0) for name, share in LISTING_BLANKS.items()}
    at, week = _places(rng, count, city=city), _weeks(rng, count, 0.3)
    hours = HOURS[rng.integers(len(HOURS), size=count)]
    skills = rng.integers(len(SKILLS), size=(count, 8))
    small = rng.integers(0, 1 << 30, size=(count, 9))
    made = []
    for i in range(count):
        essential, desirable = 1 + small[i, 0] % 4, 1 + small[i, 1] % 4
        made.append(
            PlacementProfile(
                key=f"P{i:06}",
                title=TITLES[small[i, 2] % len(TITLES)],
                organisation=f"E{small[i, 3] % max(2, count // 20)}",
                essential_skills=None if gone["essential"][i] else tuple(SKILLS[s] for s in skills[i, :essential]),
                desirable_skills=None
                if gone["desirable"][i]
                else tuple(SKILLS[s] for s in skills[i, 4 : 4 + desirable]),
                qualifications_needed="1" if small[i, 4] % 20 == 0 else None,
                licences_needed=(LICENCES[small[i, 4] % 4],) if small[i, 5] % 25 == 0 else None,
                minimum_age=18 if small[i, 5] % 8 == 0 else None,
                hours_per_week=None if gone["hours"][i] else float(hours[i]),
                hours_flexible=None if gone["flexible"][i] else bool(small[i, 6] % 2),
                half_days=None if gone["half_days"][i] else int(week[i]),
                starts_on=None if gone["starts"][i] else DAY + timedelta(days=int(small[i, 6] % 90)),
                ends_on=None if gone["ends"][i] else DAY + timedelta(days=90 + int(small[i, 7] % 300)),
                place=(float(at[i, 0]), float(at[i, 1])),
                remote="yes" if small[i, 7] % 200 == 0 else "no",
                environment=None if gone["environment"][i] else (ENVIRONMENTS[small[i, 8] % 6],),
                adjustments_offered=None if gone["adjustments"][i] else ADJUSTMENTS[small[i, 8] % 3 : 3],
                support_offered=None if gone["support"][i] else ("job coach",),
                places_left=1 + int(small[i, 3] % 3),
            )
        )
    return made
