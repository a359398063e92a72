"""The pages on which a person's details and vocational profile are read and changed, section by section."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database
from pathways.errors import DomainError
from pathways.fields import reads_any_words
from pathways.jobseekers import actions, profile, queries
from pathways.jobseekers.models import ProfileVersion
from pathways.jobseekers.schemas import JobseekerChange, NewProfile, ProfileBody, ProfileOut
from pathways.pages.forms import (
    Faults,
    FormQuestion,
    Option,
    body_of,
    faults_of,
    faults_of_model,
    first,
    typed_of,
    values_of,
)
from pathways.pages.person import find, head, latest_profile, person_page
from pathways.pages.person_questions import DETAILS_STEPS, PROFILE_STEPS
from pathways.pages.steps import Step, in_words
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, typed_before
from pathways.protection import actions as protection
from pathways.reference import half_days

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.PROFILE_READ)]
Writer = Annotated[Visitor, allowed(Permission.PROFILE_WRITE)]
Changer = Annotated[Visitor, allowed(Permission.JOBSEEKER_CHANGE)]
SECTIONS = {step.name: step for step in PROFILE_STEPS}
DETAILS = {step.name: step for step in DETAILS_STEPS}
# Numbers are shown masked, so a blank field leaves them as they are.
KEPT_IF_BLANK = frozenset({"nino", "nhs_number"})
TELLERS = (
    Option("jobseeker", "The jobseeker"),
    Option("caseworker", "I observed it"),
    Option("supporter", "A supporter"),
    Option("referrer", "The referrer"),
)
TOLD_BY = FormQuestion("told_by", "one", "Who said this?", options=TELLERS, missing="Choose who said this")
AGREED = FormQuestion(
    "agreed",
    "yes_no",
    "Has the jobseeker agreed today that the profile is right?",
    "Without a yes, a changed profile counts as not agreed until they have seen it.",
)
LONGEST_NUMBER = 9  # digits of a version
MAY_NOT = "This section has answers that you may not read, so you cannot change it. Ask the person's caseworker."


@router.get("/{reference}/profile")
def show_profile(reference: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show the details and the profile of a person, section by section, with who said what."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        latest = latest_profile(session, actor, person)
    questions = [question for step in PROFILE_STEPS for question in step.questions]
    details = [question for step in DETAILS_STEPS for question in step.questions]
    return person_page(
        request,
        visitor,
        top,
        "person/profile",
        "Profile",
        latest=latest,
        sections=PROFILE_STEPS,
        details=DETAILS_STEPS,
        said=in_words(questions, latest.model_dump() if latest else {}),
        said_details=in_words(details, top.shown.model_dump()),
        tellers={one.value: one.text for one in TELLERS},
    )


def _section_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    section: Step,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        latest = latest_profile(session, actor, person)
        may_change = _may_change(latest, section, actor, person)
    shown = typed_of(section.questions, latest.model_dump() if latest else {})
    said = (latest.said_by or {}) if latest else {}
    teller = _teller(said, section)
    number = _version(typed, latest.number if latest else 0)
    questions = (*section.questions, TOLD_BY, AGREED)
    return person_page(
        request,
        visitor,
        top,
        "person/section",
        section.title,
        section=section,
        questions=questions if may_change else (),
        refused="" if may_change else MAY_NOT,
        action=f"{top.address}/profile/{section.name}",
        version=number,
        typed=typed or {**shown, "told_by": [teller]},
        faults=faults.by_field if faults else {},
        errors=faults.summary(questions) if faults else (),
        status=422 if faults else 200,
    )


def _teller(said_by: Mapping[str, str], section: Step) -> str:
    """Return who gave the answers of a section: the teller of its first answer."""
    return next((said_by[question.name] for question in section.questions if question.name in said_by), "jobseeker")


def _may_change(latest: ProfileOut | None, section: Step, actor: Any, person: Any) -> bool:
    """Return whether nothing in a section is withheld from the actor: else a change would lose what they cannot see."""
    if latest is None:
        return True
    hidden = set(latest.withheld) & {question.name for question in section.questions}
    return not hidden and reads_any_words(queries.visible_groups(actor, person))


def _version(typed: Mapping[str, Any] | None, now: int) -> Any:
    """Return the version that the form was opened with, so that a refused form does not overwrite a newer version."""
    return first(typed, "version") if typed and typed.get("version") else now


def _checked(whole: dict[str, Any], section: Step) -> NewProfile:
    try:
        return NewProfile.model_validate(whole)
    except ValidationError as wrong:
        raise faults_of_model(wrong, section.questions) from wrong


def _next_version(before: Mapping[str, Any], section: Step, values: dict[str, Any]) -> NewProfile:
    """Return a profile with the answers of one section, and who said them.

    An answer that stays keeps who said it. Only if all of them stay does another choice of who said it apply to all.
    """
    teller = values.pop("told_by")
    given = {name: value for name, value in values.items() if value is not None}
    after = _checked({name: value for name, value in before.items() if name not in values} | given, section)
    old, told_before = _checked(dict(before), section), before.get("said_by", {})
    said = [name for name in given if name in ProfileBody.model_fields]
    changed = [name for name in values if getattr(after, name) != getattr(old, name)]
    if not changed and teller != _teller(told_before, section):
        changed = said
    told = {name: teller if name in changed else told_before.get(name, teller) for name in said}
    after.said_by = {name: who for name, who in told_before.items() if name not in values} | told
    return after


def _must_see_all(sees_all: bool) -> None:  # noqa: FBT001 - what its name asks
    if not sees_all:
        raise Faults({"": MAY_NOT})


def _must_be_unchanged(is_unchanged: bool) -> None:  # noqa: FBT001 - what its name asks
    if not is_unchanged:
        raise Faults({"": "Somebody else has changed the record since you opened this page. Open it again."})


@router.get("/{reference}/profile/{section}")
def ask_section(reference: str, section: str, request: Request, visitor: Writer, database: DatabaseDep) -> Response:
    """Ask the questions of one section of the profile."""
    asked = SECTIONS.get(section)
    if asked is None:
        return go(f"/people/{reference}/profile")
    kept = typed_before(database, visitor, request.url.path)
    return _section_page(request, visitor, database, reference, asked, kept)


def _whole(current: ProfileVersion | None) -> dict[str, Any]:
    """Return the newest version of a profile as the body of the next."""
    if current is None:
        return {}
    names = set(ProfileBody.model_fields) - {"half_days"}
    whole = {name: getattr(current, name) for name in names}
    whole["half_days"] = half_days.text_of(current.half_days)
    for name in ("said_by", "own_words", "note", "experiences", "barriers", "agreed_by"):
        whole[name] = getattr(current, name)
    return {name: value for name, value in whole.items() if value is not None}


@router.post("/{reference}/profile/{section}")
def write_section(
    reference: str, section: str, request: Request, visitor: Writer, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Write a new version of the profile with the answers of one section; everything else stays as it was."""
    asked = SECTIONS.get(section)
    if asked is None:
        return go(f"/people/{reference}/profile")
    actor = visitor.actor
    try:
        values = values_of((*asked.questions, TOLD_BY), typed)
        body_of(NewProfile, asked.questions, typed)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            _must_see_all(_may_change(latest_profile(session, actor, person), asked, actor, person))
            before = _whole(queries.profile(session, person))
            new = _next_version(before, asked, values)
            if first(typed, "agreed") == "yes":
                new.agreed_on = actor.today
            elif new == _checked(before, asked):
                return go(f"/people/{reference}/profile", "nothing_changed")
            number = first(typed, "version")
            on_number = int(number) if number.isdecimal() and len(number) < LONGEST_NUMBER else 0
            profile.write_profile(session, actor, person, new, on_number=on_number)
    except Faults as faults:
        return _section_page(request, visitor, database, reference, asked, typed, faults)
    except DomainError as refused:
        return _section_page(request, visitor, database, reference, asked, typed, faults_of(refused, asked.questions))
    return go(f"/people/{reference}/profile", "profile_written")


