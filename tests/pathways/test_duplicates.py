"""One person arrives twice: found at intake, looked at by people; who may not see one of the two hears nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select

from pathways.app import HOLDINGS
from pathways.audit import AuditRow, is_about
from pathways.duplicates import actions, groups
from pathways.duplicates.models import DuplicatePair, PairState
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import identifiers, identify, key_filling, one_person, restrictions
from pathways.jobseekers.models import Jobseeker, JobseekerEvent, PersonKey
from tests.pathways.test_matching import get, post
from tests.world import World

BARE = {"nino": None, "nhs_number": None, "email": None, "phone": None}


def pairs(database) -> list[DuplicatePair]:
    with database.reading() as session:
        return list(session.scalars(select(DuplicatePair).order_by(DuplicatePair.id)))


def say(client, world: World, pair: dict, what: str, by: str = "caseworker", expect: int = 200, reason="Asked her."):
    headers = world.key(by) | {"If-Match": f'"{pair["version"]}"'}
    answer = client.post(f"/api/v1/duplicates/{pair['id']}/{what}", json={"reason": reason}, headers=headers)
    assert answer.status_code == expect, answer.text
    return answer.json()


def test_the_same_person_from_two_offices_is_put_forward_and_nothing_is_merged(client, world: World, database):
    first = world.refer(ref="A").jobseeker_id
    second = world.refer(
        ref="B", by="other_referrer", given_name="Aminah", family_name="Ni Bhriain", phone="07700 900 124", email=None
    ).jobseeker_id
    assert first != second
    (kept,) = pairs(database)
    assert (kept.jobseeker_id, kept.other_id, kept.state) == (max(first, second), min(first, second), PairState.OPEN)
    queue = get(client, world, "/duplicates")["items"]
    assert [one["is_proposed"] for one in queue] == [True]
    assert queue[0]["probability"] >= 0.99
    fields = {line["field"]: line["text"] for line in queue[0]["told"]}
    assert fields["nino"] == "The same."
    assert fields["name"].startswith("Given name similar, family name the same")
    assert set(queue[0]["differs_on"]) == {"given_name", "family_name", "phone"}
    assert queue[0]["one"]["nino"].endswith("66C")
    assert "QQ224" not in str(queue)
    hits = get(client, world, f"/jobseekers/{first}/duplicates")["items"]
    assert [UUID(hit["jobseeker_id"]) for hit in hits] == [second]
    assert "nino" in hits[0]["agrees_on"]


def test_without_an_identifier_it_waits_for_a_person_and_twins_are_two(client, world: World, database):
    world.refer(ref="A", **BARE | {"phone": "07700 900123"})
    world.refer(ref="TWIN", given_name="Aisling", **BARE | {"phone": "07700 900123"})
    assert [one.probability < 0.99 for one in pairs(database)] in ([], [True])
    world.refer(ref="C", given_name="Amina", family_name="Ni Bhriain", **BARE)
    found = get(client, world, "/duplicates")["items"]
    assert found
    assert not any(one["is_proposed"] and one["held_back"] for one in found)
    world.refer(ref="D", given_name="Zebedee", family_name="Quill", date_of_birth="1961-02-03", **BARE)
    assert len(get(client, world, "/duplicates")["items"]) == len(found)


def test_a_slip_in_a_number_is_seen_and_opening_the_other_one_is_noted(client, world: World, database):
    first = world.refer(ref="A", nhs_number=None).jobseeker_id
    world.refer(ref="B", nino="QQ224646C", nhs_number=None)
    (pair,) = pairs(database)
    assert ["nino", "Different.", -7.0] in pair.told  # whoever refers opens nobody's number
    body = {"source_type": "SELF", "referred_on": "2026-09-01", "given_name": "Amina", "family_name": "Ní Bhriain"}
    body |= {"date_of_birth": "2002-05-26", "postcode": "NW9 5QN", "nino": "QQ224646C"}
    post(client, world, "/referrals", body)
    with database.writing(None) as session:
        session.execute(delete(DuplicatePair).where(DuplicatePair.id == pair.id))
    told = [line for one in get(client, world, "/duplicates")["items"] for line in one["told"]]
    assert {"field": "nino", "text": "One character differs.", "bits": 8.0} in told
    with database.reading() as session:
        reads = select(func.count()).where(is_about([first]), ~AuditRow.is_change)
        assert session.scalars(reads).one() >= 1


def test_a_verdict_is_kept_a_pair_that_is_two_people_never_returns_and_may_be_looked_at_again(client, world, database):
    world.refer(ref="A")
    world.refer(ref="B", by="other_referrer", given_name="Aminah")
    (pair,) = get(client, world, "/duplicates")["items"]
    say(client, world, pair, "ask", expect=422, reason="")
    asked = say(client, world, pair, "ask")
    assert (asked["state"], asked["reason"]) == ("asked", "Asked her.")
    say(client, world, pair, "different", expect=412)  # somebody has said something since it was read
    told = say(client, world, asked, "different", reason="Two sisters.")
    assert told["possible_events"] == ["ask", "same"]
    assert get(client, world, "/duplicates")["items"] == []
    assert get(client, world, "/duplicates?state=different")["items"][0]["reason"] == "Two sisters."
    with database.writing(world.on("manager")) as session:
        person = session.get_one(Jobseeker, UUID(pair["one"]["jobseeker_id"]))
        values = identifiers.unsealed(session, jobseeker_actions.queries.details(session, person))
        assert actions.find_candidates(session, world.on("manager"), [(person, values)]) != [[]]
    assert [one.state for one in pairs(database)] == [PairState.DIFFERENT]
    again = say(client, world, told, "same")
    say(client, world, again, "same", expect=409)


def test_a_verdict_of_two_people_is_asked_again_when_what_is_learnt_makes_them_one(client, world: World, database):
    first = world.refer(ref="A", nino=None, nhs_number=None)
    second = world.refer(ref="B", by="other_referrer", nino=None, nhs_number=None, given_name="Aminah", email=None)
    (pair,) = get(client, world, "/duplicates")["items"]
    assert pair["probability"] < 0.99
    say(client, world, pair, "different", reason="Two sisters.")
    for referral in (first, second):
        path = f"/api/v1/jobseekers/{referral.jobseeker_id}"
        key = world.key("manager")
        tag = client.get(path, headers=key).headers["etag"]
        said = {"given_name": "Amina", "nino": "QQ224466C"}
        answer = client.patch(path, headers=key | {"If-Match": tag}, json=said)
        assert answer.status_code == 200, answer.text
    assert [one["jobseeker_id"] for one in answer.json()["may_be"]] == [str(first.jobseeker_id)]
    (again,) = get(client, world, "/duplicates")["items"]
    assert (again["state"], again["probability"] >= 0.99) == ("open", True)


def test_a_pair_is_seen_by_who_may_see_both(client, world: World, database):
    first = world.refer(ref="A").jobseeker_id
    second = world.refer(ref="B", by="other_referrer", given_name="Aminah").jobseeker_id
    (pair,) = get(client, world, "/duplicates")["items"]
    assert get(client, world, "/duplicates", by="other_caseworker")["items"] == []
    get(client, world, f"/duplicates/{pair['id']}", by="other_manager", expect=404)
    for outsider in ("referrer", "lister", "commissioner", "auditor", "administrator"):
        get(client, world, "/duplicates", by=outsider, expect=403)
    with database.writing(world.on("manager")) as session:
        session.get_one(Jobseeker, second).is_restricted = True
    assert get(client, world, "/duplicates")["items"] == []
    assert get(client, world, f"/jobseekers/{first}/duplicates")["items"] == []
    get(client, world, f"/duplicates/{pair['id']}", expect=404)
    assert len(get(client, world, "/duplicates", by="manager")["items"]) == 1
    with database.reading() as session:
        opened = select(AuditRow.id).where(AuditRow.by == world.actors["manager"].user_id, ~AuditRow.is_change)
        assert all(session.scalars(opened.where(is_about([one]))).all() for one in (first, second))


def test_a_referrer_is_told_nothing_whoever_is_known(client, world: World):
    told = []
    for ref in ("A", "B"):
        body = {"partner_id": str(world.organisations["partner"]), "source_type": "JCP", "ref": ref}
        body |= {"referred_on": "2026-09-01", "given_name": "Amina", "family_name": "Begum", "nino": "QQ224466C"}
        answer = client.post("/api/v1/referrals", json=body, headers=world.key("referrer"))
        assert answer.status_code == 201, answer.text
        told.append({name: value for name, value in answer.json().items() if name not in {"id", "ref", "made_at"}})
    assert told[0] == told[1]


def test_a_record_that_was_a_mistake_or_another_partners_is_nobody(client, world: World, database):
    first = world.refer(ref="A").jobseeker_id
    with database.writing(world.on("manager")) as session:
        person = session.get_one(Jobseeker, first)
        jobseeker_actions.move(session, world.on("manager"), person, JobseekerEvent.VOID, reason="Twice.")
    world.refer(ref="B", to="other_partner")
    world.refer(ref="C")
    assert pairs(database) == []


def test_rows_of_one_file_that_may_be_one_person_are_named_in_its_preview(client, world: World, database):
    lines = ["source_type,referring_organisation,referred_on,given_name,family_name,date_of_birth,nino,referral_ref"]
    lines += ["JCP,Hendon Jobcentre,2026-09-01,Amina,Begum,2002-05-26,QQ224466C,R1"]
    lines += ["JCP,Hendon Jobcentre,2026-09-01,Ameena,Begum,2002-05-26,QQ224466C,R2"]
    for dry_run, kept in (("true", 0), ("false", 1)):
        answer = client.post(
            f"/api/v1/referrals/imports?dry_run={dry_run}",
            files={"file": ("r.csv", "\n".join(lines).encode())},
            headers=world.key("caseworker"),
        )
        warnings = answer.json()["report"]["warnings"]
        assert [w["row"] for w in warnings if "same person" in w["rule"]] == [3]
        assert len(pairs(database)) == kept


def test_details_that_change_change_what_a_person_is_found_by(client, world: World, database):
    first = world.refer(ref="A", **BARE).jobseeker_id
    manager = world.on("manager")
    with database.writing(manager) as session:
        person = session.get_one(Jobseeker, first)
        changed = {"given_name": "Zofia", "family_name": "Wojcik", "date_of_birth": None, "postcode": None}
        jobseeker_actions.change(session, manager, person, changed)
    with database.reading() as session:
        assert session.scalars(select(PersonKey).where(PersonKey.jobseeker_id == first)).all() == []
    world.refer(ref="B", **BARE)
    assert pairs(database) == []


@pytest.mark.parametrize(("first", "second"), [("QQ224466C", "QQ224466"), ("QQ224466", "qq 22 44 66 c")])
@pytest.mark.parametrize("by", ["referrer", "other_referrer"])
def test_an_ni_number_is_the_same_with_and_without_its_last_letter(world: World, database, by, first, second):
    unlike = {"given_name": "Zofia", "known_as": None, "date_of_birth": None, "postcode": None}
    one = world.refer(ref="A", **BARE | {"nino": first}).jobseeker_id
    two = world.refer(ref="B", by=by, **BARE | {"nino": second} | unlike).jobseeker_id
    world.refer(ref="C", by=by, **BARE | {"nino": "QQ224467C"} | unlike)
    assert [{pair.jobseeker_id, pair.other_id} for pair in pairs(database)] == [{one, two}]


def test_hashes_of_an_earlier_form_are_made_again(world: World, database):
    """Earlier versions made a hash of the whole number, and of the words that people write in its place."""
    one = world.refer(ref="A", **BARE | {"nino": "QQ224466C"}).jobseeker_id
    with database.reading() as session:
        right = session.get_one(Jobseeker, one).nino_hash, sorted(session.scalars(select(PersonKey.key)))
    with database.writing(None) as session:
        key = session.scalars(select(PersonKey).limit(1)).one()
        key.key = 5
        person = session.get_one(Jobseeker, one)
        person.hash_form, person.nino_hash, person.nhs_number_hash = 1, "of an earlier form", "of the word unknown"
    assert key_filling.fill(database) == 1
    assert key_filling.fill(database) == 0
    with database.reading() as session:
        person = session.get_one(Jobseeker, one)
        assert (person.nino_hash, sorted(session.scalars(select(PersonKey.key)))) == right
        assert person.nhs_number_hash is None


def test_keys_that_are_missing_are_made_again_and_tell_nobody_anything(world: World, database):
    first = world.refer(ref="A").jobseeker_id
    with database.reading() as session:
        before = sorted(session.scalars(select(PersonKey.key)))
    assert len(before) > 5
    with database.writing(None) as session:
        session.execute(delete(PersonKey))
    assert key_filling.fill(database) == 1
    assert key_filling.fill(database) == 0
    with database.reading() as session:
        assert sorted(session.scalars(select(PersonKey.key))) == before
        assert set(session.scalars(select(PersonKey.jobseeker_id))) == {first}


@pytest.mark.parametrize("side", ["other_id", "jobseeker_id"])
def test_a_person_who_is_erased_leaves_no_pair_on_either_side(world: World, database, side: str):
    world.refer(ref="A")
    world.refer(ref="B", by="other_referrer", given_name="Aminah")
    (kept,) = pairs(database)
    with database.writing(None) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, getattr(kept, side))
    assert pairs(database) == []


def test_whom_somebody_may_be_is_shown_and_noted_as_read(client, world: World, database):
    first, second = world.refer(ref="A").jobseeker_id, world.refer(ref="B", given_name="Aminah").jobseeker_id
    get(client, world, f"/jobseekers/{first}/duplicates")
    with database.reading() as session:
        read = select(AuditRow.id).where(~AuditRow.is_change)
        assert all(session.scalars(read.where(is_about([one]))).all() for one in (first, second))


def test_a_key_that_very_many_share_counts_only_where_no_other_finds_anybody(world: World, database, monkeypatch):
    monkeypatch.setattr(identify, "MOST_OF_A_KEY", 3)
    for n, name in enumerate(("Zoe", "Wei", "Ola", "Ed", "Fay")):
        born, phone = date(1960 + 3 * n, n + 1, 2 * n + 2), {"phone": "07700 900123"}
        world.refer(ref=f"H{n}", given_name=name, family_name=name[::-1], date_of_birth=born, **BARE | phone)
    first = world.refer(ref="A", **BARE | {"phone": "07700 900123"}).jobseeker_id
    second = world.refer(ref="B", **BARE | {"phone": "07700 900123"}).jobseeker_id
    assert [{one.jobseeker_id, one.other_id} for one in pairs(database)] == [{first, second}]


@pytest.mark.parametrize("names", [("Suharto", None), (None, "李"), ("محمد", "علي"), ("A" * 150, "B" * 150)])
def test_names_of_every_kind_come_in(world: World, database, names):
    given, family = names
    for ref in ("A", "B"):
        world.refer(ref=ref, given_name=given, family_name=family)
    (kept,) = pairs(database)
    assert kept.probability >= 0.99


def test_everyone_born_on_1_january_is_not_one_person(world: World, database):
    for ref, given in (("A", "Amina"), ("B", "Amina")):
        world.refer(ref=ref, given_name=given, date_of_birth="1990-01-01", **BARE | {"phone": "07700 900123"})
    assert [one.probability < 0.99 for one in pairs(database)] == [True]
    assert "1 January" in pairs(database)[0].held_back


def test_a_hostel_of_many_tells_little_and_a_person_looks(world: World, database):
    names = ["Zoe", "Wei", "Ola", "Ed", "Fay", "Gus", "Hal", "Ines", "Jock", "Kit", "Lorna", "Nils"]
    for n, name in enumerate(names):
        born = date(1960 + 3 * n, n + 1, 2 * n + 2)
        world.refer(ref=f"H{n}", given_name=name, family_name=name[::-1], date_of_birth=born, **BARE)
    for n in range(2):
        world.refer(ref=f"M{n}", given_name="Mohammed", family_name="Ali", date_of_birth=date(1990, 3, 15), **BARE)
    (pair,) = pairs(database)
    assert pair.probability < 0.99
    assert "many people share" in pair.held_back


def test_a_record_merged_into_one_that_is_void_by_now_is_nobody(client, world: World, database):
    kept, other = world.refer(ref="A").jobseeker_id, world.refer(ref="B", given_name="Aminah").jobseeker_id
    post(client, world, f"/jobseekers/{kept}/merge", {"other_id": str(other), "reason": "One."}, by="manager")
    post(client, world, f"/jobseekers/{kept}/void", {"reason": "Recorded as a test."}, by="manager", expect=200)
    world.refer(ref="C")
    assert [one.state for one in pairs(database)] == [PairState.MERGED]


def test_strangers_at_one_address_keep_their_numbers_closed(world: World, database):
    for n in range(6):
        nino = f"QQ9000{n}0A"
        world.refer(
            ref=f"H{n}",
            given_name=f"Person {n}",
            family_name=f"Name {n}",
            date_of_birth=date(1980, 1, n + 2),
            nino=nino,
            nhs_number=None,
        )
    with database.reading() as session:
        assert session.scalars(select(AuditRow).where(~AuditRow.is_change)).all() == []


def test_two_who_come_at_the_same_moment_meet_after_it(client, world: World, database):
    """Two requests at once on PostgreSQL do not see each other's rows; each looks again once it has committed."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time, so the second always sees the first.")
    body = {"source_type": "SELF", "referred_on": "2026-09-01", "given_name": "Amina", "family_name": "Begum"}
    body |= {"nino": "QQ224466C", "date_of_birth": "2002-05-26"}
    with ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(client.post, "/api/v1/referrals", json=body | {"ref": f"R{n}"}, headers=world.key("caseworker"))
            for n in range(4)
        ]
    assert [one.result().status_code for one in sent] == [201] * 4
    assert len(pairs(database)) == 6


