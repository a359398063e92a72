"""A row with a reference that is on record: it changes the referral of that person only, and says nothing away."""

import pytest
from sqlalchemy import select

from pathways.jobseekers import identifiers, placeholders
from pathways.jobseekers.models import Jobseeker, JobseekerDetails
from pathways.placements.models import Placement
from pathways.referrals.models import Referral
from tests.world import World

HEAD = "referral_ref,referred_on,given_name,family_name,date_of_birth,phone,nino,postcode,safe_contact"
NO_REFERENCES = [
    "TBC",
    "N/A",
    "n/a",
    "unknown",
    "?",
    "none",
    ".",
    "0",
    "000",
    "-",
    "not known",
    "tba",
    "NULL",
    "pending",
]
REFERENCES = ["A", "7", "R-1", "N1", "JCP/0012", "2026/4", "Z", "XA", "0012"]


def send(client, world: World, *lines: str, who: str = "referrer", kind: str = "referrals", head: str = HEAD):
    content = "\n".join([head, *lines]).encode()
    query = f"?partner_id={world.organisations['partner']}" if who == "referrer" else ""
    answer = client.post(
        f"/api/v1/{kind}/imports{query}", headers=world.key(who), files={"file": ("f.csv", content, "text/csv")}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["report"]


def people(database) -> list[str]:
    with database.reading() as session:
        return sorted(
            f"{given} {family}"
            for given, family in session.execute(
                select(JobseekerDetails.given_name, JobseekerDetails.family_name).where(
                    JobseekerDetails.id.in_(newest(session))
                )
            )
        )


def newest(session) -> list:
    """The ids of the latest version of each person's details."""
    versions = session.execute(
        select(JobseekerDetails.jobseeker_id, JobseekerDetails.id).order_by(
            JobseekerDetails.recorded_at, JobseekerDetails.id
        )
    )
    return list({row[0]: row[1] for row in versions}.values())


def test_words_that_name_nothing_are_no_reference_and_numbers_are_one():
    assert [text for text in NO_REFERENCES if not placeholders.is_reference(text)] == []
    assert [text for text in REFERENCES if placeholders.is_reference(text)] == []


@pytest.mark.parametrize("ref", NO_REFERENCES)
def test_two_rows_without_a_reference_are_two_people(client, world: World, database, ref):
    first = send(client, world, f"{ref},2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,,N1 1AA,Never ring")
    second = send(client, world, f"{ref},2026-11-28,Gwendal,Petitq,1971-12-30,07700900366,,E8 3PN,none")
    assert (first["created"], second["created"]) == (1, 1)
    assert "referral_ref" in {warning["field"] for warning in second["warnings"]}
    assert people(database) == ["Alicia Kovalq", "Gwendal Petitq"]


@pytest.mark.parametrize("ref", ["1", "7", "R-1"])
@pytest.mark.parametrize("who", ["referrer", "caseworker"])
@pytest.mark.parametrize(
    "other",
    ["Gwendal,Petitq,1971-12-30,07700900366,,E8 3PN,", "Gwendal,Petitq,,,,,", "Marek,Kovalq,1995-03-15,,,N1 1AA,"],
)
def test_a_reference_that_is_used_again_turns_nobody_into_somebody_else(client, world, database, ref, who, other):
    row = f"{ref},2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,,N1 1AA,Never ring"
    if who == "caseworker":
        head = f"{HEAD},referring_organisation,source_type"
        send(client, world, f"{row},Hendon Jobcentre,JCP", who=who, head=head)
        report = send(client, world, f"{ref},2026-11-28,{other},Hendon Jobcentre,JCP", who=who, head=head)
    else:
        send(client, world, row)
        report = send(client, world, f"{ref},2026-11-28,{other}")
    assert (report["updated"], report["created"]) == (0, 0)
    (error,) = report["errors"]
    assert error["field"] == "referral_ref"
    assert "somebody else" in error["rule"]
    assert "Kovalq" not in str(error)
    assert people(database) == ["Alicia Kovalq"]
    with database.reading() as session:
        assert len(session.scalars(select(Referral)).all()) == 1


@pytest.mark.parametrize(
    ("said", "now"),
    [
        ("Alicja,Kowalq,1990-01-15,07700900355,,N1 1AA,", "Alicja Kowalq"),
        ("Alicia,Petitq,1990-01-15,,,,", "Alicia Petitq"),
        ("Alicia,Petitq,,,,,", "Alicia Petitq"),
        ("Kovalq,Alicia,1990-01-15,,,,", "Kovalq Alicia"),
        ("Alicia,Kovalq,1991-05-16,,,,", "Alicia Kovalq"),
        ("Marek,Novakq,1990-01-15,,,,", "Marek Novakq"),
        ("Lisa,Kovalq,1990-01-15,07700900355,,N1 1AA,", "Lisa Kovalq"),
    ],
)
def test_what_is_corrected_of_the_same_person_is_taken(client, world: World, database, said, now):
    send(client, world, "R-1,2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,,N1 1AA,Never ring")
    report = send(client, world, f"R-1,2026-11-28,{said}")
    assert (report["updated"], report["errors"]) == (1, [])
    assert people(database) == [now]


@pytest.mark.parametrize("word", ["none", "N/A", "-", "unknown", "0", "?", "not known", "see above", "TBC"])
@pytest.mark.parametrize("is_accepted", [False, True])
def test_a_word_that_says_nothing_takes_no_value_away(client, world: World, database, word, is_accepted):
    row = "R-1,2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,QQ224466C,N1 1AA,Never ring: he answers"
    send(client, world, row)
    if is_accepted:
        with database.reading() as session:
            referral = session.scalars(select(Referral)).one()
        world.accept(referral)
    report = send(client, world, f"R-1,2026-11-02,Alicia,Kovalq,{word},{word},{word},{word},{word}")
    with database.reading() as session:
        row = session.scalars(select(JobseekerDetails).where(JobseekerDetails.id.in_(newest(session)))).one()
        details = identifiers.unsealed(session, row)
        hashes = session.scalars(select(Jobseeker.nino_hash)).one()
    assert (details.safe_contact, details.phone) == ("Never ring: he answers", "+447700900355")
    assert (details.nino, str(details.date_of_birth), details.postcode) == ("QQ224466C", "1990-01-15", "N1 1AA")
    assert hashes is not None
    told = {warning["field"] for warning in report["warnings"] if "kept" in warning["rule"]}
    assert told >= {"safe_contact", "phone", "nino", "date_of_birth"}


def test_new_words_about_contact_are_taken(client, world: World, database):
    send(client, world, "R-1,2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,,N1 1AA,Never ring: he answers")
    send(client, world, "R-1,2026-11-02,Alicia,Kovalq,1990-01-15,07700900355,,N1 1AA,No contact at all")
    with database.reading() as session:
        row = session.scalars(select(JobseekerDetails).where(JobseekerDetails.id.in_(newest(session)))).one()
        assert "No contact at all" in row.safe_contact


@pytest.mark.parametrize("ref", ["TBC", "N/A", "?", "0"])
def test_two_listings_without_a_reference_are_two_listings(client, world: World, database, ref):
    head = "placement_ref,title,kind,pay_per_hour_pounds,hours_per_week,places,postcode"
    for title in ("Baker", "Driver"):
        report = send(
            client,
            world,
            f"{ref},{title},JOB_OPEN,14.00,16,1,NW4 4BT",
            who="lister",
            kind="placements",
            head=head,
        )
        assert report["created"] == 1, report
    with database.reading() as session:
        assert sorted(session.scalars(select(Placement.title))) == ["Baker", "Driver"]


@pytest.mark.parametrize("banner", ["ALL MAPPA: never ring these people", "Do not phone"])
def test_a_banner_over_a_resent_row_does_not_replace_what_protects(client, world: World, database, banner):
    head = "referral_ref,referred_on,given_name,family_name,date_of_birth,contact_withheld_reason,safe_contact"
    row = "R-1,2026-11-02,Alicia,Kovalq,1990-01-15"
    send(client, world, f"{row},Write to PO Reed,Text only after 3", head=head)
    send(client, world, f"{row},,", head=f"{banner}\n{head}")
    with database.reading() as session:
        version = session.scalars(select(JobseekerDetails).where(JobseekerDetails.id.in_(newest(session)))).one()
    assert "Write to PO Reed" in version.contact_withheld_reason
    assert "Text only after 3" in version.safe_contact


@pytest.mark.parametrize("text", ["не звонить", "لا تتصل", "不要打电话", "not before 3", "not by phone", "No contact"])
def test_what_says_something_about_contact_is_no_placeholder(text):
    assert not placeholders.says_nothing(text)
    assert not placeholders.is_reference("张三")
