"""Training, assessing, releasing and retiring models. A person releases; nothing here does so by itself."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from matching.learning import evaluation, model_files
from matching.learning.cases import DecidedCase
from matching.pairs.features import SIDES, Feature, ModelSide, Value
from matching.score.priors import WEIGHTS
from matching.score.ranker import TwoSidedModel
from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.learning import queries
from pathways.learning.schemas import GateOut, ModelOut
from pathways.reference import tables
from pathways.shortlists.models import MODEL_MOVES, ModelEvent, ModelState, RankingModel, RankingModelMove
from pathways.shortlists.queries import read_model, released_model

if TYPE_CHECKING:
    from matching.learning.training import Trained

HELD_OUT_SHARE = 0.25
FEWEST_PEOPLE = 20
NOT_SAID = frozenset({"not_asked", "prefer_not_to_say"})
TOLERATED = 0.01  # of NDCG: a lower edge further down than this is a risk no person should be asked to take
MOST_DRIFT = 0.25  # of a feature's mean between the cases learnt from and the newest ones, on its scale of 0 to 1


class ModelMoveRefused(MoveRefused):
    title = "The model cannot make that move now"


class GatesClosed(Conflict):
    title = "The model has not passed its gates"


def train_model(session: WriteSession, actor: Actor, until: date) -> RankingModel:
    """Train on all that was decided up to a day, and keep it; it ranks nothing until a person releases it."""
    if until > actor.today:
        raise RuleBroken("This day has not come: nothing can be learnt from it yet.", pointer="/until")
    cases = queries.cases(session, until)
    if not cases:
        raise RuleBroken("No introduction from a shortlist has been decided yet, so there is nothing to learn from.")
    count = session.scalars(select(func.count()).select_from(RankingModel)).one()
    name = f"{until.isoformat()}-{count + 1}"
    from matching.learning.training import train  # noqa: PLC0415 - scikit-learn takes a second to import

    trained = train(cases, name)
    days = [case.decided_on for case in cases]
    manifest = model_files.Manifest(
        name, min(days), max(days), len(cases), metrics=_training_metrics(trained) | {"until": until.isoformat()}
    )
    kept = model_files.save(trained.model, manifest)
    model = RankingModel(
        id=uuid7(),
        name=name,
        state=ModelState.TRAINED,
        kept=kept,
        manifest=_manifest_summary(manifest),
        made_at=actor.at,
    )
    session.add(model)
    session.flush()  # the reply reads it
    return model


def _manifest_summary(manifest: model_files.Manifest) -> dict[str, Any]:
    told = asdict(manifest)
    for day in ("first_day", "last_day"):
        told[day] = told[day].isoformat() if told[day] else None
    return told


def _training_metrics(trained: "Trained") -> dict[str, Any]:
    return {
        "boosting": {
            gate.side.value: {
                "cases": gate.cases,
                "is_mixed_in": gate.is_open,
                "held_out_gain": gate.difference,
                "interval": list(gate.interval),
                "why": gate.why,
            }
            for gate in trained.gates
        }
    }


def assess(session: WriteSession, actor: Actor, model: RankingModel) -> RankingModel:
    """Measure a model's recipe on the days it would not have seen, and keep the figures and the gates with it.

    What is measured is a model trained in the same way on the earlier cases alone; the kept one has seen them all.
    """
    to_state = destination(MODEL_MOVES, model.state, ModelEvent.ASSESS, ModelMoveRefused)
    until = date.fromisoformat(read_manifest(model).metrics["until"])
    figures, gates = measure(session, until, released_model(session), read_model(model.kept))
    _move(session, actor, model, ModelEvent.ASSESS, to_state, "")
    model.assessment = figures | {"gates": [gate.model_dump() for gate in gates], "on": actor.today.isoformat()}
    session.flush()  # the reply carries the new version
    return model


def read_manifest(model: RankingModel) -> model_files.Manifest:
    try:
        return model_files.load(model.kept)[1]
    except model_files.ModelRefused as wrong:
        raise RuleBroken(str(wrong)) from wrong


def measure(
    session: Session, until: date, now: TwoSidedModel, kept: TwoSidedModel
) -> tuple[dict[str, Any], list[GateOut]]:
    """Return held-out figures and gates. Every interval is over people: one person's lists are not many people."""
    decided = queries.decided(session, until)
    cases = [one.case for one in decided]
    split = evaluation.split_by_time(
        [case.decided_on for case in cases], [case.jobseeker for case in cases], HELD_OUT_SHARE
    )
    held_out = [decided[i] for i in (*split.warm, *split.cold)]
    learnt = [decided[i] for i in split.train]
    earlier, later = [one.case for one in learnt], [one.case for one in held_out]
    from matching.learning.training import train  # noqa: PLC0415

    recipe = train(earlier, "assessed").model
    lists = [one for one in queries.held_out_lists(session, held_out, learnt) if any(one.grades)]
    people, ours, theirs = _by_person(lists, recipe, now)
    gap = evaluation.paired(ours, theirs)
    drift = _drift(earlier, later)
    fewest = int(tables.limit("model_group_smallest", until))
    by_group = {
        question: _group_figures(ours - theirs, [answers.get(person, "") for person in people], fewest)
        for question, answers in queries.groups(session).items()
    }
    figures = {
        "compared_with": now.version,
        "cases_learnt_from": len(earlier),
        "cases_held_out": len(later),
        "held_out_from": min(case.decided_on for case in later).isoformat() if later else None,
        "cases_of_people_seen_before": len(split.warm),
        "cases_of_people_never_seen": len(split.cold),
        "lists": len(lists),
        "people": len(people),
        "outcomes": dict(Counter(case.outcome.name.lower() for case in cases)),
        "ndcg_at_10": _summary(evaluation.mean_of(ours)),
        "ndcg_at_10_of_the_model_in_use": _summary(evaluation.mean_of(theirs)),
        "difference": _summary(gap),
        "calibration": _calibration(recipe, later),
        "drift": drift,
        "difference_by_group": by_group,
        "note": "Only what was shown can be judged: a pair nobody was shown counts as not relevant.",
    }
    return figures, _gates(gap, drift, by_group, kept)


