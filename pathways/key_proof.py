"""Recording the check values of a database, once its keys have been proved on what is stored in it.

A database that was made before there were check values holds encrypted values and keyed hashes. A key becomes the
database's key only if it opens these values, or makes these hashes again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, select

from pathways.all_models import METADATA
from pathways.base import utc_now
from pathways.database import Database, Session
from pathways.documents import StoreAway
from pathways.exports.models import Export, ExportFile, ExportKind
from pathways.facts import as_known
from pathways.jobseekers import identify
from pathways.jobseekers.details import IDENTIFIERS
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, PersonKey
from pathways.key_checks import SETTINGS, CheckValues, WrongKey, recorded
from pathways.progression.models import EvidenceDocument

OLDEST, NEWEST = 20, 20  # values of each column on which a key is proved
FILES = 3
PLACES = {
    "webhook_endpoints": "webhook_endpoints.sealed_secret:{id}",
    "authenticator_apps": "authenticator_apps.sealed_secret:{id}",
    "identity_providers": "identity_providers.sealed_secret:{id}",
    "provider_sign_ins": "provider_sign_ins.sealed_verifier:{id}",
}


@dataclass
class KeyProof:
    """What one key was proved on: for each kind of stored value, how many were tried and how many agree with it."""

    tried: dict[str, int] = field(default_factory=dict)
    agreed: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, results: Iterable[bool]) -> None:
        for result in results:
            self.tried[kind] = self.tried.get(kind, 0) + 1
            self.agreed[kind] = self.agreed.get(kind, 0) + result

    @property
    def is_possible(self) -> bool:
        """Whether there is anything on which the key could be proved."""
        return bool(self.tried)

    @property
    def is_proved(self) -> bool:
        """Whether most values agree. A few may be damaged, or were written with a wrong key before this check."""
        return 2 * sum(self.agreed.values()) > sum(self.tried.values())

    @property
    def differing(self) -> int:
        return sum(self.tried.values()) - sum(self.agreed.values())


def settle(database: Database) -> str:
    """Raise ``WrongKey`` unless the keys are those of the database. Record their check values if it has none.

    Return what the operator must know about values that were recorded now, else an empty text. Of two processes that
    record at the same time, one is first; the other is compared with it.
    """
    with database.engine.connect() as connection:
        values = recorded(connection)
    note = ""
    if values is None:
        note = _proved(database)
        database.record_keys(CheckValues.new(database.vault), utc_now())
        with database.engine.connect() as connection:
            values = recorded(connection)
        assert values is not None
    values.refuse_wrong(database.vault, "this database")
    database.must_have_right_keys()
    return note


def _proved(database: Database) -> str:
    """Prove both keys on stored values, and return a sentence about what could not be proved."""
    with database.proving() as session:
        proofs = {"encryption_key": _encryption_proof(session), "hash_key": _hash_proof(session)}
    for name, proof in proofs.items():
        if proof.is_possible and not proof.is_proved:
            raise WrongKey(
                f"{SETTINGS[name]} is not the key of this database: {proof.differing} of {sum(proof.tried.values())}"
                " stored values that were tried were made with another key. Set the right key. No value was changed."
            )
    unproved = [SETTINGS[name] for name, proof in proofs.items() if not proof.is_possible]
    differing = sum(proof.differing for proof in proofs.values())
    sentences = []
    if unproved:
        sentences.append(
            f"{' and '.join(unproved)} could not be proved, because nothing in the database was made with"
            f" {'it' if len(unproved) == 1 else 'them'} yet. From now on no other key is accepted: store a safe copy."
        )
    if differing:
        sentences.append(f"{differing} of the stored values that were tried were made with another key.")
    return " ".join(sentences)


def _encryption_proof(session: Session) -> KeyProof:
    proof = KeyProof()
    for column in sealed_columns():
        proof.add(f"{column.table.name}.{column.name}", _opened(session, column))
    claims_files = (
        select(ExportFile.export_id, ExportFile.name, ExportFile.content)
        .join(Export, Export.id == ExportFile.export_id)
        .where(Export.kind == ExportKind.CLAIMS)
        .order_by(ExportFile.id)
    )
    proof.add(
        "export_files.content",
        (
            _opens(session.vault.open_bytes, row.content, f"export_files:{row.export_id}:{row.name}")
            for row in session.execute(claims_files.limit(FILES))
        ),
    )
    if not proof.is_possible:
        proof.add("documents", _opened_documents(session))
    return proof


def sealed_columns() -> Iterator[Column[Any]]:
    """Yield every column whose texts are encrypted. They are known by their name: ``…_sealed`` or ``sealed_…``."""
    for table in METADATA.sorted_tables:
        for column in table.columns:
            if column.name.endswith("_sealed") or column.name.startswith("sealed_"):
                yield column


def place_of(column: Column[Any], row_id: object) -> str:
    """Return the place for which the text of a column is encrypted in one row."""
    pattern = PLACES.get(column.table.name, f"{column.table.name}:{column.name.removesuffix('_sealed')}:{{id}}")
    return pattern.format(id=row_id)


def _opened(session: Session, column: Column[Any]) -> Iterator[bool]:
    """Try to decrypt the oldest and the newest texts of a column."""
    row_id = column.table.c.id
    query = select(row_id, column).where(column.is_not(None))
    oldest = session.execute(query.order_by(row_id).limit(OLDEST)).all()
    newest = session.execute(query.order_by(row_id.desc()).limit(NEWEST)).all()
    for found_id, text in {row[0]: row[1] for row in [*oldest, *newest]}.items():
        yield _opens(session.vault.open, text, place_of(column, found_id))


def _opens(opening: Any, sealed: Any, place: str) -> bool:
    try:
        opening(sealed, place=place)
    except (ValueError, IndexError):
        return False
    return True


def _opened_documents(session: Session) -> Iterator[bool]:
    for key in session.scalars(select(EvidenceDocument.key).order_by(EvidenceDocument.id.desc()).limit(FILES)):
        try:
            sealed = session.documents.get(key)
        except StoreAway:
            continue  # a store that does not answer says nothing about the key
        yield _opens(session.vault.open_bytes, sealed, key)


def _hash_proof(session: Session) -> KeyProof:
    proof = KeyProof()
    people = select(Jobseeker.partner_id, Jobseeker.id)
    for order in (Jobseeker.id.asc(), Jobseeker.id.desc()):
        proof.add("person_keys", _repeated_keys(session, session.execute(people.order_by(order).limit(OLDEST)).all()))
    for name in IDENTIFIERS:
        proof.add(f"jobseekers.{name}_hash", _repeated_hashes(session, name))
    return proof


def _repeated_keys(session: Session, people: Iterable[Any]) -> Iterator[bool]:
    """Make the keys of people again, by which they are identified, and compare them with the stored keys."""
    for partner_id, jobseeker_id in people:
        stored = set(
            session.scalars(
                select(PersonKey.key).where(PersonKey.partner_id == partner_id, PersonKey.jobseeker_id == jobseeker_id)
            )
        )
        wanted = identify.stored_keys(session, partner_id, jobseeker_id)
        if stored and wanted:
            yield bool(stored & wanted)


def _repeated_hashes(session: Session, name: str) -> Iterator[bool]:
    """Make the hashes of NI or NHS numbers again. A number that cannot be decrypted says nothing about the hash key."""
    sealed, hashed = getattr(JobseekerDetails, f"{name}_sealed"), getattr(Jobseeker, f"{name}_hash")
    rows = (
        select(JobseekerDetails.id, sealed, hashed)
        .join(Jobseeker, Jobseeker.id == JobseekerDetails.jobseeker_id)
        .where(as_known(JobseekerDetails), sealed.is_not(None), hashed.is_not(None))
        .order_by(JobseekerDetails.id)
        .limit(OLDEST + NEWEST)
    )
    for details_id, text, stored in session.execute(rows):
        try:
            number = session.vault.open(text, place=f"{JobseekerDetails.__tablename__}:{name}:{details_id}")
        except (ValueError, IndexError):
            continue
        yield stored in {
            identify.hash_of_number(session, name, number),
            session.vault.fingerprint(name, number),
        }  # the second is of earlier versions