def _details_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    section: Step,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor, newest=True) as session:
        person = find(session, visitor.actor, reference)
        top = head(session, visitor.actor, person)
    hidden = set(top.shown.withheld) & {question.name for question in section.questions}
    shown = {name: value for name, value in top.shown.model_dump().items() if name not in KEPT_IF_BLANK}
    masked = ", ".join(filter(None, (top.shown.nino, top.shown.nhs_number))) if section.name == "numbers" else ""
    return person_page(
        request,
        visitor,
        top,
        "person/section",
        section.title,
        section=section,
        questions=() if hidden else section.questions,
        refused=MAY_NOT if hidden else "",
        masked=masked,
        action=f"{top.address}/details/{section.name}",
        version=_version(typed, top.shown.version),
        typed=typed or typed_of(section.questions, shown),
        faults=faults.by_field if faults else {},
        errors=faults.summary(section.questions) if faults else (),
        status=422 if faults else 200,
    )


@router.get("/{reference}/details/{section}")
def ask_details(reference: str, section: str, request: Request, visitor: Changer, database: DatabaseDep) -> Response:
    """Ask for one part of a person's details."""
    asked = DETAILS.get(section)
    if asked is None:
        return go(f"/people/{reference}/profile")
    kept = typed_before(database, visitor, request.url.path)
    return _details_page(request, visitor, database, reference, asked, kept)


@router.post("/{reference}/details/{section}")
def change_details(
    reference: str, section: str, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Change one part of a person's details."""
    asked = DETAILS.get(section)
    if asked is None:
        return go(f"/people/{reference}/profile")
    actor = visitor.actor
    try:
        values = values_of(asked.questions, typed)
        body_of(JobseekerChange, asked.questions, typed)
        changes = {name: value for name, value in values.items() if value is not None or name not in KEPT_IF_BLANK}
        change = JobseekerChange.model_validate(changes)
        with database.writing(actor) as session:
            person = find(session, actor, reference, for_update=True)
            shown = actions.reply(session, actor, person)
            _must_see_all(not set(shown.withheld) & set(values))
            _must_be_unchanged(first(typed, "version") == str(person.version))
            protection.change(session, actor, person, change.model_dump(exclude_unset=True))
    except Faults as faults:
        return _details_page(request, visitor, database, reference, asked, typed, faults)
    except DomainError as refused:
        return _details_page(request, visitor, database, reference, asked, typed, faults_of(refused, asked.questions))
    return go(f"/people/{reference}/profile", "details_changed")
