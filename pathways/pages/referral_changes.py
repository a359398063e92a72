"""The pages on which a referrer corrects a referral, section by section, until it is accepted."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep, expect_number
from pathways.access.permissions import Permission
from pathways.database import Database
from pathways.errors import DomainError
from pathways.pages.forms import Faults, body_of, faults_of, first, typed_of, values_of
from pathways.pages.person_questions import DETAILS_STEPS, PROFILE_STEPS, WORDS
from pathways.pages.profiles import KEPT_IF_BLANK
from pathways.pages.refer import Implausible, must_be_plausible, with_box
from pathways.pages.steps import Step
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, show
from pathways.referrals import actions, queries
from pathways.referrals.schemas import ReferralChange

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/referrals")
Changer = Annotated[Visitor, allowed(Permission.REFERRAL_CHANGE)]
SECTIONS = {step.name: step for step in (*DETAILS_STEPS, *PROFILE_STEPS) if step is not WORDS}
LONGEST_NUMBER = 9  # digits of a version


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    referral_id: UUID,
    step: Step,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        shown = actions.reply(session, actor, queries.referral(session, actor, referral_id))
    kept = {name: value for name, value in shown.model_dump().items() if name not in KEPT_IF_BLANK}
    asked = with_box(step) if isinstance(faults, Implausible) else step
    return show(
        request,
        visitor,
        "steps/step",
        step.title,
        422 if faults else 200,
        step=asked,
        number=0,
        action=f"/referrals/{referral_id}/change/{step.name}",
        back=f"/referrals/{referral_id}",
        button="Save",
        version=(typed or {}).get("version", [shown.version])[0],
        offers={},
        has_lookup=False,
        typed=typed or typed_of(step.questions, kept),
        faults=faults.by_field if faults else {},
        errors=faults.summary(asked.questions) if faults else (),
    )


@router.get("/{referral_id:uuid}/change/{section}")
def ask(referral_id: UUID, section: str, request: Request, visitor: Changer, database: DatabaseDep) -> Response:
    """Ask one section of a referral again, with what was said."""
    step = SECTIONS.get(section)
    if step is None:
        return go(f"/referrals/{referral_id}")
    return _page(request, visitor, database, referral_id, step)


@router.post("/{referral_id:uuid}/change/{section}")
def change(
    referral_id: UUID, section: str, request: Request, visitor: Changer, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Save one section of a referral. A blank answer is cleared; a number that is left blank is kept."""
    step = SECTIONS.get(section)
    if step is None:
        return go(f"/referrals/{referral_id}")
    actor = visitor.actor
    try:
        body_of(ReferralChange, step.questions, typed)
        must_be_plausible(step, typed, actor.today)
        values = values_of(step.questions, typed)
        said = {name: value for name, value in values.items() if value is not None or name not in KEPT_IF_BLANK}
        number = first(typed, "version")
        with database.writing(actor) as session:
            referral = queries.referral(session, actor, referral_id, for_update=True)
            expect_number(referral.version, int(number) if number.isdecimal() and len(number) < LONGEST_NUMBER else 0)
            actions.change(session, actor, referral, ReferralChange.model_validate(said))
    except Faults as faults:
        return _page(request, visitor, database, referral_id, step, typed, faults)
    except DomainError as refused:
        return _page(request, visitor, database, referral_id, step, typed, faults_of(refused, step.questions))
    return go(f"/referrals/{referral_id}", "referral_changed")
