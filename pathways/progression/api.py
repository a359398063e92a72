"""Routes for spells of work, evidence and outcomes."""

import shlex
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, File, Query, Response, UploadFile

from pathways import audit
from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    SettingsDep,
    etag,
    expect_version,
    must_hold_too,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.errors import Conflict, NotFound, NotPermitted
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import IntroductionState
from pathways.introductions.schemas import IntroductionOut, IntroductionRefusal, StartedOn
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.schemas import ReasonBody
from pathways.pagination import Page, page_of, page_of_all
from pathways.problems import documented
from pathways.progression import actions, evidence, outcomes, queries, starting
from pathways.progression.models import Evidence, Outcome, Spell
from pathways.progression.schemas import (
    EvidenceOut,
    EvidenceVerdict,
    NewEvidence,
    NewHours,
    NewOutcome,
    NewSpell,
    OutcomeOut,
    OutcomesExplained,
    SpellChange,
    SpellEnding,
    SpellOut,
    StartOut,
    WorkEnding,
)

spells = APIRouter(prefix="/spells", tags=["progression"], route_class=PathwaysRoute)
evidence_router = APIRouter(prefix="/evidence", tags=["progression"], route_class=PathwaysRoute)
outcomes_router = APIRouter(prefix="/outcomes", tags=["progression"], route_class=PathwaysRoute)
introduced = APIRouter(prefix="/introductions", tags=["introductions"], route_class=PathwaysRoute)
explained = APIRouter(prefix="/jobseekers", tags=["progression"], route_class=PathwaysRoute)

SpellReader = Annotated[Actor, permitted(Permission.SPELL_READ)]
SpellRecorder = Annotated[Actor, permitted(Permission.SPELL_RECORD)]
EvidenceReader = Annotated[Actor, permitted(Permission.EVIDENCE_READ)]
EvidenceRecorder = Annotated[Actor, permitted(Permission.EVIDENCE_RECORD)]
EvidenceChecker = Annotated[Actor, permitted(Permission.EVIDENCE_CHECK)]
OutcomeReader = Annotated[Actor, permitted(Permission.OUTCOME_READ)]
OutcomeRecorder = Annotated[Actor, permitted(Permission.OUTCOME_RECORD)]
IntroductionMover = Annotated[Actor, permitted(Permission.INTRODUCTION_MOVE)]
OfJobseeker = Annotated[UUID | None, Query(alias="jobseeker")]
REFUSALS = documented(NotFound, Conflict)


@spells.get("")
def list_spells(
    actor: SpellReader, database: DatabaseDep, page: PageDep, jobseeker: OfJobseeker = None
) -> Page[SpellOut]:
    """List spells of work of the jobseekers you may see."""
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if jobseeker is not None:
            rows = rows.where(Spell.jobseeker_id == jobseeker)
        return page_of_all(session, rows, Spell.id, page, lambda rows: actions.spell_replies(session, actor, rows))


@spells.post("", status_code=201, responses=REFUSALS)
def start_spell(
    new: NewSpell, actor: SpellRecorder, database: DatabaseDep, once: OnceDep, response: Response
) -> SpellOut:
    """Record that work began. Work of a kind that does not count as a job is reported separately from jobs.

    The start of an introduction makes its spell. If that spell is still as it was made, it takes these values and is
    returned; otherwise a second running spell needs `is_another`. Refused if the start date is in the future or before
    the enrolment.
    """
    with database.writing(actor) as session:
        spell = once(
            session,
            actor,
            lambda: actions.start(session, actor, new),
            lambda made: queries.spell(session, actor, made),
        )
        etag(response, spell.version)
        return actions.spell_reply(session, actor, spell)


@introduced.post("/{introduction_id}/start", responses=REFUSALS)
def start(
    introduction_id: UUID, started: StartedOn, actor: IntroductionMover, database: DatabaseDep, once: OnceDep
) -> StartOut:
    """Record the first day on the placement. The place is then filled, and check-ins become due.

    A spell of work is made from the placement; `no_spell` says if it could not be made. Refused if the date is in the
    future, and until the questions in `errors` are answered: a DBS check that the placement needs, or a first day
    before the jobseeker's earliest start. A caseworker's limited key also needs the permission to record spells.
    """
    must_hold_too(actor, Permission.SPELL_RECORD)
    with database.writing(actor) as session:
        introduction = once(
            session,
            actor,
            lambda: starting.start_introduction(
                session, actor, introduction_queries.introduction(session, actor, introduction_id), started
            ),
            lambda made: introduction_queries.introduction(session, actor, made),
        )
        return starting.start_reply(session, actor, introduction)


