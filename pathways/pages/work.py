"""The pages about a person's work: spells, check-ins, the hours of many weeks at once, evidence and outcomes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.claims.models import OVER
from pathways.database import Database, Session
from pathways.errors import Conflict, DomainError
from pathways.field_faults import sentence_of
from pathways.jobseekers.models import Jobseeker
from pathways.pages.claims import lines as claim_lines
from pathways.pages.claims import rule_words
from pathways.pages.first_days import ENDS
from pathways.pages.forms import Faults, FormQuestion, body_of, faults_of, first, options
from pathways.pages.listing_questions import KINDS
from pathways.pages.person import PersonForm, find, head, person_form, person_page, today_in
from pathways.pages.visitors import FileDep, PageRoute, TypedDep, Visitor, allowed, go, once_of, typed_before
from pathways.pages.words import day, plain
from pathways.progression import actions, evidence, outcomes, queries
from pathways.progression.models import Evidence, EvidenceKind, Spell, SpellState
from pathways.progression.schemas import EvidenceVerdict, NewEvidence, NewHours, NewOutcome, SpellOut
from pathways.settings import Settings
from pathways.support import actions as support_actions
from pathways.support import queries as support_queries
from pathways.support.models import CheckIn, InWork, PathBack, ReportedBy
from pathways.support.schemas import CheckInOut, DueCheckIn, NewCheckIn

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.SPELL_READ)]
Recorder = Annotated[Visitor, allowed(Permission.SPELL_RECORD)]
CheckInRecorder = Annotated[Visitor, allowed(Permission.SUPPORT_RECORD)]
EvidenceRecorder = Annotated[Visitor, allowed(Permission.EVIDENCE_RECORD)]
OutcomeRecorder = Annotated[Visitor, allowed(Permission.OUTCOME_RECORD)]
EvidenceChecker = Annotated[Visitor, allowed(Permission.EVIDENCE_CHECK)]
MOST_WEEKS = 12
LONGEST_NUMBER = 4  # digits of a page
STEPS = {"before_the_start": "before the first day", "first_days": "in the first days"}
A_WEEK = timedelta(days=7)
RESULTS = {
    InWork.IN_WORK: "Yes, in work",
    InWork.NOT_IN_WORK: "No, not in work now",
    InWork.UNKNOWN: "Nobody was reached",
}
TOLD_BY = {
    ReportedBy.JOBSEEKER: "The jobseeker",
    ReportedBy.EMPLOYER: "The employer",
    ReportedBy.SUPPORTER: "A supporter",
    ReportedBy.PAYSLIP: "A payslip",
    ReportedBy.HMRC: "HMRC",
    ReportedBy.NOBODY: "Nobody",
}
PATHS_BACK = {
    PathBack.JOB_COACHING: "Job coaching",
    PathBack.ADJUSTMENT: "An adjustment",
    PathBack.TALK_WITH_EMPLOYER: "A talk with the employer",
    PathBack.ANOTHER_PLACEMENT: "Another placement",
    PathBack.BENEFITS_ADVICE: "Benefits advice",
    PathBack.HEALTH_SUPPORT: "Health support",
    PathBack.NOTHING_WANTED: "The jobseeker wants nothing",
}
CHECK_IN = (
    FormQuestion("result", "one", "Are they in work?", options=options(RESULTS), missing="Choose one of the answers"),
    FormQuestion("told_by", "one", "Who said so?", options=options(TOLD_BY), missing="Choose who said so"),
    FormQuestion("is_at_risk", "yes_no", "Is the work at risk?"),
    FormQuestion(
        "path_back",
        "select",
        "What is done about it?",
        "Needed if the work is at risk or over.",
        options=options(PATHS_BACK),
    ),
    FormQuestion("note", "long", "Note"),
    FormQuestion("on", "day", "On which day?", missing="Enter the day"),
)
EVIDENCE_KINDS = {
    EvidenceKind.HMRC: "HMRC earnings",
    EvidenceKind.PAYSLIP: "Payslip",
    EvidenceKind.P45: "P45",
    EvidenceKind.P60: "P60",
    EvidenceKind.EMPLOYER_LETTER: "Letter of the employer",
    EvidenceKind.CONTRACT_AND_BANK: "Contract and bank credit",
    EvidenceKind.TAX_CALCULATION: "Tax calculation",
    EvidenceKind.INVOICES: "Invoices",
    EvidenceKind.EMPLOYER_CONFIRMATION: "Confirmation by the employer",
    EvidenceKind.SELF_DECLARATION: "The jobseeker's own declaration",
}
EVIDENCE = (
    FormQuestion("kind", "select", "What is it?", options=options(EVIDENCE_KINDS), missing="Choose what it is"),
    FormQuestion("covers_from", "day", "First day that it covers", missing="Enter the first day"),
    FormQuestion("covers_to", "day", "Last day that it covers", missing="Enter the last day"),
    FormQuestion("received_on", "day", "On which day did you receive it?", missing="Enter the day"),
    FormQuestion("obtained_how", "text", "How did you obtain it?", "Such as: seen on the jobseeker's telephone.",
                 missing="Say how you obtained it"),
)  # fmt: skip
VERDICT = (
    FormQuestion("reason", "text", "What is wrong with it?", missing="Say what is wrong, so that it can be put right"),
)


MOST_TO_COME = 4  # check-ins to come that are listed


def _schedule(lines: Sequence[DueCheckIn]) -> list[tuple[str, DueCheckIn]]:
    """Return the check-ins of the schedule with their step in words, and of those to come only the next."""
    shown, to_come = [], 0
    for line in lines:
        to_come += line.state == "to_come"
        if to_come <= MOST_TO_COME and line.state != "not_needed":
            shown.append((STEPS.get(line.step, line.step.replace("_", " ")), line))
    return shown


def _check_ins(session: Session, visitor: Visitor, person: Jobseeker) -> list[CheckInOut]:
    """Return the newest check-ins of a person, the newest first."""
    if not visitor.may(Permission.SUPPORT_READ):
        return []
    rows = support_queries.check_ins_visible_to(visitor.actor).where(CheckIn.jobseeker_id == person.id)
    newest = session.scalars(rows.order_by(CheckIn.valid_on.desc(), CheckIn.id.desc()).limit(MOST_WEEKS))
    return support_actions.check_in_replies(session, visitor.actor, list(newest))


@router.get("/{reference}/work")
def work(reference: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show a person's work: spells with their weeks, check-ins, evidence, and which outcomes are met."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        spells = actions.spell_replies(session, actor, queries.spells_of(session, person))
        items = session.scalars(queries.evidence_visible_to(actor).where(Evidence.jobseeker_id == person.id)).all()
        values: dict[str, Any] = {
            "spells": list(reversed(spells)),
            "schedule": _schedule(support_actions.due(session, actor, person)),
            "check_ins": _check_ins(session, visitor, person),
            "evidence": evidence.evidence_replies(session, actor, list(items)),
            "explained": outcomes.explain(session, actor, person),
            "claims": claim_lines(session, actor, person) if visitor.may(Permission.CLAIM_READ) else [],
        }
        rules = values["explained"].rules
        definitions = {one.rule: rule_words(session, one.rule, one.rule_version) for one in rules}
    claimed = {line.shown.outcome_id for line in values["claims"] if line.shown.state not in OVER}
    return person_page(
        request,
        visitor,
        top,
        "person/work",
        "Work",
        kinds=KINDS,
        ends=ENDS,
        evidence_kinds=EVIDENCE_KINDS,
        claimed=claimed,
        definitions=definitions,
        results=RESULTS,
        told_by=TOLD_BY,
        paths_back=PATHS_BACK,
        **values,
    )


def _spell(session: Session, person: Jobseeker, wanted: str) -> Spell | None:
    """Return the spell that is meant: the one named, or the newest that runs."""
    spells = queries.spells_of(session, person)
    named = [spell for spell in spells if str(spell.id) == wanted]
    running = [spell for spell in spells if spell.state is SpellState.RUNNING]
    found = named or running or spells
    return found[-1] if found else None


def _check_in_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None,
) -> Response:
    with database.reading(visitor.actor) as session:
        person = find(session, visitor.actor, reference)
        spell = _spell(session, person, first(typed, "spell"))
        about = actions.spell_reply(session, visitor.actor, spell).title or "" if spell is not None else ""
        spell_id = str(spell.id) if spell is not None else ""
    if not spell_id:
        return go(f"/people/{reference}/work")
    hidden = FormQuestion("spell", "hidden", "")
    given = {**today_in(visitor, "on"), **typed, "spell": [spell_id]}
    form = PersonForm("Record a check-in", (hidden, *CHECK_IN), given, faults, about)
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/check-ins/new")
def ask_check_in(
    reference: str, request: Request, visitor: CheckInRecorder, database: DatabaseDep, spell: str = ""
) -> Response:
    """Ask how the work goes."""
    kept = typed_before(database, visitor, f"/people/{reference}/check-ins/new") or {}
    return _check_in_page(request, visitor, database, reference, {**kept, "spell": [spell]}, None)


@router.post("/{reference}/check-ins/new")
def record_check_in(
    reference: str, request: Request, visitor: CheckInRecorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record a check-in."""
    actor = visitor.actor
    try:
        body = body_of(NewCheckIn, CHECK_IN, typed, spell_id=first(typed, "spell"))
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: support_actions.record_check_in(session, actor, body),
                lambda made: support_queries.check_in(session, actor, made),
            )
    except Faults as faults:
        return _check_in_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _check_in_page(request, visitor, database, reference, typed, faults_of(refused, CHECK_IN))
    return go(f"/people/{reference}", "check_in_recorded")


