"""What learning from cases may and may not do."""

import hashlib
import json
import warnings
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import parametrize_with_checks

from benchmarks import synthetic
from matching.learning import evaluation, model_files
from matching.learning.boosting import BoostedTables
from matching.learning.cases import CaseOutcome, DecidedCase
from matching.learning.chances import match_chance
from matching.learning.logistic import MapLogistic
from matching.learning.mixing import SHARES, choose_share, folds_of
from matching.learning.training import fit_boosted, fit_logistic, train
from matching.pairs.features import SIDES, Feature, ModelSide, Value
from matching.score.explain import additive, reasons, what_would_lift
from matching.score.priors import WEIGHTS
from matching.score.ranker import Match, PlacementRanker, TwoSidedModel
from matching.score.side_models import COLUMNS_OF, Calibration, SideModel


def does_not_hold(estimator):
    """Weights move scikit-learn's own quantile bins, so its histogram trees fail these two themselves."""
    if isinstance(estimator, MapLogistic):
        return {}
    why = "min_samples_leaf counts rows, not weights, in scikit-learn's histogram trees too"
    return {
        "check_sample_weight_equivalence_on_dense_data": why,
        "check_non_transformer_estimators_n_iter": "the number of rounds is max_iter itself",
    }


@parametrize_with_checks(
    [MapLogistic(), BoostedTables(n_pairs=1, max_iter=20, min_samples_leaf=5)],
    expected_failed_checks=does_not_hold,
)
def test_they_are_estimators(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=FutureWarning)
        check(estimator)


def cases(n: int, seed: int = 0) -> list[DecidedCase]:
    """Decided cases of made-up pairs, in which the jobseeker's wish decides everything."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n):
        values = {name: Value(float(rng.random())) for name in Feature}
        wish = values[Feature.ASPIRATION].value
        wanted = bool(rng.random() < wish)
        lasted = bool(rng.random() < 0.5) if wanted else None
        outcome = CaseOutcome.DECLINED if not wanted else CaseOutcome.SUSTAINED if lasted else CaseOutcome.INTRODUCED
        day = date(2026, 1, 1) + timedelta(days=number // 3)
        made.append(DecidedCase(values, wanted, lasted, outcome, day, f"J{number % 40}", f"P{number}"))
    return made


@pytest.fixture(scope="module")
def trained():
    return train(cases(400), "test-1")


def test_no_cases_leave_the_experts_as_they_are():
    expert, none = TwoSidedModel.expert(), train([], "none").model
    for side in ModelSide:
        assert np.array_equal(none.sides[side].weights, expert.sides[side].weights)
        assert none.sides[side].boosted is None


def test_cases_of_one_answer_only_are_learnt_from_without_boosting():
    told = train([case for case in cases(200) if case.wanted], "yes")
    assert not told.mixes[0].is_mixed_in
    assert told.model.sides[ModelSide.JOBSEEKER].intercept > SideModel.expert(ModelSide.JOBSEEKER).intercept


def halves(n: int, boosted_knows: float, seed: int = 0):
    """Held-out predictions of both halves on n cases of n / 4 people: the logistic half knows only the rate."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.95, n)
    y = (rng.random(n) < chance).astype(float)
    boosted = boosted_knows * chance + (1 - boosted_knows) * rng.uniform(0.05, 0.95, n)
    return np.full(n, 0.5), boosted, y, [f"J{i // 4}" for i in range(n)]


@pytest.mark.parametrize("n", [80, 800, 8000])
def test_boosting_that_knows_nothing_is_left_out_at_every_size(n):
    share, tried = choose_share(*halves(n, 0.0))
    assert share == 0.0
    assert [one.share for one in tried] == list(SHARES)


@pytest.mark.parametrize("n", [80, 800, 8000])
def test_boosting_that_knows_the_truth_is_given_weight_at_every_size(n):
    share, tried = choose_share(*halves(n, 1.0))
    assert share >= 0.4
    assert next(one.gain for one in tried if one.share == share) > 0.0


def test_the_weight_follows_what_was_gained_not_the_number_of_cases():
    """After 8,000 cases, halves that know as much get the same weight; n / (n + 50) would give boosting .99."""
    _, _, y, people = halves(8000, 0.0)
    rng = np.random.default_rng(1)
    truth = np.where(y > 0, 0.65, 0.35)
    logistic, boosted = (np.clip(truth + rng.normal(0.0, 0.2, 8000), 0.02, 0.98) for _ in range(2))
    share, _ = choose_share(logistic, boosted, y, people)
    assert 0.3 <= share <= 0.6


