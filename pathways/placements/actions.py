"""Every change to placements and their places."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from math import floor
from typing import Any
from uuid import UUID

from sqlalchemy import func, inspect, select, update
from sqlalchemy.orm.attributes import flag_modified, get_history
from uuid_utils.compat import uuid7

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, NotPermitted, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.given_reasons import FEWEST_FOR_AN_EXCEPTION, why_no_reason
from pathways.organisations.models import Organisation
from pathways.placements import legality, queries, questions
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
    WordingBasis,
    WordingConfirmation,
)
from pathways.placements.schemas import PlacementChange, PlacementOut, WordingOut, WordingToConfirm, pence, pounds
from pathways.reference import half_days, tables
from pathways.reference.postcodes import GridPoint, locate
from pathways.reference.wording import AdvertWords, WordingNeed

# What other rooms do, in the same transaction, when a placement has been closed. Each room adds its function.
WHEN_CLOSED: list[Callable[[WriteSession, Actor, Placement], None]] = []
# The same, when the terms of a placement have changed: what a jobseeker who was offered a place relied on.
WHEN_CHANGED: list[Callable[[WriteSession, Actor, Placement], None]] = []
TERMS = (
    *("title", "kind", "pay_per_hour_pence", "hours_per_week", "hours_flexible", "half_days"),
    *("starts_on", "ends_on", "postcode", "remote"),
)
NOT_COLUMNS = {"places", "pay_per_hour_pounds", "ref", "confirm_wording"}
HALF_A_DAY = 0.5  # added before rounding down, so that a median of 2.5 days counts as 3 days


class PlacementMoveRefused(MoveRefused):
    title = "The placement's current state does not allow this action"


class ListingUnlawful(Conflict):
    title = "The placement cannot be published yet"


class TermsRefused(Conflict):
    title = "The kind, pay or hours of the placement cannot be changed so"


class NoPlaceLeft(Conflict):
    title = "The placement has no free place"


class RefUsedTwice(Conflict):
    title = "This social enterprise already has a placement with this reference"


def columns_of(session: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request body or a file row as columns of the placements table.

    Converts pounds to pence, half-day text to bits and a postcode to grid coordinates. The callers store ``places``,
    ``ref`` and ``confirm_wording`` separately.
    """
    columns = {name: value for name, value in body.items() if name not in NOT_COLUMNS}
    if "pay_per_hour_pounds" in body:
        columns["pay_per_hour_pence"] = pence(body["pay_per_hour_pounds"])
    if isinstance(body.get("half_days"), str):
        columns["half_days"] = half_days.parse(body["half_days"])
    if "postcode" in body:
        columns |= placed(locate(session, body["postcode"]))
    return columns


def placed(place: GridPoint | None) -> dict[str, Any]:
    """Return the location columns of a placement; all are None when the postcode is unknown."""
    return {
        "easting": place.easting if place else None,
        "northing": place.northing if place else None,
        "place_basis": place.basis if place else None,
    }


def check_sense(placement: Placement) -> None:
    """Refuse a placement that ends before it starts, or whose maximum age is below its minimum age."""
    if placement.starts_on and placement.ends_on and placement.ends_on < placement.starts_on:
        raise RuleBroken("The end date is before the start date. Correct one of the dates.", pointer="/ends_on")
    if placement.minimum_age and placement.maximum_age and placement.maximum_age < placement.minimum_age:
        raise RuleBroken("The maximum age is below the minimum age. Correct one of the ages.", pointer="/maximum_age")


def check_days(values: Mapping[str, Any], today: date) -> None:
    """Refuse a start, end or closing date that is too long ago or too far ahead to be meant."""
    for field, text in legality.impossible_days(values, today):
        raise RuleBroken(text, pointer=f"/{field}")


def make(
    session: WriteSession, actor: Actor, social_enterprise_id: UUID, new: Mapping[str, Any], *, places: int
) -> Placement:
    """Create a draft placement whose places are all free; refuse a reference the social enterprise already uses."""
    check_days(new, actor.today)
    ref = new.get("ref") or f"P-{uuid7().hex[-10:]}"
    taken = select(Placement.id).where(Placement.social_enterprise_id == social_enterprise_id, Placement.ref == ref)
    if session.scalars(taken).first() is not None:
        raise RefUsedTwice("Choose another ref, or leave ref out so that the service creates a reference.")
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
    session.flush()  # the places have a foreign key to the placement
    add_places(session, actor, placement, places)
    return placement