@dataclass(frozen=True, slots=True)
class WeekToFill:
    """One week of a spell, and the hours and gross pay in pounds that are recorded for it."""

    first_day: date
    hours: Decimal | None
    pay: Decimal | None

    @property
    def field(self) -> str:
        return f"hours-{self.first_day.isoformat()}"

    @property
    def pay_field(self) -> str:
        return f"pay-{self.first_day.isoformat()}"


def _weeks(shown: SpellOut, today: date) -> list[WeekToFill]:
    """Return the weeks of a spell that have begun, the newest first."""
    recorded = {line.week_from: line for line in shown.hours}
    last = min(shown.ended_on or today, today)
    count = (last - shown.started_on).days // 7
    starts = [shown.started_on + n * A_WEEK for n in range(count + 1)]
    return [
        WeekToFill(day, line.hours if line else None, line.pay_pounds if line else None)
        for day in reversed(starts)
        for line in (recorded.get(day),)
    ]


def _hours_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    spell_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: dict[str, str] | None = None,
    *,
    page_number: int = 1,
) -> Response:
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        shown = actions.spell_reply(session, actor, queries.spell(session, actor, spell_id))
    weeks, first_row = _weeks(shown, actor.today), (page_number - 1) * MOST_WEEKS
    return person_page(
        request,
        visitor,
        top,
        "person/hours",
        "Hours worked",
        spell=shown,
        weeks=weeks[first_row : first_row + MOST_WEEKS],
        page_number=page_number,
        has_more=len(weeks) > first_row + MOST_WEEKS,
        typed=typed or {},
        faults=faults or {},
        errors=[{"text": text, "href": f"#{name or 'main-content'}"} for name, text in (faults or {}).items()],
        status=422 if faults else 200,
    )


