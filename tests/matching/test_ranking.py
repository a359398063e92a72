"""What a ranking may and may not do."""

import inspect
import random
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import features
from matching.eligibility import Check, Context, Result, Rule, check
from matching.explain import reasons
from matching.profiles import JobseekerLimits, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.ranker import EXPERT_WEIGHTS, Match, PlacementRanker, Refusal
from matching.text import Vocabulary
from matching.travel import Mode
from pathways.reference import vocabulary

CONTEXT = Context(
    on=date(2026, 11, 2), modes={"bus": Mode(24, 12, 1.2, 1.5, 4, 15), "walk": Mode(5.5, 4.0, 1.2, 1.4, 0, 0)}
)
PLACEMENT = PlacementProfile(
    key="p",
    title="Cafe Assistant",
    essential_skills=("customer service",),
    hours_per_week=16.0,
    half_days=0b1111,
    place=(530000.0, 180000.0),
    adjustments_offered=("quiet space",),
)
PERSON = JobseekerProfile(
    limits=JobseekerLimits(hours_min=8.0, hours_max=20.0, half_days=0b1111, place=(531000.0, 180000.0)),
    wishes=JobseekerWishes(aspirations=("barista",), skills=("talking to customers",), hours_max=20.0),
)
RANKER = PlacementRanker(vocabulary.starter(), CONTEXT)


def result(rule: Rule, limits: JobseekerLimits, placement: PlacementProfile) -> Result | None:
    found: list[Check] = [c for c in check(limits, placement, CONTEXT) if c.rule is rule]
    return found[0].result if found else None


def test_no_protected_thing_can_reach_a_feature():
    """The features take wishes and a listing only, and neither has a field for it."""
    taken = inspect.signature(features.compute).parameters
    assert taken["wishes"].annotation is JobseekerWishes
    assert "limits" not in taken
    names = {field.name for field in fields(JobseekerWishes)}
    assert names == {
        "aspirations",
        "avoid",
        "skills",
        "environment",
        "adjustments",
        "hours_min",
        "hours_max",
        "earliest_start_on",
    }
    assert sum(EXPERT_WEIGHTS.values()) == pytest.approx(1.0)


@given(st.integers(14, 90), st.sampled_from(["unrestricted", "time_limited", "unknown", None]), st.booleans())
def test_age_and_right_to_work_move_no_score(age, right_to_work, has_licence):
    limits = replace(
        PERSON.limits, age_years=age, right_to_work=right_to_work, licences=("CSCS",) if has_licence else None
    )
    changed = RANKER.pair(replace(PERSON, limits=limits), PLACEMENT)
    plain = RANKER.pair(PERSON, PLACEMENT)
    assert isinstance(changed, Match)
    assert isinstance(plain, Match)
    assert changed.score == plain.score


def test_unknown_never_refuses_and_lowers_confidence_not_the_list():
    nobody = RANKER.pair(JobseekerProfile(), PLACEMENT)
    assert isinstance(nobody, Match)
    assert (nobody.score, nobody.confidence) == (0.5, "low")
    unknown_placement = RANKER.pair(PERSON, PlacementProfile(key="q", title="?"))
    assert isinstance(unknown_placement, Match)


@pytest.mark.parametrize(
    ("rule", "limits", "placement", "expected"),
    [
        (Rule.AGE, {"age_years": 17}, {"minimum_age": 18}, Result.FAIL),
        (Rule.AGE, {"age_years": 30}, {"maximum_age": 24}, None),  # no legal basis: it does not apply
        (Rule.AGE, {"age_years": 30}, {"maximum_age": 24, "has_legal_basis": True}, Result.FAIL),
        (Rule.AGE, {}, {"minimum_age": 18}, Result.UNKNOWN),
        (Rule.RIGHT_TO_WORK, {"right_to_work": "no"}, {}, Result.FAIL),
        (Rule.RIGHT_TO_WORK, {"right_to_work": "not_evidenced"}, {}, Result.UNKNOWN),
        (Rule.HOURS, {"hours_max": 8.0}, {"hours_flexible": False}, Result.FAIL),
        (Rule.HOURS, {"hours_max": 8.0}, {"hours_flexible": True}, Result.PASS),
        (Rule.HALF_DAYS, {"half_days": 0b0011}, {"hours_flexible": False}, Result.FAIL),
        (Rule.HALF_DAYS, {"half_days": 0b0011}, {}, Result.UNKNOWN),
        (Rule.HALF_DAYS, {"half_days": None}, {"hours_flexible": False}, Result.UNKNOWN),
        (Rule.LICENCES, {"licences": ("provisional driving",)}, {"licences_needed": ("driving licence",)}, Result.FAIL),
        (Rule.LICENCES, {"licences": None}, {"licences_needed": ("driving licence",)}, Result.UNKNOWN),
        (Rule.QUALIFICATIONS, {"qualification_level": "E3"}, {"qualifications_needed": "2"}, Result.FAIL),
        (Rule.TRAVEL, {"place": (430000.0, 180000.0), "max_travel_minutes": 60}, {}, Result.FAIL),
        (Rule.TRAVEL, {"place": None, "max_travel_minutes": 60}, {}, Result.UNKNOWN),
        (Rule.TRAVEL, {"place": None}, {"remote": "yes"}, Result.PASS),
        (Rule.DATES, {"earliest_start_on": date(2027, 9, 1)}, {"ends_on": date(2027, 6, 1)}, Result.FAIL),
        (Rule.PLACES, {}, {"places_left": 0}, Result.FAIL),
        (Rule.DBS, {}, {"dbs_level": "ENHANCED"}, Result.PASS),
    ],
)
def test_each_check(rule, limits, placement, expected):
    assert result(rule, replace(PERSON.limits, **limits), replace(PLACEMENT, **placement)) is expected


