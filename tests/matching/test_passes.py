"""The compiled pass, the NumPy pass and the ranker of single pairs give the same lists, to the last digit."""

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import synthetic
from matching.bulk import numpy_pass
from matching.bulk.bits import DATES, HALF_DAYS, HOURS, RULES, TRAVEL
from matching.bulk.columns import PlacementColumns, day_arrays, jobseeker_arrays, take
from matching.bulk.passes import IS_COMPILED
from matching.bulk.word_tables import WordTables
from matching.learning.training import fit_boosted, fit_logistic
from matching.pairs.features import SIDES, ModelSide
from matching.pairs.grades import hash_of, mixed, mixed_all
from matching.pairs.profiles import Exclusions, JobseekerProfile
from matching.score.ranker import PlacementRanker, TwoSidedModel, order
from matching.score.side_models import Calibration

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="Numba has no wheel here, or PATHWAYS_PLAIN_PASSES=1 is set")
K, SIDE_K = 7, 3
AGREEABLE = HOURS | HALF_DAYS | TRAVEL | DATES
LICENCES = ("driving licence", "forklift licence", "CSCS card")


def odd(borough: synthetic.SyntheticBorough, seed: int) -> synthetic.SyntheticBorough:
    """The borough with every rule at work: ages, papers, licences, dates, flexible hours, places, exclusions."""
    rng = random.Random(seed)
    day = borough.context.on

    def some(answer, chance=0.3):
        return answer if rng.random() < chance else None

    people = [
        replace(
            one,
            limits=replace(
                one.limits,
                age_years=some(rng.randrange(16, 70), 0.6),
                right_to_work=rng.choice(["no", "unrestricted", None]),
                qualification_level=some(rng.choice(["E1", "1", "2", "4"])),
                licences=some(tuple(rng.sample(LICENCES, rng.randrange(3))), 0.6),
                place=one.limits.place if rng.random() < 0.8 else None,
                travel_modes=rng.choice([("walk",), ("walk", "bus"), ("lift",), None]),
                max_travel_minutes=some(rng.choice([0, 3, 15, 45, 90]), 0.8),
                exclusions=Exclusions(areas=(((6000.0, 6000.0), 2.0),), organisations=frozenset({"E1"}))
                if rng.random() < 0.2
                else Exclusions(),
            ),
        )
        for one in borough.jobseekers
    ]
    listings = [
        replace(
            one,
            organisation=f"E{n % 5}",
            minimum_age=some(18),
            maximum_age=some(24),
            has_legal_basis=rng.random() < 0.5,
            right_to_work_needed=rng.choice([True, False, None]),
            qualifications_needed=some(rng.choice(["1", "2", "x"])),
            licences_needed=some(tuple(rng.sample(LICENCES, 1 + rng.randrange(2)))),
            hours_flexible=rng.choice([True, False, None]),
            ends_on=some(day + timedelta(days=rng.randrange(-5, 60))),
            place=one.place if rng.random() < 0.8 else None,
            remote=rng.choice(["no", "yes", "hybrid", None, None]),
            places_left=rng.choice([0, 1, 1, 2]),
            occupation=some(rng.choice(["cafe", "Kitchen Porters"])),
            days_to_answer=some(rng.choice([0, 1, 3, 14, 27, 28, 60]), 0.7),
        )
        for n, one in enumerate(borough.placements)
    ]
    return replace(borough, jobseekers=people, placements=listings)


def boosted() -> TwoSidedModel:
    """A model with boosted halves, pairs and a bent calibration, so that every table is read."""
    rng = np.random.default_rng(0)
    sides = {}
    for side in ModelSide:
        features = rng.random((400, len(SIDES[side])))
        features[rng.random(features.shape) < 0.1] = np.nan
        chance = np.nan_to_num(features[:, 0] * features[:, 1] + features[:, 2] / 2, nan=0.4)
        answers = (rng.random(400) < chance).astype(float)
        sides[side] = replace(
            fit_logistic(side, features, answers),
            boosted=fit_boosted(side, features, answers),
            mix=0.7,
            calibration=Calibration(np.array([-2.0, 0.0, 1.0]), np.array([-1.5, 0.2, 0.9])),
        )
    return TwoSidedModel("boosted", sides, 400)


MODELS = {"experts": TwoSidedModel.expert(), "boosted": boosted()}


@pytest.fixture(params=MODELS)
def model(request) -> TwoSidedModel:
    return MODELS[request.param]


def columns_of(borough: synthetic.SyntheticBorough):
    words = WordTables(borough.vocabulary)
    placements = PlacementColumns.of(borough.placements, words)
    people = jobseeker_arrays(borough.jobseekers, placements, borough.context)
    return placements, people, day_arrays(borough.context, placements)


def test_the_boosted_model_has_what_this_file_is_about():
    sides = MODELS["boosted"].sides.values()
    assert all(side.boosted is not None and side.boosted.pairs for side in sides)


@pytest.mark.parametrize("seed", range(4))
def test_every_pair_comes_out_the_same_three_ways(seed, model):
    from matching.bulk import compiled_pass

    borough = odd(synthetic.make(25, 80, seed=seed, blank_share=0.1 * seed), seed)
    placements, people, day = columns_of(borough)
    ranker = PlacementRanker(borough.vocabulary, borough.context, model)
    tables = model.tables.arrays
    met, agreed = set(), 0
    for j, person in enumerate(borough.jobseekers):
        slow = numpy_pass.check_and_score(people, j, placements.arrays, tables, day, AGREEABLE)
        quick = compiled_pass.check_and_score(people, j, placements.arrays, tables, day, AGREEABLE)
        assert all(np.array_equal(one, other) for one, other in zip(slow, quick, strict=True))
        agreed += int((quick.agreed >= 0).sum())
        ranking = ranker.rank(person, borough.placements)
        row_of = {placements.profile(row).key: row for row in range(len(placements))}
        for match in ranking.matches:
            assert round(match.score * 1e6) == quick[1][row_of[match.placement.key]]
        for refusal in ranking.refusals:
            bits = sum(1 << RULES.index(check.rule) for check in refusal.failed)
            assert bits == quick[0][row_of[refusal.placement.key]]
            met |= {check.rule for check in refusal.failed}
        assert len(ranking.matches) == int((quick[0] == 0).sum())
    assert len(met) >= 9  # nearly every rule refused somebody
    assert agreed


