"""Every SELECT on shortlists, and the data about jobseekers that a ranking reads."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, select
from sqlalchemy.orm import load_only

from matching.learning import model_files
from matching.pairs.profiles import JobseekerProfile
from matching.score.ranker import EXPERT_VERSION, TwoSidedModel
from pathways.base import Actor
from pathways.database import Session
from pathways.duplicates.models import DuplicatePair, may_be_one_person
from pathways.errors import NotFound, RuleBroken
from pathways.facts import as_known
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    ConfirmedWord,
    Jobseeker,
    JobseekerDetails,
    JobseekerState,
    ProfileVersion,
    SafetyExclusion,
    WordKind,
)
from pathways.placements import queries as placement_queries
from pathways.placements.models import PlacementVersion
from pathways.shortlists import connected, profiles
from pathways.shortlists.models import ModelState, RankingModel, SafetyReview, Shortlist, ShortlistMatch

MOST_IDS = 5000
# For lists of shortlists: leaves out the packed columns, which are tens of kilobytes for each shortlist.
WITHOUT_WHAT_WAS_RANKED = load_only(
    Shortlist.id, Shortlist.shown_on, Shortlist.recorded_at, Shortlist.eligible, Shortlist.model_version
)


def visible_to(actor: Actor) -> Select[Shortlist]:
    """Return the query of shortlists the actor may read.

    A jobseeker's shortlist is visible to every actor who may see the jobseeker. A placement's shortlist is visible only
    to the member who made it.
    """
    visible = jobseeker_queries.is_visible(actor, Shortlist.jobseeker_id)
    return select(Shortlist).where(
        Shortlist.partner_id == actor.organisation_id,
        visible | ((Shortlist.placement_id.is_not(None)) & (Shortlist.by == actor.user_id)),
    )


def shortlist(session: Session, actor: Actor, shortlist_id: UUID) -> Shortlist:
    shortlist_row = session.scalars(visible_to(actor).where(Shortlist.id == shortlist_id)).one_or_none()
    if shortlist_row is None:
        raise NotFound("There is no shortlist with this id that you may see. Check the id.")
    return shortlist_row


def matches(session: Session, actor: Actor, shortlist_id: UUID) -> list[ShortlistMatch]:
    """Return the matches in rank order, without jobseekers the actor may no longer see."""
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
    """Return, for each given jobseeker of the actor's partner, the benefits in the current profile."""
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
    """Return the jobseekers with open cases that the actor may see, filtered by ``where``."""
    return list(
        session.scalars(
            select(Jobseeker)
            .where(jobseeker_queries.may_see(actor), Jobseeker.state == JobseekerState.OPEN, *where)
            .order_by(Jobseeker.id)
        )
    )


def ids_to_rank(session: Session, actor: Actor, *where: Any) -> list[UUID]:
    """Return the ids of the jobseekers with open cases that the actor may see, filtered by ``where``."""
    rows = select(Jobseeker.id).where(jobseeker_queries.may_see(actor), Jobseeker.state == JobseekerState.OPEN, *where)
    return list(session.scalars(rows.order_by(Jobseeker.id)))


def people(session: Session, actor: Actor, ids: Sequence[UUID]) -> list[Jobseeker]:
    """Return the given jobseekers that have an open case and are visible to the actor."""
    people_found: list[Jobseeker] = []
    for start in range(0, len(ids), MOST_IDS):
        people_found += people_to_rank(session, actor, Jobseeker.id.in_(ids[start : start + MOST_IDS]))
    return people_found


def newest_facts(session: Session, ids: Sequence[UUID]) -> list[Any]:
    """Return values to compare later, to find out whether the ranking data of the given jobseekers has changed.

    The values are the jobseekers' versions and coordinates, and the ids of their profile, exclusion and word facts.
    """
    values: list[Any] = []
    for start in range(0, len(ids), MOST_IDS):
        batch = list(ids[start : start + MOST_IDS])
        rows = select(Jobseeker.id, Jobseeker.version, Jobseeker.easting, Jobseeker.northing).where(
            Jobseeker.id.in_(batch)
        )
        values += [tuple(row) for row in session.execute(rows.order_by(Jobseeker.id))]
        for model in (ProfileVersion, SafetyExclusion, ConfirmedWord):
            partners = select(Jobseeker.partner_id).where(Jobseeker.id.in_(batch))
            facts = select(model.id).where(model.partner_id.in_(partners), model.jobseeker_id.in_(batch))
            values += session.scalars(facts.order_by(model.id)).all()
    return values


def _about(model: Any, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        model.partner_id.in_(bindparam("partners", expanding=True)),
        model.jobseeker_id.in_(bindparam("people", expanding=True)),
        as_known(model),
    )


