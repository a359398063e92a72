"""The overview of one person, and what all pages about a person share."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.models import User
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, Session
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import NotFound
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import OPEN, Introduction, IntroductionState
from pathways.jobseekers import actions, profile, queries
from pathways.jobseekers.models import Jobseeker, JobseekerState
from pathways.jobseekers.schemas import JobseekerOut, ProfileOut
from pathways.organisations.models import Membership
from pathways.pages import words
from pathways.pages.enterprise import lines as introduction_lines
from pathways.pages.forms import Faults, FormQuestion
from pathways.pages.introduction_words import COLOURS, STATES_OF_PARTNER
from pathways.pages.person_questions import DETAILS_STEPS, RIGHT_TO_WORK
from pathways.pages.today import TodayLine, most_pressing
from pathways.pages.today import lines as today_lines
from pathways.pages.visitors import PageRoute, Visitor, allowed, show
from pathways.programmes.models import Programme
from pathways.progression import queries as progression_queries
from pathways.support import queries as support_queries
from pathways.support import worklist
from pathways.support.waiting import Cases

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.JOBSEEKER_READ)]
TABS = (
    ("", "Overview"),
    ("/profile", "Profile"),
    ("/places", "Places"),
    ("/work", "Work"),
    ("/support", "Support"),
    ("/sharing", "Sharing and safety"),
    ("/history", "History"),
)
# The tab to which a form belongs whose address begins otherwise.
TAB_OF = {
    "/check-ins": "/work",
    "/claims": "/work",
    "/outcomes": "/work",
    "/contacts": "/support",
    "/details": "/profile",
    "/merges": "/history",
}
STATES = {
    JobseekerState.REFERRED: "Referred",
    JobseekerState.OPEN: "Open",
    JobseekerState.CLOSED: "Closed",
    JobseekerState.VOIDED: "Voided",
}


@dataclass(frozen=True, slots=True)
class PersonHead:
    """The top of every page about a person."""

    shown: JobseekerOut
    name: str
    state: str
    caseworker: str
    programme: str
    next_due: TodayLine | None

    @property
    def address(self) -> str:
        return f"/people/{self.shown.reference}"

    @property
    def next_text(self) -> str:
        """Return what is due next, in one sentence."""
        return words.plain(self.next_due.item.text).split(". ")[0].rstrip(".") if self.next_due else ""


def find(session: Session, actor: Actor, reference: str, *, for_update: bool = False) -> Jobseeker:
    """Return the person with a reference whom the actor may see, and note it for the audit."""
    person = session.scalars(queries.visible_to(actor).where(Jobseeker.reference == reference)).one_or_none()
    if person is None:
        raise NotFound("There is no person with this reference whom you may see. Check it, or search for the name.")
    if for_update:
        person = queries.jobseeker(session, actor, person.id, for_update=True)
    actor.reading.people.add(person.id)
    return person


def due(session: Session, actor: Actor, person: Jobseeker) -> list[TodayLine]:
    """Return what waits about a person, most overdue first."""
    cases = Cases(person.partner_id, (person.id,))
    return today_lines(session, actor, worklist.items_of(session, actor, cases))


def head(session: Session, actor: Actor, person: Jobseeker, waits: list[TodayLine] | None = None) -> PersonHead:
    """Return the top of a page about a person."""
    shown = actions.reply(session, actor, person)
    waits = due(session, actor, person) if waits is None else waits
    worker = session.scalars(
        select(User.name).join(Membership, Membership.user_id == User.id).where(Membership.id == person.caseworker_id)
    ).one_or_none()
    programme = session.get(Programme, person.programme_id) if person.programme_id else None
    name = " ".join(filter(None, (shown.given_name, shown.family_name))) or shown.reference
    is_closed = person.state is JobseekerState.CLOSED
    return PersonHead(
        shown,
        name,
        STATES[person.state],
        worker or ("nobody: the case is closed" if is_closed else "nobody yet"),
        programme.name if programme else "none",
        most_pressing(waits) if waits else None,
    )


def person_page(
    request: Request, visitor: Visitor, head_of: PersonHead, template: str, title: str, **values: Any
) -> Response:
    """Return a page about a person, with the key bar and the tabs. Its title names nobody."""
    tab = request.url.path.removeprefix(head_of.address)
    begins = next((other for start, other in TAB_OF.items() if tab.startswith(start)), tab)
    here = max((path for path, _ in TABS if begins == path or begins.startswith(f"{path}/")), key=len, default="")
    return show(request, visitor, template, title, head=head_of, tabs=TABS, tab=here, **values)


def today_in(visitor: Visitor, name: str) -> dict[str, list[str]]:
    """Return today as the three fields of a day."""
    today = visitor.actor.today
    parts = (("day", today.day), ("month", today.month), ("year", today.year))
    return {f"{name}-{part}": [str(number)] for part, number in parts}


@dataclass(frozen=True, slots=True)
class PersonForm:
    """A form about a person: its heading, its questions, what was typed, what is wrong, and what it is about."""

    title: str
    questions: tuple[FormQuestion, ...]
    typed: Mapping[str, Any]
    faults: Faults | None = None
    about: str = ""
    button: str = "Record it"


def person_form(request: Request, visitor: Visitor, database: Database, reference: str, form: PersonForm) -> Response:
    """Show a form about a person."""
    with database.reading(visitor.actor) as session:
        person = find(session, visitor.actor, reference)
        top = head(session, visitor.actor, person, [])  # what waits next would only lead away from the form
    return person_page(
        request,
        visitor,
        top,
        "person/form",
        form.title,
        questions=form.questions,
        action=request.url.path,
        about=form.about,
        button=form.button,
        back=top.address,
        typed=form.typed,
        faults=form.faults.by_field if form.faults else {},
        errors=form.faults.summary(form.questions) if form.faults else (),
        status=422 if form.faults else 200,
    )


@dataclass(frozen=True, slots=True)
class Readiness:
    """One thing that work needs: what it is, whether it is in place, what is known, and where to put it right."""

    text: str
    is_in_place: bool
    known: str
    path: str


def readiness(shown: JobseekerOut, latest: ProfileOut | None) -> list[Readiness]:
    """Return what must be in place before work, from what the actor may read. What is withheld is left out."""
    found = []
    if latest is not None and "right_to_work" not in latest.withheld:
        right = latest.right_to_work
        is_in_place = right is not None and right.value in {"unrestricted", "time_limited"}
        found.append(Readiness("Right to work", is_in_place, RIGHT_TO_WORK[right] if right else "", "/profile/needs"))
    if "nino" not in shown.withheld:
        is_doubtful = any(warning.field == "nino" for warning in shown.warnings)
        is_in_place = bool(shown.nino) and not is_doubtful
        found.append(Readiness("National Insurance number", is_in_place, shown.nino or "", "/details/numbers"))
    if "phone" not in shown.withheld:
        contact = words.phone(shown.phone) or shown.email or ""
        found.append(Readiness("A way to get in touch", bool(contact), contact, "/details/contact"))
    if latest is None:
        return [*found, Readiness("Vocational profile", is_in_place=False, known="", path="/profile")]
    for text, field, path in (
        ("Wishes for work", "aspirations", "/profile/wishes"),
        ("Skills", "skills", "/profile/skills"),
        ("When they can work", "half_days", "/profile/time"),
        ("How they travel", "travel_modes", "/profile/travel"),
    ):
        if field not in latest.withheld:
            found.append(Readiness(text, bool(getattr(latest, field)), "", path))
    agreed = f"agreed on {latest.agreed_on:%-d %B %Y}" if latest.agreed_on else ""
    found.append(Readiness("Profile agreed with the person", bool(latest.agreed_on), agreed, "/profile"))
    return found


@dataclass(frozen=True, slots=True)
class PathwayStep:
    """One step on the way into work, and the day on which it was taken."""

    text: str
    on: date | None


def _pathway(session: Session, person: Jobseeker, latest: ProfileOut | None) -> list[PathwayStep]:
    enrolment = enrolment_queries.open_enrolment(session, person) or enrolment_queries.last_enrolment(session, person)
    plan = support_queries.plan_of(session, enrolment) if enrolment else None
    sent = session.scalars(
        select(Introduction.sent_at)
        .where(
            Introduction.partner_id == person.partner_id,
            Introduction.jobseeker_id == person.id,
            Introduction.sent_at.is_not(None),
        )
        .order_by(Introduction.sent_at)
        .limit(1)
    ).first()
    started = progression_queries.first_day_of_work(session, enrolment) if enrolment else None
    steps = [
        PathwayStep("On the programme", enrolment.started_on if enrolment else None),
        PathwayStep("Profile", latest.valid_on if latest else None),
        PathwayStep("Action plan", plan.valid_on if plan else None),
        PathwayStep("First introduction", sent.date() if sent else None),
        PathwayStep("First day of work", started),
    ]
    return sorted(steps, key=lambda step: step.on or date.max)


def latest_profile(session: Session, actor: Actor, person: Jobseeker) -> ProfileOut | None:
    """Return the newest version of the profile with the fields that the actor may read."""
    version = queries.profile(session, person)
    return profile.profile_reply(actor, person, version) if version is not None else None


@router.get("/{reference}")
def overview(reference: str, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show one person: what waits, what is in place, the way so far, open introductions and how to get in touch."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        waits = due(session, actor, person)
        top = head(session, actor, person, waits)
        latest = latest_profile(session, actor, person)
        live = (*OPEN, IntroductionState.STARTED)
        introductions = introduction_queries.in_states(session, person, live)
        values: dict[str, Any] = {
            "waits": waits,
            "readiness": readiness(top.shown, latest) if person.state is not JobseekerState.CLOSED else [],
            "pathway": _pathway(session, person, latest),
            "introductions": introduction_lines(session, actor, introductions),
            "latest": latest,
        }
    to_send = [line for line in values["introductions"] if line.shown.state is IntroductionState.AGREED]
    return person_page(
        request,
        visitor,
        top,
        "person/overview",
        "Person",
        states=STATES_OF_PARTNER,
        colours=COLOURS,
        can_rank=person.state is JobseekerState.OPEN,
        is_closed=person.state is JobseekerState.CLOSED,
        to_send=to_send,
        details_of={question.name: step.name for step in DETAILS_STEPS for question in step.questions},
        **values,
    )
