"""Train, assess, release and retire ranking models. A model is released by a person only, never automatically."""

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

HELD_OUT_SHARE = 0.25  # of all cases; the newest cases are held out
FEWEST_PEOPLE = 20  # figures on fewer people or cases are not judged
NO_ANSWER = frozenset({"not_asked", "prefer_not_to_say"})
TOLERATED = 0.01  # NDCG: the interval of the difference may begin at most this far below zero
MOST_DRIFT = 0.25  # the most that a feature's mean (0 to 1) may differ between learnt-from and held-out cases


class ModelMoveRefused(MoveRefused):
    """The model is not in a state that allows this step."""

    title = "This step is not possible for the model now"


class GatesClosed(Conflict):
    """A release gate is not passed, or the assessment is out of date."""

    title = "The model has not passed its release gates"


def train_model(session: WriteSession, actor: Actor, until: date) -> RankingModel:
    """Train a model on all cases decided up to and including a day, and store it.

    The model is not used until a person releases it. Refused if the day is in the future, or if there are no cases.
    """
    if until > actor.today:
        raise RuleBroken("The date cannot be in the future. Choose today or an earlier date.", pointer="/until")
    cases = queries.cases(session, until)
    if not cases:
        raise RuleBroken(
            "No introduction from a shortlist has been decided by this date, so there is nothing to learn from. "
            "Next: try again once introductions have been decided."
        )
    count = session.scalars(select(func.count()).select_from(RankingModel)).one()
    name = f"{until.isoformat()}-{count + 1}"
    from matching.learning.training import train  # noqa: PLC0415 - scikit-learn takes a second to import

    trained = train(cases, name)
    days = [case.decided_on for case in cases]
    manifest = model_files.Manifest(
        name,
        min(days),
        max(days),
        len(cases),
        metrics=_training_metrics(trained) | {"until": until.isoformat(), "policies": _policies(until)},
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
    session.flush()  # the reply contains the new version
    return model


def _manifest_summary(manifest: model_files.Manifest) -> dict[str, Any]:
    summary = asdict(manifest)
    for day in ("first_day", "last_day"):
        summary[day] = summary[day].isoformat() if summary[day] else None
    return summary


def _training_metrics(trained: "Trained") -> dict[str, Any]:
    """Return what was chosen on held-out cases, with its evidence, for the manifest of the stored model."""
    return {
        "boosting": {
            mix.side.value: {
                "cases": mix.cases,
                "people": mix.people,
                "is_mixed_in": mix.is_mixed_in,
                "share": mix.share,
                "tried": [asdict(tried) for tried in mix.tried],
                "why": mix.why,
            }
            for mix in trained.mixes
        },
        "match_chance": {
            "cases": trained.chance.cases,
            "matches": trained.chance.matches,
            "kind": trained.chance.kind,
            "gain": trained.chance.gain,
            "standard_error": trained.chance.standard_error,
            "why": trained.chance.why,
        },
    }


def _policies(on: date) -> dict[str, Any]:
    """Return the rows of the dated tables that decide what is learnt and judged on a day, and where each comes from."""
    limits = {
        name: {"amount": str(tables.limit(name, on)), **tables.origin("limits", on, limit=name)}
        for name in ("lasting_weeks", "model_group_smallest")
    }
    row = tables.in_force("allocation_policies", on)
    allocation = {"version": row["version"], "need_floor": row["need_floor"]}
    return limits | {"allocation": allocation | tables.origin("allocation_policies", on)}


def assess(session: WriteSession, actor: Actor, model: RankingModel) -> RankingModel:
    """Measure a model on held-out cases, and store its figures and release gates.

    The stored model has learnt from all cases, so it cannot be measured on them. Instead, a second model is trained in
    the same way on the earlier cases only, and the second model is measured.
    """
    to_state = destination(MODEL_MOVES, model.state, ModelEvent.ASSESS, ModelMoveRefused)
    until = date.fromisoformat(read_manifest(model).metrics["until"])
    figures, gates = measure(session, until, released_model(session), read_model(model.kept))
    _move(session, actor, model, ModelEvent.ASSESS, to_state, "")
    model.assessment = figures | {"gates": [gate.model_dump() for gate in gates], "on": actor.today.isoformat()}
    session.flush()  # the reply carries the new version
    return model


def read_manifest(model: RankingModel) -> model_files.Manifest:
    """Return the manifest of a stored model. Refused if this version of the service cannot use the stored file."""
    try:
        return model_files.load(model.kept)[1]
    except model_files.ModelRefused as wrong:
        raise RuleBroken(str(wrong)) from wrong


def measure(
    session: Session, until: date, in_use: TwoSidedModel, stored: TwoSidedModel
) -> tuple[dict[str, Any], list[GateOut]]:
    """Return the figures on held-out cases, and the release gates.

    ``in_use`` is the model that ranks now; ``stored`` is the model being assessed. Every interval is calculated from
    one mean figure for each person, because several lists of one person are not independent.
    """
    decided = queries.decided(session, until)
    cases = [shortlisted.case for shortlisted in decided]
    split = evaluation.split_by_time(
        [case.decided_on for case in cases], [case.jobseeker for case in cases], HELD_OUT_SHARE
    )
    held_out = [decided[i] for i in (*split.warm, *split.cold)]
    learnt = [decided[i] for i in split.train]
    earlier, later = [row.case for row in learnt], [row.case for row in held_out]
    from matching.learning.training import train  # noqa: PLC0415

    measured = train(earlier, "assessed").model
    lists = [shortlist for shortlist in queries.held_out_lists(session, held_out, learnt) if any(shortlist.grades)]
    people, ours, theirs = _by_person(lists, measured, in_use)
    gap = evaluation.paired(ours, theirs)
    drift = _drift(earlier, later)
    fewest = int(tables.limit("model_group_smallest", until))
    by_group = {
        question: _group_figures(ours - theirs, [answers.get(person, "") for person in people], fewest)
        for question, answers in queries.groups(session).items()
    }
    figures = {
        "compared_with": in_use.version,
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
        "calibration": _calibration(measured, later),
        "drift": drift,
        "difference_by_group": by_group,
        "policies": _policies(until),
        "note": "Only pairs on stored shortlists can be judged. A pair without a decision counts as not relevant.",
    }
    return figures, _gates(gap, drift, by_group, stored)


def _by_person(
    lists: Sequence[queries.HeldOutList], measured: TwoSidedModel, in_use: TwoSidedModel
) -> tuple[list[str], Any, Any]:
    """Return the jobseekers, and the mean NDCG of each one's lists: by the measured model, and by the model in use."""
    ours, theirs = _ndcg(lists, measured), _ndcg(lists, in_use)
    lists_of: dict[str, list[int]] = defaultdict(list)
    for index, shortlist in enumerate(lists):
        lists_of[shortlist.jobseeker].append(index)
    people = sorted(lists_of)
    return (
        people,
        np.array([ours[lists_of[person]].mean() for person in people]),
        np.array([theirs[lists_of[person]].mean() for person in people]),
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
    """Return the NDCG at 10 of each list when the model ranks the pairs of the list."""
    return np.array([evaluation.ndcg(shortlist.grades, model.scores(shortlist.pairs)) for shortlist in lists])


def _calibration(model: TwoSidedModel, cases: Sequence[DecidedCase]) -> dict[str, Any]:
    """Return, by side, the Brier score and calibration error of the model, or a note that there are too few cases."""
    calibration: dict[str, Any] = {}
    for side in ModelSide:
        labelled = [(case.values, label) for case in cases if (label := case.label(side)) is not None]
        if len(labelled) < FEWEST_PEOPLE:
            note = f"There are too few cases to judge. At least {FEWEST_PEOPLE} are needed."
            calibration[side.value] = {"cases": len(labelled), "note": note}
            continue
        p = model.probabilities([values for values, _ in labelled])[side]
        y = [float(label) for _, label in labelled]
        calibration[side.value] = {
            "cases": len(labelled),
            "brier": round(evaluation.brier(p, y), 4),
            "calibration_error": round(evaluation.calibration_error(p, y), 4),
        }
    return calibration


def _drift(earlier: Sequence[DecidedCase], later: Sequence[DecidedCase]) -> dict[str, float]:
    """Return, by feature, its mean in the later cases minus its mean in the earlier ones, where both have values."""
    drift = {}
    for feature in Feature:
        old, new = ([v for c in cases if (v := _value(c, feature)) is not None] for cases in (earlier, later))
        if old and new:
            drift[feature.value] = round(float(np.mean(new) - np.mean(old)), 4)
    return drift


def _value(case: DecidedCase, feature: Feature) -> float | None:
    return case.values[feature].value if feature in case.values else None


def _group_figures(gaps: Any, groups: Sequence[str], fewest: int) -> dict[str, Any]:
    """Return a summary of ``gaps`` (one for each person) by group, or None for a group of fewer than ``fewest`` people.

    People who did not answer the question are in no group.
    """
    is_answered = np.array([bool(group) and group not in NO_ANSWER for group in groups], dtype=bool)
    if not is_answered.any():
        return {}
    answers = [group for group, has_answer in zip(groups, is_answered, strict=True) if has_answer]
    by_group = evaluation.by_group(np.asarray(gaps)[is_answered], answers, fewest)
    return {group: None if measured is None else _summary(measured) for group, measured in by_group.items()}


def _gates(
    gap: evaluation.Measured, drift: dict[str, float], by_group: dict[str, Any], stored: TwoSidedModel
) -> list[GateOut]:
    """Return the release gates. A gate that cannot be judged because there are too few cases is not passed."""
    enough = gap.lists >= FEWEST_PEOPLE
    worse = [
        f"{question} {group}"
        for question, groups in by_group.items()
        for group, figures in groups.items()
        if figures is not None and figures["interval"] is not None and figures["interval"][1] < 0.0
    ]
    judged = [f for groups in by_group.values() for f in groups.values() if f is not None]
    drifted = [name for name, moved in drift.items() if abs(moved) > MOST_DRIFT]
    best, worst = ({name: Value(value) for name in Feature} for value in (1.0, 0.0))
    top, bottom = stored.scores([best, worst]).tolist()
    return [
        GateOut(
            gate="ranking",
            passed=enough and gap.low > -TOLERATED and gap.mean >= 0.0,
            text="NDCG at 10 of this model on held-out shortlists, minus that of the model in use: "
            f"{gap.mean:+.4f}, interval [{gap.low:+.4f}, {gap.high:+.4f}]."
            if enough
            else f"Only {gap.lists} people have a held-out shortlist with a good outcome. "
            f"At least {FEWEST_PEOPLE} such people are needed to judge.",
        ),
        GateOut(
            gate="groups",
            passed=bool(judged) and not worse,
            text=f"This model ranks worse than the model in use for these groups: {', '.join(worse)}."
            if worse
            else "This model ranks no group worse than the model in use does."
            if judged
            else "No group is large enough to judge.",
        ),
        GateOut(
            gate="drift",
            passed=bool(drift) and not drifted,
            text=f"The earlier cases and the held-out cases differ in these features: {', '.join(drifted)}."
            if drifted
            else "The earlier cases and the held-out cases are similar."
            if drift
            else "There are no held-out cases to compare.",
        ),
        GateOut(
            gate="nonsense",
            passed=top > bottom and bottom < 0.5 * top,
            text=f"A pair with the worst value in every feature scores {bottom:.3f}, "
            f"and a pair with the best value in every feature scores {top:.3f}.",
        ),
        GateOut(
            gate="signs",
            passed=_signs_hold(stored),
            text="To pass, every feature that may only raise the score must have a weight of 0 or more.",
        ),
    ]


def _signs_hold(model: TwoSidedModel) -> bool:
    """Return whether every feature that may only raise the score has a weight of 0 or more."""
    return all(
        not WEIGHTS[side][name].is_monotone or model.sides[side].contributions_of[name] >= 0.0
        for side, names in SIDES.items()
        for name in names
    )


def release(session: WriteSession, actor: Actor, model: RankingModel, reason: str) -> RankingModel:
    """Use a model for ranking from now on, and retire the model that was used until now.

    Refused unless all release gates are passed and the assessment compared the model with the one used until now.
    """
    to_state = destination(MODEL_MOVES, model.state, ModelEvent.RELEASE, ModelMoveRefused)
    closed = [gate.gate for gate in gates_of(model) if not gate.passed]
    if closed:
        raise GatesClosed(
            f"These release gates are not passed: {', '.join(closed)}. "
            "Next: assess the model again when there are more cases.",
            closed=closed,
        )
    compared_with = (model.assessment or {}).get("compared_with")
    if compared_with != released_model(session).version:
        raise GatesClosed(
            "The model in use has changed since this model was assessed. Next: assess it again, then release it.",
            closed=[],
        )
    in_use = session.scalars(select(RankingModel).where(RankingModel.state == ModelState.RELEASED)).one_or_none()
    if in_use is not None:
        _move(session, actor, in_use, ModelEvent.RETIRE, ModelState.RETIRED, f"Replaced by {model.name}.")
        session.flush()  # a unique index allows one released model, so the model in use is retired first
    _move(session, actor, model, ModelEvent.RELEASE, to_state, reason)
    session.flush()  # the reply carries the new version
    return model


def retire(session: WriteSession, actor: Actor, model: RankingModel, reason: str) -> RankingModel:
    """Retire a model. If it was in use, the expert weights are used until another model is released."""
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
    """Return the release gates of the last assessment; empty if the model has not been assessed."""
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
