"""The pages on which somebody is referred: eight short steps, then all answers once more."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import model_validator
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Role
from pathways.database import Database, WriteSession
from pathways.drafts import actions as drafts
from pathways.errors import DomainError
from pathways.fields import Line
from pathways.jobseekers.details import Details
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.pages import person_questions as asked_of
from pathways.pages import steps
from pathways.pages.forms import Faults, FormQuestion, Option, Typed, body_of, faults_of, options
from pathways.pages.referrals import SOURCES
from pathways.pages.steps import Step, StepForm
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of
from pathways.pages.words import plain
from pathways.reference.days import PastDay
from pathways.referrals import actions, queries
from pathways.referrals.models import Referral, SourceType
from pathways.referrals.schemas import NewReferral

ADDRESS = "/refer"
router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix=ADDRESS)
Maker = Annotated[Visitor, allowed(Permission.REFERRAL_MAKE)]


class NewReferralStep(NewReferral):
    """The answers of one step, which may be any part of a referral."""

    given_name: Line | None = None
    referred_on: PastDay | None = None  # type: ignore[assignment]  # another step asks it

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        return self


def _form(database: Database, visitor: Visitor) -> StepForm:
    """Return the form. A referrer chooses the partner; a caseworker says who referred the person."""
    with database.reading(visitor.actor) as session:
        if visitor.actor.role is Role.REFERRER:
            kinds: tuple[OrganisationKind, ...] = (OrganisationKind.VOLUNTARY_SECTOR_PARTNER,)
        else:
            kinds = (OrganisationKind.JOB_CENTRE, OrganisationKind.LOCAL_AUTHORITY, OrganisationKind.OTHER_REFERRER)
        rows = session.execute(
            select(Organisation.id, Organisation.name).where(Organisation.kind.in_(kinds)).order_by(Organisation.name)
        ).all()
    named = tuple(Option(str(row.id), row.name) for row in rows)
    if visitor.actor.role is Role.REFERRER:
        first = FormQuestion(
            "partner_id", "one", "Who is to support the person?", options=named, missing="Choose a partner"
        )
        to = Step("partner", "Where do you refer to?", (first, _WHEN, _WHY, _URGENCY))
    else:
        organisation = FormQuestion(
            "referring_organisation_id",
            "select",
            "Which organisation referred them?",
            "Leave it blank if they came themselves.",
            options=named,
        )
        source = FormQuestion(
            "source_type", "one", "Who refers?", options=options(SOURCES), missing="Choose who refers"
        )
        to = Step("partner", "Who refers the person?", (source, organisation, _WHEN, _WHY, _URGENCY))
    needs = Step("needs", "What they need, and what they agreed to", (*asked_of.NEEDS.questions, _AGREED, _AGREED_ON))
    both = Step("time", "When and how they can work", (*asked_of.TIME.questions, *asked_of.TRAVEL.questions))
    return StepForm(
        address=ADDRESS,
        title="Refer someone",
        check_title="Check the referral",
        steps=(to, asked_of.NAME, asked_of.CONTACT, asked_of.NUMBERS, asked_of.WISHES, asked_of.SKILLS, both, needs),
        partial=NewReferralStep,
        leaves_to="/" if visitor.actor.role is Role.REFERRER else "/referrals",
        sends="Send the referral",
        last_words=(
            "The partner acknowledges it within two working days. You read under People I referred what becomes of it."
            if visitor.actor.role is Role.REFERRER
            else "You then find it under Referrals, where you accept it and enrol the person."
        ),
    )


_WHEN = FormQuestion("referred_on", "day", "On which day was the referral made?", missing="Enter the day")
_WHY = FormQuestion("referred_because", "long", "Why do you refer them now?")
_URGENCY = FormQuestion("urgency", "text", "Is anything urgent?", "Such as a benefit that ends on a day.")
_AGREED = FormQuestion(
    "permission_to_share",
    "yes_no",
    "Has the person agreed that you share these details with the partner?",
    "Ask them first. Without their agreement, share only what you may by law.",
    missing="Say whether the person agreed",
)
_AGREED_ON = FormQuestion("permission_recorded_on", "day", "On which day did they agree?")


SURE = "as_it_is"  # the box by which a value that looks wrong is kept
KEEP = FormQuestion(SURE, "several", "", options=(Option("yes", "It is right as it is"),))


class Implausible(Faults):
    """What was typed looks wrong, and is kept if a box says that it is right."""


def with_box(step: Step) -> Step:
    """Return a step with the box that keeps a value which looks wrong."""
    return replace(step, questions=(*step.questions, KEEP))


def must_be_plausible(step: Step, typed: Typed, today: date) -> None:
    """Refuse values that look wrong, such as a birthday to come, unless the box says that they are right."""
    if typed.get(SURE):
        return
    details = Details.of(body_of(NewReferralStep, step.questions, typed).model_dump())
    asked = {question.name for question in step.questions}
    wrong = {one["field"]: plain(one["text"]) for one in details.warnings(today) if one["field"] in asked}
    if wrong:
        raise Implausible(wrong)


@router.get("")
def overview(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show the steps, and which of them are answered."""
    return steps.overview_page(request, visitor, database, _form(database, visitor))


