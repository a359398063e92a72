"""What shows or names a person in a file, an import or an export is in the access log, and so is every refusal."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import select

from pathways.app import LINKS
from pathways.audit import jobseeker_columns, table_of
from pathways.claims.models import Claim
from pathways.jobseekers.models import Jobseeker
from pathways.messages.models import EmailState, WebhookDelivery
from pathways.messages.sending import Sender
from pathways.organisations import actions as organisation_actions
from pathways.settings import Settings
from tests.conftest import settings_for
from tests.pathways.test_audit import newest, people_in, rows_since
from tests.pathways.test_imports import act, put, rows, send, text
from tests.pathways.test_published import claims_file
from tests.pathways.test_replaced_evidence import claim  # noqa: F401 - a fixture
from tests.served import served
from tests.world import World

API = "/api/v1"
LOOK_UP = "R9,JCP,Hendon Jobcentre,2026-09-01,Amina,Ní Bhriain,2002-05-26,,NW9 5QN"


def people_of(database, before: UUID | None, *, refused: bool = False) -> set[UUID]:
    rows_of_reading = [row for row in rows_since(database, before) if not row.is_change and row.is_refused is refused]
    assert len(rows_of_reading) <= 1
    return people_in(database, rows_of_reading)


# Imports name the persons whom a row may be about.


def test_an_import_is_no_unlogged_way_to_look_somebody_up(client, world: World, database):
    person, _ = world.supported()
    with database.reading() as session:
        reference = session.get_one(Jobseeker, person).reference
    before = newest(database)
    run = send(client, world, text(LOOK_UP), who="colleague")
    assert reference in str(run["report"]["warnings"])
    assert people_of(database, before) == {person}
    path = f"{API}/referrals/imports/{run['id']}"
    for rest in ("", "/rows", "/result?format=csv", "/result?format=xlsx"):
        before = newest(database)
        answer = client.get(f"{path}{rest}", headers=world.key("colleague"))
        assert answer.is_success
        assert people_of(database, before) == {person}, rest
    (row,) = rows(client, world, run, who="colleague")
    before = newest(database)
    put(client, world, run, row, who="colleague", cells={"postcode": "NW9 5QP"})
    assert people_of(database, before) == {person}
    before = newest(database)
    assert reference in str(act(client, world, run, "discard", who="colleague"))
    assert people_of(database, before) == {person}
    log = client.get(f"{API}/jobseekers/{person}/access-log", headers=world.key("manager")).json()["items"]
    assert [line["doing"] for line in log].count("referral:import") == 8


def test_applying_an_import_logs_whom_its_reply_names(client, world: World, database):
    person, _ = world.supported()
    run = send(client, world, text(LOOK_UP))
    before = newest(database)
    act(client, world, run, "apply")
    assert person in people_in(database, [row for row in rows_since(database, before) if not row.is_change])


def test_rows_of_an_applied_import_log_the_persons_whose_cells_they_show(client, world: World, database):
    run = send(client, world, text(LOOK_UP), query="")
    with database.reading() as session:
        (person,) = session.scalars(select(Jobseeker.id))
    before = newest(database)
    (row,) = rows(client, world, run)
    assert row["cells"]["given_name"] == "Amina"
    assert people_of(database, before) == {person}


def test_a_referrer_who_is_told_of_nobody_leaves_no_row_about_anybody(client, world: World, database):
    world.supported(by="other_referrer")
    before = newest(database)
    partner = world.organisations["partner"]
    send(client, world, text(LOOK_UP), query=f"?dry_run=true&partner_id={partner}", who="referrer")
    assert people_of(database, before) == set()


# Files about single persons.


def test_each_download_of_a_claims_file_is_logged_for_the_persons_in_it(client, world: World, database, claim):  # noqa: F811
    with database.reading() as session:
        people = set(session.scalars(select(Claim.jobseeker_id)))
    made = claims_file(client, world)
    for name, expected in (("claims.csv", people), ("manifest.json", set()), ("datapackage.json", set())):
        before = newest(database)
        path = f"{API}/exports/{made['id']}/files/{name}"
        assert client.get(path, headers=world.key("commissioner")).is_success
        assert people_of(database, before) == expected, name
    assert people


def test_a_claims_file_made_before_a_claim_does_not_log_its_person(client, world: World, database, call):
    from tests.pathways.test_four_eyes import Journey  # the claim is made after the file

    made = claims_file(client, world)
    Journey(client, world, call).to_submitted()
    before = newest(database)
    client.get(f"{API}/exports/{made['id']}/files/claims.csv", headers=world.key("commissioner"))
    assert people_of(database, before) == set()


# Refused attempts, wherever the request names the person.


@pytest.mark.parametrize("who", ["lister", "commissioner", "administrator"])
@pytest.mark.parametrize(
    "path", ["check-ins", "spells", "evidence", "introductions", "outcomes", "enrolments", "claims"]
)
def test_a_refused_list_of_a_person_is_logged(client, world: World, database, who: str, path: str):
    person, _ = world.supported()
    before = newest(database)
    answer = client.get(f"{API}/{path}?jobseeker={person}", headers=world.key(who))
    assert answer.status_code in {200, 403}
    assert people_of(database, before, refused=True) == ({person} if answer.status_code == 403 else set())


def test_refused_ids_in_the_body_are_logged_at_any_depth(client, world: World, database):
    person, enrolment = world.supported()
    other = world.refer(to="other_partner", ref="X", given_name="Wei", nino=None, nhs_number=None).jobseeker_id
    before = newest(database)
    body = {"other_id": str(person), "reason": "The same person."}
    answer = client.post(f"{API}/jobseekers/{other}/merge", headers=world.key("other_manager"), json=body)
    assert answer.status_code == 404
    assert people_of(database, before, refused=True) == {person, other}
    before = newest(database)
    body = {"a": [{"enrolment_id": str(enrolment)}, {"b": {"jobseeker_ids": [str(other), str(uuid4())]}}]}
    assert client.post(f"{API}/spells", headers=world.key("lister"), json=body).status_code == 403
    assert people_of(database, before, refused=True) == {person, other}


# Ids in requests that name no single jobseeker, so that a refusal of them is about nobody.
OF_NOBODY = {
    "agreement_id", "allocation_id", "caseworker", "caseworker_id", "commissioner_id", "delivery_id", "email_id",
    "endpoint_id", "export_id", "import_id", "invitation_id", "key_id", "membership_id", "model_id", "notice_id",
    "one_id", "one_lead_id", "organisation_id", "other_id", "other_lead_id", "partner_id", "placement", "placement_id",
    "programme", "programme_id", "referring_organisation_id", "same_as", "social_enterprise_id", "user_id",
}  # fmt: skip


def test_every_name_of_an_id_in_a_request_leads_to_its_jobseekers_or_names_nobody(client):
    asked = _asked(client)
    assert {"jobseeker", "jobseeker_id", "pair_id", "merge_id", "check_in_id", "spell_id"} <= asked - OF_NOBODY
    unknown = {name for name in asked - OF_NOBODY if not jobseeker_columns(table_of(name))}
    assert not unknown, "Add the table of the id to audit.TABLE_OF, or the name to OF_NOBODY."


def _asked(client) -> set[str]:
    """Return the names of ids that stand in addresses, queries and bodies of requests."""
    document = client.app.openapi()
    methods = [method for path in document["paths"].values() for method in path.values()]
    parameters = [one for method in methods for one in method.get("parameters", [])]
    found = {one["name"] for one in parameters if "'uuid'" in str(one["schema"])}
    seen, left = set(), [str(method.get("requestBody", {})) for method in methods]
    while left:
        names = set(re.findall(r"#/components/schemas/(\w+)", left.pop())) - seen
        seen |= names
        left += [str(document["components"]["schemas"][name]) for name in names]
    fields = [field for name in seen for field in document["components"]["schemas"][name].get("properties", {}).items()]
    return found | {name for name, shape in fields if "'uuid'" in str(shape)}


def _ended(world: World, how: str) -> None:
    membership_id = world.actors["caseworker"].membership_id
    with world.database.writing(world.operator) as session:
        from pathways.organisations import queries
        from pathways.organisations.models import ApiKey

        membership = queries.member(session, world.operator, membership_id)
        key = session.scalars(select(ApiKey).where(ApiKey.membership_id == membership_id)).one()
        if how == "revoked":
            organisation_actions.revoke_key(session, world.operator, key)
        elif how == "expired":
            key.expires_on = world.operator.today - timedelta(days=1)
        else:
            organisation_actions.end_member(session, world.operator, membership)


@pytest.mark.parametrize("how", ["revoked", "expired", "left"])
def test_an_attempt_with_a_key_that_no_longer_works_is_logged_and_answered_as_any_wrong_key(
    client, world: World, database, how: str
):
    person, _ = world.supported()
    _ended(world, how)
    before = newest(database)
    answer = client.get(f"{API}/jobseekers/{person}", headers=world.key("caseworker"))
    wrong = client.get(f"{API}/jobseekers/{person}", headers={"Authorization": f"Bearer pw_{'a' * 8}_{'b' * 43}"})
    assert (answer.status_code, answer.json()) == (401, wrong.json())
    (row,) = rows_since(database, before)
    assert (row.jobseeker_id, row.is_refused, row.by) == (person, True, world.actors["caseworker"].user_id)
    assert (row.key_id is not None, row.address, row.doing) == (True, "testclient", "jobseeker:read")


def test_a_guessed_secret_of_a_known_key_is_nobodys_attempt(client, world: World, database):
    person, _ = world.supported()
    public_id = world.secrets["caseworker"].split("_")[1]
    before = newest(database)
    key = {"Authorization": f"Bearer pw_{public_id}_{'b' * 43}"}
    assert client.get(f"{API}/jobseekers/{person}", headers=key).status_code == 401
    assert rows_since(database, before) == []


class Sent:
    """An introduction that was sent, the link of its e-mail and its delivered webhook."""

    def __init__(self, client, world: World, database, call) -> None:
        self.client, self.world, self.database, self.call = client, world, database, call
        self.person, _ = world.supported()
        world.permit(self.person)
        from pathways.base import Role
        from tests.pathways.test_four_eyes import join

        join(world, "head", "enterprise", Role.ADMINISTRATOR)
        address = {"url": "http://127.0.0.1:9/hook"}
        endpoint = client.post(f"{API}/webhooks", headers=world.key("head"), json=address).json()["id"]
        pair = {"jobseeker_id": str(self.person), "placement_id": str(world.list_placement())}
        self.id = call("caseworker", "/introductions", **pair)["id"]
        for step in ("agree", "send"):
            call("caseworker", f"/introductions/{self.id}/{step}")
        letters: list[Any] = []
        later = datetime.now(UTC) + timedelta(minutes=1)
        Sender(database, settings_for("sqlite://"), letters.append, lambda: later, LINKS).send_due()
        (self.link,) = re.findall(r"http://127.0.0.1:8000(/decide/[\w-]+)", letters[-1].get_content())
        listed = client.get(f"{API}/webhooks/{endpoint}/deliveries", headers=world.key("head")).json()["items"]
        (self.delivery,) = [one["id"] for one in listed if one["event_type"] == "introduction.send"]
        self.set_delivery(EmailState.SENT)

    def set_delivery(self, state: EmailState) -> None:
        with self.database.writing(None) as session:
            session.get_one(WebhookDelivery, UUID(self.delivery)).state = state

    def exclude(self) -> None:
        at, key = f"{API}/jobseekers/{self.person}/safety-exclusions", self.world.key("caseworker")
        enterprise = str(self.world.organisations["enterprise"])
        body = {"kind": "organisation", "social_enterprise_id": enterprise, "reason": "She asked."}
        assert self.client.post(at, headers=key, json=body).is_success

    def replay(self) -> int:
        path = f"{API}/webhook-deliveries/{self.delivery}/replay"
        status: int = self.client.post(path, headers=self.world.key("head")).status_code
        return status


@pytest.fixture
def sent(client, world: World, database, call) -> Sent:
    return Sent(client, world, database, call)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_link_that_an_exclusion_ended_logs_who_tried_it(client, world: World, database, sent: Sent, method: str):
    sent.exclude()
    before = newest(database)
    assert client.request(method, sent.link, data={"event": "offer"} if method == "POST" else None).status_code == 410
    (row,) = [row for row in rows_since(database, before) if row.is_refused]
    lister = world.actors["lister"]
    assert (row.jobseeker_id, row.by, row.organisation_id, row.address) == (
        sent.person,
        lister.user_id,
        lister.organisation_id,
        "testclient",
    )
    before = newest(database)
    client.request(method, "/decide/nobody", data={"event": "offer"} if method == "POST" else None)
    assert rows_since(database, before) == []


# A webhook is sent again only to whom it could be sent for the first time.


def test_a_webhook_is_sent_again_while_nothing_protects_the_person(sent: Sent):
    assert sent.replay() == 200


@pytest.mark.parametrize("before", [EmailState.SENT, EmailState.QUARANTINED])
@pytest.mark.parametrize("fact", ["exclusion", "permission", "exclusion after the end"])
def test_a_webhook_is_not_sent_again_once_a_person_is_protected(client, world: World, call, sent: Sent, fact, before):
    if fact == "permission":
        held = client.get(f"{API}/jobseekers/{sent.person}/permissions", headers=world.key("caseworker")).json()[
            "items"
        ]
        path = f"{API}/jobseekers/{sent.person}/permissions/{held[0]['id']}/revoke"
        answer = client.post(path, headers=world.key("caseworker"), json={"reason": "She asked."})
        assert answer.is_success, answer.text
    else:
        if "end" in fact:
            call("caseworker", f"/introductions/{sent.id}/withdraw", why="other")
        sent.exclude()
    sent.set_delivery(before)
    assert sent.replay() == 409


# The address that asked.


@pytest.mark.parametrize(
    ("trusted", "said", "expected"),
    [
        ("", "9.9.9.9", "127.0.0.1"),
        ("10.0.0.0/8", "9.9.9.9", "127.0.0.1"),
        ("10.0.0.0/8, 127.0.0.1", "8.8.8.8, 9.9.9.9", "9.9.9.9"),
    ],
)
def test_only_a_named_proxy_says_from_which_address_a_request_came(
    stage, world: World, database, tmp_path, trusted: str, said: str, expected: str
):
    person, _ = world.supported()
    with served(stage.settings, tmp_path / "log", PATHWAYS_TRUSTED_PROXIES=trusted, FORWARDED_ALLOW_IPS="*") as address:
        before = newest(database)
        headers = world.key("caseworker") | {"X-Forwarded-For": said}
        assert httpx2.get(f"{address}{API}/jobseekers/{person}", headers=headers).status_code == 200
    (row,) = rows_since(database, before)
    assert (row.jobseeker_id, row.address) == (person, expected)


@pytest.mark.parametrize("trusted", ["*", "0.0.0.0/0", "::/0", "proxy.example.org", "10.0.0.5/8"])
def test_a_setting_that_would_believe_everybody_or_nobody_is_refused(monkeypatch, trusted: str):
    monkeypatch.setenv("PATHWAYS_TRUSTED_PROXIES", trusted)
    with pytest.raises(ValueError, match="PATHWAYS_TRUSTED_PROXIES"):
        Settings(encryption_key="a" * 43, hash_key="b" * 43)
