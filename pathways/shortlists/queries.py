"""Every SELECT on shortlists, and what a ranking reads of people."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import load_only

from matching.learning import model_files
from matching.pairs.profiles import JobseekerProfile
from matching.score.ranker import EXPERT_VERSION, TwoSidedModel
from pathways.base import Actor
from pathways.database import Session
from pathways.errors import NotFound, RuleBroken
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    ConfirmedWord,
    Jobseeker,
    JobseekerState,
    ProfileVersion,
    SafetyExclusion,
    WordKind,
)
from pathways.placements import queries as placement_queries
from pathways.placements.models import PlacementVersion
from pathways.shortlists import profiles
from pathways.shortlists.models import ModelState, RankingModel, Shortlist, ShortlistMatch

MOST_IDS = 5000
# For lists of shortlists: what one was ranked on is tens of kilobytes.
WITHOUT_WHAT_WAS_RANKED = load_only(
    Shortlist.id, Shortlist.shown_on, Shortlist.recorded_at, Shortlist.eligible, Shortlist.model_version
)


def visible_to(actor: Actor) -> Select[Shortlist]:
    """A shortlist for a jobseeker is seen by who may see the jobseeker; one for a placement by who made it."""
    visible = jobseeker_queries.is_visible(actor, Shortlist.jobseeker_id)
    return select(Shortlist).where(
        Shortlist.partner_id == actor.organisation_id,
        visible | ((Shortlist.placement_id.is_not(None)) & (Shortlist.by == actor.user_id)),
    )


def shortlist(session: Session, actor: Actor, shortlist_id: UUID) -> Shortlist:
    found = session.scalars(visible_to(actor).where(Shortlist.id == shortlist_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such shortlist.")
    return found


def matches(session: Session, actor: Actor, shortlist_id: UUID) -> list[ShortlistMatch]:
    """Return the pairs in their order; a jobseeker that has since been restricted is left out."""
    return list(
        session.scalars(
            select(ShortlistMatch)
            .where(
                ShortlistMatch.partner_id == actor.organisation_id,
                ShortlistMatch.shortlist_id == shortlist_id,
                jobseeker_queries.is_visible(actor, ShortlistMatch.jobseeker_id),
            )
            .order_by(ShortlistMatch.rank)
        )
    )


def benefits(session: Session, actor: Actor, jobseeker_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """Return the benefits that some people of this actor's partner named."""
    if not jobseeker_ids:
        return {}
    rows = session.execute(
        select(ProfileVersion.jobseeker_id, ProfileVersion.benefits).where(
            ProfileVersion.partner_id == actor.organisation_id,
            ProfileVersion.jobseeker_id.in_(jobseeker_ids),
            as_known(ProfileVersion),
        )
    )
    return {row.jobseeker_id: row.benefits or [] for row in rows}


def people_to_rank(session: Session, actor: Actor, *where: Any) -> list[Jobseeker]:
    """Return the open cases this actor may see."""
    return list(
        session.scalars(
            select(Jobseeker)
            .where(jobseeker_queries.may_see(actor), Jobseeker.state == JobseekerState.OPEN, *where)
            .order_by(Jobseeker.id)
        )
    )


def ids_to_rank(session: Session, actor: Actor, *where: Any) -> list[UUID]:
    """Return the ids of the open cases this actor may see."""
    rows = select(Jobseeker.id).where(jobseeker_queries.may_see(actor), Jobseeker.state == JobseekerState.OPEN, *where)
    return list(session.scalars(rows.order_by(Jobseeker.id)))