def test_of_two_weights_that_cannot_be_told_apart_the_smaller_is_chosen():
    share, tried = choose_share(*halves(800, 0.5))
    chosen = next(one for one in tried if one.share == share)
    best = min(tried, key=lambda one: one.short_of_best)
    assert chosen.share <= best.share
    assert chosen.short_of_best <= chosen.standard_error
    assert all(one.short_of_best > one.standard_error for one in tried if one.share < share)


def test_many_cases_of_few_people_are_less_evidence_than_of_many():
    logistic, boosted, y, _ = halves(400, 0.6)
    few = [f"J{i % 4}" for i in range(400)]
    doubled = [np.tile(part, 20) for part in (logistic, boosted, y)]
    _, once = choose_share(logistic, boosted, y, few)
    _, again = choose_share(*doubled, few * 20)
    # The same cases twenty times over, of the same four people, say no more than once.
    assert [one.standard_error for one in again] == pytest.approx([one.standard_error for one in once], abs=2e-6)


@given(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=40))
def test_all_cases_of_a_person_are_in_one_fold(people):
    folds = folds_of(people)
    assert all(len({fold for fold, who in zip(folds, people, strict=True) if who == person}) == 1 for person in people)
    assert len(set(folds.tolist())) == min(5, len(set(people)))


@pytest.mark.parametrize("n", [0, 5, 10, 39, 60, 200])
def test_what_was_chosen_is_in_the_model_and_told_with_its_evidence(n):
    found = train(cases(n), "test")
    for side, mix in zip(ModelSide, found.mixes, strict=True):
        model = found.model.sides[side]
        assert (mix.side, mix.share, mix.is_mixed_in) == (side, model.mix, model.boosted is not None)
        assert mix.why.endswith(".")
        assert bool(mix.tried) == (mix.cases >= 40)
    assert found.chance.why.endswith(".")
    assert found.chance.cases == sum(case.matched is not None for case in cases(n))


def cases_scored(n: int, power: float, seed: int = 0):
    """Scores that are a power of the true chance, with what became of the pairs, two of each person."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(0.05, 0.95, n)
    return chance**power, (rng.random(n) < chance).tolist(), [f"J{i // 2}" for i in range(n)], chance


@pytest.mark.parametrize("n", [200, 2000])
@pytest.mark.parametrize("power", [0.4, 2.5])
def test_calibrated_chances_come_nearer_the_truth_than_scores_on_a_wrong_scale(n, power):
    score, matched, people, _ = cases_scored(n, power)
    found = match_chance(score, matched, people)
    assert found.gain > found.standard_error
    fresh, _, _, truth = cases_scored(1000, power, seed=1)
    assert np.abs(found.curve.apply(fresh) - truth).mean() < 0.8 * np.abs(fresh - truth).mean()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([2, 4, 20, 200, 700]), st.sampled_from([0.3, 1.0, 3.0]))
def test_a_calibrated_chance_never_falls_as_the_score_rises(seed, n, power):
    score, matched, people, _ = cases_scored(n, power, seed)
    rising = match_chance(score, matched, people).curve.apply(np.linspace(0.001, 0.999, 999))
    assert (np.diff(rising) > 0.0).all()
    assert (rising >= 0.0).all()
    assert (rising <= 1.0).all()


def test_five_cases_hardly_move_the_chances():
    grid = np.linspace(0.05, 0.95, 19)
    for seed in range(20):
        score, matched, people, _ = cases_scored(5, 1.0, seed)
        assert np.abs(match_chance(score, matched, people).curve.apply(grid) - grid).max() < 0.05


def test_scores_and_lists_do_not_depend_on_the_chance_of_a_match(trained):
    values = [case.values for case in cases(30, seed=4)]
    bent = replace(trained.model, match_chance=Calibration(np.array([-1.0, 1.0]), np.array([-3.0, 2.0])))
    assert np.array_equal(bent.scores(values), trained.model.scores(values))


def test_a_model_of_the_first_format_has_scores_that_are_chances(trained):
    curve = Calibration(np.array([-1.0, 1.0]), np.array([-3.0, 2.0]))
    manifest = model_files.Manifest("test-1", cases=400)
    kept = json.loads(model_files.save(replace(trained.model, match_chance=curve), manifest))
    assert loaded_as(kept, 2).match_chance.to.tolist() == curve.to.tolist()
    del kept["sides"]["match_chance"]
    assert loaded_as(kept, 1).match_chance.is_diagonal


def loaded_as(kept, saved_format: int) -> TwoSidedModel:
    """Load a changed file of a format, with the hash that it would have had."""
    head = {name: part for name, part in kept["manifest"].items() if name not in {"format", "sha256"}}
    digest = hashlib.sha256(json.dumps([head, kept["sides"]], sort_keys=True).encode()).hexdigest()
    kept["manifest"] = {**head, "format": saved_format, "sha256": digest}
    return model_files.load(json.dumps(kept).encode())[0]


def test_the_order_of_the_cases_decides_nothing(trained):
    again = train(cases(400)[::-1], "test-1").model
    values = [case.values for case in cases(20, seed=9)]
    assert np.array_equal(again.scores(values), trained.model.scores(values))


@pytest.mark.parametrize("side", list(ModelSide))
def test_where_policy_fixes_the_sign_more_never_lowers_the_probability(trained, side):
    """Also of the boosted half, on a walk along each feature that policy holds to rise."""
    model, names = trained.model.sides[side], SIDES[side]
    rng = np.random.default_rng(3)
    looked = 0
    for column, name in enumerate(names):
        if not WEIGHTS[side][name].is_monotone:
            continue
        start = rng.random((30, len(names)))
        walk = np.repeat(start, 33, axis=0)
        walk[:, column] = np.tile(np.linspace(0, 1, 33), 30)
        rising = np.diff(model.probability(walk).reshape(30, 33), axis=1)
        assert (rising >= -1e-9).all(), name
        looked += 1
    assert looked >= 6


def test_tables_say_what_the_trees_say():
    """The compiled tables equal scikit-learn's own predictions on data they were not fitted on."""
    rng = np.random.default_rng(0)
    features = rng.random((500, 4))
    wanted = features[:, 0] + features[:, 1] * features[:, 2]
    model = BoostedTables(n_pairs=2, max_iter=60).fit(features, wanted)
    fresh = rng.random((200, 4))
    trees = model.trees_.predict(model.tables_.codes(fresh).astype(float))
    assert np.allclose(model.predict(fresh), trees, atol=1e-10)
    assert (1, 2) in model.tables_.pairs