@router.get("/{reference}/work/{spell_id:uuid}/hours")
def ask_hours(
    reference: str,
    spell_id: UUID,
    request: Request,
    visitor: Recorder,
    database: DatabaseDep,
    page: Annotated[int, Query(ge=1, le=100)] = 1,
) -> Response:
    """Ask for the hours and pay of many weeks at once, the newest first."""
    return _hours_page(request, visitor, database, reference, spell_id, page_number=page)


NO_HOURS = "Enter the hours of this week as a number, such as 16 or 7.5"
NO_PAY = "Enter the gross pay of this week in pounds, such as 195.36"


def _given_weeks(typed: Mapping[str, list[str]]) -> tuple[dict[str, NewHours], dict[str, str]]:
    """Return what was typed for each week, by the field of its hours, and what is wrong, by field."""
    faults: dict[str, str] = {}
    given: dict[str, NewHours] = {}
    weeks = dict.fromkeys(name.partition("-")[2] for name in typed if name.startswith(("hours-", "pay-")))
    for week in weeks:
        name = f"hours-{week}"
        hours, pay = first(typed, name), first(typed, f"pay-{week}").replace(",", "").removeprefix("£").strip()
        if not hours:
            if pay:
                faults[name] = NO_HOURS
            continue
        body = {"week_from": week, "hours": hours}
        body |= {"pay_pounds": pay} if pay else {}
        body |= {"unusual_pay_because": first(typed, "because")} if first(typed, "because") else {}
        try:
            given[name] = NewHours.model_validate(body)
        except ValidationError as wrong:
            fields = {str(error["loc"][0]) for error in wrong.errors()}
            if "pay_pounds" in fields:
                faults[f"pay-{week}"] = NO_PAY
            if "unusual_pay_because" in fields:
                faults["because"] = plain(sentence_of(wrong.errors()[0]))
            if not fields & {"pay_pounds", "unusual_pay_because"}:
                faults[name] = NO_HOURS
    return given, faults