def _by_person(
    lists: Sequence[queries.HeldOutList], recipe: TwoSidedModel, now: TwoSidedModel
) -> tuple[list[str], Any, Any]:
    """Return each person's mean figure under both models."""
    ours, theirs = _ndcg(lists, recipe), _ndcg(lists, now)
    of_person: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(lists):
        of_person[one.jobseeker].append(place)
    people = sorted(of_person)
    return (
        people,
        np.array([ours[of_person[person]].mean() for person in people]),
        np.array([theirs[of_person[person]].mean() for person in people]),
    )


def _summary(measured: evaluation.Measured) -> dict[str, Any]:
    if measured.lists == 0:
        return {"mean": None, "interval": None, "lists": 0, "left_out": measured.left_out}
    return {
        "mean": round(measured.mean, 4),
        "interval": [round(measured.low, 4), round(measured.high, 4)],
        "lists": measured.lists,
        "left_out": measured.left_out,
    }


def _ndcg(lists: Sequence[queries.HeldOutList], model: TwoSidedModel) -> Any:
    return np.array([evaluation.ndcg(one.grades, model.scores(one.pairs)) for one in lists])


def _calibration(model: TwoSidedModel, cases: Sequence[DecidedCase]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for side in ModelSide:
        told = [(case.values, label) for case in cases if (label := case.label(side)) is not None]
        if len(told) < FEWEST_PEOPLE:
            found[side.value] = {"cases": len(told), "note": "Too few to say."}
            continue
        p = model.probabilities([values for values, _ in told])[side]
        y = [float(label) for _, label in told]
        found[side.value] = {
            "cases": len(told),
            "brier": round(evaluation.brier(p, y), 4),
            "calibration_error": round(evaluation.calibration_error(p, y), 4),
        }
    return found


def _drift(earlier: Sequence[DecidedCase], later: Sequence[DecidedCase]) -> dict[str, float]:
    """Return how far the mean of each feature moved from the earlier cases to the later ones."""
    found = {}
    for feature in Feature:
        old, new = ([v for c in some if (v := _value(c, feature)) is not None] for some in (earlier, later))
        if old and new:
            found[feature.value] = round(float(np.mean(new) - np.mean(old)), 4)
    return found


def _value(case: DecidedCase, feature: Feature) -> float | None:
    return case.values[feature].value if feature in case.values else None


def _group_figures(gaps: Any, groups: Sequence[str], fewest: int) -> dict[str, Any]:
    """Return the figure of each group of enough people; of who did not say, none is made."""
    told = np.array([bool(group) and group not in NOT_SAID for group in groups], dtype=bool)
    if not told.any():
        return {}
    named = [group for group, is_told in zip(groups, told, strict=True) if is_told]
    found = evaluation.by_group(np.asarray(gaps)[told], named, fewest)
    return {group: None if measured is None else _summary(measured) for group, measured in found.items()}


def _gates(
    gap: evaluation.Measured, drift: dict[str, float], by_group: dict[str, Any], kept: TwoSidedModel
) -> list[GateOut]:
    """Return the release gates; a gate that cannot be judged for want of cases is closed."""
    enough = gap.lists >= FEWEST_PEOPLE
    worse = [
        f"{question} {group}"
        for question, groups in by_group.items()
        for group, figures in groups.items()
        if figures is not None and figures["interval"] is not None and figures["interval"][1] < 0.0
    ]
    judged = [f for groups in by_group.values() for f in groups.values() if f is not None]
    drifted = [name for name, moved in drift.items() if abs(moved) > MOST_DRIFT]
    best, worst = ({name: Value(at) for name in Feature} for at in (1.0, 0.0))
    top, bottom = kept.scores([best, worst]).tolist()
    return [
        GateOut(
            gate="ranking",
            passed=enough and gap.low > -TOLERATED and gap.mean >= 0.0,
            text=f"Held-out ranking against the model in use: {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]."
            if enough
            else f"{gap.lists} people with something good held out; {FEWEST_PEOPLE} are needed to judge.",
        ),
        GateOut(
            gate="groups",
            passed=bool(judged) and not worse,
            text=f"Ranked for worse: {', '.join(worse)}."
            if worse
            else "No group is ranked for worse."
            if judged
            else "No group is large enough to judge.",
        ),
        GateOut(
            gate="drift",
            passed=bool(drift) and not drifted,
            text=f"The newest cases differ in {', '.join(drifted)}."
            if drifted
            else "The newest cases are like those learnt from."
            if drift
            else "There are no newer cases to compare.",
        ),
        GateOut(
            gate="nonsense",
            passed=top > bottom and bottom < 0.5 * top,
            text=f"A pair that fits in nothing scores {bottom:.3f}, one that fits in all {top:.3f}.",
        ),
        GateOut(gate="signs", passed=_signs_hold(kept), text="No weight that policy fixes has the wrong sign."),
    ]


def _signs_hold(model: TwoSidedModel) -> bool:
    return all(
        not WEIGHTS[side][name].is_monotone or model.sides[side].contributions_of[name] >= 0.0
        for side, names in SIDES.items()
        for name in names
    )


def release(session: WriteSession, actor: Actor, model: RankingModel, reason: str) -> RankingModel:
    """Let a model rank from now on, by a person's act; the one before it is retired."""
    to_state = destination(MODEL_MOVES, model.state, ModelEvent.RELEASE, ModelMoveRefused)
    closed = [gate.gate for gate in gates_of(model) if not gate.passed]
    if closed:
        raise GatesClosed(f"Closed: {', '.join(closed)}. Assess it again when there are more cases.", closed=closed)
    compared_with = (model.assessment or {}).get("compared_with")
    if compared_with != released_model(session).version:
        raise GatesClosed("It was assessed against another model than the one in use now. Assess it again.", closed=[])
    in_use = session.scalars(select(RankingModel).where(RankingModel.state == ModelState.RELEASED)).one_or_none()
    if in_use is not None:
        _move(session, actor, in_use, ModelEvent.RETIRE, ModelState.RETIRED, f"{model.name} took its place.")
        session.flush()  # one model at a time is released: the older one goes first
    _move(session, actor, model, ModelEvent.RELEASE, to_state, reason)
    session.flush()  # the reply carries the new version
    return model


def retire(session: WriteSession, actor: Actor, model: RankingModel, reason: str) -> RankingModel:
    """Take a model out of use; without another, the experts' own weights rank again."""
    to_state = destination(MODEL_MOVES, model.state, ModelEvent.RETIRE, ModelMoveRefused)
    _move(session, actor, model, ModelEvent.RETIRE, to_state, reason)
    session.flush()  # the reply carries the new version
    return model


def _move(
    session: WriteSession, actor: Actor, model: RankingModel, event: ModelEvent, to_state: ModelState, reason: str
) -> None:
    session.add(
        RankingModelMove.recorded(
            actor,
            model_id=model.id,
            event=event.value,
            from_state=model.state.value,
            to_state=to_state.value,
            reason=reason,
        )
    )
    model.state = to_state


def gates_of(model: RankingModel) -> list[GateOut]:
    return [GateOut(**gate) for gate in (model.assessment or {}).get("gates", [])]


def reply(model: RankingModel) -> ModelOut:
    manifest = model.manifest
    return ModelOut(
        id=model.id,
        name=model.name,
        state=model.state,
        made_at=model.made_at,
        cases=manifest["cases"],
        first_day=manifest["first_day"],
        last_day=manifest["last_day"],
        manifest=manifest,
        gates=gates_of(model),
        assessment=model.assessment,
        possible_events=[event.value for event in possible_events(MODEL_MOVES, model.state)],
        version=model.version,
    )