@introduced.post("/{introduction_id}/end", responses=REFUSALS)
def end(
    introduction_id: UUID,
    actor: IntroductionMover,
    database: DatabaseDep,
    once: OnceDep,
    ending: Annotated[WorkEnding | None, Body()] = None,
) -> IntroductionOut:
    """Record that the work is over. Its spell of work ends, so that no more check-ins become due.

    The place becomes free and is offered to the jobseeker who has waited longest. Refused until `ended_on` says the
    last day of work, if a spell of work is running, and while hours or an outcome are recorded after that day.
    """
    with database.writing(actor) as session:
        introduction = once(
            session,
            actor,
            lambda: starting.end_introduction(
                session,
                actor,
                introduction_queries.introduction(session, actor, introduction_id),
                ending or WorkEnding(),
            ),
            lambda made: introduction_queries.introduction(session, actor, made),
        )
        return introduction_actions.reply(session, actor, introduction)


@introduced.post("/{introduction_id}/withdraw", responses=REFUSALS)
def withdraw(
    introduction_id: UUID, no: IntroductionRefusal, actor: IntroductionMover, database: DatabaseDep, once: OnceDep
) -> IntroductionOut:
    """Withdraw the introduction, with a reason. Only the partner may do this. If a place was held, it becomes free.

    Withdrawing a start that was recorded by mistake voids its spells. Refused while evidence or an outcome is based on
    them, and for a limited key without the permission to record spells. The reply lists the next placements on the
    shortlist.
    """
    with database.reading(actor, newest=True) as session:
        introduction = introduction_queries.introduction(session, actor, introduction_id)
        if introduction.state is IntroductionState.STARTED:
            must_hold_too(actor, Permission.SPELL_RECORD)
    with database.writing(actor) as session:
        introduction = once(
            session,
            actor,
            lambda: starting.withdraw_introduction(
                session,
                actor,
                introduction_queries.introduction(session, actor, introduction_id),
                reason=no.reason,
                no=introduction_actions.No(no.why, no.said_by),
            ),
            lambda made: introduction_queries.introduction(session, actor, made),
        )
        answer = introduction_actions.reply(session, actor, introduction)
        options = introduction_actions.next_options(session, actor, introduction)
        return answer.model_copy(update={"next_options": options})