@pytest.mark.parametrize("seed", range(4))
def test_the_best_of_both_sides_are_the_same_lists(seed, model):
    from matching.bulk import compiled_pass

    borough = odd(synthetic.make(40, 120, seed=10 + seed, blank_share=0.15 * seed), seed)
    placements, people, day = columns_of(borough)
    asked = {"k": K, "seed": hash_of("a day"), "side_k": SIDE_K}
    slow = numpy_pass.best(people, placements.arrays, model.tables.arrays, day, **asked)
    quick = compiled_pass.best(people, placements.arrays, model.tables.arrays, day, **asked)
    for name in ("placements", "scores", "eligible", "jobseekers", "jobseeker_scores"):
        assert np.array_equal(getattr(slow, name), getattr(quick, name)), name
    assert slow.eligible.sum() > 0


def test_ties_stand_in_the_order_a_single_list_shows_them():
    """Everything is blank, so all are tied: the lots of the caseload are those of the shortlist."""
    borough = synthetic.make(1, 30, blank_share=0.0)
    blank = [replace(borough.placements[0], key=f"P{n}") for n in range(30)]
    borough = replace(borough, placements=blank, jobseekers=[JobseekerProfile(key="J")])
    placements, people, day = columns_of(borough)
    model = TwoSidedModel.expert()
    ranker = PlacementRanker(borough.vocabulary, borough.context, model)
    shown = [match.placement.key for match in ranker.rank(borough.jobseekers[0], blank).matches]
    from matching.bulk import compiled_pass

    found = compiled_pass.best(people, placements.arrays, model.tables.arrays, day, k=30, seed=hash_of(ranker.seed))
    assert [placements.profile(row).key for row in found.placements[0] if row >= 0] == shown
    assert len(shown) == 30


@pytest.mark.parametrize("blank_share", [0.0, 1.0])
def test_nobody_nothing_and_one_are_lists_too(blank_share, model):
    from matching.bulk import compiled_pass

    borough = synthetic.make(1, 1, blank_share=blank_share)
    for people_kept in (0, 1):
        for listings_kept in (0, 1):
            some = replace(
                borough, jobseekers=borough.jobseekers[:people_kept], placements=borough.placements[:listings_kept]
            )
            placements, people, day = columns_of(some)
            answers = [
                way.best(people, placements.arrays, model.tables.arrays, day, k=2, seed=1, side_k=2)
                for way in (numpy_pass, compiled_pass)
            ]
            assert np.array_equal(answers[0].placements, answers[1].placements)
            assert answers[0].placements.shape == (people_kept, 2)


def test_a_list_of_nobody_is_refused_before_compiled_code_runs():
    borough = synthetic.make(2, 2)
    placements, people, day = columns_of(borough)
    from matching.bulk import compiled_pass

    for way in (numpy_pass, compiled_pass):
        with pytest.raises(ValueError, match="at least one"):
            way.best(people, placements.arrays, TwoSidedModel.expert().tables.arrays, day, k=0, seed=1)


def test_a_stretch_of_jobseekers_is_cut_with_its_lists():
    borough = odd(synthetic.make(9, 40, seed=2), 2)
    placements, people, day = columns_of(borough)
    from matching.bulk import compiled_pass

    tables = TwoSidedModel.expert().tables.arrays
    whole = compiled_pass.best(people, placements.arrays, tables, day, k=5, seed=3)
    part = compiled_pass.best(take(people, slice(3, 7)), placements.arrays, tables, day, k=5, seed=3)
    assert np.array_equal(whole.placements[3:7], part.placements)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_mixing_one_and_mixing_many_agree(numbers):
    assert mixed_all(np.array(numbers, dtype=np.uint64)).tolist() == [mixed(number) for number in numbers]


@settings(max_examples=40)
@given(st.data())
def test_a_word_learnt_later_changes_no_row_before_it(data):
    """A lexicon grows under whoever reads it; rows already given out stay as they were."""
    words = WordTables(synthetic.make(1, 1).vocabulary)
    titles = ["Cafe Assistant", "Gardener", "Night Porter", "", "Caf\u00e9 assistants", "Assistant"]
    wishes = ["barista", "gardening", "", "night porter", "assistant"]
    seen = []
    for _ in range(data.draw(st.integers(1, 6))):
        number = words.titles.right(data.draw(st.sampled_from(titles)))
        wish = data.draw(st.sampled_from(wishes))
        rows, table = words.titles.rows([wish])
        seen.append((wish, number, int(table[rows[0], number])))
    for wish, number, told in seen:
        rows, table = words.titles.rows([wish])
        assert int(table[rows[0], number]) == told
        alike = words.vocabulary.work_likeness(wish, words.titles.rights[number])
        assert told == int(alike * 240 + 0.5)


def test_an_order_of_many_ties_is_by_lot_and_each_stands_once():
    found = order([0.5] * 3000, [str(n) for n in range(3000)], "a day", "J")
    assert sorted(found.places) == list(range(3000))
    assert found.places != list(range(3000))