def reconfirm_by(session: Session, actor: Actor, social_enterprise_id: UUID) -> Any:
    """Return the day by which a placement confirmed today must be confirmed again."""
    nation = session.get_one(Organisation, social_enterprise_id).nation
    return tables.due_on("placement_reconfirm", actor.today, nation)


def add_places(session: WriteSession, actor: Actor, placement: Placement, count: int) -> None:
    """Add ``count`` free places, numbered after the last existing place, and log the creation of each place."""
    last = session.scalars(select(func.max(Place.number)).where(Place.placement_id == placement.id)).one() or 0
    for number in range(last + 1, last + count + 1):
        place = Place(id=uuid7(), placement_id=placement.id, number=number, state=PlaceState.FREE)
        session.add(place)
        session.flush()  # the log row has a foreign key to the place
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
    """Change the fields named in the body.

    Refuses a change that makes a published placement break a legal rule, that leaves unlawful pay or hours in a paused
    or closed one, or that changes the kind or lowers the pay while a place is held.
    """
    given = body.model_dump(exclude_unset=True)
    for name in ("title", "kind", "places"):
        if name in given and given[name] is None:
            raise RuleBroken(f"{name} cannot be empty. Give a value, or leave {name} out.", pointer=f"/{name}")
    check_days(given, actor.today)
    before = changed_copy(placement, {})
    set_columns(session, actor, placement, columns_of(session, given))
    if placement.as_written:
        left = {name: said for name, said in placement.as_written.items() if name not in given}
        placement.as_written = left or None
    check_sense(placement)
    confirm_wording(session, actor, placement, body.confirm_wording or [])
    if placement.state is PlacementState.PUBLISHED:
        if given.get("closes_on") is not None and given["closes_on"] < actor.today:
            raise RuleBroken(
                "This closing date has passed. To stop the placement now, close it. Otherwise correct the date.",
                pointer="/closes_on",
            )
        must_be_lawful(session, placement, actor)
    is_held = placement.id in queries.with_held_places(session, [placement.id])
    must_keep_terms(actor, before, placement, is_held=is_held)
    if "places" in given:
        set_places(session, actor, placement, given["places"])
        # Places are separate rows, but a change of them must also increase the version number of the placement.
        flag_modified(placement, "state")
    session.flush()  # so that the reply contains the new version
    return placement


def changed_copy(placement: Placement | None, columns: Mapping[str, Any]) -> Placement:
    """Return a changed copy of a placement; the copy belongs to no session, so it is never saved."""
    before = {} if placement is None else {a.key: getattr(placement, a.key) for a in inspect(Placement).column_attrs}
    return Placement(**{**before, **columns})


def must_keep_terms(actor: Actor, before: Placement, after: Placement, *, is_held: bool) -> None:
    """Raise ``TermsRefused`` for terms that ``legality.reasons_against_terms`` refuses. A draft may have any terms.

    The caller has locked the placement, so that no place is offered meanwhile.
    """
    if before.state is PlacementState.DRAFT:
        return
    reasons = legality.reasons_against_terms(before, after, actor.today, is_held=is_held)
    if reasons:
        raise TermsRefused(" ".join(reasons), reasons=reasons)


def set_columns(session: WriteSession, actor: Actor, placement: Placement, columns: Mapping[str, Any]) -> None:
    """Set columns of a placement. If its terms change, other rooms act on it (``WHEN_CHANGED``)."""
    for name, value in columns.items():
        setattr(placement, name, value)
    if any(get_history(placement, name).has_changes() for name in TERMS):
        for act in WHEN_CHANGED:
            act(session, actor, placement)


def set_places(session: WriteSession, actor: Actor, placement: Placement, wanted: int) -> None:
    """Add or withdraw free places to get ``wanted`` places in all. Refuse fewer places than are held and filled."""
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
        raise Conflict(
            f"The new number is {surplus} lower, but the number of free places is {len(free)}. Held and filled "
            "places cannot be removed. Enter a higher number of places."
        )
    for place in present:
        if place.id in free:
            session.add(_place_move(actor, place, "withdraw", PlaceState.FREE, PlaceState.WITHDRAWN, None))


def must_be_lawful(session: Session, placement: Placement, actor: Actor) -> None:
    """Raise ``ListingUnlawful`` with every reason if the placement breaks a legal rule."""
    confirmed = queries.confirmed_wording(session, [placement.id]).get(placement.id, {})
    reasons = legality.reasons_to_stay_in_draft(placement, actor.today, confirmed)
    if reasons:
        raise ListingUnlawful(" ".join(reasons), reasons=reasons)


