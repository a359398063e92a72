"""Make up a borough from a seed: jobseekers, placements, and the true probabilities, which no ranker sees.

The probabilities come from likings, skill levels, real journeys and chance. A profile shows only a part of these: its
wishes are the strongest likings, and every answer may be blank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from matching.pairs.eligibility import Context
from matching.pairs.profiles import (
    HALF_DAYS_IN_A_WEEK,
    JobseekerLimits,
    JobseekerOffer,
    JobseekerProfile,
    JobseekerWishes,
    PlacementProfile,
)
from matching.pairs.travel import Mode
from matching.pairs.vocabulary import Vocabulary
from matching.score.side_models import Floats, sigmoid

DAY = date(2026, 11, 2)
# The families of work: the titles of placements, the skills they need, and the similar families.
FAMILIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "cafe": (
        ("Cafe Assistant", "Barista"),
        ("serving customers", "making coffee", "food hygiene"),
        ("kitchen", "shop"),
    ),
    "kitchen": (
        ("Kitchen Porter", "Catering Assistant"),
        ("food preparation", "food hygiene", "washing up"),
        ("cafe",),
    ),
    "shop": (
        ("Shop Assistant", "Charity Shop Helper"),
        ("serving customers", "handling cash", "stock keeping"),
        ("cafe", "warehouse"),
    ),
    "warehouse": (("Warehouse Assistant", "Picker and Packer"), ("stock keeping", "lifting", "packing"), ("shop",)),
    "garden": (("Gardener", "Grounds Assistant"), ("planting", "mowing", "lifting"), ("cleaning", "animals")),
    "animals": (("Animal Care Assistant", "Kennel Assistant"), ("animal care", "cleaning rooms"), ("garden",)),
    "cleaning": (("Cleaner", "Domestic Assistant"), ("cleaning rooms", "washing up"), ("kitchen", "garden")),
    "care": (("Care Assistant", "Support Worker"), ("caring", "listening"), ("childcare",)),
    "childcare": (("Nursery Assistant", "Playworker"), ("caring", "playing with children"), ("care",)),
    "office": (("Office Assistant", "Receptionist"), ("typing", "answering phones"), ("shop",)),
    "computers": (("IT Support Assistant", "Data Entry Clerk"), ("typing", "using computers"), ("office",)),
    "workshop": (("Woodwork Assistant", "Bike Mechanic"), ("using tools", "lifting"), ("warehouse", "garden")),
}
NAMES = tuple(FAMILIES)
PLACES_OF_WORK = ("quiet", "busy", "outdoors", "indoors", "team", "alone")
ADJUSTMENTS = ("quiet space", "written instructions", "flexible breaks", "step-free access", "job coach")
SUPPORT = ("buddy", "job coach", "training on the job")
MODES = {
    "walk": Mode(5.5, 4.0, 1.2, 1.4, 0, 0),
    "bus": Mode(24, 12, 1.2, 1.5, 4, 15),
}
ACROSS_METRES = 12_000.0
GROUPS = ("one", "other")


@dataclass(frozen=True)
class SyntheticTruth:
    """The numbers that decide how people and placements choose. No ranker sees them.

    They are drawn from a seed or read from a file.

    Parameters
    ----------
    liking, dislike, journey, hours, days, place, start, adjustment : float
        Effects on whether a jobseeker wants a placement, on the log-odds scale.
    patience_minutes : float
        The journey time in minutes at which the effect of nearness has fallen to half. The fall is not linear.
    level, extra, reach, week : float
        Effects on whether a placement takes a jobseeker and whether the work lasts, on the log-odds scale.
    together : float
        How far liking the work makes up for a long journey, and how far skill makes up for missing half-days.
    wants, takes, lasts : float
        Base log-odds.
    taste, quality, luck : float
        Standard deviations of unseen effects: of a pair, of a social enterprise, and of a person who has started.

    Examples
    --------
    >>> SyntheticTruth.drawn(0) == SyntheticTruth.drawn(0)
    True
    """

    liking: float = 2.0
    dislike: float = 1.5
    journey: float = 2.0
    hours: float = 0.8
    days: float = 0.6
    place: float = 0.6
    start: float = 0.4
    adjustment: float = 0.8
    patience_minutes: float = 45.0
    level: float = 2.0
    extra: float = 0.6
    reach: float = 0.6
    week: float = 0.8
    together: float = 0.8
    wants: float = -0.8
    takes: float = 0.0
    lasts: float = 0.4
    taste: float = 0.5
    quality: float = 0.4
    luck: float = 0.4

    @classmethod
    def drawn(cls, seed: int) -> "SyntheticTruth":
        """Return a truth drawn from a seed: each number is 0.2 to 1.8 times its default.

        Parameters
        ----------
        seed : int

        Returns
        -------
        SyntheticTruth
        """
        rng = np.random.default_rng([seed, 7])
        middle = cls()
        return cls(**{name: float(getattr(middle, name) * rng.uniform(0.2, 1.8)) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class SyntheticBorough:
    """The profiles of people and placements, and the true probabilities behind them.

    Parameters
    ----------
    jobseekers : list of JobseekerProfile
    placements : list of PlacementProfile
    groups : ndarray of shape (n_jobseekers,)
        A protected characteristic that is on no profile and has no effect on any decision.
    wants, takes, lasts : ndarray of shape (n_jobseekers, n_placements)
        True probabilities that the jobseeker wants the placement and would start, that the placement takes the
        jobseeker, and that the work lasts.
    vocabulary : Vocabulary
    context : Context
    """

    jobseekers: list[JobseekerProfile]
    placements: list[PlacementProfile]
    groups: NDArray[np.str_]
    wants: Floats
    takes: Floats
    lasts: Floats
    vocabulary: Vocabulary
    context: Context

    def outcomes(self, rng: Generator) -> NDArray[np.int64]:
        """Return one random outcome of every pair, as a grade of ``CaseOutcome``.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        ndarray of shape (n_jobseekers, n_placements)
        """
        wanted = rng.random(self.wants.shape) < self.wants
        taken = rng.random(self.wants.shape) < self.takes
        lasted = rng.random(self.wants.shape) < self.lasts
        went_on = rng.random(self.wants.shape) < self.lasts / 2
        return wanted * (1 + taken * (1 + lasted * (1 + went_on.astype(np.int64))))


@dataclass(eq=False)
class _People:
    home: Floats
    liking: Floats
    level: Floats
    week: NDArray[np.int64]
    hours: Floats
    from_day: Floats
    place: Floats
    needs: NDArray[np.bool_]
    avoids: NDArray[np.bool_]
    by_bus: NDArray[np.bool_]


@dataclass(eq=False)
class _Places:
    at: Floats
    family: NDArray[np.intp]
    week: NDArray[np.int64]
    hours: Floats
    starts: Floats
    place: NDArray[np.intp]
    gives: NDArray[np.bool_]
    enterprise: NDArray[np.intp]
    asks: list[tuple[str, ...]] = field(default_factory=list)
    likes: list[tuple[str, ...]] = field(default_factory=list)


def make(
    n_jobseekers: int = 300,
    n_placements: int = 200,
    *,
    seed: int = 0,
    truth: SyntheticTruth | None = None,
    blank_share: float = 0.2,
) -> SyntheticBorough:
    """Return a made-up borough.

    Parameters
    ----------
    n_jobseekers, n_placements : int
    seed : int
    truth : SyntheticTruth or None
        If None, drawn from the seed.
    blank_share : float
        The share of blank answers on profiles.

    Returns
    -------
    SyntheticBorough

    Raises
    ------
    ValueError
        If ``n_jobseekers`` or ``n_placements`` is less than 1.

    Examples
    --------
    >>> borough = make(3, 4)
    >>> borough.wants.shape
    (3, 4)
    """
    if n_jobseekers < 1 or n_placements < 1:
        raise ValueError("A borough needs at least one jobseeker and one placement.")
    rng = np.random.default_rng([seed, 1])
    people, places = _people(rng, n_jobseekers), _places(rng, n_placements)
    wants, takes, lasts = _decisions(rng, people, places, truth or SyntheticTruth.drawn(seed))
    return SyntheticBorough(
        jobseekers=[_jobseeker(rng, people, i, blank_share) for i in range(n_jobseekers)],
        placements=[_placement(rng, places, i, blank_share) for i in range(n_placements)],
        groups=rng.choice(GROUPS, n_jobseekers),
        wants=wants,
        takes=takes,
        lasts=lasts,
        vocabulary=_vocabulary(),
        context=Context(on=DAY, modes=MODES),
    )


def _vocabulary() -> Vocabulary:
    return Vocabulary(occupations=[(title, name) for name, (titles, _, _) in FAMILIES.items() for title in titles])


ALL_SKILLS = tuple(sorted({skill for _, skills, _ in FAMILIES.values() for skill in skills}))


def _people(rng: Generator, n: int) -> _People:
    liking = rng.beta(0.5, 2.0, (n, len(NAMES)))
    for person, favourite in enumerate(rng.integers(len(NAMES), size=n)):
        liking[person, favourite] = max(liking[person, favourite], rng.uniform(0.7, 1.0))
        for near in FAMILIES[NAMES[favourite]][2]:
            liking[person, NAMES.index(near)] = max(liking[person, NAMES.index(near)], rng.uniform(0.3, 0.8))
    of_family = np.array([[skill in FAMILIES[name][1] for skill in ALL_SKILLS] for name in NAMES], dtype=np.float64)
    level = np.clip(0.6 * (liking @ of_family) / of_family.sum(0) + rng.beta(0.8, 1.6, (n, len(ALL_SKILLS))), 0, 1)
    free = rng.random((n, HALF_DAYS_IN_A_WEEK)) < np.where(np.arange(HALF_DAYS_IN_A_WEEK) % 3 == 2, 0.35, 0.8)
    return _People(
        home=rng.uniform(0, ACROSS_METRES, (n, 2)),
        liking=liking,
        level=level,
        week=free @ (1 << np.arange(HALF_DAYS_IN_A_WEEK)),
        hours=rng.choice([8.0, 12.0, 16.0, 20.0, 30.0, 37.5], n),
        from_day=rng.exponential(20, n),
        place=rng.beta(1, 1, (n, len(PLACES_OF_WORK))),
        needs=rng.random((n, len(ADJUSTMENTS))) < 0.2,
        avoids=rng.random((n, len(NAMES))) < 0.08,
        by_bus=rng.random(n) < 0.85,
    )


def _places(rng: Generator, n: int) -> _Places:
    centres = rng.uniform(0, ACROSS_METRES, (8, 2))
    family = rng.integers(len(NAMES), size=n)
    days = rng.random((n, 5, 3)) < np.array([0.5, 0.45, 0.1])
    week = np.zeros((n, 7, 3), dtype=bool)
    week[:, :5] = days
    week[:, 0, 0] = True
    made = _Places(
        at=np.clip(centres[rng.integers(8, size=n)] + rng.normal(0, 1200, (n, 2)), 0, ACROSS_METRES),
        family=family,
        week=week.reshape(n, -1) @ (1 << np.arange(HALF_DAYS_IN_A_WEEK)),
        hours=rng.choice([8.0, 12.0, 16.0, 20.0, 25.0], n),
        starts=rng.uniform(0, 90, n),
        place=rng.integers(len(PLACES_OF_WORK), size=n),
        gives=rng.random((n, len(ADJUSTMENTS))) < 0.4,
        enterprise=rng.integers(max(2, n // 6), size=n),
    )
    for kind in family:
        own = list(FAMILIES[NAMES[kind]][1])
        rng.shuffle(own)
        count = int(rng.integers(1, len(own) + 1))
        made.asks.append(tuple(own[:count]))
        made.likes.append(tuple(rng.choice(ALL_SKILLS, 2, replace=False)))
    return made


def _decisions(
    rng: Generator, people: _People, places: _Places, truth: SyntheticTruth
) -> tuple[Floats, Floats, Floats]:
    """Return three true chances of each pair: the jobseeker wants the work, the placement takes them, the work lasts.

    The probabilities come from likings, levels, real journeys and chance, never from a profile.
    """
    n, m = len(people.hours), len(places.hours)
    km = np.hypot(*(people.home[:, None, :] - places.at[None, :, :]).transpose(2, 0, 1)) / 1000
    slow, fast = km * rng.uniform(12, 17, (n, m)), 8 + km * rng.uniform(3, 5, (n, m))
    minutes = np.where(people.by_bus[:, None], np.minimum(slow, fast), slow)
    nearness = 1 / (1 + (minutes / truth.patience_minutes) ** 2)
    liking = people.liking[:, places.family]
    shared = _bits(people.week[:, None] & places.week[None, :]) / np.maximum(_bits(places.week), 1)
    hours = 1 - np.minimum(1, np.abs(people.hours[:, None] - places.hours[None, :]) / 20)
    wait = 1 - np.minimum(1, np.abs(places.starts[None, :] - people.from_day[:, None]) / 120)
    place = people.place[:, places.place]
    met = (
        1 - (people.needs.astype(float) @ (~places.gives).astype(float).T) / np.maximum(people.needs.sum(1), 1)[:, None]
    )
    avoided = people.avoids[:, places.family]
    skill = np.array([[ALL_SKILLS.index(s) for s in asks[:1] * (3 - len(asks)) + asks] for asks in places.asks])
    level = people.level[:, skill].mean(axis=2)
    extra = people.level[:, np.array([[ALL_SKILLS.index(s) for s in likes] for likes in places.likes])].mean(axis=2)
    quality = rng.normal(0, truth.quality, len(set(places.enterprise.tolist())) + m)[places.enterprise]
    wants = (
        truth.wants
        + truth.liking * 2 * (liking - 0.4)
        - truth.dislike * 2 * avoided
        + truth.journey * 2 * (nearness - 0.6)
        + truth.hours * (hours - 0.6)
        + truth.days * (shared - 0.6)
        + truth.place * (place - 0.5)
        + truth.start * (wait - 0.6)
        + truth.adjustment * (met - 0.6)
        + truth.together * 2 * liking * (1 - nearness)
        + rng.normal(0, truth.taste, (n, m))
    )
    bent = np.sqrt(level)
    takes = (
        truth.takes
        + truth.level * 2 * (bent - 0.6)
        + truth.extra * (extra - 0.4)
        + truth.week * (shared - 0.6)
        + truth.together * bent * (1 - shared)
        + quality
    )
    lasts = (
        truth.lasts
        + truth.reach * 2 * (nearness - 0.6)
        + truth.level * (level - 0.4)
        + truth.week * (hours - 0.6)
        + quality
        + rng.normal(0, truth.luck, (n, 1))
    )
    return sigmoid(wants), sigmoid(takes), sigmoid(lasts)


def _bits(weeks: NDArray[np.int64]) -> Floats:
    return np.bitwise_count(weeks).astype(np.float64)


def _jobseeker(rng: Generator, people: _People, i: int, blank_share: float) -> JobseekerProfile:
    def or_blank(answer: Any) -> Any:
        return answer if rng.random() >= blank_share else None

    liking = people.liking[i]
    strongest = [f for f in np.argsort(-liking)[:3] if liking[f] > 0.55] or [int(np.argmax(liking))]
    aspirations = tuple(str(rng.choice(FAMILIES[NAMES[f]][0])) for f in strongest)
    avoid = tuple(FAMILIES[NAMES[f]][0][0] for f in np.flatnonzero(people.avoids[i]))
    skills = tuple(s for s, level in zip(ALL_SKILLS, people.level[i], strict=True) if level > rng.uniform(0.3, 0.7))
    week, hours = or_blank(int(people.week[i])), or_blank(float(people.hours[i]))
    low, high = (None, None) if hours is None else (max(4.0, hours - 8), hours + 8)
    starts = or_blank(DAY + timedelta(days=int(people.from_day[i])))
    place = tuple(PLACES_OF_WORK[p] for p in np.argsort(-people.place[i])[:2])
    needs = tuple(ADJUSTMENTS[a] for a in np.flatnonzero(people.needs[i]))
    return JobseekerProfile(
        key=f"J{i:05d}",
        limits=JobseekerLimits(
            hours_min=low,
            hours_max=high,
            half_days=week,
            earliest_start_on=starts,
            place=(float(people.home[i, 0]), float(people.home[i, 1])),
            travel_modes=("walk", "bus") if people.by_bus[i] else ("walk",),
            max_travel_minutes=int(rng.choice([30, 45, 60, 90])),
        ),
        wishes=JobseekerWishes(
            aspirations=or_blank(aspirations),
            avoid=or_blank(avoid) or None,
            environment=or_blank(place),
            adjustments=or_blank(needs),
        ),
        offer=JobseekerOffer(
            skills=or_blank(skills) or None, hours_min=low, hours_max=high, half_days=week, earliest_start_on=starts
        ),
    )


def _placement(rng: Generator, places: _Places, i: int, blank_share: float) -> PlacementProfile:
    titles = FAMILIES[NAMES[places.family[i]]][0]
    blank = rng.random(6) < blank_share
    gives = tuple(ADJUSTMENTS[a] for a in np.flatnonzero(places.gives[i]))
    return PlacementProfile(
        key=f"P{i:05d}",
        title=str(rng.choice(titles)),
        organisation=f"E{places.enterprise[i]:03d}",
        essential_skills=None if blank[0] else places.asks[i],
        desirable_skills=None if blank[1] else places.likes[i],
        hours_per_week=float(places.hours[i]),
        hours_flexible=bool(rng.random() < 0.7),
        half_days=None if blank[2] else int(places.week[i]),
        starts_on=None if blank[3] else DAY + timedelta(days=int(places.starts[i])),
        place=(float(places.at[i, 0]), float(places.at[i, 1])),
        environment=None if blank[4] else (PLACES_OF_WORK[places.place[i]],),
        adjustments_offered=None if blank[5] else gives,
        support_offered=tuple(s for s in SUPPORT if rng.random() < 0.3) or None,
        places_left=int(rng.choice([1, 1, 2, 3])),
    )


def keys(profiles: Sequence[JobseekerProfile] | Sequence[PlacementProfile]) -> list[str]:
    """Return the keys of profiles, in the order of the profiles.

    Parameters
    ----------
    profiles : sequence of JobseekerProfile or of PlacementProfile

    Returns
    -------
    list of str

    Examples
    --------
    >>> keys(make(2, 1).jobseekers)
    ['J00000', 'J00001']
    """
    return [profile.key for profile in profiles]
