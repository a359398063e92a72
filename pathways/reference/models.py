"""Tables of the taxonomy: ESCO skills and occupations, their labels and their relations."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, one_of, words
from pathways.reference.esco import ConceptKind, RelationKind

LABEL = String(500)


class ConceptEntry(Base):
    """An entry of the taxonomy as downloaded. Loading a newer release replaces entries that changed."""

    __tablename__ = "concepts"
    __unaudited__ = True
    __table_args__ = (CheckConstraint(one_of("kind", ConceptKind), name="kind_is_known"),)

    id: Mapped[PrimaryKey]
    uri: Mapped[str] = mapped_column(LINE, unique=True)
    kind: Mapped[ConceptKind] = mapped_column(words(ConceptKind))
    preferred: Mapped[str] = mapped_column(LABEL)
    description: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(SHORT)
    reuse_level: Mapped[str | None] = mapped_column(SHORT)


class ConceptLabel(Base):
    """A preferred, alternative or hidden label of an entry."""

    __tablename__ = "concept_labels"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("concept_id", "label"),)

    id: Mapped[PrimaryKey]
    concept_id: Mapped[UUID] = mapped_column(ForeignKey("concepts.id"))
    label: Mapped[str] = mapped_column(LABEL)
    # The label normalised for comparison: lower case, without accents and punctuation.
    key: Mapped[str] = mapped_column(LABEL, index=True)


class ConceptRelation(Base):
    """A relation: ``to_id`` is broader than ``from_id``, or is a skill that ``from_id`` needs or may use."""

    __tablename__ = "concept_relations"
    __unaudited__ = True
    __table_args__ = (
        UniqueConstraint("from_id", "to_id", "kind"),
        Index("ix_concept_relations_to_id", "to_id"),
        CheckConstraint(one_of("kind", RelationKind), name="kind_is_known"),
    )

    id: Mapped[PrimaryKey]
    from_id: Mapped[UUID] = mapped_column(ForeignKey("concepts.id"))
    to_id: Mapped[UUID] = mapped_column(ForeignKey("concepts.id"))
    kind: Mapped[RelationKind] = mapped_column(words(RelationKind))
