"""The referral file: CSV or XLSX, one referral in each row."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Role, local_day, utc_now
from pathways.database import Database, Session, WriteSession
from pathways.duplicates import actions as duplicate_actions
from pathways.errors import RuleBroken
from pathways.imports import queries as import_queries
from pathways.imports.intake import WITHIN, Change, Fault, ImportKind, Plan, ReadRow, understood
from pathways.imports.models import ImportRun, ImportState, RowState
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import alike_rows, formats, identify, placeholders, shared_details
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import IDENTIFIERS, SHARED
from pathways.jobseekers.identify import Candidate, IdentityQuery
from pathways.jobseekers.models import Jobseeker
from pathways.organisations import actions as organisation_actions
from pathways.organisations import names as organisation_names
from pathways.organisations import queries as organisation_queries
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.reference import days, half_days
from pathways.reference.postcodes import find_places
from pathways.referrals import actions, queries, resent, sources, template
from pathways.referrals.columns import ALIASES, COLUMNS, OURS_TO_COLUMN, READERS
from pathways.referrals.content import Arriving, ReferralContent, days_to_come, source_key
from pathways.referrals.models import Referral, SourceType
from pathways.referrals.schemas import ReferralOut
from pathways.sheets import slips

PERMISSION_TO_COME = "This day is in the future, so it counts as no permission yet."
SAVED = "The value is saved as it was written."
LEFT_BLANK = "The field stays blank until somebody fills it in. The words as typed are stored with it (as_written)."
NOT_AGREED = "The sheet says that the person did not agree to this referral."
KIND_OF_SOURCE = {
    SourceType.JCP: OrganisationKind.JOB_CENTRE,
    SourceType.ASC: OrganisationKind.LOCAL_AUTHORITY,
}


class ReferralIntake:
    """Checks, plans and applies the rows of a referral file that is sent to one partner."""

    def __init__(self, session: Session, actor: Actor, run: ImportRun) -> None:
        self.session = session
        self.actor = actor
        self.run = run
        assert run.partner_id is not None  # a file of referrals is for a partner
        self.partner_id = run.partner_id
        self.is_own = actor.role is not Role.REFERRER
        self._names: dict[str, list[tuple[UUID, OrganisationKind]]] = {}
        self._all_referrers: list[tuple[UUID, str, OrganisationKind]] | None = None
        self._made: dict[str, UUID] = {}
        self._people: Sequence[Jobseeker] = ()
        self._sources: dict[UUID, tuple[SourceType, bool]] = {}

    def wrong(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return the errors of one row, without comparing it with other rows or records."""
        faults: list[Fault] = []
        content: ReferralContent = values["content"]
        if not content.details.has_name:
            faults.append(
                Fault("family_name", "A referral needs a name.", "Fill in the given name or the family name.")
            )
        faults += [
            Fault(OURS_TO_COLUMN.get(name, name), "The date cannot be in the future.", "Correct the date.")
            for name in days_to_come({**content.about, "referred_on": values["referred_on"]}, self.actor.today)
        ]
        if (wrong := days.long_ago(values["referred_on"], self.actor.today)) is not None:
            faults.append(Fault("referred_on", wrong, "Correct the date."))
        faults += self._wrong_organisation(values)
        if self.session.is_production:
            faults += [
                Fault(OURS_TO_COLUMN[name], "This value is reserved for tests.", "Enter the real value, or no value.")
                for name in content.details.reserved_for_tests()
            ]
        return faults

    def key(self, values: Mapping[str, Any]) -> str:
        """Return one text that combines the referring organisation and the reference of a row, and so identifies it.

        The organisation is part of the key, because two organisations may use the same reference.
        """
        organisation = self._organisation(values) or values["referring_organisation"]
        return repr((str(organisation), self._given_source(values) is SourceType.SELF, values["ref"]))

    def _given_source(self, values: Mapping[str, Any]) -> SourceType | None:
        """Return the source type that a row gives.

        A referrer's row is never a self-referral, whatever it says; nor is one that names an organisation that refers.
        """
        source: SourceType | None = values["source_type"]
        return None if source is SourceType.SELF and (not self.is_own or self._names_referrer(values)) else source

    def _names_referrer(self, values: Mapping[str, Any]) -> bool:
        name = values["referring_organisation"]
        return name is not None and bool(self._organisations_named(name, None))

    def _source(self, values: Mapping[str, Any]) -> tuple[SourceType, bool]:
        """Return the source type of a row, and whether it is certain. A blank one follows from the organisation."""
        given = self._given_source(values)
        if given is not None:
            return given, True
        organisation_id = self._organisation(values)
        if organisation_id is None:  # the import is to create the organisation
            return sources.in_name(values["referring_organisation"] or ""), False
        if organisation_id not in self._sources:
            organisation = self.session.get_one(Organisation, organisation_id)
            self._sources[organisation_id] = sources.of_organisation(self.session, organisation, self.partner_id)
        return self._sources[organisation_id]

    def _wrong_organisation(self, values: Mapping[str, Any]) -> list[Fault]:
        name = values["referring_organisation"]
        field = "referring_organisation"
        if self._given_source(values) is SourceType.SELF:
            return []  # a name that no organisation has is left out with a warning
        if self.actor.role is Role.REFERRER:
            own = self.session.get_one(Organisation, self.actor.organisation_id)
            if name is not None and not organisation_names.is_almost(name, own.name):
                rule = "You can only refer for your own organisation."
                return [Fault(field, rule, "Leave the cell blank, or remove the row.")]
            return []
        if name is None:
            rule = "The referring organisation is missing."
            return [Fault(field, rule, "Fill in the organisation's name. Only a self-referral (SELF) has none.")]
        named = self._organisations_named(name, self._given_source(values))
        if len(named) > 1:
            rule = "Several referring organisations have this name."
            return [Fault(field, rule, "Ask the operator to rename all but one of these organisations.")]
        if not self.run.creates_organisations and not named:
            remedy = organisation_queries.advice_on_name(self.session, name, actions.REFERRERS)
            return [Fault(field, "No referring organisation has this name.", remedy)]
        return []

    def _referrers(self) -> list[tuple[UUID, str, OrganisationKind]]:
        """Return the id, name and kind of each organisation that may refer."""
        if self._all_referrers is None:
            rows = select(Organisation.id, Organisation.name, Organisation.kind).where(
                Organisation.kind.in_(actions.REFERRERS)
            )
            found = self.session.execute(rows.order_by(Organisation.id))
            self._all_referrers = [(row.id, row.name, row.kind) for row in found]
        return self._all_referrers

    def _organisations_named(self, name: str, source: SourceType | None) -> list[UUID]:
        """Return the referring organisations with this name: those whose kind fits the source or, if none fits, all."""
        if name not in self._names:
            same = [one for one in self._referrers() if one[1] == name]
            key = organisation_names.plain_name(name)
            same = same or [one for one in self._referrers() if organisation_names.plain_name(one[1]) == key]
            self._names[name] = [(organisation_id, own_kind) for organisation_id, _, own_kind in same]
        kind = KIND_OF_SOURCE.get(source, OrganisationKind.OTHER_REFERRER) if source is not None else None
        return [key for key, own_kind in self._names[name] if own_kind is kind] or [key for key, _ in self._names[name]]

    def _organisation(self, values: Mapping[str, Any]) -> UUID | None:
        """Return the referring organisation, or None for a self-referral or if the organisation does not exist yet."""
        if self._given_source(values) is SourceType.SELF:
            return None
        if not self.is_own:
            return self.actor.organisation_id
        return next(iter(self._organisations_named(values["referring_organisation"], self._given_source(values))), None)

    def _organisation_or_made(self, session: WriteSession, values: Mapping[str, Any]) -> UUID | None:
        organisation_id = self._organisation(values)
        if (
            organisation_id is not None
            or self._given_source(values) is SourceType.SELF
            or not self.run.creates_organisations
        ):
            return organisation_id
        source, _ = self._source(values)
        kind = KIND_OF_SOURCE.get(source, OrganisationKind.OTHER_REFERRER)
        name = values["referring_organisation"]
        return organisation_actions.found_or_made(session, self.actor, name, kind, self._made)

    def plan(self, rows: Sequence[ReadRow]) -> list[Plan]:
        """Return the planned result of each row. Change nothing."""
        plans = self._plans(rows)
        # A referrer must learn nothing about the partner's records. If the file is applied at once, candidates are
        # searched only when it is applied.
        is_at_once = self.run.applies and self.run.takes_duplicates and self.run.state is ImportState.CHECKING
        if self.is_own and not is_at_once:
            self._mark_possible_duplicates(rows, plans)
        self._warn_of_shared(rows, plans)
        return plans

    def _warn_of_shared(self, rows: Sequence[ReadRow], plans: Sequence[Plan]) -> None:
        """Warn the partner's staff of contact details that many of its people have. A referrer must not learn this."""
        if not self.is_own:
            return
        people = [row.values["content"].details for row in rows]
        for plan, names in zip(plans, shared_details.shared_widely(self.session, self.partner_id, people), strict=True):
            told = {warning.field for warning in plan.warnings}
            plan.warnings += [Fault(name, SHARED[name], SAVED) for name in names if name not in told]

    def changes(self, rows: Sequence[ReadRow]) -> list[list[Change]]:
        return [planned.changes for planned in self._plans(rows)]

    def _plans(self, rows: Sequence[ReadRow]) -> list[Plan]:
        existing = self._existing(rows, [self._organisation(row.values) for row in rows])
        contents = self._current_contents([referral for referral in existing if referral is not None])
        return [
            self._to_create(row.values)
            if referral is None
            else self._to_update(referral, row.values, contents.get(referral.id))
            for row, referral in zip(rows, existing, strict=True)
        ]

    def _existing(self, rows: Sequence[ReadRow], organisations: Sequence[UUID | None]) -> list[Referral | None]:
        """Return, for each row, the referral that already has its reference, or None."""
        keys = [
            source_key(organisation_id, row.values["ref"])
            for row, organisation_id in zip(rows, organisations, strict=True)
        ]
        referrals = queries.by_source_keys(self.session, self.partner_id, keys)
        return [
            # An organisation that does not exist yet has no referral, and its key would equal that of a self-referral.
            None
            if organisation_id is None and self._given_source(row.values) is not SourceType.SELF
            else referrals.get(key)
            for row, organisation_id, key in zip(rows, organisations, keys, strict=True)
        ]

    def _current_contents(self, referrals: Sequence[Referral]) -> dict[UUID, ReferralContent]:
        """Return the current content of each referral that this actor may see."""
        ids = [referral.id for referral in referrals]
        # The list keeps the people in the session, so later reads of each person need no query.
        about = select(Jobseeker).where(Jobseeker.id.in_({referral.jobseeker_id for referral in referrals}))
        self._people = self.session.scalars(about).all() if ids else []
        rows = queries.visible_to(self.actor).with_only_columns(Referral.id).where(Referral.id.in_(ids))
        visible = list(self.session.scalars(rows)) if ids else []
        snapshots = queries.snapshots(self.session, self.partner_id, visible)
        return {referral_id: actions.content_of(self.session, row) for referral_id, row in snapshots.items()}

    def _to_create(self, values: Mapping[str, Any]) -> Plan:
        return Plan(RowState.TO_CREATE, warnings=self._warnings(values))

    def _warnings(self, values: Mapping[str, Any]) -> list[Fault]:
        """Return the warnings of a row: one for each cell that was not read as a whole or looks wrong."""
        warnings = [Fault(*warning) for warning in values["slips"]]
        told = {warning.field for warning in warnings}
        content = values["content"].as_dict()
        for warning in values["content"].warnings(self.actor.today):
            column = OURS_TO_COLUMN[warning["field"]]
            if column not in told:
                is_blank = content[warning["field"]] is None
                warnings.append(Fault(column, warning["text"], LEFT_BLANK if is_blank else SAVED))
        if content["permission_to_share"] is False:
            use = "use these details" if self.is_own else "send their details"
            warnings.append(Fault("permission_to_share", NOT_AGREED, f"Speak to them before you {use}."))
        warnings += self._warnings_of_source(values)
        if not self._source(values)[1]:
            rule = "No source type was given, so it was worked out from the organisation's name."
            warnings.append(Fault("source_type", rule, f"Write one of {', '.join(SourceType)} if it is wrong."))
        return warnings

    def _warnings_of_source(self, values: Mapping[str, Any]) -> list[Fault]:
        if self.is_own:
            return self._warnings_of_self_referral(values)
        warnings = []
        if values["source_type"] is SourceType.SELF:
            rule = "SELF is only for people who refer themselves, so the source type follows from your organisation."
            warnings.append(Fault("source_type", rule, "Leave the cell blank."))
        own, name = self.session.get_one(Organisation, self.actor.organisation_id), values["referring_organisation"]
        if name is not None and organisation_names.plain_name(name) != organisation_names.plain_name(own.name):
            rule = "This name was taken for your own organisation's."
            warnings.append(Fault("referring_organisation", rule, "Leave the cell blank, or write the name in full."))
        return warnings

    def _warnings_of_self_referral(self, values: Mapping[str, Any]) -> list[Fault]:
        """Warn of a row that says both that the person came by themselves and that an organisation referred them."""
        if values["source_type"] is not SourceType.SELF or values["referring_organisation"] is None:
            return []
        if self._names_referrer(values):
            rule = "SELF is only for people who refer themselves, so the source type follows from the organisation."
            remedy = "Leave source_type blank, or leave the organisation blank if the person came by themselves."
            return [Fault("source_type", rule, remedy)]
        rule = "This was read as a self-referral, which has no referring organisation, so the name was left out."
        remedy = "Leave the cell blank, or change source_type if an organisation referred the person."
        return [Fault("referring_organisation", rule, remedy)]

    def _to_update(self, referral: Referral, values: Mapping[str, Any], before: ReferralContent | None) -> Plan:
        if before is None:
            rule, remedy = "You cannot import this row.", "Ask a team manager to import it."
            if self.is_own:  # they may know that the partner has the referral, but not why it is withheld from them
                rule = "The referral of this row is on record, and only its caseworker or a team manager can change it."
            return Plan(RowState.WITH_ERRORS, [Fault("referral_ref", rule, remedy)])
        if resent.is_about_another(self.session, before, values["content"]):
            return Plan(RowState.WITH_ERRORS, [Fault("referral_ref", resent.OF_ANOTHER, resent.GIVE_OWN_REFERENCE)])
        kept = resent.placeholders_over_values(values, before, self.actor.today)
        after = before.changed(resent.given_in(values, before, kept), blanks_clear=False)
        changed_names, old, new = after.names_that_differ(before), before.as_dict(), after.as_dict()
        groups = queries.visible_groups(self.session, self.actor, referral)
        changes = [
            (OURS_TO_COLUMN[name], as_cell(name, old[name]), as_cell(name, new[name]))
            for name in sorted(changed_names - {"as_written"})
            if ReferralOut.group_of[name] in groups
        ]
        warnings = [warning for warning in self._warnings(values) if warning.field not in map(OURS_TO_COLUMN.get, kept)]
        warnings += [
            Fault(OURS_TO_COLUMN[name], resent.KEPT, "Write the new value, or leave the cell blank.") for name in kept
        ]
        state = RowState.TO_UPDATE if changed_names else RowState.UNCHANGED
        if values["referred_on"] != referral.referred_on:
            if actions.may_correct_referred_on(referral):
                changes.append(("referred_on", referral.referred_on, values["referred_on"]))
                state = RowState.TO_UPDATE
            else:
                rule = "The referral is already accepted, declined or withdrawn, so its date is not changed."
                warnings.append(Fault("referred_on", rule, "If the date on record is wrong, tell the partner."))
        return Plan(state, warnings=warnings, changes=changes, jobseeker_id=referral.jobseeker_id)

    def _mark_possible_duplicates(self, rows: Sequence[ReadRow], plans: Sequence[Plan]) -> None:
        """Mark each new row that may be about an existing jobseeker, with the candidates this actor may see."""
        new = [
            (row, plan)
            for row, plan in zip(rows, plans, strict=True)
            if plan.state is RowState.TO_CREATE and row.row.same_as is None
        ]
        identity_queries = [
            IdentityQuery(identify.identity(self.session, str(row.row.id), row.values["content"].details))
            for row, _ in new
        ]
        candidates = identify.find(self.session, self.partner_id, identity_queries)
        for (_, plan), visible_ids in zip(new, self._visible(candidates), strict=True):
            if visible_ids:
                plan.state = RowState.POSSIBLE_DUPLICATE
                plan.alike = visible_ids

    def _visible(self, candidates: Sequence[Sequence[Candidate]]) -> list[list[UUID]]:
        """Return, for each row, the ids of the candidates that this actor may see."""
        visible_ids = _references(
            self.session,
            self.actor,
            {candidate.jobseeker_id for row_candidates in candidates for candidate in row_candidates},
        )
        return [
            [candidate.jobseeker_id for candidate in row_candidates if candidate.jobseeker_id in visible_ids]
            for row_candidates in candidates
        ]

    def apply(self, rows: Sequence[ReadRow]) -> list[Plan]:
        """Record the new rows in one batch, and update the referrals that the other rows change."""
        session = self.session
        assert isinstance(session, WriteSession)  # an import is applied in a session that can write
        organisations = [self._organisation_or_made(session, row.values) for row in rows]
        existing = self._existing(rows, organisations)
        contents = self._current_contents([referral for referral in existing if referral is not None])
        # An organisation may have been renamed since the rows were checked.
        row_faults = [self._wrong_organisation(row.values) for row in rows]
        held = self._held(rows, existing)
        new = [
            (row, organisation_id)
            for row, organisation_id, referral, faults in zip(rows, organisations, existing, row_faults, strict=True)
            if referral is None and not faults and row.row.id not in held
        ]
        recorded = iter(self._record(session, new))
        plans = [
            Plan(RowState.WITH_ERRORS, faults)
            if faults
            else held[row.row.id]
            if row.row.id in held
            else next(recorded)
            if referral is None
            else self._update(session, row, referral, contents.get(referral.id))
            for row, referral, faults in zip(rows, existing, row_faults, strict=True)
        ]
        self._identify_updated(session, [plan for plan in plans if plan.state is RowState.UPDATED])
        self._warn_of_shared(rows, plans)
        return plans

    def _held(self, rows: Sequence[ReadRow], existing: Sequence[Referral | None]) -> dict[UUID, Plan]:
        """Return the rows to hold if the import holds duplicates. A candidate may be newer than the check of a row."""
        if self.run.takes_duplicates or not self.is_own:
            return {}
        new = [row for row, referral in zip(rows, existing, strict=True) if referral is None]
        plans = [self._to_create(row.values) for row in new]
        self._mark_possible_duplicates(new, plans)
        return {
            row.row.id: plan for row, plan in zip(new, plans, strict=True) if plan.state is RowState.POSSIBLE_DUPLICATE
        }

    def _identify_updated(self, session: WriteSession, plans: Sequence[Plan]) -> None:
        """Identify the people whose details the rows changed, and name the candidates that this actor may see."""
        people = [plan.jobseeker_id for plan in plans if plan.jobseeker_id is not None]
        if not people:
            return
        found = duplicate_actions.identify_noted(session, self.actor, self.partner_id, people)
        if self.is_own:
            visible = self._visible([found.get(jobseeker_id, []) for jobseeker_id in people])
            for plan, visible_ids in zip(plans, visible, strict=True):
                plan.alike = visible_ids

    def _record(self, session: WriteSession, new: Sequence[tuple[ReadRow, UUID | None]]) -> list[Plan]:
        arriving = [
            Arriving(
                row.values["content"],
                row.values["referred_on"],
                organisation_id,
                self._source(row.values)[0],
                row.values["ref"],
                self._person(row.row.same_as) if row.row.same_as is not None else None,
            )
            for row, organisation_id in new
        ]
        recorded = actions.record(session, self.actor, self.partner_id, arriving)
        candidates = self._visible([result.may_be for result in recorded]) if self.is_own else [[] for _ in recorded]
        return [
            Plan(
                RowState.CREATED,
                warnings=self._to_create(row.values).warnings,
                alike=visible_ids,
                jobseeker_id=result.person.id,
            )
            for (row, _), result, visible_ids in zip(new, recorded, candidates, strict=True)
        ]

    def _update(self, session: WriteSession, row: ReadRow, referral: Referral, before: ReferralContent | None) -> Plan:
        planned = self._to_update(referral, row.values, before)
        if planned.state is not RowState.TO_UPDATE:
            return planned
        assert before is not None  # otherwise the plan has errors
        kept = resent.placeholders_over_values(row.values, before, self.actor.today)
        after = before.changed(resent.given_in(row.values, before, kept), blanks_clear=False)
        actions.resay(session, self.actor, referral, after)
        if row.values["referred_on"] != referral.referred_on:
            actions.correct_referred_on(session, self.actor, referral, row.values["referred_on"])
        return Plan(RowState.UPDATED, warnings=planned.warnings, jobseeker_id=referral.jobseeker_id)

    def same_person(self, jobseeker_id: UUID) -> None:
        """Refuse unless the actor is one of the partner's staff and may see this person."""
        if not self.is_own:
            raise RuleBroken(
                "Only the partner can say who a row is about. Leave that out (same_as).", pointer="/same_as"
            )
        self._person(jobseeker_id)

    def _person(self, jobseeker_id: UUID) -> Jobseeker:
        person = jobseeker_queries.jobseeker(self.session, self.actor, jobseeker_id)
        jobseeker_actions.must_not_be_void(person)
        return person


