"""JSON of words: what somebody wrote, and the entries of the taxonomy it may mean. Nothing is kept of a text."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from pathways.access.guards import DatabaseDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database
from pathways.fields import Body, Group, Schema
from pathways.reference import taxonomy, vocabulary
from pathways.reference.esco import ConceptKind

router = APIRouter(prefix="/words", tags=["words"], route_class=PathwaysRoute)
Finder = Annotated[Actor, permitted(Permission.WORD_FIND)]
ATTRIBUTION = "This service uses the ESCO classification of the European Commission."


class Written(Body):
    text: Annotated[str, Field(max_length=10_000, description="As it was written; the first 300 characters are read.")]


class OfferOut(Schema):
    uri: Annotated[str, Group.RECORD]
    preferred: Annotated[str, Group.RECORD]
    label: Annotated[str, Group.RECORD] = Field(description="The label of it that is nearest to the text.")
    score: Annotated[float, Group.RECORD] = Field(ge=0, le=1)


class OffersOut(Schema):
    """Up to five entries, the likeliest first; a caseworker confirms one, or none."""

    fits: Annotated[bool, Group.RECORD] = Field(description="False: nothing fits, and these are mere neighbours.")
    offers: Annotated[list[OfferOut], Group.RECORD]
    taxonomy: Annotated[str, Group.RECORD] = Field(description="esco, or starter where none is loaded.")
    note: Annotated[str, Group.RECORD]


def _offers(database: Database, actor: Actor, kind: ConceptKind, text: str) -> OffersOut:
    with database.reading(actor) as session:
        finder = vocabulary.finder(session, kind)
        is_loaded = taxonomy.is_loaded(session, kind)
    found = finder.find(text)
    return OffersOut(
        fits=found.fits,
        offers=[
            OfferOut(uri=one.uri, preferred=one.preferred, label=one.label, score=round(min(one.score, 1.0), 4))
            for one in found.offers
        ],
        taxonomy="esco" if is_loaded else "starter",
        note=ATTRIBUTION if is_loaded else "The starter vocabulary of this service: load ESCO for many more entries.",
    )


@router.post("/skills")
def find_skills(written: Written, actor: Finder, database: DatabaseDep) -> OffersOut:
    """Which skills a text may mean."""
    return _offers(database, actor, ConceptKind.SKILL, written.text)


@router.post("/occupations")
def find_occupations(written: Written, actor: Finder, database: DatabaseDep) -> OffersOut:
    """Which occupations a title may mean."""
    return _offers(database, actor, ConceptKind.OCCUPATION, written.text)
