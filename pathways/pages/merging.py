"""The pages on which two records of one person are merged, with every difference, and on which a merge is undone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.casefile import merging
from pathways.casefile.joined import FieldsJoined, joined_fields
from pathways.database import Database, Session
from pathways.duplicates import queries
from pathways.duplicates.models import DuplicatePair, PairState
from pathways.errors import Conflict, DomainError
from pathways.holdings import Holding
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, Merge
from pathways.jobseekers.schemas import ReasonBody
from pathways.pages.forms import Faults, FormQuestion, body_of, faults_of, first
from pathways.pages.person import find, latest_profile
from pathways.pages.person_questions import DETAILS_STEPS, PROFILE_STEPS
from pathways.pages.steps import in_words
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Merger = Annotated[Visitor, allowed(Permission.JOBSEEKER_MERGE)]
QUESTIONS = tuple(question for step in (*DETAILS_STEPS, *PROFILE_STEPS) for question in step.questions)
REASON = (
    FormQuestion(
        "reason",
        "text",
        "How do you know that it is one person?",
        "In at least three words.",
        missing="Say how you know, in at least three words",
    ),
)
WHY_UNDO = (FormQuestion("reason", "text", "Why is it undone?", missing="Say why, in at least three words"),)
# What moves to the kept record: by table, one and many.
MOVED = {
    "referrals": ("referral", "referrals"),
    "enrolments": ("enrolment on a programme", "enrolments on programmes"),
    "introductions": ("introduction", "introductions"),
    "spells": ("spell of work", "spells of work"),
    "evidence": ("item of evidence", "items of evidence"),
    "outcomes": ("outcome", "outcomes"),
    "claims": ("claim", "claims"),
    "contacts": ("contact", "contacts"),
    "sharing_permissions": ("permission to share", "permissions to share"),
    "safety_exclusions": ("safety exclusion", "safety exclusions"),
    "check_ins": ("check-in", "check-ins"),
    "action_plans": ("version of the action plan", "versions of the action plan"),
}


@dataclass(frozen=True, slots=True)
class MergedField:
    """One field of both records and of the record that is kept: in words."""

    text: str
    kept: str
    other: str
    after: str

    @property
    def differs(self) -> bool:
        return self.kept != self.other

    @property
    def is_lost_from_sight(self) -> bool:
        """Return whether the other record's value stands only in its history afterwards."""
        return bool(self.other) and self.other != self.after and self.other not in self.after


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do: which record stays, each field, and what moves."""

    kept_reference: str
    other_reference: str
    fields: list[MergedField]
    moves: list[str]


def _said(session: Session, actor: Actor, person: Jobseeker) -> tuple[dict[str, Any], set[str]]:
    """Return the details and the latest profile of a record as far as the actor may read them, and what is withheld."""
    shown = jobseeker_actions.reply(session, actor, person)
    latest = latest_profile(session, actor, person)
    values = shown.model_dump() | (latest.model_dump() if latest else {})
    return values, {*shown.withheld, *(latest.withheld if latest else ())}


def _fields(kept: Mapping[str, Any], other: Mapping[str, Any], joined: FieldsJoined) -> Iterator[MergedField]:
    new = {**joined.details, **joined.columns, **joined.about}
    after = {**kept, **{name: value for name, value in new.items() if name in kept}}
    said = [in_words(QUESTIONS, values) for values in (kept, other, after)]
    for question in QUESTIONS:
        one, two, three = (words.get(question.name, "") for words in said)
        if one or two:
            yield MergedField(question.text, one, two, three)


def preview(session: Session, actor: Actor, holdings: list[Holding], kept: Jobseeker, other: Jobseeker) -> MergePreview:
    """Return what a merge would do. Nothing is changed."""
    (values, hidden), (others, hidden_too) = (_said(session, actor, one) for one in (kept, other))
    withheld = hidden | hidden_too
    own, theirs = ({name: value for name, value in one.items() if name not in withheld} for one in (values, others))
    joined = joined_fields(session, kept, other, actor.today)
    counts = {
        held.model.__tablename__: len(holding.rows(session, other.id)[held.model.__tablename__])
        for holding in holdings
        for held in holding.moving
        if held.model.__tablename__ in MOVED
    }
    moves = [f"{counts[table]} {words[counts[table] != 1]}" for table, words in MOVED.items() if counts.get(table)]
    return MergePreview(kept.reference, other.reference, list(_fields(own, theirs, joined)), moves)


def _sides(session: Session, actor: Actor, pair: DuplicatePair, keep: str) -> tuple[Jobseeker, Jobseeker]:
    """Return the record to keep and the other. Without a choice, the record that was made first is kept."""
    ids = sorted((pair.jobseeker_id, pair.other_id))
    people = [jobseeker_queries.jobseeker(session, actor, one) for one in ids]
    if people[1].reference == keep:
        people.reverse()
    return people[0], people[1]


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    pair_id: UUID,
    keep: str,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        pair = queries.pair(session, actor, pair_id)
        if pair.state is PairState.DIFFERENT:
            raise Conflict("These records were marked as two people. If that is wrong, mark them as one person first.")
        kept, other = _sides(session, actor, pair, keep)
        shown = preview(session, actor, request.app.state.holdings, kept, other)
        actor.reading.people |= {pair.jobseeker_id, pair.other_id}
    return show(
        request,
        visitor,
        "duplicates/merge",
        "Merge two records",
        422 if faults else 200,
        preview=shown,
        pair_id=pair_id,
        questions=REASON,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(REASON) if faults else (),
    )


@router.get("/duplicates/{pair_id:uuid}/merge")
def ask_merge(pair_id: UUID, request: Request, visitor: Merger, database: DatabaseDep, keep: str = "") -> Response:
    """Show what a merge would do: every field of both records, which value stays, and what moves."""
    return _page(request, visitor, database, pair_id, keep)


@router.post("/duplicates/{pair_id:uuid}/merge")
def merge(pair_id: UUID, request: Request, visitor: Merger, database: DatabaseDep, typed: TypedDep) -> Response:
    """Merge the other record into the chosen record."""
    actor, keep = visitor.actor, first(typed, "keep")
    try:
        reason = body_of(ReasonBody, REASON, typed).reason
        with database.writing(actor) as session:
            pair = queries.pair(session, actor, pair_id)
            kept, other = _sides(session, actor, pair, keep)
            reference = kept.reference
            once_of(request, typed)(
                session,
                actor,
                lambda: merging.merge(session, actor, request.app.state.holdings, kept.id, other.id, reason),
                lambda made: session.get_one(Merge, made),
            )
    except Faults as faults:
        return _page(request, visitor, database, pair_id, keep, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, pair_id, keep, typed, faults_of(refused, REASON))
    return go(f"/people/{reference}", "merged")


def _undo_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    merge_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        person = find(session, actor, reference)
        made = merging.reply(session, actor, jobseeker_queries.merge(session, actor, person.id, merge_id))
    return show(
        request,
        visitor,
        "duplicates/undo",
        "Separate two records",
        422 if faults else 200,
        made=made,
        reference=reference,
        questions=WHY_UNDO,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(WHY_UNDO) if faults else (),
    )


@router.get("/people/{reference}/merges/{merge_id:uuid}")
def ask_undo(reference: str, merge_id: UUID, request: Request, visitor: Merger, database: DatabaseDep) -> Response:
    """Ask why a merge is undone."""
    return _undo_page(request, visitor, database, reference, merge_id)


@router.post("/people/{reference}/merges/{merge_id:uuid}")
def undo(
    reference: str, merge_id: UUID, request: Request, visitor: Merger, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Undo a merge, and show what could not be put back."""
    actor = visitor.actor
    try:
        reason = body_of(ReasonBody, WHY_UNDO, typed).reason
        with database.writing(actor) as session:
            person = find(session, actor, reference)
            made = jobseeker_queries.merge(session, actor, person.id, merge_id)
            undone = merging.undo(session, actor, request.app.state.holdings, made, reason)[1]
            restored = jobseeker_queries.jobseeker(session, actor, undone.restored_id).reference
    except Faults as faults:
        return _undo_page(request, visitor, database, reference, merge_id, typed, faults)
    except DomainError as refused:
        return _undo_page(request, visitor, database, reference, merge_id, typed, faults_of(refused, WHY_UNDO))
    return show(
        request,
        visitor,
        "duplicates/undone",
        "The records are separate again",
        kept=reference,
        restored=restored,
        left=undone.left,
        stays=[f"{count} {MOVED.get(table, ('', 'other rows'))[count != 1]}" for table, count in undone.stays.items()],
    )
