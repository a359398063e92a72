"""Bodies and replies of the search for jobseekers, and the candidates in the reply about a recorded person."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, Line, NeededLine, Schema
from pathways.jobseekers.models import NameKind


class SearchBody(Body):
    """The request body for searching for a person. At least one field is needed."""

    text: NeededLine | None = Field(
        default=None,
        description="Anything that is known, in any order: names or parts of names, reference, NI number, NHS number,"
        " telephone number, e-mail address, postcode, date of birth.",
    )
    name: NeededLine | None = Field(
        default=None,
        description="Any part of any name, in any order: given, middle, family, known-as or earlier name. Spellings"
        " that sound alike, short forms and typing errors are found too.",
    )
    nino: Line | None = None
    nhs_number: Line | None = None
    phone: Annotated[Line, Field(max_length=60)] | None = None
    email: Line | None = None
    reference: Line | None = None
    postcode: Annotated[Line, Field(max_length=20)] | None = None
    date_of_birth: Day | None = None


class SearchHit(Schema):
    """A record that matches a search, or that may be the same person as another record, and how similar it is."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    given_name: Annotated[str | None, Group.IDENTITY]
    family_name: Annotated[str | None, Group.IDENTITY]
    date_of_birth: Annotated[date | None, Group.IDENTITY]
    likeness: Annotated[float, Group.RECORD] = Field(ge=0, le=1)
    agrees_on: Annotated[list[str], Group.RECORD]
    reasons: Annotated[list[str], Group.RECORD] = Field(
        default_factory=list, description="Why the record is listed: one sentence for each field that agrees."
    )


class SearchAnswer(Schema):
    """The records that match a search, or that may be the same person. The most similar record is first."""

    items: Annotated[list[SearchHit], Group.RECORD]
    next: Annotated[str | None, Group.RECORD] = None
    notes: Annotated[list[str], Group.RECORD] = Field(
        default_factory=list,
        description="What the search could not do, such as look for a part of a number, and what to do instead.",
    )


class NameWordRecord(Schema):
    """A word of a name by which the record is found, in the copy of their data that a jobseeker receives."""

    id: Annotated[int, Group.RECORD]
    word: Annotated[str | None, Group.IDENTITY]
    kind: Annotated[NameKind, Group.RECORD] = Field(
        description="The name that the word belongs to: given, family, known_as, or earlier for a former name."
    )


MayBe = Annotated[list[SearchHit] | None, Group.RECORD]
MAY_BE: Any = Field(
    default=None,
    description="In a reply that shows a jobseeker's record, or to a request that records a person or changes their"
    " details: other records that you may see and that may be the same person, the most probable first. Each pair waits"
    " in ``GET /duplicates``. Null in every other reply, and for a referrer.",
)