# Built once, because building such a query takes as long as running it. Most jobseekers have no exclusion and no
# confirmed word, so PROFILES also returns whether any exclusion or word must be read.
FACTS: dict[type[Any], Select[Any]] = {
    model: _about(model, model).order_by(model.id) for model in (SafetyExclusion, ConfirmedWord, SafetyReview)
}
PROFILES = _about(
    ProfileVersion,
    ProfileVersion,
    _about(SafetyExclusion, SafetyExclusion.id).exists().label("has_exclusions"),
    _about(ConfirmedWord, ConfirmedWord.id).exists().label("has_words"),
    _about(JobseekerDetails, JobseekerDetails.id)
    .where(JobseekerDetails.interpreter_needed.is_(True))
    .exists()
    .label("has_interpreters"),
)
NEED_INTERPRETERS = _about(JobseekerDetails, JobseekerDetails.jobseeker_id).where(
    JobseekerDetails.interpreter_needed.is_(True)
)


def profiled(
    session: Session, people: Iterable[Jobseeker], on: date
) -> list[tuple[JobseekerProfile, ProfileVersion | None]]:
    """Return each jobseeker as the input of a ranking, with the profile version used (None without a profile)."""
    all_people = list(people)
    versions: dict[UUID, ProfileVersion] = {}
    exclusions: dict[UUID, list[SafetyExclusion]] = defaultdict(list)
    meanings: dict[tuple[UUID, WordKind], dict[str, str]] = defaultdict(dict)
    not_meant: dict[tuple[UUID, WordKind], dict[str, list[str]]] = defaultdict(dict)
    interpreted: set[UUID] = set()
    # Read in batches, because both databases limit the number of query parameters.
    for start in range(0, len(all_people), MOST_IDS):
        batch = all_people[start : start + MOST_IDS]
        parameters = {
            "partners": list({person.partner_id for person in batch}),
            "people": [person.id for person in batch],
        }
        rows = session.execute(PROFILES, parameters).all()
        versions |= {row[0].jobseeker_id: row[0] for row in rows}
        if not rows or rows[0].has_exclusions:
            for exclusion in session.scalars(FACTS[SafetyExclusion], parameters):
                exclusions[exclusion.jobseeker_id].append(exclusion)
        if not rows or rows[0].has_words:
            for word in session.scalars(FACTS[ConfirmedWord], parameters):
                if word.not_meant is not None:
                    own = not_meant[word.jobseeker_id, word.kind].setdefault(word.text.casefold(), [])
                    own.append(word.not_meant)
                elif word.label is not None:
                    meanings[word.jobseeker_id, word.kind][word.text.casefold()] = word.label
        if not rows or rows[0].has_interpreters:
            interpreted.update(session.scalars(NEED_INTERPRETERS, parameters))
    named = connected.workplaces(session, [row for rows in exclusions.values() for row in rows])
    pairs = []
    for person in all_people:
        version = versions.get(person.id)
        facts = profiles.ProfileFacts(
            exclusions=profiles.exclusions_of(exclusions[person.id], named),
            skills=meanings[person.id, WordKind.SKILL],
            occupations=meanings[person.id, WordKind.OCCUPATION],
            not_these_skills=not_meant[person.id, WordKind.SKILL],
            not_this_work=not_meant[person.id, WordKind.OCCUPATION],
            needs_interpreter=person.id in interpreted,
        )
        pairs.append((profiles.of_jobseeker(person, version, on, facts), version))
    return pairs


def exclusions(
    session: Session, partner_ids: Collection[UUID], jobseeker_ids: Collection[UUID]
) -> dict[UUID, list[SafetyExclusion]]:
    """Return the current safety exclusions of the given jobseekers of the given partners.

    Jobseekers without an exclusion are not in the result.
    """
    ids = list(jobseeker_ids)
    by_jobseeker: dict[UUID, list[SafetyExclusion]] = defaultdict(list)
    for start in range(0, len(ids), MOST_IDS):
        parameters = {"partners": list(partner_ids), "people": ids[start : start + MOST_IDS]}
        for row in session.scalars(FACTS[SafetyExclusion], parameters):
            by_jobseeker[row.jobseeker_id].append(row)
    return dict(by_jobseeker)


def suspected_exclusions(
    session: Session, partner_ids: Collection[UUID], jobseeker_ids: Collection[UUID]
) -> dict[UUID, list[SafetyExclusion]]:
    """Return the current safety exclusions of records that may be the same people as the given jobseekers.

    Those are the records in a pair with a jobseeker's record that is as likely as not one person, and that nobody has
    decided to be two people. Jobseekers without such an exclusion are not in the result.
    """
    found: dict[UUID, list[SafetyExclusion]] = defaultdict(list)
    ids = list(jobseeker_ids)
    for start in range(0, len(ids), MOST_IDS):
        parameters = {"partners": list(partner_ids), "people": ids[start : start + MOST_IDS]}
        for query in SUSPECTED:
            for jobseeker_id, row in session.execute(query, parameters):
                found[jobseeker_id].append(row)
    return dict(found)


