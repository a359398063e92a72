"""Find the single changes that would open the most good placements, for a jobseeker, a placement or a caseload.

A placement is "good" for a jobseeker if no check fails and the score reaches a given threshold. A change "opens" a
placement that is not good now and would be good after the change. A change "settles" a pair that fails no check and
would have one unknown fewer after the change. The result is exact: every change is tried on every pair that it can
affect, with the same checks and the same score as a shortlist.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import LEVELS, PUBLIC_MODES
from matching.pairs.features import Feature, Values
from matching.pairs.licences import holds_licence
from matching.pairs.profiles import (
    HALF_DAYS_IN_A_WEEK,
    JobseekerLimits,
    JobseekerOffer,
    JobseekerProfile,
    PlacementProfile,
)
from matching.pairs.sentences import DAY_NAMES, PART_NAMES
from matching.pairs.text import normalise
from matching.pairs.vocabulary import Vocabulary
from matching.score.ranker import Match, PlacementRanker, Refusal

MORE_MINUTES = 15
HOURS_STEP = 4.0
A_WEEK = 168.0
ON_FOOT = frozenset({"walk"})


class Kind(StrEnum):
    """The kind of a change."""

    HALF_DAY = "half_day"
    TRAVEL_TIME = "travel_time"
    TRAVEL_ALONE = "travel_alone"
    LICENCE = "licence"
    QUALIFICATION = "qualification"
    SKILL = "skill"
    HOURS = "hours"
    ANSWER = "answer"


# Changes of these kinds also change a feature, so they can raise the score of a pair that fails no check. Skills can do
# so too, but are handled separately. Changes of the other kinds can only make a ruled-out pair possible.
MOVES_A_FEATURE = frozenset({Kind.HALF_DAY, Kind.TRAVEL_ALONE, Kind.HOURS})


@dataclass(frozen=True, slots=True)
class Unlock:
    """A single change, and its effect for one jobseeker.

    Parameters
    ----------
    kind : Kind
    what : str
        The key of the half-day, licence, skill or other item. The same change has the same key for every jobseeker.
    text : str
        The change, in words.
    opens : tuple of str
        The keys of the placements that are not good now and would be good after the change.
    settles : int
        The number of pairs that fail no check now and would have one unknown fewer after the change.
    """

    kind: Kind
    what: str
    text: str
    opens: tuple[str, ...]
    settles: int = 0


@dataclass(frozen=True, slots=True)
class ScreensOut:
    """A requirement of a placement, and how many jobseekers it alone rules out.

    Parameters
    ----------
    rule : Rule
    people : int
        The number of jobseekers for whom the check of this requirement is the only failed check.
    suitable : int
        The number of these jobseekers who would be a good match without the requirement.
    text : str
    """

    rule: Rule
    people: int
    suitable: int
    text: str


@dataclass(frozen=True, slots=True)
class CaseloadUnlock:
    """A change that training or support could bring about, and its effect over a caseload.

    Parameters
    ----------
    kind : Kind
    what : str
    people : int
        The number of jobseekers for whom the change would open at least one placement.
    matches : int
        The number of pairs that the change would open.
    text : str
    """

    kind: Kind
    what: str
    people: int
    matches: int
    text: str


@dataclass(frozen=True, slots=True)
class _Try:
    """A change to try: the profile after the change, and the rules whose checks the change can affect."""

    kind: Kind
    what: str
    text: str
    limits: JobseekerLimits
    offer: JobseekerOffer
    touches: frozenset[Rule] = field(default_factory=frozenset)


def for_jobseeker(
    ranker: PlacementRanker,
    jobseeker: JobseekerProfile,
    placements: Sequence[PlacementProfile],
    *,
    good: float,
) -> list[Unlock]:
    """Return the single changes that would make placements good for a jobseeker, or remove an unknown from a pair.

    Parameters
    ----------
    ranker : PlacementRanker
    jobseeker : JobseekerProfile
    placements : sequence of PlacementProfile
    good : float
        The lowest score of a good pair. A good pair also fails no check.

    Returns
    -------
    list of Unlock
        The change that makes the most placements good comes first. A change without an effect is left out.

    Examples
    --------
    >>> from datetime import date
    >>> from matching.pairs.eligibility import Context
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> ranker = PlacementRanker(Vocabulary(), Context(on=date(2026, 11, 2), modes={}))
    >>> listing = PlacementProfile(key="p", title="Driver", licences_needed=("driving licence",))
    >>> person = JobseekerProfile(limits=JobseekerLimits(licences=("CSCS card",)))
    >>> [(u.what, u.opens) for u in for_jobseeker(ranker, person, [listing], good=0.1)]
    [('driving licence', ('p',))]
    """
    matches, refusals = ranker.pairs((jobseeker, placement) for placement in placements)
    open_now = {m.placement.key: m for _, m in matches}
    refused = {r.placement.key: r for _, r in refusals}
    by_rule: dict[Rule, list[PlacementProfile]] = defaultdict(list)
    for refusal in refused.values():
        if len(refusal.failed) == 1:
            by_rule[refusal.failed[0].rule].append(refusal.placement)
    low = [m.placement for m in open_now.values() if m.score < good]
    asking = _asking(ranker.vocabulary, low)
    unlocks = []
    for change in _tries(jobseeker, [*(m for m in open_now.values())], by_rule):
        changed = replace(jobseeker, limits=change.limits, offer=change.offer)
        touched = [p for rule in sorted(change.touches) for p in by_rule[rule]]
        if change.kind is Kind.SKILL:
            touched += asking.get(change.what, [])
        elif change.kind in MOVES_A_FEATURE:
            touched += low
        opens = _good_keys(ranker, changed, touched, good)
        settles = _settled(change, open_now.values())
        if opens or settles:
            unlocks.append(Unlock(change.kind, change.what, change.text, opens, settles))
    unlocks.sort(key=lambda u: (-len(u.opens), -u.settles, u.kind, u.what))
    return unlocks


def _asking(vocabulary: Vocabulary, placements: Sequence[PlacementProfile]) -> dict[str, list[PlacementProfile]]:
    """Return, for each essential skill, the placements whose score could rise if the jobseeker had this skill."""
    wanted: dict[str, list[PlacementProfile]] = defaultdict(list)
    for placement in placements:
        for skill in {normalise(s) for s in (*(placement.essential_skills or ()), *(placement.desirable_skills or ()))}:
            wanted[skill].append(placement)
    needed = [normalise(skill) for skill in _named(placements, "essential_skills")]
    return {
        skill: [p for other, those in wanted.items() if vocabulary.skill_likeness(skill, other) > 0.0 for p in those]
        for skill in needed
    }


def _good_keys(
    ranker: PlacementRanker, jobseeker: JobseekerProfile, placements: Iterable[PlacementProfile], good: float
) -> tuple[str, ...]:
    once = {placement.key: placement for placement in placements}
    matches, _ = ranker.pairs((jobseeker, placement) for placement in once.values())
    return tuple(sorted({m.placement.key for _, m in matches if m.score >= good}))


def _tries(
    jobseeker: JobseekerProfile, matches: Sequence[Match], by_rule: Mapping[Rule, Sequence[PlacementProfile]]
) -> list[_Try]:
    """Return all changes to try for one jobseeker. Each is tried alone."""
    return [
        *_half_days(jobseeker, [*by_rule[Rule.HALF_DAYS], *(m.placement for m in matches)]),
        *_travel(jobseeker),
        *_papers(jobseeker, by_rule),
        *_hours(jobseeker),
        *_skills(jobseeker, [m.placement for m in matches]),
        *_answers(jobseeker),
    ]


def _half_days(jobseeker: JobseekerProfile, refused: Sequence[PlacementProfile]) -> list[_Try]:
    half_days = jobseeker.limits.half_days
    if half_days is None:
        return []
    wanted = 0
    for placement in refused:
        wanted |= (placement.half_days or 0) & ~half_days
    tries = []
    for bit in range(HALF_DAYS_IN_A_WEEK):
        if not wanted >> bit & 1:
            continue
        name = f"{DAY_NAMES[bit // 3]} {PART_NAMES[bit % 3]}"
        week = half_days | 1 << bit
        tries.append(
            _Try(
                Kind.HALF_DAY,
                name,
                f"Working one more half-day: {name}.",
                replace(jobseeker.limits, half_days=week),
                replace(jobseeker.offer, half_days=week),
                frozenset({Rule.HALF_DAYS}),
            )
        )
    return tries


def _travel(jobseeker: JobseekerProfile) -> list[_Try]:
    limits, tries = jobseeker.limits, []
    touches = frozenset({Rule.TRAVEL})
    if limits.max_travel_minutes is not None:
        longer = replace(limits, max_travel_minutes=limits.max_travel_minutes + MORE_MINUTES)
        what = f"{MORE_MINUTES} minutes"
        text = f"Travelling {MORE_MINUTES} minutes longer: up to {longer.max_travel_minutes} minutes."
        offer = replace(jobseeker.offer, max_travel_minutes=longer.max_travel_minutes)
        tries.append(_Try(Kind.TRAVEL_TIME, what, text, longer, offer, touches))
    if limits.travel_modes is not None and not set(limits.travel_modes) - ON_FOOT:
        public = tuple(mode for mode in PUBLIC_MODES if mode in {*limits.travel_modes, "bus"})
        text = "Learning to travel alone by bus. Travel training can help."
        changed = replace(limits, travel_modes=public)
        tries.append(_Try(Kind.TRAVEL_ALONE, "bus", text, changed, jobseeker.offer, touches))
    return tries


def _papers(jobseeker: JobseekerProfile, by_rule: Mapping[Rule, Sequence[PlacementProfile]]) -> list[_Try]:
    limits, tries = jobseeker.limits, []
    for needed in _named(by_rule[Rule.LICENCES], "licences_needed"):
        if not holds_licence(needed, limits.licences or ()):
            changed = replace(limits, licences=(*(limits.licences or ()), needed))
            text = f"Getting this licence or certificate: {needed}."
            touches = frozenset({Rule.LICENCES})
            tries.append(_Try(Kind.LICENCE, normalise(needed), text, changed, jobseeker.offer, touches))
    level = limits.qualification_level
    if level in LEVELS[:-1]:
        above = LEVELS[LEVELS.index(level) + 1]
        changed = replace(limits, qualification_level=above)
        text = f"Gaining a qualification one level higher: RQF level {above}."
        touches = frozenset({Rule.QUALIFICATIONS})
        tries.append(_Try(Kind.QUALIFICATION, above, text, changed, jobseeker.offer, touches))
    return tries


def _hours(jobseeker: JobseekerProfile) -> list[_Try]:
    limits, tries = jobseeker.limits, []
    if limits.hours_max is not None:
        more = min(limits.hours_max + HOURS_STEP, A_WEEK)
        changed, offer = replace(limits, hours_max=more), replace(jobseeker.offer, hours_max=more)
        text = f"Working {HOURS_STEP:g} more hours a week: up to {more:g} hours."
        tries.append(_Try(Kind.HOURS, "more", text, changed, offer, frozenset({Rule.HOURS})))
    if limits.hours_min is not None and limits.hours_min > 0:
        fewer = max(limits.hours_min - HOURS_STEP, 0.0)
        changed, offer = replace(limits, hours_min=fewer), replace(jobseeker.offer, hours_min=fewer)
        text = f"Accepting {HOURS_STEP:g} fewer hours a week: {fewer:g} hours or more."
        tries.append(_Try(Kind.HOURS, "fewer", text, changed, offer, frozenset({Rule.HOURS})))
    return tries


def _skills(jobseeker: JobseekerProfile, placements: Sequence[PlacementProfile]) -> list[_Try]:
    held = {normalise(skill) for skill in jobseeker.offer.skills or ()}
    return [
        _Try(
            Kind.SKILL,
            normalise(skill),
            f"Learning this skill, or showing that the jobseeker already has it: {skill}.",
            jobseeker.limits,
            replace(jobseeker.offer, skills=(*(jobseeker.offer.skills or ()), skill)),
        )
        for skill in _named(placements, "essential_skills")
        if normalise(skill) not in held
    ]


def _named(placements: Iterable[PlacementProfile], column: str) -> list[str]:
    """Return the entries in one field of some placements, each once, in one spelling and in a fixed order."""
    spelt: dict[str, str] = {}
    for placement in placements:
        for name in getattr(placement, column) or ():
            if normalise(name):
                spelt[normalise(name)] = min(name, spelt.get(normalise(name), name))
    return [spelt[key] for key in sorted(spelt)]


QUESTIONS: Mapping[Rule, tuple[str, str]] = {
    Rule.AGE: ("date of birth", "Ask for the jobseeker's date of birth."),
    Rule.RIGHT_TO_WORK: ("right to work", "Ask to see evidence of the right to work: a passport or a share code."),
    Rule.DATES: ("earliest start", "Ask when the jobseeker can start."),
    Rule.HOURS: ("hours", "Ask how many hours a week suit the jobseeker."),
    Rule.HALF_DAYS: ("half-days", "Ask which half-days suit the jobseeker."),
    Rule.TRAVEL: (
        "travel",
        "Ask for the home postcode, how the jobseeker can travel, and the longest journey the jobseeker accepts.",
    ),
    Rule.LICENCES: ("licences", "Ask which licences the jobseeker has."),
    Rule.QUALIFICATIONS: ("qualifications", "Ask which qualifications the jobseeker has."),
}


def _answers(jobseeker: JobseekerProfile) -> list[_Try]:
    """Return the questions to ask. An answer removes an unknown but opens no pair: an unknown rules none out."""
    limits = jobseeker.limits
    is_blank = {
        Rule.AGE: limits.age_years is None,
        Rule.RIGHT_TO_WORK: limits.right_to_work in {None, "unknown", "not_evidenced"},
        Rule.DATES: limits.earliest_start_on is None,
        Rule.HOURS: limits.hours_min is None and limits.hours_max is None,
        Rule.HALF_DAYS: limits.half_days is None,
        Rule.TRAVEL: limits.place is None or limits.travel_modes is None or limits.max_travel_minutes is None,
        Rule.LICENCES: limits.licences is None,
        Rule.QUALIFICATIONS: limits.qualification_level is None,
    }
    tries = [
        _Try(Kind.ANSWER, QUESTIONS[rule][0], QUESTIONS[rule][1], limits, jobseeker.offer, frozenset({rule}))
        for rule, blank in is_blank.items()
        if blank
    ]
    if not jobseeker.wishes.aspirations:
        tries.append(
            _Try(Kind.ANSWER, "wishes", "Ask which kinds of work the jobseeker wants.", limits, jobseeker.offer)
        )
    if not jobseeker.offer.skills:
        tries.append(_Try(Kind.ANSWER, "skills", "Ask what the jobseeker can do.", limits, jobseeker.offer))
    return tries


FEATURE_OF_ANSWER = {"wishes": Feature.ASPIRATION, "skills": Feature.ESSENTIAL_SKILLS}


def _settled(change: _Try, matches: Iterable[Match]) -> int:
    if change.kind is not Kind.ANSWER:
        return 0
    feature = FEATURE_OF_ANSWER.get(change.what)
    if feature is Feature.ESSENTIAL_SKILLS:
        return sum(bool(m.placement.essential_skills) for m in matches)
    if feature is not None:
        return sum(m.values[feature].value is None for m in matches)
    return sum(any(c.rule in change.touches and c.result is CheckResult.UNKNOWN for c in m.checks) for m in matches)


def for_placement(
    ranker: PlacementRanker,
    placement: PlacementProfile,
    jobseekers: Iterable[JobseekerProfile],
    *,
    good: float,
) -> list[ScreensOut]:
    """Return how many jobseekers each requirement alone rules out, and how many of them would otherwise be a match.

    Parameters
    ----------
    ranker : PlacementRanker
    placement : PlacementProfile
    jobseekers : iterable of JobseekerProfile
    good : float
        The lowest score of a good pair. A good pair also fails no check.

    Returns
    -------
    list of ScreensOut
        The requirement that rules out the most good matches comes first. Safety exclusions are never named.

    Examples
    --------
    >>> from datetime import date
    >>> from matching.pairs.eligibility import Context
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> ranker = PlacementRanker(Vocabulary(), Context(on=date(2026, 11, 2), modes={}))
    >>> listing = PlacementProfile(key="p", title="Driver", licences_needed=("driving licence",))
    >>> person = JobseekerProfile(limits=JobseekerLimits(licences=("CSCS card",)))
    >>> [(s.rule.value, s.people) for s in for_placement(ranker, listing, [person], good=0.1)]
    [('licences', 1)]
    """
    _, refusals = ranker.pairs((jobseeker, placement) for jobseeker in jobseekers)
    alone: dict[Rule, list[tuple[JobseekerProfile, Refusal]]] = defaultdict(list)
    for jobseeker, refusal in refusals:
        if len(refusal.failed) == 1 and refusal.failed[0].rule in OF_A_PLACEMENT:
            alone[refusal.failed[0].rule].append((jobseeker, refusal))
    requirements = []
    for rule, ruled_out in alone.items():
        pairs: list[Values] = [ranker.values(jobseeker, placement) for jobseeker, _ in ruled_out]
        suitable = int((ranker.model.scores(pairs) >= good).sum())
        counts = f"{_people(len(ruled_out))}. Without this requirement, good matches among them: {suitable}."
        text = OF_A_PLACEMENT[rule].format(counts=counts)
        requirements.append(ScreensOut(rule, len(ruled_out), suitable, text))
    requirements.sort(key=lambda s: (-s.suitable, -s.people, s.rule))
    return requirements


OF_A_PLACEMENT: Mapping[Rule, str] = {
    Rule.AGE: "The age limit alone rules out {counts}",
    Rule.DATES: "The dates alone rule out {counts}",
    Rule.HOURS: "The hours a week alone rule out {counts}",
    Rule.HALF_DAYS: "The half-days alone rule out {counts} Could the half-days be flexible?",
    Rule.LICENCES: "The licences alone rule out {counts} Could a jobseeker get the licences on the job?",
    Rule.QUALIFICATIONS: "The qualification alone rules out {counts} Does the work really need the qualification?",
    Rule.TRAVEL: "The journey alone rules out {counts} Could part of the work be done from home, or could jobseekers "
    "get a lift?",
}


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def for_caseload(
    ranker: PlacementRanker,
    jobseekers: Iterable[JobseekerProfile],
    placements: Sequence[PlacementProfile],
    *,
    good: float,
) -> list[CaseloadUnlock]:
    """Return the training or support that would open the most good matches over a whole caseload.

    Parameters
    ----------
    ranker : PlacementRanker
    jobseekers : iterable of JobseekerProfile
    placements : sequence of PlacementProfile
    good : float
        The lowest score of a good pair. A good pair also fails no check.

    Returns
    -------
    list of CaseloadUnlock
        The change that opens the most pairs comes first.

    Examples
    --------
    >>> from datetime import date
    >>> from matching.pairs.eligibility import Context
    >>> from matching.pairs.vocabulary import Vocabulary
    >>> ranker = PlacementRanker(Vocabulary(), Context(on=date(2026, 11, 2), modes={}))
    >>> for_caseload(ranker, [], [], good=0.1)
    []
    """
    people: Counter[tuple[Kind, str]] = Counter()
    matches: Counter[tuple[Kind, str]] = Counter()
    texts: dict[tuple[Kind, str], str] = {}
    for jobseeker in jobseekers:
        for unlock in for_jobseeker(ranker, jobseeker, placements, good=good):
            if unlock.opens:
                name = (unlock.kind, unlock.what)
                people[name] += 1
                matches[name] += len(unlock.opens)
                texts[name] = OF_A_CASELOAD.get(unlock.kind, unlock.text)
    unlocks = [
        CaseloadUnlock(kind, what, people[kind, what], count, texts[kind, what].format(what=what))
        for (kind, what), count in matches.items()
    ]
    return sorted(unlocks, key=lambda u: (-u.matches, -u.people, u.kind, u.what))


OF_A_CASELOAD: Mapping[Kind, str] = {
    Kind.TRAVEL_TIME: "Help with journeys that are {what} longer.",
    Kind.TRAVEL_ALONE: "Travel training, so that people can travel by {what}.",
    Kind.HOURS: "Working {what} hours a week than the jobseekers want now.",
}
