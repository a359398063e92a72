"""What a ranking may and may not do."""

import inspect
import random
from dataclasses import fields, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.pairs import features
from matching.pairs.checks import Check, CheckResult, Rule
from matching.pairs.eligibility import Context, check
from matching.pairs.features import SIDES, Feature, ModelSide, codes_of
from matching.pairs.licences import holds_licence
from matching.pairs.profiles import (
    Exclusions,
    JobseekerLimits,
    JobseekerOffer,
    JobseekerProfile,
    JobseekerWishes,
    PlacementProfile,
)
from matching.pairs.travel import Mode
from matching.pairs.vocabulary import Vocabulary
from matching.score.explain import reasons
from matching.score.priors import WEIGHTS
from matching.score.ranker import Match, PlacementRanker, Refusal, TwoSidedModel, order
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
    wishes=JobseekerWishes(aspirations=("barista",)),
    offer=JobseekerOffer(skills=("talking to customers",), hours_max=20.0, half_days=0b1111),
    key="j",
)
RANKER = PlacementRanker(vocabulary.starter(), CONTEXT)


def result(rule: Rule, limits: JobseekerLimits, placement: PlacementProfile) -> CheckResult | None:
    found: list[Check] = [c for c in check(limits, placement, CONTEXT) if c.rule is rule]
    return found[0].result if found else None


def test_no_protected_thing_can_reach_a_feature():
    """The features take wishes, an offer and a listing only, and none has a field for it."""
    taken = inspect.signature(features.compute).parameters
    assert (taken["wishes"].annotation, taken["offer"].annotation) == (JobseekerWishes, JobseekerOffer)
    assert "limits" not in taken
    assert {field.name for field in fields(JobseekerWishes)} == {"aspirations", "avoid", "environment", "adjustments"}
    assert {field.name for field in fields(JobseekerOffer)} == {
        "skills",
        "drawn_from",
        "hours_min",
        "hours_max",
        "half_days",
        "earliest_start_on",
        "max_travel_minutes",
    }


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
    neutral = TwoSidedModel.expert().scores([{}])[0]
    assert (nobody.score, nobody.confidence) == (neutral, "low")
    unknown_placement = RANKER.pair(PERSON, PlacementProfile(key="q", title="?"))
    assert isinstance(unknown_placement, Match)


@pytest.mark.parametrize(
    ("rule", "limits", "placement", "expected"),
    [
        (Rule.AGE, {"age_years": 17}, {"minimum_age": 18}, CheckResult.FAIL),
        (Rule.AGE, {"age_years": 30}, {"maximum_age": 24}, None),  # no legal basis: it does not apply
        (Rule.AGE, {"age_years": 30}, {"maximum_age": 24, "has_legal_basis": True}, CheckResult.FAIL),
        (Rule.AGE, {}, {"minimum_age": 18}, CheckResult.UNKNOWN),
        (Rule.RIGHT_TO_WORK, {"right_to_work": "no"}, {}, CheckResult.FAIL),
        (Rule.RIGHT_TO_WORK, {"right_to_work": "not_evidenced"}, {}, CheckResult.UNKNOWN),
        (Rule.HOURS, {"hours_max": 8.0}, {"hours_flexible": False}, CheckResult.FAIL),
        (Rule.HOURS, {"hours_max": 12.0}, {"hours_flexible": True}, CheckResult.PASS),
        (Rule.HOURS, {"hours_max": 8.0}, {"hours_flexible": True, "hours_per_week": 37.5}, CheckResult.UNKNOWN),
        (Rule.HALF_DAYS, {"half_days": 0b0011}, {"hours_flexible": False}, CheckResult.FAIL),
        (Rule.HALF_DAYS, {"half_days": 0b0011}, {}, CheckResult.UNKNOWN),
        (Rule.HALF_DAYS, {"half_days": None}, {"hours_flexible": False}, CheckResult.UNKNOWN),
        (
            Rule.LICENCES,
            {"licences": ("provisional driving",)},
            {"licences_needed": ("driving licence",)},
            CheckResult.FAIL,
        ),
        (Rule.LICENCES, {"licences": None}, {"licences_needed": ("driving licence",)}, CheckResult.UNKNOWN),
        (Rule.QUALIFICATIONS, {"qualification_level": "E3"}, {"qualifications_needed": "2"}, CheckResult.FAIL),
        (Rule.TRAVEL, {"place": (430000.0, 180000.0), "max_travel_minutes": 60}, {}, CheckResult.FAIL),
        (Rule.TRAVEL, {"place": None, "max_travel_minutes": 60}, {}, CheckResult.UNKNOWN),
        (Rule.TRAVEL, {"place": None}, {"remote": "yes"}, CheckResult.PASS),
        (Rule.DATES, {"earliest_start_on": date(2027, 9, 1)}, {"ends_on": date(2027, 6, 1)}, CheckResult.FAIL),
        (Rule.PLACES, {}, {"places_left": 0}, CheckResult.FAIL),
        (Rule.DBS, {}, {"dbs_level": "ENHANCED"}, CheckResult.PASS),
    ],
)
def test_each_check(rule, limits, placement, expected):
    assert result(rule, replace(PERSON.limits, **limits), replace(PLACEMENT, **placement)) is expected


