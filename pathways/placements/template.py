"""The template of the placement file: help for its columns, lists to choose from, and the words of people's headers."""

from collections.abc import Iterable

from pathways.field_docs import FIELD_DOCS
from pathways.imports.intake import TemplateForm
from pathways.jobseekers.formats import RQF_LEVELS
from pathways.placements.models import DbsLevel, PlacementKind, Remote
from pathways.reference.vocabularies import codes_of

YES_NO = ("yes", "no")
EXAMPLE = {
    "placement_ref": "EXAMPLE",
    "social_enterprise": "Name of the social enterprise",
    "title": "Example: kitchen assistant, delete this row",
    "kind": "WORK_EXPERIENCE",
    "description": "Prepare vegetables and wash up in a small cafe",
    "postcode": "M1 1AE",
    "half_days": "mon am; wed am",
    "hours_per_week": "8",
    "starts_on": "2026-12-01",
    "closes_on": "2026-11-24",
    "places": "2",
    "dbs_level": "NONE",
    "contact_email": "kitchen@example.org",
}
# Words in the headers of people's own files, and the column that they suggest for a member to confirm.
SYNONYMS = {
    "ref": "placement_ref",
    "job ref": "placement_ref",
    "vacancy id": "placement_ref",
    "vacancy ref": "placement_ref",
    "company": "social_enterprise",
    "business": "social_enterprise",
    "provider": "social_enterprise",
    "host": "social_enterprise",
    "enterprise": "social_enterprise",
    "companies house": "company_number",
    "company no": "company_number",
    "registered charity": "charity_number",
    "charity no": "charity_number",
    "position": "title",
    "job": "title",
    "vacancy": "title",
    "post": "title",
    "soc code": "occupation",
    "type": "kind",
    "type of placement": "kind",
    "contract type": "kind",
    "duties": "description",
    "about": "description",
    "notes": "description",
    "details": "description",
    "summary": "description",
    "skills": "essential_skills",
    "requirements": "essential_skills",
    "essential": "essential_skills",
    "desirable": "desirable_skills",
    "nice to have": "desirable_skills",
    "qualifications": "qualifications_needed",
    "education": "qualifications_needed",
    "licence": "licences_needed",
    "certificates": "licences_needed",
    "training": "training_given",
    "location": "postcode",
    "address": "postcode",
    "site": "postcode",
    "where": "postcode",
    "home working": "remote",
    "work from home": "remote",
    "wfh": "remote",
    "days": "half_days",
    "shift": "half_days",
    "shifts": "half_days",
    "working pattern": "half_days",
    "hrs": "hours_per_week",
    "weekly hours": "hours_per_week",
    "flexible": "hours_flexible",
    "flexible hours": "hours_flexible",
    "start": "starts_on",
    "from": "starts_on",
    "end": "ends_on",
    "until": "ends_on",
    "finish": "ends_on",
    "deadline": "closes_on",
    "apply by": "closes_on",
    "closing": "closes_on",
    "vacancies": "places",
    "openings": "places",
    "number of places": "places",
    "how many": "places",
    "wage": "pay_per_hour_pounds",
    "salary": "pay_per_hour_pounds",
    "pay": "pay_per_hour_pounds",
    "rate": "pay_per_hour_pounds",
    "age": "minimum_age",
    "ages": "minimum_age",
    "age range": "minimum_age",
    "age limit": "minimum_age",
    "age group": "minimum_age",
    "min age": "minimum_age",
    "age from": "minimum_age",
    "max age": "maximum_age",
    "age to": "maximum_age",
    "reserved for": "ring_fenced_for",
    "only for": "ring_fenced_for",
    "exemption": "legal_basis",
    "police check": "dbs_level",
    "criminal record": "dbs_level",
    "crb": "dbs_level",
    "rtw": "right_to_work_needed",
    "right to work": "right_to_work_needed",
    "adjustments": "adjustments_offered",
    "access": "adjustments_offered",
    "workplace": "environment",
    "support": "support_offered",
    "buddy": "support_offered",
    "email": "contact_email",
    "contact": "contact_email",
    "e mail": "contact_email",
    "how to apply": "contact_email",
}
COUNTED = ("posts", "jobs", "positions", "places", "vacancies", "openings", "people", "staff", "volunteers", "roles")
COUNTS = ("no", "nos", "num", "number", "nr", "qty", "quantity", "total", "how many")
SYNONYMS |= {f"{count} {noun}": "places" for count in COUNTS for noun in COUNTED}
SYNONYMS |= {f"{noun} available": "places" for noun in COUNTED} | {"headcount": "places", "posts": "places"}


# Columns that take other words too, and the vocabulary that the template offers.
SUGGESTED = {
    "licences_needed": "licences",
    "adjustments_offered": "adjustments",
    "environment": "environments",
}


def form(columns: Iterable[str]) -> TemplateForm:
    """Return the template for these columns."""
    fields = {column: "ref" if column == "placement_ref" else column for column in columns}
    return TemplateForm(
        help={column: FIELD_DOCS.get(field, "") for column, field in fields.items()},
        choices={
            "kind": list(PlacementKind),
            "qualifications_needed": RQF_LEVELS,
            "remote": list(Remote),
            "hours_flexible": YES_NO,
            "dbs_level": list(DbsLevel),
            "right_to_work_needed": YES_NO,
        },
        suggestions=lambda: {column: codes_of(name) for column, name in SUGGESTED.items()},
        also_needed=("social_enterprise",),
        example=EXAMPLE,
        recognised_by=("title",),
        synonyms=SYNONYMS,
    )
