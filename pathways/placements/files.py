"""The placement file: CSV or XLSX, one row a placement (contract: placement file)."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import inspect, select

from pathways import cells, spreadsheets
from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import DomainError, RuleBroken
from pathways.imports.intake import Change, Fault, ImportKind, Plan, ReadRow
from pathways.imports.models import ImportRun, RowState
from pathways.jobseekers import formats
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import actions, legality, queries
from pathways.placements.models import DbsLevel, Placement, PlacementEvent, PlacementKind, PlacementState, Remote
from pathways.placements.schemas import pounds
from pathways.reference import half_days
from pathways.reference.postcodes import find_places, locate_all

PLACEMENT_KIND = cells.one_of(PlacementKind)


def _level(text: str) -> str | None:
    level = text.strip().upper().removeprefix("LEVEL ").strip() or None
    if level is not None and level not in formats.RQF_LEVELS:
        raise cells.InvalidCell(
            f"Write an RQF level: {', '.join(formats.RQF_LEVELS)}.", "Correct the cell, or leave it blank."
        )
    return level


def _needed_line(text: str) -> str:
    line = cells.as_line(text)
    if line is None:
        raise cells.InvalidCell("This field is needed.", "Fill it in.")
    return line


def _kind(text: str) -> PlacementKind:
    kind = PLACEMENT_KIND(text)
    if kind is None:
        raise cells.InvalidCell("This field is needed.", f"Write one of {', '.join(PlacementKind)}.")
    return kind


def _places(text: str) -> int:
    count = cells.as_whole(text)
    if count is None:
        return 1
    if not 1 <= count <= 500:  # noqa: PLR2004 - the same as in the API
        raise cells.InvalidCell("A placement has 1 to 500 places.", "Correct the number.")
    return count


def _age(text: str) -> int | None:
    age = cells.as_whole(text)
    if age is not None and not 14 <= age <= 120:  # noqa: PLR2004 - the same as in the API
        raise cells.InvalidCell("An age lies between 14 and 120.", "Correct the number.")
    return age


def _email(text: str) -> str | None:
    line = cells.as_line(text.lstrip("'"))
    if line is not None and "@" not in line:
        raise cells.InvalidCell("This is not an e-mail address.", "Correct it, or leave it blank.")
    return line


READERS: dict[str, cells.Reader] = {
    "placement_ref": cells.as_line,
    "social_enterprise": cells.line(200),
    "company_number": cells.line(20),
    "charity_number": cells.line(20),
    "title": _needed_line,
    "occupation": cells.as_line,
    "kind": _kind,
    "description": cells.as_line,
    "essential_skills": cells.as_list,
    "desirable_skills": cells.as_list,
    "qualifications_needed": _level,
    "licences_needed": cells.as_list,
    "training_given": cells.as_list,
    "postcode": cells.line(20),
    "remote": cells.one_of(Remote),
    "half_days": half_days.read_cell,
    "hours_per_week": cells.hours,
    "hours_flexible": cells.as_yes_no,
    "starts_on": cells.as_date,
    "ends_on": cells.as_date,
    "closes_on": cells.as_date,
    "places": _places,
    "pay_per_hour_pounds": cells.as_number,
    "minimum_age": _age,
    "maximum_age": _age,
    "ring_fenced_for": cells.as_line,
    "legal_basis": cells.as_line,
    "dbs_level": cells.one_of(DbsLevel),
    "right_to_work_needed": cells.as_yes_no,
    "adjustments_offered": cells.as_list,
    "environment": cells.as_list,
    "support_offered": cells.as_list,
    "contact_email": _email,
}
ALIASES = {spreadsheets.normal(name): name for name in READERS} | {
    "slots": "half_days",
    "available": "half_days",
    "job title": "title",
    "role": "title",
    "employer": "social_enterprise",
    "organisation": "social_enterprise",
    "post code": "postcode",
    "pay per hour": "pay_per_hour_pounds",
    "hourly rate": "pay_per_hour_pounds",
    "hours": "hours_per_week",
    "start date": "starts_on",
    "end date": "ends_on",
    "closing date": "closes_on",
    "reference": "placement_ref",
    "dbs": "dbs_level",
}
NOT_COLUMNS = {"placement_ref", "social_enterprise", "company_number", "charity_number", "places"}


class PlacementIntake:
    """Rows of a placement file on their way in."""

    def __init__(self, session: Session, actor: Actor, run: ImportRun) -> None:
        self.session = session
        self.actor = actor
        self.run = run
        self._made: dict[str, UUID] = {}
        self._names: dict[str, UUID | None] = {}

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        wrong: list[Fault] = []
        if values["starts_on"] and values["ends_on"] and values["ends_on"] < values["starts_on"]:
            wrong.append(Fault("ends_on", "It ends before it starts.", "Correct a date."))
        if values["minimum_age"] and values["maximum_age"] and values["maximum_age"] < values["minimum_age"]:
            wrong.append(Fault("maximum_age", "maximum_age is under minimum_age.", "Correct one of them."))
        name, field = values["social_enterprise"], "social_enterprise"
        if self.actor.role is Role.PLACEMENT_LISTER:
            own = self.session.get_one(Organisation, self.actor.organisation_id)
            if name is not None and name != own.name:
                rule = "You may list placements of your own organisation only."
                wrong.append(Fault(field, rule, "Leave the cell blank, or remove the row."))
        elif name is None:
            wrong.append(Fault(field, "This field is needed.", "Fill it in."))
        elif not self.run.creates_organisations and self._known(name) is None:
            rule = "There is no social enterprise of this name."
            wrong.append(Fault(field, rule, "Create it first, or import with --create-organisations."))
        return wrong

    def _known(self, name: str) -> UUID | None:
        if name not in self._names:
            rows = select(Organisation.id).where(
                Organisation.name == name, Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE
            )
            self._names[name] = self.session.scalars(rows.limit(1)).first()
        return self._names[name]

    def key(self, values: Mapping[str, Any]) -> str:
        """Whose reference it is, as the record will have it."""
        return repr((str(self._owner(values) or values["social_enterprise"]), values["placement_ref"]))

    def same_person(self, jobseeker_id: UUID) -> None:
        raise RuleBroken("A placement is about no jobseeker. Leave same_as out.", pointer="/same_as")

    def plan(self, told: Sequence[ReadRow]) -> list[Plan]:
        there = self._there(told, [self._owner(one.values) for one in told])
        columns = _columns(self.session, told)
        counts = queries.place_counts(self.session, [one.id for one in there if one is not None])
        return [
            Plan(RowState.TO_CREATE, warnings=self._unshown(_copy(None, says)))
            if found is None
            else self._to_update(found, says, one.values["places"], counts.get(found.id, (0, 0))[0])[0]
            for one, found, says in zip(told, there, columns, strict=True)
        ]

    def changes(self, told: Sequence[ReadRow]) -> list[list[Change]]:
        return [planned.changes for planned in self.plan(told)]

    def _owner(self, values: Mapping[str, Any]) -> UUID | None:
        """Return whose placement it is; None for a social enterprise still to be made."""
        if self.actor.role is Role.PLACEMENT_LISTER:
            return self.actor.organisation_id
        return self._known(values["social_enterprise"])

    def _there(self, told: Sequence[ReadRow], owners: Sequence[UUID | None]) -> list[Placement | None]:
        """Return the placement each row is about, where there is one."""
        refs = {one.values["placement_ref"] for one in told}
        rows = select(Placement).where(
            Placement.social_enterprise_id.in_({owner for owner in owners if owner}), Placement.ref.in_(refs)
        )
        found = {(row.social_enterprise_id, row.ref): row for row in self.session.scalars(rows)}
        return [
            found.get((owner, one.values["placement_ref"])) if owner else None
            for one, owner in zip(told, owners, strict=True)
        ]

    def _to_update(
        self, placement: Placement, columns: Mapping[str, Any], places: int, there: int
    ) -> tuple[Plan, dict[str, Any]]:
        """Blank cells clear nothing; what would make a published listing unlawful is an error of that row."""
        changes = {
            name: value for name, value in columns.items() if value is not None and getattr(placement, name) != value
        }
        if not changes and places <= there:
            return Plan(RowState.UNCHANGED), {}
        changed = _copy(placement, changes)
        try:
            actions.check_sense(changed)
            if placement.state is PlacementState.PUBLISHED:
                actions.must_be_lawful(changed, self.actor)
        except DomainError as refused:
            remedy = "Correct the row; the listing is as it was."
            return Plan(RowState.WITH_ERRORS, [Fault("listing", refused.detail, remedy)]), {}
        told = [
            (NAME_IN_FILE.get(name, name), _as_cell(name, getattr(placement, name)), _as_cell(name, value))
            for name, value in sorted(changes.items())
            if name not in WORKED_OUT
        ]
        told += [("places", there, places)] if places > there else []
        return Plan(RowState.TO_UPDATE, changes=told), changes

    def apply(self, told: Sequence[ReadRow]) -> list[Plan]:
        session = self.session
        assert isinstance(session, WriteSession)  # an import is applied by a session that writes
        wrong = [self.wrong(one.values) for one in told]  # an enterprise may have another name by now
        owners = [
            None if faults else self._owner_or_made(session, one.values)
            for one, faults in zip(told, wrong, strict=True)
        ]
        columns, there = _columns(session, told), self._there(told, owners)
        return [
            Plan(RowState.WITH_ERRORS, faults)
            if owner is None
            else self._make(session, owner, one.values)
            if found is None
            else self._update(session, found, says, one.values)
            for one, owner, found, says, faults in zip(told, owners, there, columns, wrong, strict=True)
        ]

    def _make(self, session: WriteSession, owner: UUID, values: Mapping[str, Any]) -> Plan:
        ref = values["placement_ref"]
        body = {name: value for name, value in values.items() if name not in NOT_COLUMNS}
        body["postcode"] = formats.tidy_postcode(body["postcode"])
        made = actions.make(session, self.actor, owner, body | {"ref": ref}, places=values["places"])
        return Plan(RowState.CREATED, warnings=self._publish(session, made), made=ref)

    def _update(
        self, session: WriteSession, placement: Placement, columns: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Plan:
        there, _ = queries.place_counts(session, [placement.id]).get(placement.id, (0, 0))
        planned, changes = self._to_update(placement, columns, values["places"], there)
        if planned.state is not RowState.TO_UPDATE:
            return planned
        for name, value in changes.items():
            setattr(placement, name, value)
        if values["places"] > there:
            actions.set_places(session, self.actor, placement, values["places"])
        return Plan(RowState.UPDATED, made=placement.ref)

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

    def _publish(self, session: WriteSession, placement: Placement) -> list[Fault]:
        """A listing in a file is meant to be seen: it is published, or stays in draft with the reason."""
        unshown = self._unshown(placement)
        if not unshown:
            actions.move(session, self.actor, placement, PlacementEvent.PUBLISH)
        elif unshown[0].field == "closes_on":
            actions.move(session, self.actor, placement, PlacementEvent.CLOSE, reason="closes_on had passed.")
        return unshown

    def _unshown(self, placement: Placement) -> list[Fault]:
        """Return why a new listing would not be shown."""
        reasons = legality.reasons_to_stay_in_draft(placement, self.actor.today)
        if reasons:
            return [Fault("listing", f"Kept in draft. {reason}", "") for reason in reasons]
        if placement.closes_on is not None and placement.closes_on < self.actor.today:
            return [Fault("closes_on", "It had closed already, so it is not shown.", "")]
        return []


WORKED_OUT = {"easting", "northing", "place_basis"}
NAME_IN_FILE = {"pay_per_hour_pence": "pay_per_hour_pounds"}


def _columns(session: Session, told: Sequence[ReadRow]) -> list[dict[str, Any]]:
    """Return what rows say as the table's columns."""
    postcodes = [formats.tidy_postcode(one.values["postcode"]) for one in told]
    places = locate_all(session, postcodes)
    return [
        actions.columns_of(
            session, {name: value for name, value in one.values.items() if name not in {*NOT_COLUMNS, "postcode"}}
        )
        | {"postcode": postcode, **actions.placed(places[postcode])}
        for one, postcode in zip(told, postcodes, strict=True)
    ]


def _copy(placement: Placement | None, columns: Mapping[str, Any]) -> Placement:
    """Return a listing as it would be, which no session knows of."""
    before = {} if placement is None else {a.key: getattr(placement, a.key) for a in inspect(Placement).column_attrs}
    return Placement(**{**before, **columns})


def _as_cell(name: str, value: Any) -> Any:
    if name == "half_days" and value is not None:
        return half_days.text_of(value)
    return pounds(value) if name == "pay_per_hour_pence" and value is not None else value


def _values(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row; where the file gives no reference, what and where it is make one."""
    return {**found, "placement_ref": found["placement_ref"] or _ref_of(found)}


def _ref_of(values: Mapping[str, Any]) -> str:
    text = "|".join(str(values[name]) for name in ("social_enterprise", "title", "postcode", "half_days", "starts_on"))
    return "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]


KIND = ImportKind(
    "placements", READERS, ALIASES, ("title", "kind"), "placement_ref", PlacementIntake, _values, prepare=find_places
)