def test_every_fail_says_what_would_change_it():
    far = replace(PERSON.limits, place=(430000.0, 180000.0), max_travel_minutes=30, right_to_work="no", hours_max=1.0)
    failed = [c for c in check(far, replace(PLACEMENT, places_left=0), CONTEXT) if c.result is CheckResult.FAIL]
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
    wanted = RANKER.pair(PERSON, replace(PLACEMENT, title="Barista"))
    other = RANKER.pair(PERSON, replace(PLACEMENT, title="Receptionist"))
    assert isinstance(wanted, Match)
    assert isinstance(other, Match)
    assert wanted.sides[0] > 1.9 * other.sides[0]
    assert wanted.sides[1] == other.sides[1]
    every = [prior.mean for side in WEIGHTS.values() for prior in side.values()]
    assert max(every) == WEIGHTS[ModelSide.JOBSEEKER][Feature.ASPIRATION].mean


def test_an_adjustment_that_is_not_listed_costs_nothing_and_one_that_is_offered_helps():
    plain = RANKER.pair(PERSON, PLACEMENT)
    asks = replace(PERSON, wishes=replace(PERSON.wishes, adjustments=("BSL interpreter",)))
    offered = replace(PERSON, wishes=replace(PERSON.wishes, adjustments=("quiet space",)))
    scores = [RANKER.pair(one, PLACEMENT).score for one in (PERSON, asks, offered)]
    assert isinstance(plain, Match)
    assert scores[0] == scores[1] < scores[2]


def test_reasons_name_the_wish_and_end_with_what_is_unknown():
    match = RANKER.pair(PERSON, replace(PLACEMENT, title="Barista"))
    assert isinstance(match, Match)
    told = reasons(match.values)
    assert "This is the work the jobseeker asked for: barista." in [reason.text for reason in told[:2]]
    effects = [reason.effect for reason in told]
    assert effects == sorted(effects, key=lambda effect: effect == "unknown")


@pytest.mark.parametrize("text", ["", " ", "😀", "x" * 10_000, "\x00"])
def test_odd_words_are_harmless(text):
    odd = replace(
        PERSON,
        wishes=replace(PERSON.wishes, aspirations=(text,), avoid=(text,)),
        offer=replace(PERSON.offer, skills=(text, text)),
    )
    assert isinstance(RANKER.pair(odd, PLACEMENT), (Match, Refusal))
    assert Vocabulary().skill_likeness(text, "cooking") == 0.0


def test_nothing_to_rank_is_an_empty_ranking():
    assert RANKER.rank(PERSON, []).matches == ()


