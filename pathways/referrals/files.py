"""The referral file: CSV or XLSX, one row a referral (contract: referral file)."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from pathways import cells, spreadsheets
from pathways.base import Actor, Role, Source
from pathways.cells import CellError
from pathways.database import WriteSession
from pathways.duplicates import queries as duplicate_queries
from pathways.imports import ImportReport, ImportRun, own_columns, suggested
from pathways.jobseekers import formats
from pathways.jobseekers.models import EverPaidWork, Jobseeker, RightToWork
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.reference import half_days
from pathways.reference.postcodes import resolve
from pathways.referrals import actions, queries
from pathways.referrals.models import Referral, SourceType

KIND_OF_SOURCE = {
    SourceType.JCP: OrganisationKind.JOB_CENTRE,
    SourceType.ASC: OrganisationKind.LOCAL_AUTHORITY,
}
FILE_KIND = "referrals"
MODES = ("walk", "bicycle", "bus", "tube", "train", "car")
MODE_NAMES = {mode: mode for mode in MODES} | {
    "walking": "walk",
    "foot": "walk",
    "bike": "bicycle",
    "cycle": "bicycle",
    "cycling": "bicycle",
    "underground": "tube",
    "metro": "tube",
    "rail": "train",
    "drive": "car",
    "driving": "car",
}
MOST_MINUTES = 600
SOURCE_TYPE = cells.one_of(SourceType)


def _source_type(text: str) -> SourceType:
    source = SOURCE_TYPE(text)
    if source is None:
        raise cells.Wrong("This field is needed.", f"Write one of {', '.join(SourceType)}.")
    return source


def _level(text: str) -> str | None:
    """The highest RQF level of a list."""
    found = []
    for item in text.split(";"):
        level = item.strip().upper().removeprefix("LEVEL ").removeprefix("L").strip()
        if level and level.lower() not in cells.UNKNOWN:
            if level not in formats.RQF_LEVELS:
                raise cells.Wrong(
                    f"Write RQF levels: {', '.join(formats.RQF_LEVELS)}.", "Correct the cell, or leave it blank."
                )
            found.append(level)
    return max(found, key=formats.RQF_LEVELS.index) if found else None


def _modes(text: str) -> list[str] | None:
    items = cells.as_list(text.lower())
    if items is None:
        return None
    unknown = [item for item in items if item not in MODE_NAMES]
    if unknown:
        raise cells.Wrong(f"Write ways of travelling from {', '.join(MODES)}.", "Correct the cell, or leave it blank.")
    return list(dict.fromkeys(MODE_NAMES[item] for item in items))


def _minutes(text: str) -> int | None:
    minutes = cells.as_whole(text.lower().removesuffix("minutes").removesuffix("mins").strip())
    if minutes is not None and minutes > MOST_MINUTES:
        raise cells.Wrong(f"At most {MOST_MINUTES} minutes.", "Correct the number.")
    return minutes


RIGHT_TO_WORK = cells.one_of(RightToWork)
EVER_PAID_WORK = cells.one_of(EverPaidWork)

# The file's column -> (our name, how to read it).
COLUMNS: dict[str, tuple[str, cells.Reader]] = {
    "referral_ref": ("ref", cells.as_line),
    "source_type": ("source_type", _source_type),
    "referring_organisation": ("referring_organisation", cells.line(200)),
    "referrer_name": ("referrer_name", cells.as_line),
    "referrer_email": ("referrer_email", cells.as_line),
    "referred_on": ("referred_on", cells.as_needed_date),
    "reason": ("referred_because", cells.as_line),
    "urgency": ("urgency", cells.as_line),
    "restricted": ("is_restricted", cells.as_yes_no),
    "given_name": ("given_name", cells.as_line),
    "family_name": ("family_name", cells.as_line),
    "known_as": ("known_as", cells.as_line),
    "date_of_birth": ("date_of_birth", cells.as_date),
    "nino": ("nino", cells.line(30)),
    "nhs_number": ("nhs_number", cells.line(30)),
    "council_person_id": ("council_person_id", cells.as_line),
    "email": ("email", cells.as_line),
    "phone": ("phone", cells.line(60)),
    "postcode": ("postcode", cells.line(20)),
    "contact_withheld_reason": ("contact_withheld_reason", cells.as_line),
    "safe_contact": ("safe_contact", cells.as_line),
    "language": ("language", cells.as_line),
    "interpreter_needed": ("interpreter_needed", cells.as_yes_no),
    "ever_paid_work": ("ever_paid_work", EVER_PAID_WORK),
    "right_to_work": ("right_to_work", RIGHT_TO_WORK),
    "aspirations": ("aspirations", cells.as_list),
    "avoid": ("avoid", cells.as_list),
    "skills": ("skills", cells.as_list),
    "qualifications": ("qualification_level", _level),
    "licences": ("licences", cells.as_list),
    "hours_min": ("hours_min", cells.hours),
    "hours_max": ("hours_max", cells.hours),
    "half_days": ("half_days", half_days.read_cell),
    "earliest_start_on": ("earliest_start_on", cells.as_date),
    "travel_modes": ("travel_modes", _modes),
    "max_travel_minutes": ("max_travel_minutes", _minutes),
    "can_travel_alone": ("can_travel_alone", cells.as_yes_no),
    "adjustments": ("adjustments", cells.as_list),
    "environment": ("environment", cells.as_list),
    "benefits": ("benefits", cells.as_list),
    "permission_to_share": ("permission_to_share", cells.as_yes_no),
    "permission_recorded_on": ("permission_recorded_on", cells.as_date),
}
READERS = {column: reader for column, (_, reader) in COLUMNS.items()}
ALIASES = {spreadsheets.normal(name): name for name in COLUMNS} | {
    "available": "half_days",
    "availability": "half_days",
    "slots": "half_days",
    "referral reference": "referral_ref",
    "reference": "referral_ref",
    "source": "source_type",
    "organisation": "referring_organisation",
    "date referred": "referred_on",
    "referral date": "referred_on",
    "first name": "given_name",
    "forename": "given_name",
    "given names": "given_name",
    "surname": "family_name",
    "last name": "family_name",
    "preferred name": "known_as",
    "dob": "date_of_birth",
    "birth date": "date_of_birth",
    "ni number": "nino",
    "ni no": "nino",
    "national insurance number": "nino",
    "nhs no": "nhs_number",
    "nhs": "nhs_number",
    "las id": "council_person_id",
    "mosaic id": "council_person_id",
    "person id": "council_person_id",
    "e mail": "email",
    "email address": "email",
    "telephone": "phone",
    "mobile": "phone",
    "phone number": "phone",
    "post code": "postcode",
    "job goal": "aspirations",
    "job goals": "aspirations",
    "min hours wk": "hours_min",
    "max hours wk": "hours_max",
    "min hours": "hours_min",
    "max hours": "hours_max",
    "first language": "language",
    "interpreter": "interpreter_needed",
    "rtw": "right_to_work",
    "travel": "travel_modes",
    "consent to share": "permission_to_share",
}
OURS_TO_COLUMN = {ours: column for column, (ours, _) in COLUMNS.items()}


class ReferralImport:
    """One file on its way in to one partner: read and checked whole, then saved."""

    def __init__(
        self, session: WriteSession, actor: Actor, partner_id: UUID, *, create_organisations: bool = False
    ) -> None:
        self.session = session
        self.actor = actor.then(source=Source.IMPORT)
        self.partner_id = partner_id
        self.create_organisations = create_organisations
        self.report = ImportReport(is_dry_run=False, was_applied=False)
        self._organisations: dict[str, UUID] = {}
        self.made: list[UUID] = []

    def run(self, content: bytes, *, dry_run: bool, all_or_nothing: bool, most_unpacked: int) -> ImportReport:
        """Read a file and save its good rows, or none; the caller rolls back a dry run."""
        report = self.report
        report.is_dry_run = dry_run
        aliases = ALIASES | own_columns(self.session, self.actor, FILE_KIND)
        table = spreadsheets.read_table(
            content, aliases, needed=["source_type", "referred_on"], most_unpacked=most_unpacked
        )
        report.unknown_columns, report.passed_over = table.unknown_columns, table.passed_over
        report.notes += table.notes
        report.suggested_columns = suggested(
            table.unknown_columns, aliases, {name for row in table.rows[:1] for name in row.cells}
        )
        report.rows = len(table.rows)
        good = self._checked(table.rows)
        report.in_error = len({(error.sheet, error.row) for error in report.errors})
        if not table.rows:
            report.notes.append("There are no rows under the header.")
        if report.errors and all_or_nothing:
            return report
        resolve(self.session, (values["postcode"] for _, values in good))
        for row, values in good:
            self._save(row, values)
        report.was_applied = not dry_run
        return report

    def _checked(self, rows: list[spreadsheets.Row]) -> list[tuple[spreadsheets.Row, dict[str, Any]]]:
        """Return the good rows; where a reference comes twice and says two things, none of its rows is good."""
        read: list[tuple[spreadsheets.Row, dict[str, Any]]] = []
        first_of: dict[Any, tuple[spreadsheets.Row, dict[str, Any]]] = {}
        conflicting: dict[Any, int] = {}
        for row in rows:
            cells_read, errors = cells.read_row(row, READERS)
            values = {COLUMNS[column][0]: value for column, value in cells_read.items()}
            if not errors:
                errors = self._against_rules(row, values)
            if errors:
                self.report.errors += errors
                continue
            values["ref"] = values["ref"] or _ref_of(values)
            first = first_of.setdefault(_key_of(values), (row, values))
            if first[1] != values:
                conflicting.setdefault(_key_of(values), row.number)
            read.append((row, values))
        good = []
        for row, values in read:
            key = _key_of(values)
            first_row = first_of[key][0]
            if key in conflicting:
                other = conflicting[key] if row is first_row else first_row.number
                self.report.errors.append(
                    CellError(
                        row=row.number,
                        sheet=row.sheet,
                        field="referral_ref",
                        rule=f"Row {other} has the same reference and says something else.",
                        remedy="Keep one of them.",
                    )
                )
            elif row is not first_row:
                self.report.repeated += 1
            else:
                good.append((row, values))
        return good

    def _against_rules(self, row: spreadsheets.Row, values: Mapping[str, Any]) -> list[CellError]:
        wrong: list[tuple[str, str, str]] = []
        if not (values["given_name"] or values["family_name"]):
            wrong.append(("family_name", "A referral needs a name.", "Fill in the given or the family name."))
        if values["referred_on"] > self.actor.today:
            wrong.append(("referred_on", "This day has not come.", "Correct the date."))
        wrong += self._wrong_organisation(values)
        if self.session.is_production:
            wrong += [
                (OURS_TO_COLUMN[name], "This value is reserved for tests and not taken here.", "Remove it.")
                for name in formats.test_values(values)
            ]
        return [
            CellError(row=row.number, sheet=row.sheet, field=field, rule=rule, remedy=remedy)
            for field, rule, remedy in wrong
        ]

    def _wrong_organisation(self, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        name = values["referring_organisation"]
        field = "referring_organisation"
        if values["source_type"] is SourceType.SELF:
            if self.actor.role is Role.REFERRER:
                rule = "An organisation's referral is not SELF."
                return [("source_type", rule, "Write what kind of organisation refers.")]
            return [(field, "A self-referral has no referring organisation.", "Leave it blank.")] if name else []
        if self.actor.role is Role.REFERRER:
            own = self.session.get_one(Organisation, self.actor.organisation_id)
            if name is not None and name != own.name:
                return [(field, "You refer for your own organisation only.", "Leave it blank, or remove the row.")]
            return []
        if name is None:
            return [(field, "This field is needed.", "Fill it in; only SELF leaves it blank.")]
        if not self.create_organisations and self._known(name) is None:
            return [
                (
                    field,
                    "There is no referring organisation of this name.",
                    "Create it first, or import with --create-organisations.",
                )
            ]
        return []

    def _known(self, name: str) -> UUID | None:
        return self.session.scalars(
            select(Organisation.id).where(Organisation.name == name, Organisation.kind.in_(actions.REFERRERS)).limit(1)
        ).first()

    def _organisation(self, values: Mapping[str, Any]) -> UUID | None:
        if values["source_type"] is SourceType.SELF:
            return None
        if self.actor.role is Role.REFERRER:
            return self.actor.organisation_id
        name = values["referring_organisation"]
        known = self._organisations.get(name) or self._known(name)
        if known is not None:
            return known
        kind = KIND_OF_SOURCE.get(values["source_type"], OrganisationKind.OTHER_REFERRER)
        return organisation_actions.known_or_made(self.session, self.actor, name, kind, self._organisations)

    def _save(self, row: spreadsheets.Row, values: dict[str, Any]) -> None:
        organisation_id = self._organisation(values)
        ref = values["ref"]
        before = queries.by_source_key(self.session, self.partner_id, actions.source_key(organisation_id, ref))
        if before is not None:
            self._update(row, before, values)
            return
        values["is_restricted"] = bool(values["is_restricted"])
        referral = actions.record(
            self.session,
            self.actor,
            self.partner_id,
            values,
            organisation_id=organisation_id,
            source_type=values["source_type"],
            ref=ref,
        )
        person = self.session.get_one(Jobseeker, referral.jobseeker_id)
        self.report.created += 1
        self.made.append(person.id)
        if self.actor.role is not Role.REFERRER:
            self.report.made.append(person.reference)
            self._warn_of_duplicates(row, person)
        self.report.warnings += [
            self._warning(row, OURS_TO_COLUMN[w["field"]], w["text"], "Saved as it was written.")
            for w in formats.warnings_of(values, self.actor.today)
        ]

    def _update(self, row: spreadsheets.Row, before: Referral, values: dict[str, Any]) -> None:
        """Take what the referrer says now, where this actor may see whose referral it is."""
        visible = select(Referral.id).where(
            Referral.id == before.id, Referral.id.in_(queries.visible_to(self.actor).with_only_columns(Referral.id))
        )
        if self.session.scalars(visible).first() is None:
            self.report.in_error += 1
            self.report.errors.append(
                CellError(
                    row=row.number,
                    sheet=row.sheet,
                    field="referral_ref",
                    rule="This row cannot be imported by you.",
                    remedy="Ask a team manager to import it.",
                )
            )
            return
        changed = actions.resay(self.session, self.actor, before, values)
        if values["referred_on"] != before.referred_on:
            if actions.correct_referred_on(self.session, self.actor, before, values["referred_on"]):
                changed = True
            else:
                self.report.warnings.append(
                    self._warning(
                        row,
                        "referred_on",
                        "The referral is decided, so its date is kept.",
                        "Ask the partner to correct it.",
                    )
                )
        self.report.updated += changed
        self.report.unchanged += not changed

    @staticmethod
    def _warning(row: spreadsheets.Row, field: str, rule: str, remedy: str) -> CellError:
        return CellError(row=row.number, sheet=row.sheet, field=field, rule=rule, remedy=remedy)

    def _warn_of_duplicates(self, row: spreadsheets.Row, person: Jobseeker) -> None:
        """Name the records it may be the same person as, of those this actor may see; nothing is merged."""
        found = duplicate_queries.references(self.session, self.actor, person.id)
        if found:
            names = ", ".join(found[:3])
            rule = f"This may be the same person as {names}."
            self.report.warnings.append(self._warning(row, "referral_ref", rule, "Look at both; nothing was merged."))


def _key_of(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Whose reference it is: two organisations may both have a 001."""
    return (values["referring_organisation"], values["source_type"] is SourceType.SELF, values["ref"])


def _ref_of(values: Mapping[str, Any]) -> str:
    """Where the file gives no reference, who it is and when make one."""
    names = ("given_name", "family_name", "date_of_birth", "nino", "nhs_number", "referred_on")
    text = "|".join(str(values[name] or "") for name in names)
    return "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def record(session: WriteSession, actor: Actor, partner_id: UUID, content: bytes, report: ImportReport) -> ImportRun:
    run = ImportRun(
        kind=FILE_KIND,
        organisation_id=actor.organisation_id,
        partner_id=partner_id,
        by=actor.user_id,
        made_at=actor.at,
        file_hash=hashlib.sha256(content).hexdigest(),
        report=report.model_dump(mode="json"),
    )
    session.add(run)
    session.flush()  # its id is needed by the reply
    return run