@spells.get("/{spell_id}", responses=documented(NotFound))
def get_spell(spell_id: UUID, actor: SpellReader, database: DatabaseDep, response: Response) -> SpellOut:
    """Return one spell of work with its hours. Each read is recorded in the access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.spell(session, actor, spell_id).jobseeker_id
    audit.opened(database, actor, "spells", [(spell_id, jobseeker_id)])
    with database.reading(actor) as session:
        spell = queries.spell(session, actor, spell_id)
        etag(response, spell.version)
        return actions.spell_reply(session, actor, spell)


@spells.patch("/{spell_id}", responses=documented(NotFound))
def correct_spell(
    spell_id: UUID,
    change: SpellChange,
    actor: SpellRecorder,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
) -> SpellOut:
    """Correct a spell of work. The older version is superseded, not deleted.

    Refused for a voided spell, for an old `If-Match` version, and for changes that would affect a recorded outcome.
    """
    with database.writing(actor) as session:
        spell = queries.spell(session, actor, spell_id, for_update=True)
        expect_version(spell, version)
        if spell.state == "voided":
            raise actions.SpellIsOver("A voided spell cannot be corrected. Record the spell again.")
        actions.correct(session, actor, spell, change)
        etag(response, spell.version)
        return actions.spell_reply(session, actor, spell)


@spells.post("/{spell_id}/hours", status_code=201, responses=REFUSALS)
def record_hours(spell_id: UUID, new: NewHours, actor: SpellRecorder, database: DatabaseDep, once: OnceDep) -> SpellOut:
    """Record the hours that were actually paid in one week. Recording the same week again replaces the earlier hours.

    Refused if the week is in the future or outside the spell, or does not begin on the weekday on which the spell
    began. Pay that does not fit the hours needs ``unusual_pay_because``. Pay or leave of an earlier record that the new
    one does not mention stays, and ``notes`` says so.

    While an outcome is based on the spell, recorded hours and pay cannot be lowered, nor leave changed.
    """
    with database.writing(actor) as session:
        spell = queries.spell(session, actor, spell_id, for_update=True)
        kept = actions.kept_of_week(session, spell, new)
        once(
            session,
            actor,
            lambda: actions.record_hours(session, actor, spell, new),
            lambda _: spell,
        )
        return actions.spell_reply(session, actor, spell, kept)


@spells.post("/{spell_id}/end", responses=REFUSALS)
def end_spell(
    spell_id: UUID, ending: SpellEnding, actor: SpellRecorder, database: DatabaseDep, once: OnceDep
) -> SpellOut:
    """Record that work ended. Refused if the date is in the future, or if an outcome is based on later work."""
    with database.writing(actor) as session:
        spell = once(
            session,
            actor,
            lambda: actions.end(session, actor, queries.spell(session, actor, spell_id, for_update=True), ending),
            lambda made: queries.spell(session, actor, made),
        )
        return actions.spell_reply(session, actor, spell)


@spells.post("/{spell_id}/void", responses=REFUSALS)
def void_spell(
    spell_id: UUID, reason: ReasonBody, actor: SpellRecorder, database: DatabaseDep, once: OnceDep
) -> SpellOut:
    """Void a spell that was recorded by mistake. Refused while an outcome is based on the spell."""
    with database.writing(actor) as session:
        spell = once(
            session,
            actor,
            lambda: actions.void(
                session, actor, queries.spell(session, actor, spell_id, for_update=True), reason.reason
            ),
            lambda made: queries.spell(session, actor, made),
        )
        return actions.spell_reply(session, actor, spell)


@evidence_router.get("")
def list_evidence(
    actor: EvidenceReader, database: DatabaseDep, page: PageDep, jobseeker: OfJobseeker = None
) -> Page[EvidenceOut]:
    """List items of evidence of the jobseekers you may see."""
    with database.reading(actor) as session:
        rows = queries.evidence_visible_to(actor)
        if jobseeker is not None:
            rows = rows.where(Evidence.jobseeker_id == jobseeker)
        return page_of_all(
            session, rows, Evidence.id, page, lambda rows: evidence.evidence_replies(session, actor, rows)
        )


@evidence_router.post("", status_code=201, responses=REFUSALS)
def add_evidence(new: NewEvidence, actor: EvidenceRecorder, database: DatabaseDep, once: OnceDep) -> EvidenceOut:
    """Record an item of evidence: its kind, the days it covers, and how and when it was obtained.

    An outcome can use the item once another member has accepted it. Refused if the date received is in the future.
    """
    with database.writing(actor) as session:
        item = once(
            session,
            actor,
            lambda: evidence.add_evidence(session, actor, new),
            lambda made: queries.evidence(session, actor, made),
        )
        return evidence.evidence_reply(session, actor, item)


@evidence_router.get("/{evidence_id}", responses=documented(NotFound))
def get_evidence(evidence_id: UUID, actor: EvidenceReader, database: DatabaseDep) -> EvidenceOut:
    """Return one item of evidence. Each read is recorded in the access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.evidence(session, actor, evidence_id).jobseeker_id
    audit.opened(database, actor, "evidence", [(evidence_id, jobseeker_id)])
    with database.reading(actor) as session:
        return evidence.evidence_reply(session, actor, queries.evidence(session, actor, evidence_id))


@evidence_router.post("/{evidence_id}/document", status_code=201, responses=REFUSALS)
def upload_document(
    evidence_id: UUID,
    file: Annotated[UploadFile, File(description="A PDF, PNG or JPEG file.")],
    actor: EvidenceRecorder,
    database: DatabaseDep,
    settings: SettingsDep,
    once: OnceDep,
) -> EvidenceOut:
    """Store the document of an item of evidence, encrypted and outside the database.

    If a virus scanner is configured, it scans the file first. Refused if the file is too large, is harmful, is not a
    PDF, PNG or JPEG file, or does not match the recorded hash. Also refused if the item was already checked.
    """
    content = file.file.read(settings.max_document_bytes + 1)
    return evidence.upload(
        database,
        actor,
        evidence_id,
        content,
        most_bytes=settings.max_document_bytes,
        scan=shlex.split(settings.scan_command or ""),
        once=once.with_file(content),
    )