def confirm_wording(
    session: WriteSession, actor: Actor, placement: Placement, confirmations: Sequence[WordingToConfirm]
) -> None:
    """Record that a person keeps words of the advert.

    Refuses a program, words that the advert does not contain, a basis without a reason, an exception where the law has
    none, and personal care whose level of DBS check is not stated.
    """
    if not confirmations:
        return
    user = session.get(User, actor.user_id)
    if user is not None and user.is_machine:
        raise NotPermitted("A program cannot confirm wording. A person must read the advert and confirm it.")
    of_text = legality.checked_hash(placement)
    current = queries.confirmed_wording(session, [placement.id]).get(placement.id, {})
    known = {(kind, said): row for (kind, said, _), row in current.items()}
    for confirmation in confirmations:
        words = confirmation.words.lower()
        findings = [f for f in legality.wording_of(placement, actor.today) if f.words.lower() == words]
        if not findings:
            raise RuleBroken(
                "The advert does not contain these words. Copy the words from wording in the reply.",
                pointer="/confirm_wording",
            )
        for found in findings:
            _check_basis(found, confirmation, placement)
            before = known.get((found.kind, words))
            session.add(
                WordingConfirmation.recorded(
                    actor,
                    placement_id=placement.id,
                    kind=found.kind,
                    wording=words,
                    of_text=of_text,
                    basis=confirmation.basis,
                    reason=confirmation.reason,
                    supersedes=before.id if before else None,
                )
            )
    session.flush()  # the check of the wording reads the confirmations


def _check_basis(found: AdvertWords, confirmation: WordingToConfirm, placement: Placement) -> None:
    is_exception = confirmation.basis is not WordingBasis.MEANS_SOMETHING_ELSE
    if found.needs is WordingNeed.REMOVAL or (found.needs is WordingNeed.CHANGE and is_exception):
        raise RuleBroken(
            f"The law has no exception for this wording ({found.kind}). {found.remedy}", pointer="/confirm_wording"
        )
    if found.needs is WordingNeed.DBS_LEVEL and placement.dbs_level is None:
        raise RuleBroken(f"{found.reason} {found.remedy}", pointer="/dbs_level")
    if wrong := why_no_reason(confirmation.reason, FEWEST_FOR_AN_EXCEPTION):
        raise RuleBroken(
            f"A reason is needed: say why the exception applies to this work, or what the words mean here. {wrong}",
            pointer="/confirm_wording",
        )


def move(
    session: WriteSession,
    actor: Actor,
    placement: Placement,
    event: PlacementEvent,
    *,
    reason: str = "",
    confirmations: Sequence[WordingToConfirm] = (),
) -> Placement:
    """Publish, pause or close a placement and log the change of state.

    Publishing also confirms the placement and records the wording that a person keeps. A placement past its closing
    date or against a legal rule is refused.
    """
    to_state = destination(PLACEMENT_MOVES, placement.state, event, PlacementMoveRefused)
    if to_state is PlacementState.PUBLISHED:
        confirm_wording(session, actor, placement, confirmations)
        must_be_lawful(session, placement, actor)
        if placement.closes_on is not None and placement.closes_on < actor.today:
            raise ListingUnlawful(
                "The closing date (closes_on) has passed. Change the date or leave it blank, then publish again.",
                reasons=["The closing date (closes_on) has passed."],
            )
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
    if to_state is PlacementState.PUBLISHED:
        placement.listed_at = placement.listed_at or actor.at
    elif to_state is PlacementState.CLOSED:
        placement.closed_at = actor.at
        for act in WHEN_CLOSED:
            act(session, actor, placement)
    if event is PlacementEvent.PUBLISH:
        confirm(session, actor, placement)
    session.flush()  # so that the reply contains the new version
    return placement


def confirm(session: WriteSession, actor: Actor, placement: Placement) -> Placement:
    """Record that a placement is still correct and set its next confirmation deadline; refuse a closed placement."""
    if placement.state is PlacementState.CLOSED:
        raise PlacementMoveRefused(
            "A closed placement cannot be confirmed. If it is available again, list it as a new placement.", possible=[]
        )
    session.add(PlacementConfirmation.recorded(actor, placement_id=placement.id))
    placement.confirmed_on = actor.today
    placement.reconfirm_by = reconfirm_by(session, actor, placement.social_enterprise_id)
    session.flush()  # so that the reply contains the new version
    return placement