def test_the_placement_side_reads_only_what_it_may_of_the_jobseeker():
    """Adjustments, whatever they are, move the jobseeker's side alone; nobody is refused for asking."""
    assert set(SIDES[ModelSide.PLACEMENT]) <= {
        Feature.ESSENTIAL_SKILLS,
        Feature.DESIRABLE_SKILLS,
        Feature.TRAVEL,
        Feature.HOURS,
        Feature.HALF_DAYS,
        Feature.START_DATE,
        Feature.ANSWERS,
    }
    seen = set()
    for adjustments in (None, ("quiet space",), ("BSL interpreter", "quiet space"), ("step-free access",)):
        match = RANKER.pair(replace(PERSON, wishes=replace(PERSON.wishes, adjustments=adjustments)), PLACEMENT)
        assert isinstance(match, Match)
        seen.add(match.sides[1])
    assert len(seen) == 1


@given(st.permutations(["quiet space", "BSL interpreter", "step-free access", "flexible breaks"]), st.integers(0, 4))
def test_permuting_adjustments_changes_nothing_on_the_placement_side(adjustments, kept):
    asked = replace(PERSON, wishes=replace(PERSON.wishes, adjustments=tuple(adjustments[:kept]) or None))
    plain, other = RANKER.pair(PERSON, PLACEMENT), RANKER.pair(asked, PLACEMENT)
    assert isinstance(plain, Match)
    assert isinstance(other, Match)
    assert plain.sides[1] == other.sides[1]


def test_what_is_not_known_adds_nothing_to_the_score_and_widens_its_interval():
    known = RANKER.pair(PERSON, replace(PLACEMENT, environment=None))
    blank = RANKER.pair(replace(PERSON, wishes=JobseekerWishes(), offer=JobseekerOffer()), PLACEMENT)
    assert isinstance(known, Match)
    assert isinstance(blank, Match)
    (parts,) = TwoSidedModel.expert().contributions(codes_of([blank.values])).tolist()
    moves = {name for name, moved in zip(Feature, parts, strict=True) if moved}
    assert moves <= {name for name, value in blank.values.items() if value.value is not None}
    assert moves
    relative = [high / low for low, high in (known.interval, blank.interval)]
    assert relative[1] > relative[0]
    assert known.confidence != blank.confidence


def test_a_safety_exclusion_refuses_and_is_never_told_to_the_social_enterprise():
    for exclusions in (
        Exclusions(organisations=frozenset({"o"})),
        Exclusions(names_a_person=True, organisations=frozenset({"o"})),
        Exclusions(areas=(((530000.0, 180000.0), 1.0),)),
    ):
        kept_from = replace(PERSON, limits=replace(PERSON.limits, exclusions=exclusions))
        found = RANKER.pair(kept_from, replace(PLACEMENT, organisation="o"))
        assert isinstance(found, Refusal)
        assert [c.rule for c in found.failed] == [Rule.SAFETY]
        assert not found.failed[0].enterprise_may_see
        assert "sam" not in found.failed[0].text
    elsewhere = RANKER.pair(kept_from, replace(PLACEMENT, place=None))
    assert isinstance(elsewhere, Match)
    assert [c.result for c in elsewhere.checks if c.rule is Rule.SAFETY] == [CheckResult.UNKNOWN]


@given(st.lists(st.sampled_from([0.1, 0.103, 0.2, 0.2, 0.5]), max_size=12), st.randoms())
def test_an_order_is_the_same_however_its_pairs_come_in(scores, chance):
    keys = [f"k{i}" for i in range(len(scores))]
    first = order(scores, keys, "2026-11-02", "J")
    moved = list(range(len(scores)))
    chance.shuffle(moved)
    second = order([scores[i] for i in moved], [keys[i] for i in moved], "2026-11-02", "J")
    assert [keys[i] for i in first.places] == [keys[moved[i]] for i in second.places]
    assert first.propensities == second.propensities
    shown = [scores[i] for i in first.places]
    assert all(shown[i] >= shown[i + 1] - 0.005 for i in range(len(shown) - 1))
    assert all(0.0 < chance_of <= 1.0 for chance_of in first.propensities)