def test_the_named_parts_and_the_rest_add_up_for_small_steps(trained):
    """The reasons are the slope of the score's log: a small step in one feature moves it by its part's change."""
    values = {name: Value(0.5) for name in Feature}
    logistic = TwoSidedModel.expert()
    for name in Feature:
        before = additive(values, logistic)
        stepped = {**values, name: Value(0.5125)}  # a step on the grid of grades
        after = additive(stepped, logistic)
        moved = np.log(logistic.scores([stepped])[0]) - np.log(logistic.scores([values])[0])
        assert sum(after.values()) - sum(before.values()) == pytest.approx(moved, abs=2e-3)


def test_a_kept_model_comes_back_the_same(trained):
    manifest = model_files.Manifest("test-1", date(2026, 1, 1), date(2026, 5, 1), 400, metrics={"ndcg": 0.5})
    kept = model_files.save(trained.model, manifest)
    model, read = model_files.load(kept)
    values = [case.values for case in cases(50, seed=4)]
    assert np.array_equal(model.scores(values), trained.model.scores(values))
    assert (read, model.cases) == (manifest, 400)
    assert model_files.save(model, read) == kept


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda read: read["sides"]["jobseeker"].update(intercept=9.0), "changed after it was saved"),
        (lambda read: read["manifest"].update(cases=1), "changed after it was saved"),
        (lambda read: read["manifest"].update(format=99), "newer version"),
        (lambda read: read.pop("sides"), "not a saved model"),
    ],
)
def test_a_changed_or_newer_model_is_refused_in_one_sentence(change, sentence):
    read = json.loads(model_files.save(TwoSidedModel.expert(), model_files.Manifest("expert-4")))
    change(read)
    with pytest.raises(model_files.ModelRefused, match=sentence):
        model_files.load(json.dumps(read).encode())


def test_a_model_of_other_features_is_refused():
    other = model_files.Manifest("expert-4", features={"jobseeker": ["age"], "placement": []})
    with pytest.raises(model_files.ModelRefused, match="uses other features"):
        model_files.load(model_files.save(TwoSidedModel.expert(), other))


def boosted(side: ModelSide, count: int) -> SideModel:
    rng = np.random.default_rng(0)
    features = rng.random((400, count))
    answers = (rng.random(400) < features[:, 0] * features[:, 1] + features[:, -1] / 2).astype(float)
    return replace(fit_logistic(side, features, answers), boosted=fit_boosted(side, features, answers), mix=0.7)


