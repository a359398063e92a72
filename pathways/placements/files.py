"""Import of the placement file: a CSV or XLSX file with one row for each placement."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select

from pathways import slips
from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import DomainError, RuleBroken
from pathways.imports.intake import Change, Fault, ImportKind, Plan, ReadRow
from pathways.imports.models import ImportRun, RowState
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import actions, legality, queries
from pathways.placements.columns import ALIASES, READERS
from pathways.placements.models import Placement, PlacementEvent, PlacementState
from pathways.placements.schemas import pounds
from pathways.reference import half_days
from pathways.reference.postcodes import find_places, locate_all

NOT_COLUMNS = {"placement_ref", "social_enterprise", "company_number", "charity_number", "places", "slips"}
# A listing is not published while one of these was written but could not be read: each limits whom the law allows.
MUST_BE_READ = ("dbs_level", "minimum_age", "maximum_age", "pay_per_hour_pounds")
CROSSED = (("starts_on", "ends_on"), ("minimum_age", "maximum_age"))


class PlacementIntake:
    """Validates, previews and applies the rows of one placement file."""

    def __init__(self, session: Session, actor: Actor, run: ImportRun) -> None:
        self.session = session
        self.actor = actor
        self.run = run
        self._made: dict[str, UUID] = {}
        self._names: dict[str, UUID | None] = {}

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        faults: list[Fault] = []
        name, field = values["social_enterprise"], "social_enterprise"
        if self.actor.role is Role.PLACEMENT_LISTER:
            own = self.session.get_one(Organisation, self.actor.organisation_id)
            if name is not None and name != own.name:
                rule = "You can list placements only for your own organisation."
                faults.append(Fault(field, rule, "Leave the cell blank, or remove the row."))
        elif name is None:
            faults.append(Fault(field, "This field is required.", "Fill in the cell."))
        elif not self.run.creates_organisations and self._enterprise_id(name) is None:
            rule = "There is no social enterprise with this name."
            faults.append(Fault(field, rule, "Create the organisation first, or import with --create-organisations."))
        return faults

    def _enterprise_id(self, name: str) -> UUID | None:
        if name not in self._names:
            rows = select(Organisation.id).where(
                Organisation.name == name, Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE
            )
            self._names[name] = self.session.scalars(rows.limit(1)).first()
        return self._names[name]

    def key(self, values: Mapping[str, Any]) -> str:
        """Return the key that identifies the placement: its social enterprise and its reference."""
        return repr((str(self._owner(values) or values["social_enterprise"]), values["placement_ref"]))

    def same_person(self, jobseeker_id: UUID) -> None:
        raise RuleBroken("A placement row is not about a jobseeker. Leave same_as out.", pointer="/same_as")

    def plan(self, rows: Sequence[ReadRow]) -> list[Plan]:
        existing = self._existing(rows, [self._owner(row.values) for row in rows])
        columns = _columns(self.session, rows)
        counts = queries.place_counts(self.session, [row.id for row in existing if row is not None])
        return [
            Plan(
                RowState.TO_CREATE,
                warnings=_warnings(row.values) + self._reasons_not_published(_copy(None, new_columns), row.values),
            )
            if placement is None
            else self._to_update(placement, new_columns, row.values, counts.get(placement.id, (0, 0))[0])[0]
            for row, placement, new_columns in zip(rows, existing, columns, strict=True)
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

    def _to_update(
        self, placement: Placement, columns: Mapping[str, Any], values: Mapping[str, Any], places_now: int
    ) -> tuple[Plan, dict[str, Any]]:
        """Return what the import would do with a row about an existing placement, and the columns it would change.

        A blank cell keeps the stored value. A change that would make a published placement break a legal rule is
        reported as an error of the row.
        """
        places, warnings = values["places"], _warnings(values)
        changes = {
            name: value
            for name, value in columns.items()
            if name != "as_written" and value is not None and getattr(placement, name) != value
        }
        before = placement.as_written or {}
        words = {n: said for n, said in before.items() if columns.get(n) is None} | (columns["as_written"] or {})
        if words != before:
            changes["as_written"] = words or None
        if not changes and places <= places_now:
            return Plan(RowState.UNCHANGED, warnings=warnings), {}
        changed = _copy(placement, changes)
        try:
            actions.check_sense(changed)
            if placement.state is PlacementState.PUBLISHED:
                actions.must_be_lawful(changed, self.actor)
        except DomainError as refusal:
            remedy = "Correct the row and import it again. The placement was not changed."
            return Plan(RowState.WITH_ERRORS, [Fault("listing", refusal.detail, remedy)]), {}
        cell_changes = [
            (NAME_IN_FILE.get(name, name), _as_cell(name, getattr(placement, name)), _as_cell(name, value))
            for name, value in sorted(changes.items())
            if name not in WORKED_OUT and name != "as_written"
        ]
        cell_changes += [("places", places_now, places)] if places > places_now else []
        return Plan(RowState.TO_UPDATE, warnings=warnings, changes=cell_changes), changes

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
            else self._make(session, owner, row.values)
            if placement is None
            else self._update(session, placement, new_columns, row.values)
            for row, owner, placement, new_columns, faults in zip(
                rows, owners, existing, columns, faults_of_rows, strict=True
            )
        ]

    def _make(self, session: WriteSession, owner: UUID, values: Mapping[str, Any]) -> Plan:
        ref = values["placement_ref"]
        body = {name: value for name, value in values.items() if name not in NOT_COLUMNS}
        made = actions.make(session, self.actor, owner, body | {"ref": ref}, places=values["places"])
        return Plan(RowState.CREATED, warnings=_warnings(values) + self._publish(session, made, values), made=ref)

    def _update(
        self, session: WriteSession, placement: Placement, columns: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Plan:
        places_now, _ = queries.place_counts(session, [placement.id]).get(placement.id, (0, 0))
        planned, changes = self._to_update(placement, columns, values, places_now)
        if planned.state is not RowState.TO_UPDATE:
            return planned
        for name, value in changes.items():
            setattr(placement, name, value)
        if values["places"] > places_now:
            actions.set_places(session, self.actor, placement, values["places"])
        return Plan(RowState.UPDATED, warnings=planned.warnings, made=placement.ref)

    def _owner_or_made(self, session: WriteSession, values: Mapping[str, Any]) -> UUID:
        if self.actor.role is Role.PLACEMENT_LISTER:
            return self.actor.organisation_id
        name, kind = values["social_enterprise"], OrganisationKind.SOCIAL_ENTERPRISE
        owner = organisation_actions.found_or_made(session, self.actor, name, kind, self._made)
        organisation = session.get_one(Organisation, owner)
        for number in ("company_number", "charity_number"):
            if values[number] and getattr(organisation, number) is None:
                setattr(organisation, number, values[number])
        return owner

    def _publish(self, session: WriteSession, placement: Placement, values: Mapping[str, Any]) -> list[Fault]:
        """Publish a lawful new placement, or close it if past its closing date. Return why it is not published."""
        reasons = self._reasons_not_published(placement, values)
        if not reasons:
            actions.move(session, self.actor, placement, PlacementEvent.PUBLISH)
        elif reasons[0].field == "closes_on":
            actions.move(
                session, self.actor, placement, PlacementEvent.CLOSE, reason="The closing date (closes_on) had passed."
            )
        return reasons

    def _reasons_not_published(self, placement: Placement, values: Mapping[str, Any]) -> list[Fault]:
        """Return the reasons why a new placement would not be published."""
        words = values["as_written"] or {}
        unread = [name for name in MUST_BE_READ if name in words and values[name] is None]
        if unread:
            rule = f"The placement stays in draft, because {', '.join(unread)} could not be read."
            return [Fault("listing", rule, "Correct the field, then publish the placement.")]
        reasons = legality.reasons_to_stay_in_draft(placement, self.actor.today)
        if reasons:
            return [Fault("listing", f"The placement stays in draft. {reason}", "") for reason in reasons]
        if placement.closes_on is not None and placement.closes_on < self.actor.today:
            return [
                Fault(
                    "closes_on", "The closing date has passed, so the placement is not published.", "Correct closes_on."
                )
            ]
        return []


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


def _copy(placement: Placement | None, columns: Mapping[str, Any]) -> Placement:
    """Return a changed copy of a placement; the copy belongs to no session, so it is never saved."""
    before = {} if placement is None else {a.key: getattr(placement, a.key) for a in inspect(Placement).column_attrs}
    return Placement(**{**before, **columns})


def _as_cell(name: str, value: Any) -> Any:
    if name == "half_days" and value is not None:
        return half_days.text_of(value)
    return pounds(value) if name == "pay_per_hour_pence" and value is not None else value


def _warnings(values: Mapping[str, Any]) -> list[Fault]:
    """Return a warning for each cell of a row that could not be read as a whole."""
    return [Fault(*warning) for warning in values["slips"]]


def _values(cells_of_row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row; a missing reference is derived from other cells."""
    settled = slips.settle(cells_of_row)
    values, words, warnings = settled.values, dict(settled.words), list(settled.warnings)
    for first, last in CROSSED:
        if values[first] and values[last] and values[last] < values[first]:
            # One of the two is wrong, so neither may rule anybody out.
            for name in (first, last):
                words.setdefault(name, str(values[name]))
                values[name] = None
            rule = f"{last} is before {first}, so both are left unknown."
            warnings.append((last, rule, "Correct one of them. What was written is in as_written."))
    values["places"] = values["places"] or 1
    values |= {"slips": warnings, "as_written": words or None}
    return {**values, "placement_ref": values["placement_ref"] or _ref_of(values)}


def _ref_of(values: Mapping[str, Any]) -> str:
    text = "|".join(str(values[name]) for name in ("social_enterprise", "title", "postcode", "half_days", "starts_on"))
    return "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]


KIND = ImportKind(
    "placements", READERS, ALIASES, ("title", "kind"), "placement_ref", PlacementIntake, _values, prepare=find_places
)