@router.get("/check")
def check(request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Show all answers before the referral is sent."""
    form = _form(database, visitor)
    return steps.check_page(request, visitor, form, steps.kept(database, visitor, form))


@router.post("/check")
def send(request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Send the referral. What is wrong is shown above the answers, and nothing is lost."""
    actor, form = visitor.actor, _form(database, visitor)
    kept, once = steps.kept(database, visitor, form), once_of(request, typed)
    try:
        with database.writing(actor) as session:
            referral = once(
                session,
                actor,
                lambda: _submitted(session, visitor, form, kept),
                lambda made: queries.referral(session, actor, made),
            )
            referral_id: UUID = referral.id
            drafts.forget(session, visitor.membership_id, ADDRESS)
    except Faults as faults:
        return steps.check_page(request, visitor, form, kept, faults)
    except DomainError as refused:
        return steps.check_page(request, visitor, form, kept, faults_of(refused, form.questions))
    return go(f"/referrals/{referral_id}", "referred")


def _submitted(session: WriteSession, visitor: Visitor, form: StepForm, kept: Typed) -> Referral:
    new = body_of(NewReferral, form.questions, kept)
    if new.source_type is SourceType.SELF:
        new = new.model_copy(update={"referring_organisation_id": None})
    return actions.submit(session, visitor.actor, new)


@router.post("/discard")
def discard(visitor: Maker, database: DatabaseDep) -> Response:
    """Discard what was answered."""
    return steps.discard(visitor, database, _form(database, visitor))


@router.get("/{step}")
def ask(step: str, request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Ask the questions of one step."""
    form = _form(database, visitor)
    asked = form.step(step)
    if asked is None:
        return go(ADDRESS)
    kept = steps.kept(database, visitor, form)
    today = visitor.actor.today
    if not any(key.startswith("referred_on") for key in kept):
        parts = (("day", today.day), ("month", today.month), ("year", today.year))
        kept |= {f"referred_on-{part}": [str(number)] for part, number in parts}
    return steps.step_page(request, visitor, form, asked, kept)


@router.post("/{step}")
def answer(step: str, request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Keep the answers of one step and go on to the next."""
    form = _form(database, visitor)
    asked = form.step(step)
    if asked is None:
        return go(ADDRESS)
    try:
        must_be_plausible(asked, typed, visitor.actor.today)
        return steps.take(request, visitor, database, form, asked, typed)
    except Faults as faults:
        shown = with_box(asked) if isinstance(faults, Implausible) else asked
        return steps.step_page(request, visitor, form, shown, typed, faults=faults)