def test_propensities_are_how_often_a_pair_stands_where_it_stands():
    """Over many days, how often each of three near-ties stands first is what the log says it is."""
    scores, keys = [0.500, 0.499, 0.498, 0.1], ["a", "b", "c", "d"]
    first = dict.fromkeys(keys, 0)
    told = {}
    for day in range(4000):
        found = order(scores, keys, str(day), "J")
        first[keys[found.places[0]]] += 1
        told[keys[found.places[0]]] = found.propensities[0]
    for key in "abc":
        assert first[key] / 4000 == pytest.approx(told[key], abs=0.02)
    assert first["d"] == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: JobseekerLimits(place=(float("nan"), 0.0)),
        lambda: PlacementProfile(key="1", title="x", place=(0.0, float("inf"))),
        lambda: PlacementProfile(key="1", title="x", hours_per_week=float("nan")),
        lambda: JobseekerOffer(hours_min=float("nan")),
        lambda: Exclusions(areas=(((float("nan"), 0.0), 1.0),)),
        lambda: JobseekerLimits(half_days=1 << 21),
        lambda: JobseekerLimits(max_travel_minutes=-1),
        lambda: JobseekerLimits(age_years=-1),
        lambda: PlacementProfile(key="1", title="x", minimum_age=-1),
        lambda: PlacementProfile(key="1", title="x", place=(1e12, 0.0)),
    ],
)
def test_a_number_that_is_none_is_refused_when_a_profile_is_made(make):
    with pytest.raises(ValueError, match=r"\."):
        make()


def test_one_placement_all_refused_and_all_tied_have_a_ranking():
    assert [m.propensity for m in RANKER.rank(PERSON, [PLACEMENT]).matches] == [1.0]
    shut = [replace(PLACEMENT, key=str(n), places_left=0) for n in range(3)]
    assert (RANKER.rank(PERSON, shut).matches, len(RANKER.rank(PERSON, shut).refusals)) == ((), 3)
    tied = RANKER.rank(PERSON, [replace(PLACEMENT, key=str(n)) for n in range(8)]).matches
    assert {match.propensity for match in tied} == {0.125}
    other_day = PlacementRanker(vocabulary.starter(), replace(CONTEXT, on=date(2026, 11, 3)))
    again = other_day.rank(PERSON, [replace(PLACEMENT, key=str(n)) for n in range(8)]).matches
    assert sorted(m.placement.key for m in again) == sorted(m.placement.key for m in tied)
    assert [m.placement.key for m in again] != [m.placement.key for m in tied]  # another day, another lot


def test_a_placement_without_requirements_and_a_skill_told_twice_change_nothing():
    bare = RANKER.pair(JobseekerProfile(), PlacementProfile(key="q", title=""))
    assert isinstance(bare, Match)
    assert bare.values[Feature.ESSENTIAL_SKILLS].value is None
    twice = replace(PLACEMENT, essential_skills=("customer service", "customer service"))
    once, doubled = RANKER.pair(PERSON, PLACEMENT), RANKER.pair(PERSON, twice)
    assert isinstance(once, Match)
    assert isinstance(doubled, Match)
    assert once.score == doubled.score


@pytest.mark.parametrize(
    ("needed", "held", "is_held"),
    [
        ("driving licence", "full UK driving licence", True),
        ("driving licence", "Full UK licence", True),
        ("driving licence", "forklift driving licence", False),
        ("driving licence", "No driving licence", False),
        ("CSCS card", "CSCS green card", True),
        ("food hygiene", "Food Hygiene Level 2", True),
        ("forklift licence", "driving licence", False),
    ],
)
def test_a_licence_is_the_very_licence(needed, held, is_held):
    assert holds_licence(needed, (held,)) is is_held