FORMER = {
    "phone, e-mail and postcode are the same": {},
    "only the date of birth is the same": {"phone": None, "email": None, "postcode": None},
    "only the telephone is the same": {"email": None, "postcode": None, "date_of_birth": None},
}


@pytest.mark.parametrize("same", FORMER)
def test_who_changed_both_names_is_found_under_the_former_ones_and_stays_restricted(world: World, database, same):
    numbers = {"nino": None, "nhs_number": None}
    first = world.refer(ref="A", **numbers).jobseeker_id
    manager = world.on("manager")
    with database.writing(manager) as session:
        person = session.get_one(Jobseeker, first)
        jobseeker_actions.change(session, manager, person, {"given_name": "Zofia", "family_name": "Wojcik"})
        restrictions.restrict(session, manager, person, "She asked for it.")
    second = world.refer(ref="B", by="other_referrer", **numbers | FORMER[same]).jobseeker_id
    assert [{pair.jobseeker_id, pair.other_id} for pair in pairs(database)] == [{first, second}]
    with database.reading() as session:
        assert session.get_one(Jobseeker, second).is_restricted


def test_a_pair_stays_when_one_of_the_two_changes_both_names(world: World, database):
    world.refer(ref="A", **BARE)
    second = world.refer(ref="B", by="other_referrer", **BARE).jobseeker_id
    manager = world.on("manager")
    with database.writing(manager) as session:
        person = session.get_one(Jobseeker, second)
        jobseeker_actions.change(session, manager, person, {"given_name": "Zofia", "family_name": "Wojcik"})
    assert [pair.state for pair in pairs(database)] == [PairState.OPEN]