def test_a_model_of_before_reads_what_came_later_as_the_experts_do(monkeypatch):
    """It was trained on fewer features: what it said of an old pair stays, and what is new weighs as in the priors."""
    pairs = [{**case.values, Feature.TRAVEL: Value(None)} for case in cases(50, seed=4)]
    with monkeypatch.context() as then:
        for side in ModelSide:
            fewer = tuple(name for name in SIDES[side] if name is not Feature.TRAVEL)
            then.setitem(SIDES, side, fewer)
            then.setitem(COLUMNS_OF, side, [list(Feature).index(name) for name in fewer])
        before = TwoSidedModel("test-0", {side: boosted(side, len(SIDES[side])) for side in ModelSide}, 400)
        assert all(model.boosted is not None and model.boosted.pairs for model in before.sides.values())
        kept, said = model_files.save(before, model_files.Manifest("test-0")), before.scores(pairs)
    now = model_files.load(kept)[0]
    assert np.array_equal(now.scores(pairs), said)
    for side in ModelSide:
        expert, at = SideModel.expert(side), SIDES[side].index(Feature.TRAVEL)
        assert now.sides[side].weights[at] == expert.weights[at]
        assert now.sides[side].covariance[at + 1, at + 1] == expert.covariance[at + 1, at + 1]


@pytest.mark.parametrize("junk", [b"", b"\x80\x04junk", b"[]", b"null", b'{"manifest": 1}'])
def test_what_is_no_model_is_refused(junk):
    with pytest.raises(model_files.ModelRefused):
        model_files.load(junk)


def test_a_protected_trait_moves_no_score():
    """Two jobseekers equal but for their age get equal scores with every placement."""
    borough = synthetic.make(20, 30, seed=5)
    ranker = PlacementRanker(borough.vocabulary, borough.context)
    looked = 0
    for person in borough.jobseekers:
        scores = []
        for age in (19, 64):
            aged = replace(person, limits=replace(person.limits, age_years=age))
            matches, _ = ranker.pairs((aged, placement) for placement in borough.placements)
            scores.append([(m.placement.key, m.score) for _, m in matches])
        assert scores[0] == scores[1]
        looked += len(scores[0])
    assert looked > 50


def test_what_would_lift_a_pair_is_the_score_it_then_has():
    borough = synthetic.make(6, 20, seed=2)
    ranker = PlacementRanker(borough.vocabulary, borough.context)
    told = 0
    for person in borough.jobseekers:
        for match in ranker.rank(person, borough.placements).matches:
            for change in what_would_lift(match.values, ranker.model):
                lifted = {**match.values, Feature(change.about): Value(1.0)}
                assert change.score == pytest.approx(ranker.model.scores([lifted])[0], abs=1e-4)
                assert change.score > match.score
                told += 1
    assert told > 10


def test_what_past_decisions_add_is_one_line():
    boosted = train(cases(300), "x").model
    told = reasons(cases(1, seed=8)[0].values, boosted)
    assert sum(reason.feature == "past_decisions" for reason in told) <= 1


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_metrics_depend_on_no_order_and_stay_in_range(relevance, data):
    scores = data.draw(st.lists(st.sampled_from([0.1, 0.2, 0.3]), min_size=len(relevance), max_size=len(relevance)))
    moved = data.draw(st.permutations(range(len(relevance))))
    for metric in (evaluation.ndcg, evaluation.recall, evaluation.reciprocal_rank):
        one = metric(relevance, scores)
        other = metric([relevance[i] for i in moved], [scores[i] for i in moved])
        assert (np.isnan(one) and not any(relevance)) or 0.0 <= one <= 1.0 + 1e-12
        assert np.isnan(one) == np.isnan(other)
        assert np.isnan(one) or one == pytest.approx(other)


def test_a_small_group_has_no_figure_and_nothing_has_no_mean():
    shown = evaluation.by_group([0.5] * 12, ["a"] * 10 + ["b"] * 2)
    assert shown["b"] is None
    assert shown["a"] is not None
    assert evaluation.mean_of([]).lists == 0


def test_no_pair_of_a_borough_is_lost():
    borough = synthetic.make(4, 25, seed=1)
    ranker = PlacementRanker(borough.vocabulary, borough.context)
    for person in borough.jobseekers:
        ranking = ranker.rank(person, borough.placements)
        keys = [m.placement.key for m in ranking.matches] + [r.placement.key for r in ranking.refusals]
        assert sorted(keys) == sorted(synthetic.keys(borough.placements))
        assert all(isinstance(m, Match) for m in ranking.matches)