@router.post("/{reference}/work/{spell_id:uuid}/hours")
def record_hours(
    reference: str, spell_id: UUID, request: Request, visitor: Recorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record the hours and pay of the weeks that were filled in: all of them, or none if one is refused."""
    actor = visitor.actor
    given, faults = _given_weeks(typed)
    if not faults:
        field = ""
        try:
            with database.writing(actor) as session:
                spell = queries.spell(session, actor, spell_id, for_update=True)
                known = {
                    week.field: (week.hours, week.pay)
                    for week in _weeks(actions.spell_reply(session, actor, spell), actor.today)
                }
                for field, body in given.items():
                    hours, pay = known.get(field, (None, None))
                    is_same_pay = body.pay_pounds in {None, pay}  # a blank leaves the pay as it is
                    if hours != body.hours or not is_same_pay:
                        actions.record_hours(session, actor, spell, body)
        except DomainError as refused:
            faults[field] = "; ".join(faults_of(refused, ()).by_field.values())
    if faults:
        page_number = first(typed, "page")
        number = int(page_number) if page_number.isdecimal() and len(page_number) < LONGEST_NUMBER else 1
        return _hours_page(request, visitor, database, reference, spell_id, typed, faults, page_number=max(number, 1))
    return go(f"/people/{reference}/work", "hours_recorded")


@router.get("/{reference}/work/{spell_id:uuid}/evidence")
def ask_evidence(
    reference: str, spell_id: UUID, request: Request, visitor: EvidenceRecorder, database: DatabaseDep
) -> Response:
    """Ask about an item of evidence."""
    with database.reading(visitor.actor) as session:
        queries.spell(session, visitor.actor, spell_id)
    return _evidence_page(request, visitor, database, reference, today_in(visitor, "received_on"))


def _evidence_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    form = PersonForm("Add evidence", EVIDENCE, typed, faults)
    return person_form(request, visitor, database, reference, form)


@router.post("/{reference}/work/{spell_id:uuid}/evidence")
def add_evidence(
    reference: str, spell_id: UUID, request: Request, visitor: EvidenceRecorder, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record an item of evidence. Somebody else checks it."""
    actor = visitor.actor
    try:
        body = body_of(NewEvidence, EVIDENCE, typed, spell_id=spell_id)
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: evidence.add_evidence(session, actor, body),
                lambda made: queries.evidence(session, actor, made),
            )
    except Faults as faults:
        return _evidence_page(request, visitor, database, reference, typed, faults)
    except DomainError as refused:
        return _evidence_page(request, visitor, database, reference, typed, faults_of(refused, EVIDENCE))
    return go(f"/people/{reference}/work", "evidence_added")