def people(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[Jobseeker]:
    """Return those of some jobseekers whose cases are open and who may be seen."""
    found: list[Jobseeker] = []
    for start in range(0, len(ids), MOST_IDS):
        found += people_to_rank(session, actor, Jobseeker.id.in_(ids[start : start + MOST_IDS]))
    return found


def newest_facts(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """Return what changes whenever anything does that a ranking reads of some people."""
    told: list[Any] = []
    for start in range(0, len(ids), MOST_IDS):
        piece = list(ids[start : start + MOST_IDS])
        rows = select(Jobseeker.id, Jobseeker.version, Jobseeker.easting, Jobseeker.northing).where(
            Jobseeker.id.in_(piece)
        )
        told += [tuple(row) for row in session.execute(rows.order_by(Jobseeker.id))]
        for model in (ProfileVersion, SafetyExclusion, ConfirmedWord):
            partners = select(Jobseeker.partner_id).where(Jobseeker.id.in_(piece))
            facts = select(model.id).where(model.partner_id.in_(partners), model.jobseeker_id.in_(piece))
            told += session.scalars(facts.order_by(model.id)).all()
    return told


def _about(model: Any, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        model.partner_id.in_(bindparam("partners", expanding=True)),
        model.jobseeker_id.in_(bindparam("people", expanding=True)),
        as_known(model),
    )


# Made once: putting such a query together costs as much as running it. Most people have no exclusion and no confirmed
# word, so the first says whether there is any to read.
FACTS: dict[type[Any], Select[Any]] = {
    model: _about(model, model).order_by(model.id) for model in (SafetyExclusion, ConfirmedWord)
}
PROFILES = _about(
    ProfileVersion,
    ProfileVersion,
    _about(SafetyExclusion, SafetyExclusion.id).exists().label("has_exclusions"),
    _about(ConfirmedWord, ConfirmedWord.id).exists().label("has_words"),
)


def profiled(
    session: Session, people: Iterable[Jobseeker], on: date
) -> list[tuple[JobseekerProfile, ProfileVersion | None]]:
    """Return people as a ranking reads them, each with the profile version that was read."""
    everybody = list(people)
    versions: dict[UUID, ProfileVersion] = {}
    exclusions: dict[UUID, list[SafetyExclusion]] = defaultdict(list)
    meanings: dict[tuple[UUID, WordKind], dict[str, str]] = defaultdict(dict)
    # Read in pieces that both databases take as parameters.
    for start in range(0, len(everybody), MOST_IDS):
        piece = everybody[start : start + MOST_IDS]
        whose = {"partners": list({one.partner_id for one in piece}), "people": [one.id for one in piece]}
        rows = session.execute(PROFILES, whose).all()
        versions |= {row[0].jobseeker_id: row[0] for row in rows}
        if not rows or rows[0].has_exclusions:
            for exclusion in session.scalars(FACTS[SafetyExclusion], whose):
                exclusions[exclusion.jobseeker_id].append(exclusion)
        if not rows or rows[0].has_words:
            for word in session.scalars(FACTS[ConfirmedWord], whose):
                if word.label is not None:
                    meanings[word.jobseeker_id, word.kind][word.text.casefold()] = word.label
    found = []
    for person in everybody:
        version = versions.get(person.id)
        beside = profiles.ProfileFacts(
            exclusions=profiles.exclusions_of(exclusions[person.id]),
            skills=meanings[person.id, WordKind.SKILL],
            occupations=meanings[person.id, WordKind.OCCUPATION],
        )
        found.append((profiles.of_jobseeker(person, version, on, beside), version))
    return found


def exclusions(session: Session, actor: Actor, jobseeker_ids: Collection[UUID]) -> dict[UUID, list[SafetyExclusion]]:
    """Return the safety exclusions that stand about some people of this actor's partner, of those who have any."""
    ids = list(jobseeker_ids)
    found: dict[UUID, list[SafetyExclusion]] = defaultdict(list)
    for start in range(0, len(ids), MOST_IDS):
        whose = {"partners": [actor.organisation_id], "people": ids[start : start + MOST_IDS]}
        for row in session.scalars(FACTS[SafetyExclusion], whose):
            found[row.jobseeker_id].append(row)
    return dict(found)


# Placements as they stand, whether a jobseeker may be seen and has any exclusion, in one question.
STILL_OPEN = {
    role: placement_queries.STILL_OPEN.add_columns(
        one.exists(),
        select(SafetyExclusion.id)
        .where(
            SafetyExclusion.partner_id == bindparam("organisation"),
            SafetyExclusion.jobseeker_id == bindparam("id"),
            as_known(SafetyExclusion),
        )
        .exists(),
    )
    for role, one in jobseeker_queries.ONE_ID.items()
}


def still_open(
    session: Session, actor: Actor, placement_ids: Collection[UUID], on: date, jobseeker_id: UUID | None
) -> tuple[dict[UUID, tuple[int, int]], bool]:
    """Return what ``placement_queries.still_open`` does, and whether an exclusion has to be looked for.

    Refuses where this actor may not see the jobseeker any more.
    """
    if jobseeker_id is None or not placement_ids:
        if jobseeker_id is not None:
            jobseeker_queries.must_see(session, actor, jobseeker_id)
        return placement_queries.still_open(session, placement_ids, on), True
    asked = {"ids": list(placement_ids), "day": on, **jobseeker_queries.scope_parameters(actor, jobseeker_id)}
    rows = session.connection().execute(STILL_OPEN[actor.role], asked).all()
    if not rows or not rows[0][3]:
        jobseeker_queries.must_see(session, actor, jobseeker_id)
    return {row[0]: (row[1], row[2]) for row in rows if row[2] > 0}, any(row[4] for row in rows)


def versions(session: Session, numbers: Collection[int]) -> dict[int, PlacementVersion]:
    """Return listings as they stood, by the short numbers of their versions."""
    rows = session.scalars(select(PlacementVersion).where(PlacementVersion.number.in_(numbers)))
    return {row.number: row for row in rows}


def where_listings_were(session: Session, numbers: Sequence[int]) -> list[Any]:
    """Return the placement and the place of each of many versions, in the order of their numbers."""
    columns = (
        PlacementVersion.number,
        PlacementVersion.placement_id,
        PlacementVersion.easting,
        PlacementVersion.northing,
    )
    found: list[Any] = []
    for start in range(0, len(numbers), MOST_IDS):
        piece = list(numbers[start : start + MOST_IDS])
        found += session.execute(select(*columns).where(PlacementVersion.number.in_(piece)))
    return sorted(found, key=lambda row: row.number)


def ranking_model(session: Session, name: str) -> TwoSidedModel:
    """Return the model a shortlist was made with; the experts' own where none of that name is kept."""
    if name == EXPERT_VERSION:
        return TwoSidedModel.expert()
    kept = session.scalars(select(RankingModel.kept).where(RankingModel.name == name)).one_or_none()
    return TwoSidedModel.expert() if kept is None else read_model(kept)


def released_model(session: Session) -> TwoSidedModel:
    """Return the model a person released; the experts' own where none is."""
    kept = session.scalars(select(RankingModel.kept).where(RankingModel.state == ModelState.RELEASED)).one_or_none()
    return TwoSidedModel.expert() if kept is None else read_model(kept)


@lru_cache(maxsize=8)
def read_model(kept: bytes) -> TwoSidedModel:
    try:
        return model_files.load(kept)[0]
    except model_files.ModelRefused as wrong:
        raise RuleBroken(
            f"The model in use cannot be read. {wrong} Retire it to go on with the experts' own."
        ) from wrong