@pytest.mark.parametrize("number", ["nino", "nhs_number"])
def test_one_number_under_two_names_is_for_a_person_to_settle(client, world: World, database, number):
    world.refer(ref="A", **BARE | {number: {"nino": "QQ224466C", "nhs_number": "9990000026"}[number]})
    unlike = {"given_name": "Zed", "family_name": "Quark", "known_as": None, "date_of_birth": None, "postcode": None}
    world.refer(ref="B", **BARE | unlike | {number: {"nino": "QQ224466C", "nhs_number": "9990000026"}[number]})
    (pair,) = pairs(database)
    assert pair.probability == 0.5


def test_two_records_that_a_third_one_links_are_put_forward_too(world: World, database):
    """The first and the last have only the name in common, which is not enough; the second has the details of both."""
    no_home = {"postcode": None, "known_as": None}
    contact = {"phone": "07700 900123", "email": "amina.b@example.org"}
    no_birthday = {"date_of_birth": None}
    first = world.refer(ref="A", **BARE | no_home).jobseeker_id
    alone = world.refer(ref="C", by="other_referrer", **BARE | no_home | contact | no_birthday).jobseeker_id
    assert pairs(database) == []
    second = world.refer(ref="B", **BARE | no_home | contact).jobseeker_id
    assert {(pair.jobseeker_id, pair.other_id) for pair in pairs(database)} == {(second, first), (second, alone)}
    last = world.refer(ref="D", by="other_referrer", **BARE | no_home | contact | no_birthday).jobseeker_id
    through = {pair.other_id: pair for pair in pairs(database) if pair.jobseeker_id == last}
    assert set(through) == {first, second, alone}
    assert 0.5 <= through[first].probability <= one_person.MOST_UNSURE
    assert through[first].held_back


def test_a_record_that_is_cut_from_a_chain_is_not_proposed(world: World, database, monkeypatch):
    monkeypatch.setattr(one_person, "group_of", lambda *_: set())
    for ref in ("A", "B", "C"):
        world.refer(ref=ref)
    last = max(pairs(database), key=lambda pair: pair.jobseeker_id)
    assert (last.probability, last.held_back) == (one_person.MOST_UNSURE, groups.CUT)


def test_of_many_who_share_keys_those_who_share_the_most_are_compared(world: World, database, monkeypatch):
    monkeypatch.setattr(identify, "MOST_COMPARED", 1)
    first = world.refer(ref="A", **BARE).jobseeker_id
    world.refer(ref="B", **BARE | {"given_name": "Aisling", "date_of_birth": date(1990, 4, 5)})
    last = world.refer(ref="C", **BARE).jobseeker_id
    assert {(pair.jobseeker_id, pair.other_id) for pair in pairs(database)} == {(last, first)}