# The address ends as that of the API does, so that the limit for uploads applies.
@router.post("/{reference}/work/evidence/{evidence_id:uuid}/document")
def upload_document(
    reference: str,
    evidence_id: UUID,
    request: Request,
    visitor: EvidenceRecorder,
    database: DatabaseDep,
    typed: TypedDep,
    file: FileDep,
) -> Response:
    """Store the document of an item of evidence: a PDF, PNG or JPEG file."""
    if not file:
        raise Conflict("No file was chosen. Go back, choose a PDF, PNG or JPEG file, and upload it.")
    settings: Settings = request.app.state.settings
    evidence.upload(
        database,
        visitor.actor,
        evidence_id,
        file[: settings.max_document_bytes + 1],
        most_bytes=settings.max_document_bytes,
        scan=shlex.split(settings.scan_command or ""),
        once=once_of(request, typed).with_file(file),
    )
    return go(f"/people/{reference}/work", "document_uploaded")


@router.post("/{reference}/work/outcomes")
def record_outcome(reference: str, visitor: OutcomeRecorder, database: DatabaseDep, typed: TypedDep) -> Response:
    """Record that a funder's rule is met. The page of a refusal says what was counted."""
    actor = visitor.actor
    with database.writing(actor) as session:
        person = find(session, actor, reference)
        explained = outcomes.explain(session, actor, person)
        if explained.enrolment_id is None:
            raise Conflict("The person is on no programme, so no outcome can be recorded. Enrol them first.")
        named = first(typed, "rule")
        rule = next((one.rule for one in explained.rules if one.rule == named), "")
        if not rule:
            raise Conflict("There is no such rule for this person. Open the page again.")
        outcomes.record_outcome(session, actor, NewOutcome(enrolment_id=explained.enrolment_id, rule=rule))
    return go(f"/people/{reference}/work", "outcome_recorded")


@router.post("/{reference}/work/evidence/{evidence_id:uuid}/check")
def check_evidence(
    reference: str,
    evidence_id: UUID,
    request: Request,
    visitor: EvidenceChecker,
    database: DatabaseDep,
    typed: TypedDep,
) -> Response:
    """Accept or reject an item of evidence that somebody else recorded."""
    actor = visitor.actor
    said = first(typed, "verdict")
    if said not in {"accept", "reject"}:
        raise Conflict("Nothing was chosen. Go back, and accept or reject the evidence.")
    try:
        verdict = body_of(EvidenceVerdict, VERDICT if said == "reject" else (), typed, is_accepted=said == "accept")
        with database.writing(actor) as session:
            evidence.check_evidence(session, actor, queries.evidence(session, actor, evidence_id), verdict)
    except Faults as faults:
        return _verdict_page(request, visitor, database, reference, evidence_id, typed, faults)
    except DomainError as refused:
        if said == "accept":
            raise
        return _verdict_page(request, visitor, database, reference, evidence_id, typed, faults_of(refused, VERDICT))
    return go(f"/people/{reference}/work", "evidence_checked")


def _verdict_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    evidence_id: UUID,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor) as session:
        item = queries.evidence(session, visitor.actor, evidence_id)
        about = f"{EVIDENCE_KINDS[item.kind]}, {day(item.covers_from)} to {day(item.covers_to)}"
    form = PersonForm(
        "Turn down evidence",
        (FormQuestion("verdict", "hidden", ""), *VERDICT),
        {**typed, "verdict": ["reject"]},
        faults,
        about,
        "Turn it down",
    )
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/work/evidence/{evidence_id:uuid}/check")
def ask_verdict(
    reference: str, evidence_id: UUID, request: Request, visitor: EvidenceChecker, database: DatabaseDep
) -> Response:
    """Ask what is wrong with an item of evidence that is turned down."""
    return _verdict_page(request, visitor, database, reference, evidence_id, {})
