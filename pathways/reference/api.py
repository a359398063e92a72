"""API routes for words: vocabularies of fields, and the taxonomy entries that a text may mean."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from pathways.access.guards import DatabaseDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database
from pathways.errors import NotFound
from pathways.fields import Body, Group, Schema
from pathways.problems import documented
from pathways.reference import taxonomy, vocabulary
from pathways.reference.esco import ESCO, ConceptKind
from pathways.reference.vocabularies import code_lists

router = APIRouter(prefix="/words", tags=["words"], route_class=PathwaysRoute)
Finder = Annotated[Actor, permitted(Permission.WORD_FIND)]
vocabularies = APIRouter(prefix="/reference", tags=["reference"], route_class=PathwaysRoute)
ReferenceReader = Annotated[Actor, permitted(Permission.REFERENCE_READ)]
ATTRIBUTION = "This service uses the ESCO classification of the European Commission."


class Written(Body):
    """A text about skills, or a job title."""

    text: Annotated[
        str,
        Field(
            max_length=10_000,
            description="The job title or the text about skills to look up. Only the first 300 characters are read.",
        ),
    ]


class OfferOut(Schema):
    """A taxonomy entry that the text may mean."""

    uri: Annotated[str, Group.RECORD]
    preferred: Annotated[str, Group.RECORD]
    label: Annotated[str, Group.RECORD] = Field(
        description="Of the names of this entry, the one most similar to the text."
    )
    score: Annotated[float, Group.RECORD] = Field(ge=0, le=1)
    source: Annotated[str, Group.RECORD] = Field(
        description="The classification of this entry: starter, esco, or the name under which another list was loaded."
    )


class OffersOut(Schema):
    """Up to five entries, in the order in which to show them, for a caseworker to choose from."""

    fits: Annotated[bool, Group.RECORD] = Field(
        description="False if no taxonomy entry fits the text well. The offered entries are then only similar to it."
    )
    offers: Annotated[list[OfferOut], Group.RECORD]
    taxonomy: Annotated[str, Group.RECORD] = Field(
        description="The classifications that are loaded, esco among them; starter if none is. Entries of the starter "
        "vocabulary are offered in either case."
    )
    note: Annotated[str, Group.RECORD]


def _offers(database: Database, actor: Actor, kind: ConceptKind, text: str) -> OffersOut:
    with database.reading(actor) as session:
        finder = vocabulary.finder(session, kind)
        loaded = taxonomy.sources(session, kind)
    result = finder.find(text)
    return OffersOut(
        fits=result.fits,
        offers=[
            OfferOut(
                uri=offer.uri,
                preferred=offer.preferred,
                label=offer.label,
                score=round(min(offer.score, 1.0), 4),
                source=vocabulary.source_of(offer.uri),
            )
            for offer in result.offers
        ],
        taxonomy=", ".join(loaded) or "starter",
        note=ATTRIBUTION
        if ESCO in loaded
        else "These are entries of this service's own starter vocabulary. The operator can load ESCO for many more.",
    )


@router.post("/skills")
def find_skills(written: Written, actor: Finder, database: DatabaseDep) -> OffersOut:
    """Find the skills that a text may mean, the most likely first. The text is not stored."""
    return _offers(database, actor, ConceptKind.SKILL, written.text)


@router.post("/occupations")
def find_occupations(written: Written, actor: Finder, database: DatabaseDep) -> OffersOut:
    """Find the occupations that a job title may mean, the most likely first. The text is not stored."""
    return _offers(database, actor, ConceptKind.OCCUPATION, written.text)


class TermOut(Schema):
    """One code of a vocabulary, and its label."""

    code: Annotated[str, Group.RECORD] = Field(description="The code to send in a field that uses this vocabulary.")
    label: Annotated[str, Group.RECORD] = Field(description="The label to display.")


class VocabularyOut(Schema):
    """The codes that a field accepts, or suggestions for a field that takes free text."""

    name: Annotated[str, Group.RECORD] = Field(description="The name of the vocabulary.")
    is_closed: Annotated[bool, Group.RECORD] = Field(
        description="True if fields accept only these codes; false if the codes are suggestions for free text."
    )
    items: Annotated[list[TermOut], Group.RECORD] = Field(description="The codes, in their order of display.")


class VocabularyNames(Schema):
    """The names of the vocabularies."""

    items: Annotated[list[str], Group.RECORD] = Field(
        description="The vocabularies' names, to use in GET /reference/{vocabulary}."
    )


@vocabularies.get("")
def list_vocabularies(_: ReferenceReader) -> VocabularyNames:
    """List the vocabularies: kinds of placement, benefits, adjustments, licences and others."""
    return VocabularyNames(items=sorted(code_lists()))


@vocabularies.get("/{vocabulary}", responses=documented(NotFound))
def get_vocabulary(vocabulary: str, _: ReferenceReader) -> VocabularyOut:
    """Return the codes of one vocabulary with their labels."""
    found = code_lists().get(vocabulary)
    if found is None:
        raise NotFound("There is no vocabulary of this name. GET /api/v1/reference lists them.")
    terms = [TermOut(code=term.code, label=term.label) for term in found.terms]
    return VocabularyOut(name=found.name, is_closed=found.is_closed, items=terms)
