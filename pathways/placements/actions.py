"""Every change to placements and their places."""

from collections.abc import Mapping
from datetime import timedelta
from math import floor
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.organisations.models import Organisation
from pathways.placements import legality, queries
from pathways.placements.models import (
    PLACEMENT_MOVES,
    AnswerTime,
    Place,
    Placement,
    PlacementConfirmation,
    PlacementEvent,
    PlacementMove,
    PlacementState,
    PlaceMove,
    PlaceState,
)
from pathways.placements.schemas import PlacementChange, PlacementOut, pence, pounds
from pathways.reference import half_days, tables
from pathways.reference.postcodes import GridPoint, locate

HALF_A_DAY = 0.5  # a median of 2.5 days is told as three


class PlacementMoveRefused(MoveRefused):
    title = "The placement cannot make that move now"


class ListingUnlawful(Conflict):
    title = "The listing stays in draft"


class NoPlaceLeft(Conflict):
    title = "No place is left"


class RefUsedTwice(Conflict):
    title = "There is already a placement with this reference"


def columns_of(session: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a body or a row of a file says, as the table's columns."""
    columns = {name: value for name, value in body.items() if name not in {"places", "pay_per_hour_pounds", "ref"}}
    if "pay_per_hour_pounds" in body:
        columns["pay_per_hour_pence"] = pence(body["pay_per_hour_pounds"])
    if isinstance(body.get("half_days"), str):
        columns["half_days"] = half_days.parse(body["half_days"])
    if "postcode" in body:
        columns |= placed(locate(session, body["postcode"]))
    return columns


def placed(place: GridPoint | None) -> dict[str, Any]:
    """Return where a listing is, as the table's columns."""
    return {
        "easting": place.easting if place else None,
        "northing": place.northing if place else None,
        "place_basis": place.basis if place else None,
    }


def check_sense(placement: Placement) -> None:
    if placement.starts_on and placement.ends_on and placement.ends_on < placement.starts_on:
        raise RuleBroken("A placement cannot end before it starts.", pointer="/ends_on")
    if placement.minimum_age and placement.maximum_age and placement.maximum_age < placement.minimum_age:
        raise RuleBroken("maximum_age is under minimum_age.", pointer="/maximum_age")


def make(
    session: WriteSession, actor: Actor, social_enterprise_id: UUID, new: Mapping[str, Any], *, places: int
) -> Placement:
    """List a placement as a draft, with its places free."""
    ref = new.get("ref") or f"P-{uuid7().hex[-10:]}"
    taken = select(Placement.id).where(Placement.social_enterprise_id == social_enterprise_id, Placement.ref == ref)
    if session.scalars(taken).first() is not None:
        raise RefUsedTwice("Choose another ref, or leave it out.")
    placement = Placement(
        id=uuid7(),
        social_enterprise_id=social_enterprise_id,
        ref=ref,
        state=PlacementState.DRAFT,
        made_at=actor.at,
        confirmed_on=actor.today,
        reconfirm_by=reconfirm_by(session, actor, social_enterprise_id),
        days_to_answer=_whole_days(
            queries.answer_times(session, [social_enterprise_id]).get(social_enterprise_id), actor
        ),
        **columns_of(session, new),
    )
    check_sense(placement)
    session.add(placement)
    session.flush()  # the places point to it
    add_places(session, actor, placement, places)
    return placement


def reconfirm_by(session: Session, actor: Actor, social_enterprise_id: UUID) -> Any:
    nation = session.get_one(Organisation, social_enterprise_id).nation
    return tables.due_on("placement_reconfirm", actor.today, nation)


def add_places(session: WriteSession, actor: Actor, placement: Placement, count: int) -> None:
    last = session.scalars(select(func.max(Place.number)).where(Place.placement_id == placement.id)).one() or 0
    for number in range(last + 1, last + count + 1):
        place = Place(id=uuid7(), placement_id=placement.id, number=number, state=PlaceState.FREE)
        session.add(place)
        session.flush()  # the log points to it
        session.add(_place_move(actor, place, "list", None, PlaceState.FREE, None))


def _place_move(
    actor: Actor,
    place: Place,
    event: str,
    from_state: PlaceState | None,
    to_state: PlaceState,
    introduction_id: UUID | None,
) -> PlaceMove:
    return PlaceMove.recorded(
        actor,
        placement_id=place.placement_id,
        place_id=place.id,
        introduction_id=introduction_id,
        event=event,
        from_state=from_state.value if from_state else None,
        to_state=to_state.value,
    )


def change(session: WriteSession, actor: Actor, placement: Placement, body: PlacementChange) -> Placement:
    """Change what the body names; a change that makes a published listing unlawful is refused."""
    given = body.model_dump(exclude_unset=True)
    for name in ("title", "kind", "places"):
        if name in given and given[name] is None:
            raise RuleBroken(f"{name} cannot be emptied.", pointer=f"/{name}")
    for name, value in columns_of(session, given).items():
        setattr(placement, name, value)
    check_sense(placement)
    if placement.state is PlacementState.PUBLISHED:
        must_be_lawful(placement, actor)
    if "places" in given:
        set_places(session, actor, placement, given["places"])
        flag_modified(placement, "state")  # its places are rows of their own, but part of this version
    session.flush()  # so that the reply carries the new version
    return placement


def set_places(session: WriteSession, actor: Actor, placement: Placement, wanted: int) -> None:
    """Add free places, or withdraw free ones from the end; a held or filled place is never taken away."""
    present = [place for place in queries.places(session, placement.id) if place.state is not PlaceState.WITHDRAWN]
    if wanted >= len(present):
        add_places(session, actor, placement, wanted - len(present))
        return
    surplus = len(present) - wanted
    free = [place.id for place in reversed(present) if place.state is PlaceState.FREE][:surplus]
    withdrawn = session.execute(
        update(Place)
        .where(Place.id.in_(free), Place.state == PlaceState.FREE)
        .values(state=PlaceState.WITHDRAWN)
        .execution_options(synchronize_session="fetch")
    ).rowcount  # type: ignore[attr-defined]
    if withdrawn < surplus:
        raise Conflict(f"Only {len(free)} places are free; held and filled ones cannot be withdrawn.")
    for place in present:
        if place.id in free:
            session.add(_place_move(actor, place, "withdraw", PlaceState.FREE, PlaceState.WITHDRAWN, None))


def must_be_lawful(placement: Placement, actor: Actor) -> None:
    reasons = legality.reasons_to_stay_in_draft(placement, actor.today)
    if reasons:
        raise ListingUnlawful(" ".join(reasons), reasons=reasons)


def move(
    session: WriteSession, actor: Actor, placement: Placement, event: PlacementEvent, *, reason: str = ""
) -> Placement:
    to_state = destination(PLACEMENT_MOVES, placement.state, event, PlacementMoveRefused)
    if to_state is PlacementState.PUBLISHED:
        must_be_lawful(placement, actor)
        if placement.closes_on is not None and placement.closes_on < actor.today:
            raise ListingUnlawful("closes_on has passed. Change it, then publish.", reasons=["closes_on has passed."])
    session.add(
        PlacementMove.recorded(
            actor,
            placement_id=placement.id,
            event=event.value,
            from_state=placement.state.value,
            to_state=to_state.value,
            reason=reason,
        )
    )
    placement.state = to_state
    if event is PlacementEvent.PUBLISH:
        confirm(session, actor, placement)
    session.flush()  # so that the reply carries the new version
    return placement


def confirm(session: WriteSession, actor: Actor, placement: Placement) -> Placement:
    """The social enterprise says that the listing is still right; the clock starts again."""
    if placement.state is PlacementState.CLOSED:
        raise PlacementMoveRefused("A closed placement is not reconfirmed; list it again.", possible=[])
    session.add(PlacementConfirmation.recorded(actor, placement_id=placement.id))
    placement.confirmed_on = actor.today
    placement.reconfirm_by = reconfirm_by(session, actor, placement.social_enterprise_id)
    session.flush()  # so that the reply carries the new version
    return placement


def hold_place(session: WriteSession, actor: Actor, placement_id: UUID, introduction_id: UUID) -> Place:
    """Claim one free place in one statement, so that a place is never held twice; tried once more if one got away."""
    hold_days = int(tables.in_force("clocks", actor.today, clock="place_hold")["amount"])
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    for _ in range(2):
        one_free = select(Place.id).where(Place.placement_id == placement_id, Place.state == PlaceState.FREE)
        one_free = one_free.order_by(Place.number).limit(1)
        if is_postgresql:
            one_free = one_free.with_for_update(skip_locked=True)
        claimed = session.execute(
            update(Place)
            .where(Place.id == one_free.scalar_subquery(), Place.state == PlaceState.FREE)
            .values(
                state=PlaceState.HELD,
                introduction_id=introduction_id,
                held_until=actor.today + timedelta(days=hold_days),
            )
            .returning(Place.id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        if claimed is not None:
            place = session.get_one(Place, claimed, populate_existing=True)
            session.add(_place_move(actor, place, "hold", PlaceState.FREE, PlaceState.HELD, introduction_id))
            return place
    raise NoPlaceLeft("Every place is held or filled. Another placement may fit, or wait until one is freed.")


def fill_place(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    _settle_place(session, actor, introduction_id, "fill", (PlaceState.HELD,), PlaceState.FILLED)


def free_place(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    """Give back the place of an introduction, if it has one."""
    if queries.place_of(session, introduction_id) is not None:
        _settle_place(session, actor, introduction_id, "free", (PlaceState.HELD, PlaceState.FILLED), PlaceState.FREE)


def _settle_place(
    session: WriteSession,
    actor: Actor,
    introduction_id: UUID,
    event: str,
    from_states: tuple[PlaceState, ...],
    to_state: PlaceState,
) -> None:
    before = queries.place_of(session, introduction_id)
    if before is None or before.state not in from_states:
        raise Conflict("This introduction holds no place.")
    from_state = before.state
    is_taken = to_state is PlaceState.FILLED
    settled = session.execute(
        update(Place)
        .where(Place.id == before.id, Place.state == from_state, Place.introduction_id == introduction_id)
        .values(state=to_state, introduction_id=introduction_id if is_taken else None, held_until=None)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if settled != 1:
        raise Conflict("The place was settled by somebody else at the same moment. Read it again.")
    session.refresh(before)
    session.add(_place_move(actor, before, event, from_state, to_state, introduction_id))


def replies(session: Session, actor: Actor, placements: list[Placement]) -> list[PlacementOut]:
    """Return placements as they are read, with their counts in one look-up for all."""
    counts = queries.place_counts(session, [placement.id for placement in placements])
    listed_by = {placement.social_enterprise_id for placement in placements}
    names, times = queries.names(session, listed_by), queries.answer_times(session, listed_by)
    shapes = []
    for placement in placements:
        total, left = counts.get(placement.id, (0, 0))
        columns = {name: getattr(placement, name, None) for name in PlacementOut.model_fields}
        is_own = placement.social_enterprise_id == actor.organisation_id
        is_draft = placement.state is PlacementState.DRAFT
        columns |= {
            "social_enterprise": names[placement.social_enterprise_id],
            "pay_per_hour_pounds": pounds(placement.pay_per_hour_pence),
            "places": total,
            "places_left": left,
            "median_days_to_answer": _days_to_answer(times.get(placement.social_enterprise_id), actor),
            "possible_events": [event.value for event in possible_events(PLACEMENT_MOVES, placement.state)]
            if is_own
            else [],
            "kept_in_draft_because": legality.reasons_to_stay_in_draft(placement, actor.today) if is_draft else [],
        }
        shapes.append(PlacementOut(**columns))
    return shapes


def _days_to_answer(found: AnswerTime | None, actor: Actor) -> float | None:
    """Return the days a social enterprise takes, once enough of its answers are counted: a new one is not judged."""
    if found is None or found.answers < tables.limit("answers_to_judge_by", actor.today):
        return None
    return float(found.median_days)


def _whole_days(found: AnswerTime | None, actor: Actor) -> int | None:
    days = _days_to_answer(found, actor)
    return None if days is None else floor(days + HALF_A_DAY)


def rank_by_answers(session: WriteSession, actor: Actor, social_enterprise_id: UUID) -> int:
    """Let the listings of a social enterprise be ranked by how soon it answers now; return how many changed."""
    days = _whole_days(session.get(AnswerTime, social_enterprise_id), actor)
    listings = session.scalars(
        select(Placement)
        .where(
            Placement.social_enterprise_id == social_enterprise_id,
            Placement.state != PlacementState.CLOSED,
            Placement.days_to_answer.is_distinct_from(days),
        )
        .order_by(Placement.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for placement in listings:
        placement.days_to_answer = days
    session.flush()
    return len(listings)