def test_every_fail_says_what_would_change_it():
    far = replace(PERSON.limits, place=(430000.0, 180000.0), max_travel_minutes=30, right_to_work="no", hours_max=1.0)
    failed = [c for c in check(far, replace(PLACEMENT, places_left=0), CONTEXT) if c.result is Result.FAIL]
    assert len(failed) >= 4
    assert all(c.change and c.text for c in failed)


def test_a_ranking_is_every_placement_once_whatever_their_order():
    listings = [replace(PLACEMENT, key=str(n), hours_per_week=float(4 + n % 30), places_left=n % 5) for n in range(80)]
    first = RANKER.rank(PERSON, listings)
    shuffled = listings[:]
    random.Random(3).shuffle(shuffled)
    second = RANKER.rank(PERSON, shuffled)
    keys = [m.placement.key for m in first.matches] + [r.placement.key for r in first.refusals]
    assert sorted(keys) == sorted(p.key for p in listings)
    assert [m.placement.key for m in second.matches] == [m.placement.key for m in first.matches]
    assert [r.placement.key for r in second.refusals] == [r.placement.key for r in first.refusals]


def test_a_wish_weighs_more_than_anything_else():
    wanted = RANKER.pair(PERSON, PLACEMENT)
    other = RANKER.pair(PERSON, replace(PLACEMENT, title="Receptionist"))
    assert isinstance(wanted, Match)
    assert isinstance(other, Match)
    assert wanted.score - other.score == pytest.approx(EXPERT_WEIGHTS[features.Feature.ASPIRATION])
    assert max(EXPERT_WEIGHTS.values()) == EXPERT_WEIGHTS[features.Feature.ASPIRATION]


def test_an_adjustment_that_is_not_listed_costs_nothing_and_one_that_is_offered_helps():
    plain = RANKER.pair(PERSON, PLACEMENT)
    asks = replace(PERSON, wishes=replace(PERSON.wishes, adjustments=("BSL interpreter",)))
    offered = replace(PERSON, wishes=replace(PERSON.wishes, adjustments=("quiet space",)))
    scores = [RANKER.pair(one, PLACEMENT).score for one in (PERSON, asks, offered)]
    assert isinstance(plain, Match)
    assert scores[0] == scores[1] < scores[2]


def test_reasons_name_the_wish_and_end_with_what_is_unknown():
    match = RANKER.pair(PERSON, PLACEMENT)
    assert isinstance(match, Match)
    told = reasons(match.values)
    assert told[0].text == "It is the work the jobseeker asked for: barista."
    effects = [reason.effect for reason in told]
    assert effects == sorted(effects, key=lambda effect: effect == "unknown")


@pytest.mark.parametrize("text", ["", " ", "😀", "x" * 10_000, "\x00"])
def test_odd_words_are_harmless(text):
    odd = replace(PERSON, wishes=replace(PERSON.wishes, skills=(text,), aspirations=(text,), avoid=(text,)))
    assert isinstance(RANKER.pair(odd, PLACEMENT), (Match, Refusal))
    assert Vocabulary().skill_likeness(text, "cooking") == 0.0


def test_nothing_to_rank_is_an_empty_ranking():
    assert RANKER.rank(PERSON, []).matches == ()