def _of_pairs(own: Any, other: Any) -> Select[Any]:
    """Return the query of one side of the pairs: a jobseeker, and an exclusion of the other record."""
    return (
        select(own, SafetyExclusion)
        .join(
            SafetyExclusion,
            and_(SafetyExclusion.partner_id == DuplicatePair.partner_id, SafetyExclusion.jobseeker_id == other),
        )
        .where(
            DuplicatePair.partner_id.in_(bindparam("partners", expanding=True)),
            own.in_(bindparam("people", expanding=True)),
            may_be_one_person(DuplicatePair),
            as_known(SafetyExclusion),
        )
        .order_by(SafetyExclusion.id)
    )


SUSPECTED = (
    _of_pairs(DuplicatePair.jobseeker_id, DuplicatePair.other_id),
    _of_pairs(DuplicatePair.other_id, DuplicatePair.jobseeker_id),
)


def safety_reviews(
    session: Session, partner_ids: Collection[UUID], jobseeker_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID, str], frozenset[UUID]]:
    """Return by (jobseeker, placement, hash of the listing) the ids of the exclusions that caseworkers answered."""
    parameters = {"partners": list(partner_ids), "people": list(jobseeker_ids)}
    rows = session.scalars(FACTS[SafetyReview], parameters)
    found: dict[tuple[UUID, UUID, str], frozenset[UUID]] = {}
    for row in rows:
        key = (row.jobseeker_id, row.placement_id, row.listing)
        found[key] = found.get(key, frozenset()) | {UUID(answered) for answered in row.answers or ()}
    return found


# Open placements, whether the jobseeker is visible and whether the jobseeker has an exclusion, in one query.
STILL_OPEN = {
    role: placement_queries.STILL_OPEN.add_columns(
        visible_id.exists(),
        select(SafetyExclusion.id)
        .where(
            SafetyExclusion.partner_id == bindparam("organisation"),
            SafetyExclusion.jobseeker_id == bindparam("id"),
            as_known(SafetyExclusion),
        )
        .exists(),
    )
    for role, visible_id in jobseeker_queries.ONE_ID.items()
}


def still_open(
    session: Session, actor: Actor, placement_ids: Collection[UUID], on: date, jobseeker_id: UUID | None
) -> tuple[dict[UUID, tuple[int, int]], bool]:
    """Return open placements as ``placement_queries.still_open`` does, and whether to check safety exclusions.

    Refuses if the actor may no longer see the jobseeker.
    """
    if jobseeker_id is None or not placement_ids:
        if jobseeker_id is not None:
            jobseeker_queries.must_see(session, actor, jobseeker_id)
        return placement_queries.still_open(session, placement_ids, on), True
    parameters = {"ids": list(placement_ids), "day": on, **jobseeker_queries.scope_parameters(actor, jobseeker_id)}
    rows = session.connection().execute(STILL_OPEN[actor.role], parameters).all()
    if not rows or not rows[0][3]:
        jobseeker_queries.must_see(session, actor, jobseeker_id)
    return {row[0]: (row[1], row[2]) for row in rows if row[2] > 0}, any(row[4] for row in rows)


def versions(session: Session, numbers: Collection[int]) -> dict[int, PlacementVersion]:
    """Return stored placement versions by their short numbers."""
    rows = session.scalars(select(PlacementVersion).where(PlacementVersion.number.in_(numbers)))
    return {row.number: row for row in rows}


def where_listings_were(session: Session, numbers: Sequence[int]) -> list[Any]:
    """Return the placement id and the coordinates of the given versions, in ascending order of number."""
    columns = (
        PlacementVersion.number,
        PlacementVersion.placement_id,
        PlacementVersion.easting,
        PlacementVersion.northing,
    )
    versions_found: list[Any] = []
    for start in range(0, len(numbers), MOST_IDS):
        batch = list(numbers[start : start + MOST_IDS])
        versions_found += session.execute(select(*columns).where(PlacementVersion.number.in_(batch)))
    return sorted(versions_found, key=lambda row: row.number)


def ranking_model(session: Session, name: str) -> TwoSidedModel:
    """Return the ranking model of the given name, or the expert model if no model of that name is stored."""
    if name == EXPERT_VERSION:
        return TwoSidedModel.expert()
    model_file = session.scalars(select(RankingModel.kept).where(RankingModel.name == name)).one_or_none()
    return TwoSidedModel.expert() if model_file is None else read_model(model_file)


def released_model(session: Session) -> TwoSidedModel:
    """Return the released ranking model, or the expert model if no model is released."""
    model_file = session.scalars(
        select(RankingModel.kept).where(RankingModel.state == ModelState.RELEASED)
    ).one_or_none()
    return TwoSidedModel.expert() if model_file is None else read_model(model_file)


@lru_cache(maxsize=8)
def read_model(model_file: bytes) -> TwoSidedModel:
    """Return the model in a stored model file; refuse a file that cannot be read."""
    try:
        return model_files.load(model_file)[0]
    except model_files.ModelRefused as wrong:
        raise RuleBroken(
            f"The ranking model cannot be read. {wrong} The operator must retire this model; "
            "shortlists then use the expert model."
        ) from wrong