@evidence_router.get(
    "/{evidence_id}/document",
    responses={**documented(NotFound), 200: {"content": {"application/octet-stream": {}}}},
    response_class=Response,
)
def download_document(evidence_id: UUID, actor: EvidenceReader, database: DatabaseDep) -> Response:
    """Download the document of an item of evidence. The download is recorded in the access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.evidence(session, actor, evidence_id).jobseeker_id
    audit.opened(database, actor, "evidence_documents", [(evidence_id, jobseeker_id)])
    with database.reading(actor) as session:
        content, kind = evidence.document(session, queries.evidence(session, actor, evidence_id))
    ending = kind.rpartition("/")[2]
    headers = {
        "content-disposition": f'attachment; filename="evidence-{evidence_id}.{ending}"',
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
    }
    return Response(content, media_type=kind, headers=headers)


@evidence_router.post("/{evidence_id}/check", responses=documented(NotFound, NotPermitted, Conflict))
def check_evidence(
    evidence_id: UUID, verdict: EvidenceVerdict, actor: EvidenceChecker, database: DatabaseDep, once: OnceDep
) -> EvidenceOut:
    """Accept or reject an item of evidence. Refused for the member who recorded the item.

    Rejecting an item withdraws every outcome whose days are no longer covered by accepted evidence.
    """
    with database.writing(actor) as session:
        item = once(
            session,
            actor,
            lambda: evidence.check_evidence(session, actor, queries.evidence(session, actor, evidence_id), verdict),
            lambda made: queries.evidence(session, actor, made),
        )
        return evidence.evidence_reply(session, actor, item)


@outcomes_router.get("")
def list_outcomes(
    actor: OutcomeReader, database: DatabaseDep, page: PageDep, jobseeker: OfJobseeker = None
) -> Page[OutcomeOut]:
    """List the current outcomes of the jobseekers you may see."""
    with database.reading(actor) as session:
        rows = queries.outcomes_visible_to(actor)
        if jobseeker is not None:
            rows = rows.where(Outcome.jobseeker_id == jobseeker)
        listed = page_of(session, rows, Outcome.id, page, OutcomeOut.model_validate)
    actor.reading.people.update(outcome.jobseeker_id for outcome in listed.items)
    return listed


@outcomes_router.post("", status_code=201, responses=REFUSALS)
def record_outcome(new: NewOutcome, actor: OutcomeRecorder, database: DatabaseDep, once: OnceDep) -> OutcomeOut:
    """Record that a funder's rule is met.

    Refused unless the rule is met, and every day on which the rule depends is covered by evidence that another member
    accepted. The refusal says what was counted.
    """
    with database.writing(actor) as session:
        outcome = once(
            session,
            actor,
            lambda: outcomes.record_outcome(session, actor, new),
            lambda made: queries.outcome(session, actor, made),
        )
        return OutcomeOut.model_validate(outcome)


@outcomes_router.get("/{outcome_id}", responses=documented(NotFound))
def get_outcome(outcome_id: UUID, actor: OutcomeReader, database: DatabaseDep) -> OutcomeOut:
    """Return one outcome. Each read is recorded in the access log."""
    with database.reading(actor) as session:
        jobseeker_id = queries.outcome(session, actor, outcome_id).jobseeker_id
    audit.opened(database, actor, "outcomes", [(outcome_id, jobseeker_id)])
    with database.reading(actor) as session:
        return OutcomeOut.model_validate(queries.outcome(session, actor, outcome_id))


@outcomes_router.post("/{outcome_id}/withdraw", responses=REFUSALS)
def withdraw_outcome(
    outcome_id: UUID, reason: ReasonBody, actor: OutcomeRecorder, database: DatabaseDep, once: OnceDep
) -> OutcomeOut:
    """Withdraw an outcome that was wrong. The outcome can be recorded again when the rule is met."""
    with database.writing(actor) as session:
        outcome = once(
            session,
            actor,
            lambda: outcomes.withdraw_outcome(
                session, actor, queries.outcome(session, actor, outcome_id), reason.reason
            ),
            lambda made: session.get_one(Outcome, made),
        )
        return OutcomeOut.model_validate(outcome)


@explained.get("/{jobseeker_id}/outcomes", responses=documented(NotFound))
def explain_outcomes(jobseeker_id: UUID, actor: OutcomeReader, database: DatabaseDep) -> OutcomesExplained:
    """Explain each rule of the latest enrolment: whether it is met, not met or not yet known, and what was counted.

    Each read is recorded in the access log.
    """
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    audit.opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        return outcomes.explain(session, actor, person)
