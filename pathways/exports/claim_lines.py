"""Pure functions for the claims file that goes to the paying commissioner.

The file has one row for each claim that changed state in the month, and one more row if a payment was reversed. The
rows are personal data under a pseudonym and are never stored together with published files.
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
    "Claims that changed state in the month",
    "One row for each claim that was submitted, decided, paid or reversed in the month, with the state of the claim at"
    " the end of the day as_of. One more row for each payment reversed in the month. Personal data: for the paying"
    " commissioner only. Do not publish.",
    (
        Column("report_period", "yearmonth", "The month that the rows are about."),
        Column("as_of", "date", "The rows use only facts recorded by the end of this day."),
        Column(
            "line_type",
            "string",
            "OUTCOME for a claim, REVERSAL for a payment that goes back to the funder.",
            ("OUTCOME", "REVERSAL"),
        ),
        Column("claim_id", "string", "The id of the claim."),
        Column("participant_ref", "string", "The jobseeker's pseudonym, the same in all claims on a programme."),
        Column("programme", "string", "The programme's reference."),
        Column("rule", "string", "The outcome rule."),
        Column("rule_version", "string", "The version of the outcome rule."),
        Column("status", "string", "The state of the claim."),
        Column("referred_on", "date", "The day the jobseeker was referred.", is_required=False),
        Column("started_on", "date", "The day the enrolment started."),
        Column("achieved_on", "date", "The day the rule was met."),
        Column("weeks_counted", "integer", "The number of weeks in work that were counted.", is_required=False),
        Column("days", "integer", "The number of days of work claimed for."),
        Column("evidence_tier", "string", "The weakest tier of the evidence for the claim.", is_required=False),
        Column("evidence_ids", "string", "The ids of the evidence items, separated by semicolons.", is_required=False),
        Column("pounds", "number", "The amount claimed; in a REVERSAL row, the amount reversed, as a negative number."),
        Column("paid_pounds", "number", "The amount paid less the amount reversed.", is_required=False),
        Column("is_subsidised", "string", "Whether the job is subsidised.", ("yes", "no")),
        Column(
            "is_own_supply_chain",
            "string",
            "Whether the employer belongs to the provider's own supply chain.",
            ("yes", "no"),
        ),
        Column("has_other_funding", "string", "Whether other funding was declared.", ("yes", "no"), is_required=False),
        Column("attempt", "integer", "The number of this attempt to claim, from 1."),
        Column("earlier_claim_id", "string", "The claim id of the previous attempt.", is_required=False),
        Column(
            "told_in_funders_name",
            "string",
            "Whether the partner recorded a decision on this claim in the funder's name, and the funder's answer at the"
            " end of the day as_of. no: the funder made every decision itself, or there is none. waiting: the funder"
            " has not answered yet. confirmed: the funder confirmed every decision recorded in its name. contested:"
            " the funder contests such a decision.",
            ("no", "waiting", "confirmed", "contested"),
        ),
    ),
    ("line_type", "claim_id"),
)


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One claim in its latest state, with the amount reversed in the month; amounts in pence."""

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
    told_in_funders_name: str


def rows_of(month: Month, as_of: date, lines: Sequence[ClaimLine]) -> list[Row]:
    """Return the rows of the claims file.

    Parameters
    ----------
    month : Month
    as_of : date
    lines : sequence of ClaimLine

    Returns
    -------
    list of Row
    """
    rows = []
    for line in sorted(lines, key=lambda line: line.claim_id):
        rows.append(_row(month, as_of, line, "OUTCOME", line.pence))
        if line.taken_back_pence:
            rows.append(_row(month, as_of, line, "REVERSAL", line.taken_back_pence))
    return rows


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
        line.told_in_funders_name,
    )


def _pounds(pence: int) -> str:
    return f"{Decimal(pence) / PENCE:.2f}"


def _yes(value: bool) -> str:  # noqa: FBT001 - formats a boolean
    return "yes" if value else "no"


def files_of(folder: str, title: str, rows: Sequence[Row], certificate: bytes | None) -> dict[str, bytes]:
    """Return the files of a claims folder; the rows are encrypted if the recipient has a certificate.

    Parameters
    ----------
    folder, title : str
    rows : sequence of Row
    certificate : bytes or None
        The recipient's X.509 certificate with an RSA key, in PEM format.

    Returns
    -------
    dict of str to bytes
        By file name. Encrypted rows are in ``claims.csv.p7m`` (CMS, RFC 5652, AES-256; ``openssl cms -decrypt``).
    """
    body = files.csv_bytes(LINES.header, rows)
    sizes = {"claims.csv": (len(body), files.sha256(body))}
    content = {"claims.csv": body} if certificate is None else {"claims.csv.p7m": sealed_for(certificate, body)}
    content["datapackage.json"] = files.json_bytes(metadata.datapackage(folder, title, LINES.about, (LINES,), sizes))
    return content


def sealed_for(certificate: bytes, body: bytes) -> bytes:
    """Return a document encrypted for a certificate: only the holder of its private key can open it."""
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(body).set_content_encryption_algorithm(AES256)
    builder = builder.add_recipient(x509.load_pem_x509_certificate(certificate))
    return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
