"""The placement file: CSV or XLSX, one row a placement (contract: placement file)."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from pathways import cells, spreadsheets
from pathways.base import Actor, Role, Source
from pathways.cells import CellError
from pathways.database import WriteSession
from pathways.errors import DomainError
from pathways.imports import ImportReport, ImportRun, own_columns, suggested
from pathways.jobseekers import formats
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import actions, legality, queries
from pathways.placements.models import DbsLevel, Placement, PlacementEvent, PlacementKind, PlacementState, Remote
from pathways.reference import half_days
from pathways.reference.postcodes import resolve

KIND = cells.one_of(PlacementKind)


def _level(text: str) -> str | None:
    level = text.strip().upper().removeprefix("LEVEL ").strip() or None
    if level is not None and level not in formats.RQF_LEVELS:
        raise cells.Wrong(
            f"Write an RQF level: {', '.join(formats.RQF_LEVELS)}.", "Correct the cell, or leave it blank."
        )
    return level


def _needed_line(text: str) -> str:
    line = cells.as_line(text)
    if line is None:
        raise cells.Wrong("This field is needed.", "Fill it in.")
    return line


def _kind(text: str) -> PlacementKind:
    kind = KIND(text)
    if kind is None:
        raise cells.Wrong("This field is needed.", f"Write one of {', '.join(PlacementKind)}.")
    return kind


def _places(text: str) -> int:
    count = cells.as_whole(text)
    if count is None:
        return 1
    if not 1 <= count <= 500:  # noqa: PLR2004 - the same as in the API
        raise cells.Wrong("A placement has 1 to 500 places.", "Correct the number.")
    return count


def _age(text: str) -> int | None:
    age = cells.as_whole(text)
    if age is not None and not 14 <= age <= 120:  # noqa: PLR2004 - the same as in the API
        raise cells.Wrong("An age lies between 14 and 120.", "Correct the number.")
    return age


def _email(text: str) -> str | None:
    line = cells.as_line(text.lstrip("'"))
    if line is not None and "@" not in line:
        raise cells.Wrong("This is not an e-mail address.", "Correct it, or leave it blank.")
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
FILE_KIND = "placements"
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


class PlacementImport:
    """One file on its way in: read and checked whole, then saved."""

    def __init__(self, session: WriteSession, actor: Actor, *, create_organisations: bool) -> None:
        self.session = session
        self.actor = actor.then(source=Source.IMPORT)
        self.create_organisations = create_organisations
        self.report = ImportReport(is_dry_run=False, was_applied=False)
        self._organisations: dict[str, UUID] = {}

    def run(self, content: bytes, *, dry_run: bool, all_or_nothing: bool, most_unpacked: int) -> ImportReport:
        """Read a file and save its good rows, or none; the caller rolls back a dry run."""
        report = self.report
        report.is_dry_run = dry_run
        aliases = ALIASES | own_columns(self.session, self.actor, FILE_KIND)
        table = spreadsheets.read_table(content, aliases, needed=["title", "kind"], most_unpacked=most_unpacked)
        report.unknown_columns, report.passed_over = table.unknown_columns, table.passed_over
        report.notes += table.notes
        report.suggested_columns = suggested(
            table.unknown_columns, aliases, {name for row in table.rows[:1] for name in row.cells}
        )
        good = self._checked(table.rows)
        report.rows = len(table.rows)
        report.in_error = len({(error.sheet, error.row) for error in report.errors})
        if not table.rows:
            report.notes.append("There are no rows under the header.")
        if report.errors and all_or_nothing:
            return report
        resolve(self.session, (formats.tidy_postcode(values["postcode"]) for _, values in good))
        for row, values in good:
            self._save(row, values)
        report.in_error = len({(error.sheet, error.row) for error in report.errors})
        report.was_applied = not dry_run
        return report

    def _checked(self, rows: list[spreadsheets.Row]) -> list[tuple[spreadsheets.Row, dict[str, Any]]]:
        good: list[tuple[spreadsheets.Row, dict[str, Any]]] = []
        seen: dict[tuple[Any, Any], tuple[int, dict[str, Any]]] = {}
        for row in rows:
            values, errors = cells.read_row(row, READERS)
            if not errors:
                errors = [self._error(row, *fault) for fault in self._against_rules(values)]
            if errors:
                self.report.errors += errors
                continue
            key = (values["social_enterprise"], values["placement_ref"] or _ref_of(values))
            first, before = seen.setdefault(key, (row.number, values))
            if before is values:
                good.append((row, values))
            elif before == values:
                self.report.repeated += 1
            else:
                rule = f"Row {first} has the same reference and says something else."
                self.report.errors.append(
                    self._error(row, "placement_ref", rule, "Keep one, or give each a reference.")
                )
        return good

    @staticmethod
    def _error(row: spreadsheets.Row, field: str, rule: str, remedy: str) -> CellError:
        return CellError(row=row.number, sheet=row.sheet, field=field, rule=rule, remedy=remedy)

    def _against_rules(self, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        wrong: list[tuple[str, str, str]] = []
        if values["starts_on"] and values["ends_on"] and values["ends_on"] < values["starts_on"]:
            wrong.append(("ends_on", "It ends before it starts.", "Correct a date."))
        if values["minimum_age"] and values["maximum_age"] and values["maximum_age"] < values["minimum_age"]:
            wrong.append(("maximum_age", "maximum_age is under minimum_age.", "Correct one of them."))
        name, field = values["social_enterprise"], "social_enterprise"
        if self.actor.role is Role.PLACEMENT_LISTER:
            own = self.session.get_one(Organisation, self.actor.organisation_id)
            if name is not None and name != own.name:
                rule = "You may list placements of your own organisation only."
                wrong.append((field, rule, "Leave the cell blank, or remove the row."))
        elif name is None:
            wrong.append((field, "This field is needed.", "Fill it in."))
        elif not self.create_organisations and self._known(name) is None:
            rule = "There is no social enterprise of this name."
            wrong.append((field, rule, "Create it first, or import with --create-organisations."))
        return wrong

    def _known(self, name: str) -> UUID | None:
        return self.session.scalars(
            select(Organisation.id)
            .where(Organisation.name == name, Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE)
            .limit(1)
        ).first()

    def _owner(self, values: Mapping[str, Any]) -> UUID:
        if self.actor.role is Role.PLACEMENT_LISTER:
            return self.actor.organisation_id
        owner = organisation_actions.known_or_made(
            self.session,
            self.actor,
            values["social_enterprise"],
            OrganisationKind.SOCIAL_ENTERPRISE,
            self._organisations,
        )
        organisation = self.session.get_one(Organisation, owner)
        for name in ("company_number", "charity_number"):
            if values[name] and getattr(organisation, name) is None:
                setattr(organisation, name, values[name])
        return owner

    def _save(self, row: spreadsheets.Row, values: dict[str, Any]) -> None:
        owner = self._owner(values)
        columns = {name: value for name, value in values.items() if name not in NOT_COLUMNS}
        columns["postcode"] = formats.tidy_postcode(columns["postcode"])
        ref = values["placement_ref"] or _ref_of(values)
        before = self.session.scalars(
            select(Placement).where(Placement.social_enterprise_id == owner, Placement.ref == ref)
        ).one_or_none()
        if before is not None:
            self._update(row, before, columns, values["places"])
            return
        placement = actions.make(self.session, self.actor, owner, columns | {"ref": ref}, places=values["places"])
        self.report.created += 1
        self.report.made.append(ref)
        self._publish(row, placement)

    def _update(self, row: spreadsheets.Row, placement: Placement, columns: Mapping[str, Any], places: int) -> None:
        """Blank cells clear nothing; what would make a published listing unlawful is an error of that row."""
        changes = {
            name: value
            for name, value in actions.columns_of(self.session, columns).items()
            if value is not None and getattr(placement, name) != value
        }
        has_more = places > len(queries.places(self.session, placement.id))
        if not changes and not has_more:
            self.report.unchanged += 1
            return
        try:
            with self.session.begin_nested():
                for name, value in changes.items():
                    setattr(placement, name, value)
                actions.check_sense(placement)
                if placement.state is PlacementState.PUBLISHED:
                    actions.must_be_lawful(placement, self.actor)
                if has_more:
                    actions.set_places(self.session, self.actor, placement, places)
        except DomainError as refused:
            self.session.refresh(placement)
            self.report.errors.append(
                self._error(row, "listing", refused.detail, "Correct the row; the listing is as it was.")
            )
        else:
            self.report.updated += 1

    def _publish(self, row: spreadsheets.Row, placement: Placement) -> None:
        """A listing in a file is meant to be seen: it is published, or stays in draft with the reason."""
        reasons = legality.reasons_to_stay_in_draft(placement, self.actor.today)
        if reasons:
            self.report.warnings += [self._error(row, "listing", f"Kept in draft. {reason}", "") for reason in reasons]
        elif placement.closes_on is not None and placement.closes_on < self.actor.today:
            actions.move(self.session, self.actor, placement, PlacementEvent.CLOSE, reason="closes_on had passed.")
            self.report.warnings.append(self._error(row, "closes_on", "It had closed already, so it is not shown.", ""))
        else:
            actions.move(self.session, self.actor, placement, PlacementEvent.PUBLISH)


def _ref_of(values: Mapping[str, Any]) -> str:
    text = "|".join(str(values[name]) for name in ("social_enterprise", "title", "postcode", "half_days", "starts_on"))
    return "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def record(session: WriteSession, actor: Actor, content: bytes, report: ImportReport) -> ImportRun:
    run = ImportRun(
        kind=FILE_KIND,
        organisation_id=actor.organisation_id,
        by=actor.user_id,
        made_at=actor.at,
        file_hash=hashlib.sha256(content).hexdigest(),
        report=report.model_dump(mode="json"),
    )
    session.add(run)
    session.flush()  # its id is needed by the reply
    return run
