"""Import of the placement file: a CSV or XLSX file with one row for each placement."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from pathways.base import Actor, Role, local_day, utc_now
from pathways.database import Session, WriteSession
from pathways.errors import DomainError, RuleBroken
from pathways.imports.intake import Change, Fault, ImportKind, Plan, ReadRow
from pathways.imports.models import ImportRun, RowState
from pathways.jobseekers import placeholders
from pathways.organisations import actions as organisation_actions
from pathways.organisations import formats as organisation_formats
from pathways.organisations import names
from pathways.organisations import queries as organisation_queries
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import actions, legality, queries, template
from pathways.placements.columns import ALIASES, READERS
from pathways.placements.models import Placement, PlacementEvent, PlacementState
from pathways.placements.schemas import pounds
from pathways.reference import half_days
from pathways.reference.postcodes import find_places, locate_all
from pathways.sheets import slips

NOT_COLUMNS = {"placement_ref", "social_enterprise", "company_number", "charity_number", "places", "slips"}
CROSSED = (("starts_on", "ends_on"), ("minimum_age", "maximum_age"))


class CurrentListing(NamedTuple):
    """The places of an existing placement, the free ones among them, whether one is held, and its confirmed wording."""

    places: int
    free: int
    is_held: bool
    confirmed: legality.Confirmed

    @property
    def taken(self) -> int:
        return self.places - self.free


class PlacementIntake:
    """Validates, previews and applies the rows of one placement file."""

    def __init__(self, session: Session, actor: Actor, run: ImportRun) -> None:
        self.session = session
        self.actor = actor
        self.run = run
        self._made: dict[str, UUID] = {}
        self._names: dict[str, UUID | None] = {}
        self._all_enterprises: list[tuple[UUID, str]] | None = None
        self._organisations: dict[UUID, Organisation] = {}

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        faults: list[Fault] = []
        name, field = values["social_enterprise"], "social_enterprise"
        if self.actor.role is Role.PLACEMENT_LISTER:
            own = self._organisation(self.actor.organisation_id)
            if not names.names_no_organisation(name) and not names.is_almost(name, own.name):
                rule = "You can list placements only for your own organisation."
                faults.append(Fault(field, rule, "Leave the cell blank, or remove the row."))
        elif name is None:
            faults.append(Fault(field, "This field is required.", "Fill in the cell."))
        elif not self.run.creates_organisations and self._enterprise_id(name) is None:
            rule = "There is no social enterprise with this name."
            kinds = [OrganisationKind.SOCIAL_ENTERPRISE]
            faults.append(Fault(field, rule, organisation_queries.advice_on_name(self.session, name, kinds)))
        return faults

    def _enterprise_id(self, name: str) -> UUID | None:
        if name not in self._names:
            key = names.plain_name(name)
            same = [own for own, other in self._enterprises() if other == name]
            # A name that several organisations have but for a sign is nobody's: a person must write it in full.
            alike = [own for own, other in self._enterprises() if names.plain_name(other) == key]
            self._names[name] = next(iter(same or (alike if len(alike) == 1 else [])), None)
        return self._names[name]

    def _enterprises(self) -> list[tuple[UUID, str]]:
        """Return the id and the name of each social enterprise."""
        if self._all_enterprises is None:
            rows = select(Organisation.id, Organisation.name).where(
                Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE
            )
            self._all_enterprises = [(row.id, row.name) for row in self.session.execute(rows.order_by(Organisation.id))]
        return self._all_enterprises

    def _organisation(self, owner: UUID) -> Organisation:
        """Return a social enterprise, read once for all rows."""
        if owner not in self._organisations:
            self._organisations[owner] = self.session.get_one(Organisation, owner)
        return self._organisations[owner]

    def key(self, values: Mapping[str, Any]) -> str:
        """Return the key that identifies the placement: its social enterprise and its reference."""
        return repr((str(self._owner(values) or values["social_enterprise"]), values["placement_ref"]))

    def same_person(self, jobseeker_id: UUID) -> None:
        raise RuleBroken(
            "A placement row is not about a jobseeker. Leave the jobseeker out (same_as).", pointer="/same_as"
        )

    def plan(self, rows: Sequence[ReadRow]) -> list[Plan]:
        owners = [self._owner(row.values) for row in rows]
        existing = self._existing(rows, owners)
        columns, current = _columns(self.session, rows), self._current_listings(existing)
        return [
            self._with_numbers(
                owner,
                row.values,
                Plan(
                    RowState.TO_CREATE,
                    warnings=_warnings(row.values)
                    + _place_unknown(actions.changed_copy(None, new_columns))
                    + self._reasons_not_published(actions.changed_copy(None, new_columns)),
                )
                if placement is None
                else self._to_update(placement, new_columns, row.values, current[placement.id])[0],
            )
            for row, owner, placement, new_columns in zip(rows, owners, existing, columns, strict=True)
        ]

    def changes(self, rows: Sequence[ReadRow]) -> list[list[Change]]:
        return [planned.changes for planned in self.plan(rows)]

    def _owner(self, values: Mapping[str, Any]) -> UUID | None:
        """Return the social enterprise that owns the placement; None if the import has yet to create it."""
        if self.actor.role is Role.PLACEMENT_LISTER:
            return self.actor.organisation_id
        return self._enterprise_id(values["social_enterprise"])

    def _existing(self, rows: Sequence[ReadRow], owners: Sequence[UUID | None]) -> list[Placement | None]:
        """Return the existing placement of each row; None for a row that creates a placement."""
        refs = {row.values["placement_ref"] for row in rows}
        query = select(Placement).where(
            Placement.social_enterprise_id.in_({owner for owner in owners if owner}), Placement.ref.in_(refs)
        )
        placements = {(row.social_enterprise_id, row.ref): row for row in self.session.scalars(query)}
        return [
            placements.get((owner, row.values["placement_ref"])) if owner else None
            for row, owner in zip(rows, owners, strict=True)
        ]

    def _current_listings(self, existing: Sequence[Placement | None]) -> dict[UUID, CurrentListing]:
        """Return the places and the confirmed wording of the existing placements. Each query reads all of them."""
        ids = [placement.id for placement in existing if placement is not None]
        counts = queries.place_counts(self.session, ids)
        confirmed = queries.confirmed_wording(self.session, ids)
        held = queries.with_held_places(self.session, ids)
        return {
            key: CurrentListing(*counts.get(key, (0, 0)), key in held, frozenset(confirmed.get(key, ()))) for key in ids
        }

    def _to_update(
        self, placement: Placement, columns: Mapping[str, Any], values: Mapping[str, Any], current: CurrentListing
    ) -> tuple[Plan, dict[str, Any]]:
        """Return what the import would do with a row about an existing placement, and the columns it would change.

        A blank cell keeps the stored value. A change that would make a published placement break a legal rule, that
        would remove a held or filled place, or that is about a closed placement is reported as an error of the row.
        """
        places, slips_of_row = values["places"], _warnings(values, NOT_CHANGED)
        slips_of_row += _place_unknown(actions.changed_copy(placement, columns)) if columns["postcode"] else []
        changes = {
            name: value
            for name, value in columns.items()
            if name != "as_written" and value is not None and getattr(placement, name) != value
        }
        before = placement.as_written or {}
        given = {**values, **columns}
        words = {n: said for n, said in before.items() if given.get(n) is None} | (columns["as_written"] or {})
        if words != before:
            changes["as_written"] = words or None
        is_other_number = places is not None and places != current.places
        changed = actions.changed_copy(placement, changes)
        if not changes and not is_other_number:
            return Plan(RowState.UNCHANGED, warnings=slips_of_row + self._after(changed, current, is_changed=False)), {}
        fault = self._refusal(placement, changed, places, current)
        if fault is not None:
            return Plan(RowState.WITH_ERRORS, [fault]), {}
        cell_changes = [
            (NAME_IN_FILE.get(name, name), _as_cell(name, getattr(placement, name)), _as_cell(name, value))
            for name, value in sorted(changes.items())
            if name not in WORKED_OUT and name != "as_written"
        ]
        cell_changes += [("places", current.places, places)] if is_other_number else []
        warnings = slips_of_row + self._after(changed, current, is_changed=True)
        return Plan(RowState.TO_UPDATE, warnings=warnings, changes=cell_changes), changes

    def _refusal(
        self, placement: Placement, changed: Placement, places: int | None, current: CurrentListing
    ) -> Fault | None:
        """Return why a row cannot change a placement, or None."""
        if placement.state is PlacementState.CLOSED:
            remedy = "To offer the work again, import it with a new placement_ref."
            return Fault("placement_ref", "This placement is closed, so the row changes nothing.", remedy)
        if places is not None and places < current.taken:
            rule = (
                f"{current.taken} places are held or filled, so there cannot be fewer. The placement was not changed."
            )
            return Fault("places", rule, f"Write {current.taken} or more.")
        try:
            actions.check_sense(changed)
            if placement.state is PlacementState.PUBLISHED:
                reasons = legality.reasons_to_stay_in_draft(changed, self.actor.today, current.confirmed)
                if reasons:
                    raise actions.ListingUnlawful(" ".join(reasons), reasons=reasons)
            actions.must_keep_terms(self.actor, placement, changed, is_held=current.is_held)
        except DomainError as refusal:
            remedy = "Correct the row and import it again. The placement was not changed."
            return Fault("listing", refusal.detail, remedy)
        return None

    def _after(self, changed: Placement, current: CurrentListing, *, is_changed: bool) -> list[Fault]:
        """Return what a lister should know about the state of a placement after its row."""
        if changed.state is PlacementState.CLOSED:
            remedy = "To offer the work again, import it with a new placement_ref."
            return [Fault("placement_ref", "This placement is closed.", remedy)]
        if changed.state is PlacementState.PAUSED:
            rule = "This placement is paused, so it is not on shortlists."
            return [Fault("placement_ref", rule, "To offer it again, publish it in the service.")]
        if changed.state is PlacementState.DRAFT:
            reasons = self._reasons_not_published(changed, current.confirmed)
            if reasons or is_changed:
                return reasons
            return [Fault("placement_ref", "This placement is a draft.", "Publish it in the service.")]
        return self._past(changed) + self._notes(changed)

    def _notes(self, placement: Placement) -> list[Fault]:
        told = legality.place_unknown(placement)  # the import says it of the postcode
        return [Fault("listing", note, "") for note in legality.notes(placement, self.actor.today) if note != told]

    def apply(self, rows: Sequence[ReadRow]) -> list[Plan]:
        session = self.session
        assert isinstance(session, WriteSession)  # the import calls apply only with a write session
        # Checked again, because a social enterprise may have been renamed since the preview.
        faults_of_rows = [self.wrong(row.values) for row in rows]
        owners = [
            None if faults else self._owner_or_made(session, row.values)
            for row, faults in zip(rows, faults_of_rows, strict=True)
        ]
        columns, existing = _columns(session, rows), self._existing(rows, owners)
        return [
            Plan(RowState.WITH_ERRORS, faults)
            if owner is None
            else self._with_numbers(
                owner,
                row.values,
                self._make(session, owner, row.values)
                if placement is None
                else self._update(session, placement, new_columns, row.values),
            )
            for row, owner, placement, new_columns, faults in zip(
                rows, owners, existing, columns, faults_of_rows, strict=True
            )
        ]

    def _make(self, session: WriteSession, owner: UUID, values: Mapping[str, Any]) -> Plan:
        ref = values["placement_ref"]
        body = {name: value for name, value in values.items() if name not in NOT_COLUMNS}
        made = actions.make(session, self.actor, owner, body | {"ref": ref}, places=values["places"] or 1)
        warnings = [*_warnings(values), *_place_unknown(made), *self._publish(session, made)]
        return Plan(RowState.CREATED, warnings=warnings, made=ref)

    def _update(
        self, session: WriteSession, placement: Placement, columns: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Plan:
        session.refresh(placement, with_for_update=True)  # no place is offered while its terms change
        current = self._current_listings([placement])[placement.id]
        planned, changes = self._to_update(placement, columns, values, current)
        if planned.state is not RowState.TO_UPDATE:
            return planned
        actions.set_columns(session, self.actor, placement, changes)
        if values["places"] is not None and values["places"] != current.places:
            actions.set_places(session, self.actor, placement, values["places"])
            flag_modified(placement, "state")  # places are separate rows; this increases the version number too
        warnings = planned.warnings
        if placement.state is PlacementState.DRAFT:
            published = self._publish(session, placement, current.confirmed)
            warnings = [*_warnings(values, NOT_CHANGED), *_place_unknown(placement), *published]
        elif placement.state is PlacementState.PUBLISHED and self._past(placement):
            self._close(session, placement)
        return Plan(RowState.UPDATED, warnings=warnings, made=placement.ref)

    def _owner_or_made(self, session: WriteSession, values: Mapping[str, Any]) -> UUID:
        if self.actor.role is Role.PLACEMENT_LISTER:
            return self.actor.organisation_id
        name, kind = values["social_enterprise"], OrganisationKind.SOCIAL_ENTERPRISE
        owner = self._enterprise_id(name)  # also in another spelling
        owner = owner or organisation_actions.found_or_made(session, self.actor, name, kind, self._made)
        organisation = self._organisation(owner)
        for field, tidy in NUMBERS.items():
            if (number := tidy(values[field])) and getattr(organisation, field) is None:
                setattr(organisation, field, number)
        return owner

    def _with_numbers(self, owner: UUID | None, values: Mapping[str, Any], planned: Plan) -> Plan:
        """Add a warning for each company or charity number of a row that is not stored as it was written."""
        organisation = self._organisation(owner) if owner is not None else None
        for field, tidy in NUMBERS.items():
            written = values[field]
            number = tidy(written)
            stored = getattr(organisation, field) if organisation is not None else None
            if written and number is None:
                rule, remedy = "This is not a number of a register, so it was left out.", "Leave the cell blank."
            elif number and organisation is not None and stored != number and (stored or self._lists_own):
                rule = "The social enterprise has another number, or none. The row does not change it."
                remedy = "Change the number of the organisation itself, if the row is right."
            else:
                continue
            planned.warnings.append(Fault(field, rule, remedy))
        return planned

    @property
    def _lists_own(self) -> bool:
        return self.actor.role is Role.PLACEMENT_LISTER

    def _publish(
        self, session: WriteSession, placement: Placement, confirmed: legality.Confirmed = legality.NOTHING
    ) -> list[Fault]:
        """Publish a placement if it is lawful, or close it if it is too late. Return what the row says."""
        reasons = self._reasons_not_published(placement, confirmed)
        if legality.reasons_to_stay_in_draft(placement, self.actor.today, confirmed):
            return reasons
        if self._past(placement):
            self._close(session, placement)
        else:
            actions.move(session, self.actor, placement, PlacementEvent.PUBLISH)
        return reasons

    def _close(self, session: WriteSession, placement: Placement) -> None:
        actions.move(
            session, self.actor, placement, PlacementEvent.CLOSE, reason="The closing date (closes_on) had passed."
        )

    def _past(self, placement: Placement) -> list[Fault]:
        if placement.closes_on is None or placement.closes_on >= self.actor.today:
            return []
        rule = "The closing date has passed, so the placement is closed."
        return [Fault("closes_on", rule, "To offer the work again, import it with a new placement_ref.")]

    def _reasons_not_published(
        self, placement: Placement, confirmed: legality.Confirmed = legality.NOTHING
    ) -> list[Fault]:
        """Return why a placement would not be published; if it would be, return what a lister should know about it."""
        reasons = legality.reasons_to_stay_in_draft(placement, self.actor.today, confirmed)
        if reasons:
            return [Fault("listing", f"The placement stays in draft. {reason}", "") for reason in reasons]
        return self._past(placement) or self._notes(placement)


NUMBERS = {
    "company_number": organisation_formats.company_number,
    "charity_number": organisation_formats.charity_number,
}
WORKED_OUT = {"easting", "northing", "place_basis"}
NAME_IN_FILE = {"pay_per_hour_pence": "pay_per_hour_pounds"}


def _columns(session: Session, rows: Sequence[ReadRow]) -> list[dict[str, Any]]:
    """Return rows as columns of the placements table; all postcodes are located in one query."""
    postcodes = [row.values["postcode"] for row in rows]
    places = locate_all(session, postcodes)
    return [
        actions.columns_of(
            session, {name: value for name, value in row.values.items() if name not in {*NOT_COLUMNS, "postcode"}}
        )
        | {"postcode": postcode, **actions.placed(places[postcode])}
        for row, postcode in zip(rows, postcodes, strict=True)
    ]


def _as_cell(name: str, value: Any) -> Any:
    if name == "half_days" and value is not None:
        return half_days.text_of(value)
    return pounds(value) if name == "pay_per_hour_pence" and value is not None else value


NOT_CHANGED = "This could not be read, so the placement keeps the value that it has."


def _warnings(values: Mapping[str, Any], not_read: str = slips.NOT_READ) -> list[Fault]:
    """Return a warning for each cell of a row that could not be read as a whole."""
    return [Fault(name, rule.replace(slips.NOT_READ, not_read), remedy) for name, rule, remedy in values["slips"]]


def _place_unknown(placement: Placement) -> list[Fault]:
    rule = legality.place_unknown(placement)
    return [Fault("postcode", rule, "Enter the postcode of the place of work.")] if rule else []


def _values(cells_of_row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row; a missing reference is derived from other cells."""
    settled = slips.settle(cells_of_row)
    values, words, warnings = settled.values, dict(settled.words), list(settled.warnings)
    for name, rule in list(legality.impossible_days(values, local_day(utc_now()))):
        # A day that cannot be meant, such as the first day of a calendar, is taken for an unknown day.
        words.setdefault(name, str(values[name]))
        values[name] = None
        warnings.append((name, f"{rule} The field is left unknown.", "What was written is in as_written."))
    for first, last in CROSSED:
        if values[first] and values[last] and values[last] < values[first]:
            # One of the two is wrong, so neither may rule anybody out.
            for name in (first, last):
                words.setdefault(name, str(values[name]))
                values[name] = None
            rule = f"{last} is before {first}, so both are left unknown."
            warnings.append((last, rule, "Correct one of them. The words are stored as they were typed (as_written)."))
    if values["placement_ref"] and placeholders.is_reference(values["placement_ref"]):
        values["placement_ref"] = None
        remedy = "Give each listing a reference of its own, or leave the cell blank."
        warnings.append(("placement_ref", "This names no listing, so the row was taken as one without one.", remedy))
    values |= {"slips": warnings, "as_written": words or None}
    return {**values, "placement_ref": values["placement_ref"] or _ref_of(values)}


def _ref_of(values: Mapping[str, Any]) -> str:
    text = "|".join(str(values[name]) for name in ("social_enterprise", "title", "postcode", "half_days", "starts_on"))
    return "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]


KIND = ImportKind(
    "placements",
    READERS,
    ALIASES,
    ("title", "kind"),
    "placement_ref",
    PlacementIntake,
    _values,
    prepare=find_places,
    form=template.form(READERS),
)