def _references(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return, by id, the references of those given jobseekers that the actor may see; none for a referrer."""
    if not ids or actor.role is Role.REFERRER:
        return {}
    visible = jobseeker_queries.ids_visible_to(actor).where(Jobseeker.id.in_(ids))
    rows = select(Jobseeker.id, Jobseeker.reference).where(Jobseeker.id.in_(visible))
    return {row.id: row.reference for row in session.execute(rows)}


def as_cell(name: str, value: Any) -> Any:
    """Return a value as the file writes it. Only the last three characters of NI and NHS numbers are readable."""
    if name == "half_days" and value is not None:
        return half_days.text_of(value)
    return formats.masked(value) if name in {"nino", "nhs_number"} else value


NO_REFERENCE = "This names no referral, so the row was taken as one without a reference."


def _values(read_cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row under our field names.

    If the row has no reference, it is derived from the names, date of birth, NI and NHS numbers and referral date.
    """
    settled = slips.settle(read_cells)
    values = {COLUMNS[column][0] if column in COLUMNS else column: value for column, value in settled.values.items()}
    words = {COLUMNS[column][0]: said for column, said in settled.words.items()}
    for name in words.keys() & set(IDENTIFIERS):
        # The words are stored unencrypted, so nothing that may be a part of a number remains in them.
        words[name] = re.sub(r"\d", "*", words[name])
    warnings = list(settled.warnings)
    today = local_day(utc_now())
    agreed_on = values["permission_recorded_on"]
    if rule := PERMISSION_TO_COME if agreed_on is not None and agreed_on > today else days.long_ago(agreed_on, today):
        # A permission cannot have been given on such a day, so it must be asked.
        words |= {"permission_recorded_on": str(agreed_on)}
        values |= {"permission_recorded_on": None, "permission_to_share": None}
        warnings.append(("permission_recorded_on", rule, slips.ASK_FOR_PERMISSION))
    if (rule := days.impossible_start(values["earliest_start_on"], today)) is not None:
        words |= {"earliest_start_on": str(values["earliest_start_on"])}
        values |= {"earliest_start_on": None}
        warnings.append(("earliest_start_on", f"{rule} The field is left unknown.", slips.AS_WRITTEN))
    name = values["referring_organisation"]
    if organisation_names.is_self(name):
        values["source_type"] = values["source_type"] or SourceType.SELF
    if organisation_names.is_self(name) or organisation_names.names_no_organisation(name):
        values["referring_organisation"] = None
    values |= {"slips": warnings, "as_written": words}
    identifying = ("given_name", "family_name", "date_of_birth", "nino", "nhs_number", "referred_on")
    text = "|".join(str(values[name] or "") for name in identifying)
    if values["ref"] and placeholders.is_reference(values["ref"]):
        warnings.append(("referral_ref", NO_REFERENCE, "Give each referral a reference of its own, or leave it blank."))
        values["ref"] = None
    values["ref"] = values["ref"] or "row-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    return values | {"content": ReferralContent.of(values)}


def _duplicates_within(database: Database, actor: Actor, run: ImportRun) -> list[tuple[UUID, Fault]]:
    """Return the ids of new rows that may be about the person of an earlier row, each with a fault naming that row."""
    if actor.role is Role.REFERRER:
        return []
    rows: list[tuple[UUID, int]] = []

    def read(session: Session) -> Iterator[Any]:
        for row in import_queries.in_order(session, run, [RowState.TO_CREATE, RowState.POSSIBLE_DUPLICATE]):
            read_row, errors = understood(session, KIND, row)
            if not errors and row.same_as is None:
                rows.append((row.id, row.number))
                yield identify.identity(session, str(row.id), read_row.values["content"].details)

    assert run.partner_id is not None  # a file of referrals is for a partner
    with database.reading(actor, newest=True) as session:
        pairs = alike_rows.within(session, run.partner_id, read(session))
    return [
        (rows[later][0], Fault("referral_ref", f"{WITHIN} {rows[earlier][1]}.", CHECK_BOTH)) for later, earlier in pairs
    ]


CHECK_BOTH = "Check both rows. Skip one of them, or import both."
KIND = ImportKind(
    "referrals",
    READERS,
    ALIASES,
    ("referred_on",),
    "referral_ref",
    ReferralIntake,
    _values,
    _duplicates_within,
    find_places,
    _references,
    template.form({column: name for column, (name, _) in COLUMNS.items()}),
)
