"""The file of claims for whoever pays, pure: a row for each claim that moved in the month, and what was taken back.

It is about persons, under a reference that says nothing else of them, and is never put beside what is published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import pkcs7

from pathways.exports import files, metadata
from pathways.exports.cohort import Row
from pathways.exports.months import Month
from pathways.exports.tables import Column, ExportTable

PENCE = Decimal(100)
LINES = ExportTable(
    "claims",
    "Claims that moved in the month",
    "A row for each claim that was submitted, decided, paid or reversed in the month, as it stands at the end of"
    " as_of, and one more for what was taken back. About persons: for whoever pays, and for nobody else.",
    (
        Column("report_period", "yearmonth", "The month."),
        Column("as_of", "date", "As known at the end of this day."),
        Column("line_type", "string", "OUTCOME, or REVERSAL for what was taken back.", ("OUTCOME", "REVERSAL")),
        Column("claim_id", "string", "The claim."),
        Column("participant_ref", "string", "Stands for the person; the same in all claims on one programme."),
        Column("programme", "string", "The programme's reference."),
        Column("rule", "string", "The outcome rule."),
        Column("rule_version", "string", "Its version."),
        Column("status", "string", "Where the claim stands."),
        Column("referred_on", "date", "When the person was referred.", is_required=False),
        Column("started_on", "date", "When the enrolment began."),
        Column("achieved_on", "date", "The day the rule was met."),
        Column("weeks_counted", "integer", "Weeks in work that were counted.", is_required=False),
        Column("days", "integer", "Days of work it rests on."),
        Column("evidence_tier", "string", "The weakest of the evidence it rests on.", is_required=False),
        Column("evidence_ids", "string", "The items of evidence, with semicolons.", is_required=False),
        Column("pounds", "number", "What is asked for; under nought where it was taken back."),
        Column("paid_pounds", "number", "What was paid.", is_required=False),
        Column("is_subsidised", "string", "Whether the job is.", ("yes", "no")),
        Column("is_own_supply_chain", "string", "Whether the employer is of the provider's own.", ("yes", "no")),
        Column("has_other_funding", "string", "As declared.", ("yes", "no"), is_required=False),
        Column("attempt", "integer", "Which attempt it is."),
        Column("earlier_claim_id", "string", "The attempt before.", is_required=False),
    ),
    ("line_type", "claim_id"),
)


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One claim as it stands, with what of it happened in the month; money in pence."""

    claim_id: str
    participant_ref: str
    programme: str
    rule: str
    rule_version: str
    status: str
    referred_on: date | None
    started_on: date
    achieved_on: date
    weeks_counted: int | None
    days: int
    evidence_tier: str | None
    evidence_ids: tuple[str, ...]
    pence: int
    paid_pence: int | None
    taken_back_pence: int
    is_subsidised: bool
    is_own_supply_chain: bool
    has_other_funding: bool | None
    attempt: int
    earlier_claim_id: str | None


def rows_of(month: Month, as_of: date, lines: Sequence[ClaimLine]) -> list[Row]:
    """Return the rows of the file.

    Parameters
    ----------
    month : Month
    as_of : date
    lines : sequence of ClaimLine

    Returns
    -------
    list of Row
    """
    found = []
    for line in sorted(lines, key=lambda one: one.claim_id):
        found.append(_row(month, as_of, line, "OUTCOME", line.pence))
        if line.taken_back_pence:
            found.append(_row(month, as_of, line, "REVERSAL", line.taken_back_pence))
    return found


def _row(month: Month, as_of: date, line: ClaimLine, kind: str, pence: int) -> Row:
    return (
        str(month),
        as_of.isoformat(),
        kind,
        line.claim_id,
        line.participant_ref,
        line.programme,
        line.rule,
        line.rule_version,
        line.status,
        line.referred_on.isoformat() if line.referred_on else "",
        line.started_on.isoformat(),
        line.achieved_on.isoformat(),
        "" if line.weeks_counted is None else str(line.weeks_counted),
        str(line.days),
        line.evidence_tier or "",
        ";".join(line.evidence_ids),
        _pounds(pence),
        "" if line.paid_pence is None else _pounds(line.paid_pence),
        _yes(line.is_subsidised),
        _yes(line.is_own_supply_chain),
        "" if line.has_other_funding is None else _yes(line.has_other_funding),
        str(line.attempt),
        line.earlier_claim_id or "",
    )


def _pounds(pence: int) -> str:
    return f"{Decimal(pence) / PENCE:.2f}"


def _yes(told: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if told else "no"


def files_of(folder: str, title: str, rows: Sequence[Row], certificate: bytes | None) -> dict[str, bytes]:
    """Return the files of a folder of claims; for a recipient with a certificate the rows are sealed.

    Parameters
    ----------
    folder, title : str
    rows : sequence of Row
    certificate : bytes or None
        The recipient's X.509 certificate, PEM, with an RSA key.

    Returns
    -------
    dict of str to bytes
        With a certificate ``claims.csv.p7m`` (CMS, RFC 5652, AES-256), which ``openssl cms -decrypt`` opens.
    """
    body = files.csv_bytes(LINES.header, rows)
    sizes = {"claims.csv": (len(body), files.sha256(body))}
    content = {"claims.csv": body} if certificate is None else {"claims.csv.p7m": sealed_for(certificate, body)}
    content["datapackage.json"] = files.json_bytes(metadata.datapackage(folder, title, LINES.about, (LINES,), sizes))
    return content


def sealed_for(certificate: bytes, body: bytes) -> bytes:
    """Return a document that only the holder of a certificate's key can open."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(body).set_content_encryption_algorithm(AES256)
    builder = builder.add_recipient(x509.load_pem_x509_certificate(certificate))
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
