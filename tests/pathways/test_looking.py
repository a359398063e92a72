"""Whoever is recorded is looked for, by every door and by every identity field: a pair waits, and the reply says so."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from pathways.audit import AuditRow
from pathways.duplicates.models import DuplicateMove, DuplicatePair, PairState
from pathways.jobseekers.models import Jobseeker
from pathways.referrals.models import Referral
from tests.world import World

pytestmark = pytest.mark.any_database

FIRST: dict[str, Any] = {
    "given_name": "Aleksandra",
    "family_name": "Wisniewska",
    "date_of_birth": "1994-03-17",
    "nino": "QQ700210A",
    "nhs_number": "9990770476",
    "phone": "07700 900210",
    "email": "ola@example.org",
    "postcode": "NW9 5QN",
}
NAME = {"given_name": "Aleksandra", "family_name": "Wisniewska"}
# By field: the details of a second record that are like nobody's, and the value that makes them the first person's.
FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "given_name": ({**NAME, "given_name": "Bartholomew", "date_of_birth": "1994-03-17"}, "Aleksandra"),
    "family_name": ({**NAME, "family_name": "Featherstone", "date_of_birth": "1984-03-17"}, "Wisniewska"),
    "known_as": ({**NAME, "given_name": "Quentina", "date_of_birth": "1994-03-17"}, "Aleksandra"),
    "date_of_birth": (NAME, "1994-03-17"),
    "nino": (NAME, "QQ 70 02 10 A"),
    "nhs_number": (NAME, "999 077 0476"),
    "phone": (NAME, "+44 7700 900210"),
    "email": (NAME, "Ola@example.org"),
    "postcode": (NAME, "nw95qn"),
}
REFERRAL = {"source_type": "JCP", "referred_on": "2026-09-01"}


@dataclass
class Desk:
    """What a door needs: a client, the world and the database, and the details before and after the change."""

    client: Any
    world: World
    database: Any
    before: dict[str, Any]
    change: dict[str, Any]

    @property
    def after(self) -> dict[str, Any]:
        return self.before | self.change

    def send(self, by: str, method: str, path: str, body: Any = None, headers: Any = None, **more: Any) -> Any:
        headers = self.world.key(by) | (headers or {})
        answer = self.client.request(method, f"/api/v1{path}", json=body, headers=headers, **more)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    def walk_in(self, details: dict[str, Any]) -> Any:
        return self.send("caseworker", "POST", "/jobseekers", details)

    def refer(self, by: str, details: dict[str, Any], **more: Any) -> Any:
        body = REFERRAL | details | more
        if by == "caseworker":
            body["referring_organisation_id"] = str(self.world.organisations["job_centre"])
        else:
            body["partner_id"] = str(self.world.organisations["partner"])
        return self.send(by, "POST", "/referrals", body)

    def import_file(self, details: dict[str, Any], query: str = "") -> Any:
        row = REFERRAL | {"referral_ref": "R1", "referring_organisation": "Hendon Jobcentre"} | details
        content = f"{','.join(row)}\n{','.join(row.values())}\n".encode()
        headers = self.world.key("caseworker")
        files = {"file": ("r.csv", content)}
        answer = self.client.post(f"/api/v1/referrals/imports{query}", files=files, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["report"]

    def of_referral(self, referral_id: str) -> str:
        with self.database.reading() as session:
            return str(session.get_one(Referral, UUID(referral_id)).jobseeker_id)

    def imported(self) -> str:
        with self.database.reading() as session:
            return str(session.scalars(select(Referral.jobseeker_id).where(Referral.ref == "R1")).one())

    def without_pairs(self) -> None:
        with self.database.writing(None) as session:
            session.execute(delete(DuplicateMove))
            session.execute(delete(DuplicatePair))


def walk_in(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.walk_in(desk.after)
    return made["id"], _ids(made)


def patch(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.walk_in(desk.before)
    assert made["may_be"] == []
    tag = {"If-Match": f'"{made["version"]}"'}
    changed = desk.send("caseworker", "PATCH", f"/jobseekers/{made['id']}", desk.change, headers=tag)
    return made["id"], _ids(changed)


def referral_by_partner(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.refer("caseworker", desk.after)
    return desk.of_referral(made["id"]), _ids(made)


def referral_by_referrer(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.refer("referrer", desk.after)
    assert made["may_be"] is None
    return desk.of_referral(made["id"]), None


def referral_of_a_known_person(desk: Desk) -> tuple[str, list[str] | None]:
    person = desk.walk_in(desk.before)
    made = desk.refer("caseworker", desk.after, jobseeker_id=person["id"])
    return person["id"], _ids(made)


def referral_changed_by_referrer(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.refer("referrer", desk.before)
    tag = {"If-Match": f'"{made["version"]}"'}
    changed = desk.send("referrer", "PATCH", f"/referrals/{made['id']}", desk.change, headers=tag)
    assert changed["may_be"] is None
    return desk.of_referral(made["id"]), None


def referral_accepted(desk: Desk) -> tuple[str, list[str] | None]:
    made = desk.refer("referrer", desk.after)
    desk.without_pairs()
    accepted = desk.send("caseworker", "POST", f"/referrals/{made['id']}/accept")
    return desk.of_referral(made["id"]), _ids(accepted)


def row_of_a_file(desk: Desk) -> tuple[str, list[str] | None]:
    report = desk.import_file(desk.after)
    assert any("same person" in warning["rule"] for warning in report["warnings"])
    return desk.imported(), None


def row_that_updates(desk: Desk) -> tuple[str, list[str] | None]:
    desk.import_file(desk.before)
    report = desk.import_file(desk.after)
    assert any("same person" in warning["rule"] for warning in report["warnings"])
    return desk.imported(), None


def _merged(desk: Desk) -> tuple[str, str, Any]:
    kept = desk.walk_in({"given_name": "Zebedee", "family_name": "Quill"})["id"]
    other = desk.walk_in(desk.after)["id"]
    desk.without_pairs()
    body = {"other_id": other, "reason": "One person."}
    return kept, other, desk.send("manager", "POST", f"/jobseekers/{kept}/merge", body)


def merge(desk: Desk) -> tuple[str, list[str] | None]:
    kept, _, made = _merged(desk)
    return kept, _ids(made)


def merge_undone(desk: Desk) -> tuple[str, list[str] | None]:
    kept, other, made = _merged(desk)
    desk.without_pairs()
    path = f"/jobseekers/{kept}/merges/{made['id']}/undo"
    return other, _ids(desk.send("manager", "POST", path, {"reason": "Two people."}))


DOORS = [
    walk_in,
    patch,
    referral_by_partner,
    referral_by_referrer,
    referral_of_a_known_person,
    referral_changed_by_referrer,
    referral_accepted,
    row_of_a_file,
    row_that_updates,
    merge,
    merge_undone,
]


def _ids(reply: Any) -> list[str]:
    return [one["jobseeker_id"] for one in reply["may_be"]]


def pairs(database) -> list[DuplicatePair]:
    with database.reading() as session:
        return list(session.scalars(select(DuplicatePair).order_by(DuplicatePair.id)))


@pytest.fixture
def desk(client, world: World, database) -> Desk:
    return Desk(client, world, database, {}, {})


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_looks_for_a_person_by_every_field(desk: Desk, database, door, field: str):
    first = desk.walk_in(FIRST)["id"]
    desk.before, value = FIELDS[field]
    desk.change = {field: value}
    subject, told = door(desk)
    (pair,) = pairs(database)
    assert {str(pair.jobseeker_id), str(pair.other_id)} == {first, subject}
    assert pair.state is PairState.OPEN
    assert told in ([first], None)


def test_the_second_of_two_equal_walk_ins_is_told_why_and_the_reading_is_on_record(desk: Desk, database):
    body = {"given_name": "Quentin", "family_name": "Double", "date_of_birth": "1998-05-06", "nino": "QQ909090A"}
    first = desk.walk_in(body)
    assert first["may_be"] == []
    second = desk.walk_in(body)
    (hit,) = second["may_be"]
    assert (hit["jobseeker_id"], hit["reference"]) == (first["id"], first["reference"])
    assert {"nino", "name", "date_of_birth"} <= set(hit["agrees_on"])
    assert "Nino: The same." in hit["reasons"]
    with database.reading() as session:
        opened = session.scalars(select(AuditRow.jobseeker_id).where(~AuditRow.is_change)).all()
    assert UUID(first["id"]) in opened


def test_a_repeat_with_the_same_key_says_the_same_and_queues_one_pair(desk: Desk, database):
    desk.walk_in(FIRST)
    key = {"Idempotency-Key": "walk-in-1"}
    told = [desk.send("caseworker", "POST", "/jobseekers", FIRST, headers=key)["may_be"] for _ in range(2)]
    assert told[0] == told[1] != []
    assert len(pairs(database)) == 1


def test_who_may_not_see_the_other_record_is_told_nothing(desk: Desk, database):
    desk.send("manager", "POST", "/jobseekers", FIRST | {"is_restricted": True})
    nobody = desk.walk_in({**FIRST, "given_name": "Zebedee", "family_name": "Quill", **dict.fromkeys(UNLIKE)})
    second = desk.walk_in(FIRST)
    same_shape = {name: value for name, value in second.items() if name in ("may_be", "warnings")}
    assert same_shape == {name: nobody[name] for name in same_shape}
    assert second["may_be"] == []
    assert len(pairs(database)) == 1
    assert desk.send("caseworker", "GET", "/duplicates")["items"] == []
    assert len(desk.send("manager", "GET", "/duplicates")["items"]) == 1


UNLIKE = ("date_of_birth", "nino", "nhs_number", "phone", "email", "postcode")


def test_another_partners_person_is_nobody_here(desk: Desk, database):
    desk.walk_in(FIRST)
    assert desk.send("other_caseworker", "POST", "/jobseekers", FIRST)["may_be"] == []
    assert pairs(database) == []


def test_a_verdict_of_two_people_is_not_asked_again_by_any_later_change(desk: Desk, database):
    desk.walk_in(FIRST)
    second = desk.walk_in(FIRST | {"nino": None})
    (pair,) = desk.send("caseworker", "GET", "/duplicates")["items"]
    tag = {"If-Match": f'"{pair["version"]}"'}
    desk.send("caseworker", "POST", f"/duplicates/{pair['id']}/different", {"reason": "Twins."}, headers=tag)
    changed = desk.send(
        "caseworker",
        "PATCH",
        f"/jobseekers/{second['id']}",
        {"phone": "07700 900999"},
        headers={"If-Match": f'"{second["version"]}"'},
    )
    assert changed["may_be"] == []
    assert [pair.state for pair in pairs(database)] == [PairState.DIFFERENT]


def test_a_pair_follows_the_facts_dropped_found_again_and_compared_anew(desk: Desk, database):
    desk.walk_in(FIRST)
    person = desk.walk_in({**NAME, "nino": "QQ700210A"})

    def change(**values: Any) -> list[str]:
        nonlocal person
        tag = {"If-Match": f'"{person["version"]}"'}
        person = desk.send("caseworker", "PATCH", f"/jobseekers/{person['id']}", values, headers=tag)
        return _ids(person)

    assert [pair.state for pair in pairs(database)] == [PairState.OPEN]
    assert change(nino="QQ111111B") == []
    assert [pair.state for pair in pairs(database)] == [PairState.DROPPED]
    assert len(change(nino="QQ700210A")) == 1
    (found,) = pairs(database)
    assert found.state is PairState.OPEN
    change(phone="07700 900210")
    (compared,) = pairs(database)
    assert "phone" in [field for field, _, _ in compared.told]
    assert "phone" not in [field for field, _, _ in found.told]
    assert compared.version > found.version


def test_two_walk_ins_and_two_changes_at_the_same_moment_meet(desk: Desk, database):
    made = [desk.walk_in({"given_name": f"Zeb{n}", "family_name": f"Quill{n}"}) for n in range(2)]

    def change(person: dict[str, Any]) -> Any:
        tag = {"If-Match": f'"{person["version"]}"'}
        return desk.send("caseworker", "PATCH", f"/jobseekers/{person['id']}", FIRST, headers=tag)

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(change, person) for person in made] + [pool.submit(desk.walk_in, FIRST) for _ in range(2)]
        people = {one.result()["id"] for one in sent}
    assert len(people) == 4
    assert len(pairs(database)) == 6


def test_a_held_row_makes_no_record_until_a_person_decides(desk: Desk, client, world: World, database):
    first = desk.walk_in(FIRST)
    report = desk.import_file(FIRST, "?hold_possible_duplicates=true")
    assert (report["created"], report["possible_duplicates"], report["was_applied"]) == (0, 1, True)
    assert first["reference"] in report["warnings"][0]["rule"]
    with database.reading() as session:
        assert len(session.scalars(select(Jobseeker.id)).all()) == 1
    run = desk.send("caseworker", "GET", "/referrals/imports")["items"][-1]["id"]
    (row,) = desk.send("caseworker", "GET", f"/referrals/imports/{run}/rows?state=possible_duplicate")["items"]
    tag = {"If-Match": f'"{row["version"]}"'}
    path = f"/referrals/imports/{run}"
    desk.send("caseworker", "PATCH", f"{path}/rows/{row['id']}", {"same_as": first["id"]}, headers=tag)
    desk.send("caseworker", "POST", f"{path}/apply")
    assert desk.imported() == first["id"]


def test_rows_of_one_file_about_one_person_are_held_but_the_first(desk: Desk, client, world: World):
    row = "JCP,Hendon Jobcentre,2026-09-01,Amina,Begum,2002-05-26,QQ224466C"
    head = "source_type,referring_organisation,referred_on,given_name,family_name,date_of_birth,nino,referral_ref"
    content = "\n".join([head, f"{row},00145", f"{row},145"]).encode()
    path = "/api/v1/referrals/imports?hold_possible_duplicates=true"
    answer = client.post(path, files={"file": ("r.csv", content)}, headers=world.key("caseworker")).json()
    assert (answer["report"]["created"], answer["report"]["possible_duplicates"]) == (1, 1)


def test_a_row_like_a_restricted_person_is_not_held_because_that_would_tell(desk: Desk):
    desk.send("manager", "POST", "/jobseekers", FIRST | {"is_restricted": True})
    report = desk.import_file(FIRST, "?hold_possible_duplicates=true")
    assert (report["created"], report["possible_duplicates"], report["warnings"]) == (1, 0, [])


def test_a_referrer_cannot_hold_rows(client, world: World):
    partner = world.organisations["partner"]
    path = f"/api/v1/referrals/imports?hold_possible_duplicates=true&partner_id={partner}"
    content = b"source_type,referred_on,family_name\nJCP,2026-09-01,Begum\n"
    answer = client.post(path, files={"file": ("r.csv", content)}, headers=world.key("referrer"))
    assert answer.status_code == 409
    assert "Only the partner" in answer.json()["detail"]
