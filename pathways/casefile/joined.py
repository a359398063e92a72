"""What the kept record takes from the other when two records of one jobseeker are merged. Nothing is changed here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pathways.database import Session
from pathways.jobseekers import identifiers, joining
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import PROFILE_NAMES, Jobseeker, ProfileVersion


@dataclass(frozen=True, slots=True)
class FieldsJoined:
    """The fields of the kept record that a merge changes, with their new values, and its profile before."""

    details: Mapping[str, Any]
    columns: Mapping[str, Any]
    about: Mapping[str, Any]

    @property
    def names(self) -> list[str]:
        return sorted({*self.details, *self.columns, *self.about})


def joined_fields(session: Session, kept: Jobseeker, taken: Jobseeker, today: date) -> FieldsJoined:
    """Return what the kept record takes from the merged record: values of blank fields, and what protects, joined.

    Nothing is changed.
    """
    kept_details = identifiers.unsealed(session, jobseeker_queries.details(session, kept))
    taken_details = identifiers.unsealed(session, jobseeker_queries.details(session, taken))
    new_details = joining.new_details(kept_details, taken_details, today)
    kept_profile, taken_profile = jobseeker_queries.profile(session, kept), jobseeker_queries.profile(session, taken)
    if taken_profile is None:
        return FieldsJoined(new_details, {}, {})
    columns = joining.new_columns(columns_of(kept_profile), columns_of(taken_profile))
    about = joining.accompanying(kept_profile, taken_profile)
    new_about = {name: value for name, value in about.items() if value != getattr(kept_profile, name, None)}
    return FieldsJoined(new_details, columns, new_about)


def columns_of(version: ProfileVersion | None) -> dict[str, Any]:
    return {name: getattr(version, name) if version else None for name in PROFILE_NAMES}