def hold_place(session: WriteSession, actor: Actor, placement_id: UUID, introduction_id: UUID) -> Place:
    """Hold one free place for an introduction.

    The place is selected and updated in one statement, so that two requests cannot hold the same place. If another
    transaction takes the selected place first, a second attempt is made. Raises ``NoPlaceLeft`` if no place is free.
    """
    hold_days = int(tables.in_force("clocks", actor.today, clock="place_hold")["amount"])
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    if is_postgresql:  # a change of the placement locks it, then its free places
        placement = select(Placement.id).where(Placement.id == placement_id)
        session.execute(placement.with_for_update(read=True, key_share=True))
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
    instead = "add a place" if actor.role is Role.PLACEMENT_LISTER else "choose another placement"
    raise NoPlaceLeft(f"No place is free. Put the jobseeker on the waiting list, or {instead}.")


def fill_place(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    """Mark the place held for an introduction as filled; refuse an introduction that holds no place."""
    _settle_place(session, actor, introduction_id, "fill", (PlaceState.HELD,), PlaceState.FILLED)


def free_place(session: WriteSession, actor: Actor, introduction_id: UUID) -> None:
    """Free the place that an introduction holds or fills; do nothing if the introduction has no place."""
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
        raise Conflict("No place is held for this introduction. Check the state of the introduction.")
    from_state = before.state
    is_taken = to_state is PlaceState.FILLED
    settled = session.execute(
        update(Place)
        .where(Place.id == before.id, Place.state == from_state, Place.introduction_id == introduction_id)
        .values(state=to_state, introduction_id=introduction_id if is_taken else None, held_until=None)
        .execution_options(synchronize_session=False)
    ).rowcount  # type: ignore[attr-defined]
    if settled != 1:
        raise Conflict("Another request changed this place at the same time. Read the placement again, then retry.")
    session.refresh(before)
    session.add(_place_move(actor, before, event, from_state, to_state, introduction_id))


def replies(session: Session, actor: Actor, placements: list[Placement]) -> list[PlacementOut]:
    """Return the replies for a list of placements; counts, names and answer times are each read in one query."""
    counts = queries.place_counts(session, [placement.id for placement in placements])
    listed_by = {placement.social_enterprise_id for placement in placements}
    names, times = queries.names(session, listed_by), queries.answer_times(session, listed_by)
    confirmed_of = queries.confirmed_wording(session, [placement.id for placement in placements])
    shapes = []
    for placement in placements:
        total, left = counts.get(placement.id, (0, 0))
        columns = {name: getattr(placement, name, None) for name in PlacementOut.model_fields}
        is_own = placement.social_enterprise_id == actor.organisation_id
        is_draft = placement.state is PlacementState.DRAFT
        confirmed = confirmed_of.get(placement.id, {})
        of_text = legality.checked_hash(placement)
        columns |= {
            "social_enterprise": names[placement.social_enterprise_id],
            "pay_per_hour_pounds": pounds(placement.pay_per_hour_pence),
            "places": total,
            "places_left": left,
            "median_days_to_answer": _days_to_answer(times.get(placement.social_enterprise_id), actor),
            "possible_events": [event.value for event in possible_events(PLACEMENT_MOVES, placement.state)]
            if is_own
            else [],
            "kept_in_draft_because": legality.reasons_to_stay_in_draft(placement, actor.today, confirmed)
            if is_draft
            else [],
            "wording": [
                _wording_out(found, confirmed.get((found.kind, found.words.lower(), of_text)))
                for found in legality.wording_of(placement, actor.today)
            ],
            "notes": legality.notes(placement, actor.today),
            "questions": questions.questions(placement)
            if is_own and placement.state is not PlacementState.CLOSED
            else [],
        }
        shapes.append(PlacementOut(**columns))
    return shapes


def _wording_out(found: AdvertWords, known: WordingConfirmation | None) -> WordingOut:
    return WordingOut(
        **asdict(found),
        basis=known.basis if known else None,
        confirmed_because=(known.reason or None) if known else None,
    )


def _days_to_answer(answer_time: AnswerTime | None, actor: Actor) -> float | None:
    """Return a social enterprise's median days to answer; None if it has fewer than ``answers_to_judge_by`` answers."""
    if answer_time is None or answer_time.answers < tables.limit("answers_to_judge_by", actor.today):
        return None
    return float(answer_time.median_days)


def _whole_days(answer_time: AnswerTime | None, actor: Actor) -> int | None:
    days = _days_to_answer(answer_time, actor)
    return None if days is None else floor(days + HALF_A_DAY)


def rank_by_answers(session: WriteSession, actor: Actor, social_enterprise_id: UUID) -> int:
    """Store a social enterprise's current answer time on its placements; return the number of placements changed.

    The ranking reads ``days_to_answer`` from the placement. Closed placements are not changed.
    """
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
