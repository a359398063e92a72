"""Keys: the issuer cannot use one, its owner claims it once, it ends, is limited, stays dead; who gives which role."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pathways import daily
from pathways.access.permissions import PERMISSIONS_OF, READ_ONLY, ROLES_THAT_SEE_PEOPLE, Permission
from pathways.app import LINKS
from pathways.audit import AuditRow
from pathways.base import Role, Source
from pathways.errors import NotPermitted
from pathways.messages.models import Notice, NoticeKind
from pathways.messages.sending import Sender
from pathways.organisations import actions as organisation_actions
from pathways.organisations import links, queries
from pathways.organisations.formats import mailbox
from pathways.organisations.models import ROLES_IN, ApiKey, OrganisationKind
from pathways.organisations.schemas import NewKey, NewMember, NewUser
from tests.conftest import settings_for
from tests.pathways.test_four_eyes import at_once, join
from tests.pathways.test_messages import Clock, Outbox
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
KEY = re.compile(r"pw_[A-Za-z0-9]{8}_[A-Za-z0-9]{43}")


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def sender(database, outbox: Outbox) -> Sender:
    return Sender(database, settings_for("sqlite://"), outbox, Clock(), LINKS)


def issued(client, world: World, by: str = "administrator", to: str = "caseworker", expect: int = 201, **more: Any):
    body = {"membership_id": str(world.actors[to].membership_id), **more}
    answer = client.post("/api/v1/keys", headers=world.key(by), json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def link_in(outbox: Outbox) -> str:
    """Return the path of the one link in the newest e-mail."""
    (path,) = re.findall(r"/(claim-key/[\w-]+)", outbox.messages[-1].get_content())
    return f"/{path}"


JSON = {"accept": "application/json"}


def claimed(client, path: str) -> str:
    answer = client.post(path, headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()["key"]


def works(client, key: str, path: str = "/api/v1/jobseekers") -> int:
    return client.get(path, headers={"Authorization": f"Bearer {key}"}).status_code


# Who issues a key cannot use it.


@pytest.mark.parametrize("by", ["administrator", "operator"])
def test_who_issues_a_key_sees_nothing_that_opens_it(client, world: World, sender: Sender, outbox: Outbox, by):
    made = issued(client, world, by=by)
    sender.send_due()
    token = link_in(outbox).rsplit("/", 1)[1]
    again = [client.get(f"/api/v1/keys{rest}", headers=world.key(by)).text for rest in ("", f"/{made['id']}")]
    for seen in (str(made), *again):
        assert not KEY.search(seen)
        assert "secret" not in seen
        assert token not in seen
    assert [str(message["To"]) for message in outbox.messages] == ["caseworker@example.org"]
    assert works(client, f"pw_{made['public_id']}_") == 401
    assert works(client, f"pw_{made['public_id']}_{token}") == 401
    assert (made["claimed_at"], made["issued_by"]) == (None, str(world.actors[by].user_id))
    with world.database.reading() as session:
        key = session.scalars(select(ApiKey).where(ApiKey.public_id == made["public_id"])).one()
        assert (key.secret_hash, key.link_hash == token) == (None, False)


def test_the_owner_claims_the_key_once_and_is_told(client, world: World, sender: Sender, outbox: Outbox):
    issued(client, world)
    sender.send_due()
    path = link_in(outbox)
    mail = outbox.messages[-1].as_string().replace("To: caseworker@example.org", "")
    assert not [word for word in ("Caseworker", "caseworker", "Stepping", "pw_") if word in mail]
    for _ in range(2):  # a mail scanner opens links
        page = client.get(path)
        assert (page.status_code, KEY.search(page.text)) == (200, None)
    shown = client.post(path)
    key = KEY.search(shown.text)
    assert shown.headers["cache-control"] == "no-store"
    assert key is not None
    assert works(client, key[0]) == 200
    for answer in (client.post(path), client.post(path, headers=JSON), client.get(path)):
        assert (answer.status_code, KEY.search(answer.text)) == (410, None)
    told = client.get("/api/v1/notices", headers=world.key("caseworker")).json()["items"]
    assert sorted(notice["kind"] for notice in told) == ["key_in_use", "key_to_claim"]
    with world.database.reading() as session:
        acts = session.scalars(select(AuditRow).where(AuditRow.subject == "api_keys")).all()
    owner, issuer = world.actors["caseworker"].user_id, world.actors["administrator"].user_id
    assert [(act.doing, act.by, act.issued_by) for act in acts if act.doing == "key:claim"] == [
        ("key:claim", owner, issuer)
    ]


def test_the_audit_of_an_act_says_who_issued_the_key(client, world: World, sender: Sender, outbox: Outbox):
    person, _ = world.supported()
    issued(client, world)
    sender.send_due()
    key = claimed(client, link_in(outbox))
    assert works(client, key, f"/api/v1/jobseekers/{person}") == 200
    with world.database.reading() as session:
        opened = session.scalars(
            select(AuditRow).where(AuditRow.jobseeker_id == person, AuditRow.is_change.is_(False))
        ).all()
    assert {row.issued_by for row in opened} == {world.actors["administrator"].user_id}
    log = client.get(f"/api/v1/jobseekers/{person}/access-log", headers=world.key("manager")).json()["items"]
    assert str(world.actors["administrator"].user_id) in {line["issued_by"] for line in log}


def test_nobody_issues_a_key_to_themselves(client, world: World):
    join(world, "administrator_again", "partner", Role.CASEWORKER, email="administrator+work@example.org")
    for to in ("administrator", "administrator_again"):
        assert issued(client, world, to=to, expect=403)["type"] == "/problems/own-key"
    assert issued(client, world, by="operator", to="operator", expect=403)["type"] == "/problems/own-key"
    issued(client, world, by="operator", to="administrator")


def _link(world: World, made: dict[str, Any]) -> str:
    with world.database.writing(None) as session:
        key = session.scalars(select(ApiKey).where(ApiKey.public_id == made["public_id"])).one()
        return "/" + links.make(session, key.id, datetime.now(UTC))


def test_a_link_is_dead_once_its_key_can_no_longer_be_claimed(client, world: World):
    """Each way in which a key ends before it is claimed."""

    def revoke(made: dict[str, Any]) -> None:
        client.post(f"/api/v1/keys/{made['id']}/revoke", headers=world.key("administrator"))

    def leave(_: dict[str, Any]) -> None:
        client.post(
            f"/api/v1/members/{world.actors['colleague'].membership_id}/end", headers=world.key("administrator")
        )

    def change(made: dict[str, Any], **columns: Any) -> None:
        with world.database.writing(None) as session:
            key = session.scalars(select(ApiKey).where(ApiKey.public_id == made["public_id"])).one()
            for name, value in columns.items():
                setattr(key, name, value)

    for end in (
        revoke,
        lambda made: change(made, claim_until=datetime.now(UTC) - timedelta(seconds=1)),
        lambda made: change(made, expires_on=TODAY - timedelta(days=2)),
        lambda made: _link(world, made),  # the e-mail was sent again: its newest link works
        leave,
    ):
        made = issued(client, world, to="colleague")
        path = _link(world, made)
        assert client.get(path).status_code == 200
        end(made)
        assert client.get(path).status_code == 410
        assert client.post(path, headers=JSON).status_code == 410
    assert client.post(f"/claim-key/{uuid4()}", headers=JSON).status_code == 410


def test_a_form_sent_from_another_website_claims_nothing(client, world: World):
    path = _link(world, issued(client, world))
    assert client.post(path, headers=JSON | {"sec-fetch-site": "cross-site"}).status_code == 403
    claimed(client, path)


def test_the_audit_says_from_which_address_a_key_was_claimed(client, world: World, database):
    claimed(client, _link(world, issued(client, world)))
    with database.reading() as session:
        rows = session.scalars(select(AuditRow.address).where(AuditRow.doing == "key:claim")).all()
    assert set(rows) == {"testclient"}


def test_of_two_claims_at_once_one_gets_the_key(client, world: World):
    token = _link(world, issued(client, world)).rsplit("/", 1)[1]
    keys: list[str] = []

    def claim(session: Any, actor: Any) -> None:
        keys.append(links.claim(session, token, actor.at, ""))

    assert sorted(at_once(world, [("caseworker", claim)] * 4)) == ["KeyLinkGone"] * 3 + ["done"]
    assert len(keys) == 1
    assert works(client, keys[0]) == 200


def test_a_key_claimed_while_its_member_leaves_does_not_work(client, world: World):
    token = _link(world, issued(client, world)).rsplit("/", 1)[1]
    membership_id = world.actors["caseworker"].membership_id
    keys: list[str] = []

    def claim(session: Any, actor: Any) -> None:
        keys.append(links.claim(session, token, actor.at, ""))

    def leave(session: Any, actor: Any) -> None:
        organisation_actions.end_member(session, actor, queries.member(session, actor, membership_id))

    found = at_once(world, [("caseworker", claim), ("operator", leave)])
    assert found[1] == "done"
    assert [works(client, key) for key in keys] == [401] * len(keys)
    back = {
        "user_id": str(world.actors["caseworker"].user_id),
        "organisation_id": str(world.organisations["partner"]),
        "role": "caseworker",
    }
    assert client.post("/api/v1/members", headers=world.key("administrator"), json=back).status_code == 201
    assert [works(client, key) for key in keys] == [401] * len(keys)


# On the command line, where the operator is trusted.


def test_a_key_made_on_the_command_line_works_at_once_is_marked_and_its_owner_is_told(client, world: World):
    operator = world.operator.then(at=datetime.now(UTC))
    assert operator.source is Source.COMMAND_LINE
    with world.database.writing(operator) as session:
        new = NewKey(membership_id=world.actors["caseworker"].membership_id)
        key, secret = organisation_actions.make_key(session, operator, new)
        key_id = key.id
    assert works(client, secret) == 200
    seen = client.get(f"/api/v1/keys/{key_id}", headers=world.key("administrator")).json()
    assert (seen["issued_from"], seen["issued_by"]) == ("command_line", str(operator.user_id))
    with world.database.reading() as session:
        (notice,) = session.scalars(select(Notice).where(Notice.user_id == world.actors["caseworker"].user_id))
        assert (notice.kind, notice.is_urgent) == (NoticeKind.KEY_IN_USE, True)
        audited = session.scalars(select(AuditRow).where(AuditRow.subject_id == key_id)).all()
        assert [row.by for row in audited] == [operator.user_id]


# Keys end.


def test_a_key_ends_after_ninety_days_and_its_owner_is_reminded(client, world: World):
    made = issued(client, world)
    last = TODAY + timedelta(days=90)
    assert made["expires_on"] == last.isoformat()
    assert issued(client, world, expires_on=str(TODAY))["expires_on"] == TODAY.isoformat()
    key = claimed(client, _link(world, made))
    for days, expected in ((0, 0), (75, 0), (76, 1), (90, 1)):
        daily.run(world.database, world.operator, datetime.now(UTC) + timedelta(days=days))
        with world.database.reading() as session:
            reminders = select(Notice).where(Notice.kind == NoticeKind.KEY_EXPIRES, Notice.subject_id.is_not(None))
            assert len(session.scalars(reminders).all()) == expected, days
    assert works(client, key) == 200
    with world.database.writing(None) as session:
        row = session.scalars(select(ApiKey).where(ApiKey.public_id == made["public_id"])).one()
        row.expires_on = TODAY - timedelta(days=1)
    assert works(client, key) == 401


def test_old_keys_stay_dead_when_a_member_returns(client, world: World):
    headers = world.key("administrator")
    waiting = _link(world, issued(client, world))
    old = {"used": world.secrets["caseworker"], "claimed": claimed(client, _link(world, issued(client, world)))}
    member = world.actors["caseworker"].membership_id
    client.post(f"/api/v1/members/{member}/end", headers=headers)
    body = {
        "user_id": str(world.actors["caseworker"].user_id),
        "organisation_id": str(world.organisations["partner"]),
        "role": "caseworker",
    }
    back = client.post("/api/v1/members", headers=headers, json=body).json()
    assert (back["id"], back["ended_at"]) == (str(member), None)  # the same membership, renewed
    assert {name: works(client, key) for name, key in old.items()} == {"used": 401, "claimed": 401}
    assert client.post(waiting, headers=JSON).status_code == 410
    assert works(client, claimed(client, _link(world, issued(client, world)))) == 200


# Keys are limited.


def test_a_limited_key_opens_its_permissions_and_no_others(client, world: World):
    """Every operation that the role may use, with a read-only key and with keys of single permissions."""
    held = PERMISSIONS_OF[Role.CASEWORKER]
    operations = [
        (method.upper(), re.sub(r"{\w+}", str(uuid4()), path), Permission(operation["x-permission"]))
        for path, methods in client.app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]
    looked_at = 0
    for limit in ({"read_only": True}, {"scopes": ["jobseeker:read"]}, {"scopes": ["claim:make", "spell:read"]}):
        made = issued(client, world, **limit)
        expected = held & READ_ONLY if "read_only" in limit else {Permission(name) for name in limit["scopes"]}
        assert set(made["scopes"]) == expected
        headers = {"Authorization": f"Bearer {claimed(client, _link(world, made))}"}
        for method, path, permission in operations:
            if permission not in held:
                continue
            answer = client.request(method, path, headers=headers, json={})
            is_shut_out = answer.status_code == 403 and answer.json()["type"] == "/problems/key-may-not"
            assert is_shut_out is (permission not in expected), (limit, method, path, answer.text)
            looked_at += 1
    assert looked_at > 250


def test_a_key_is_not_limited_to_more_than_its_role(client, world: World):
    for limit in (
        {"scopes": ["claim:confirm"]},
        {"scopes": ["claim:make"], "read_only": True},
        {"scopes": ["jobseeker:read", "jobseeker:merge"]},
    ):
        refused = issued(client, world, expect=409, **limit)
        assert refused["errors"][0]["pointer"] == "/scopes"
    for wrong in ([], ["everything"]):
        issued(client, world, expect=422, scopes=wrong)


# Nobody grants themselves a role that sees people.


def test_the_roles_that_see_people_are_all_that_hold_more_than_an_administrator():
    """A role added later is among them unless it reads no records."""
    opens = {
        Permission.JOBSEEKER_READ,
        Permission.REFERRAL_READ,
        Permission.CLAIM_READ,
        Permission.INTRODUCTION_READ,
        Permission.ACCESS_LOG_READ,
    }
    assert {role for role, held in PERMISSIONS_OF.items() if held & opens} == ROLES_THAT_SEE_PEOPLE


@pytest.mark.parametrize("organisation", ["partner", "enterprise", "fund", "council", "job_centre"])
def test_nobody_gives_themselves_a_role_that_sees_people(client, world: World, organisation: str):
    """Each role of each kind of organisation: oneself, a second user with one's mailbox, and the operator."""
    kind = {
        "partner": OrganisationKind.VOLUNTARY_SECTOR_PARTNER,
        "enterprise": OrganisationKind.SOCIAL_ENTERPRISE,
        "fund": OrganisationKind.COMMISSIONER,
        "council": OrganisationKind.LOCAL_AUTHORITY,
        "job_centre": OrganisationKind.JOB_CENTRE,
    }[organisation]
    join(world, "ada", organisation, Role.ADMINISTRATOR)
    join(world, "bea", organisation, Role.ADMINISTRATOR)
    join(world, "ada_again", organisation, Role.ADMINISTRATOR, email="Ada+2@example.org")
    tried = 0
    for role in sorted(ROLES_IN[kind] | {Role.AUDITOR}):
        for by, whom in (
            ("ada", "ada"),
            ("ada", "ada_again"),
            ("ada_again", "ada"),
            ("operator", "operator"),
        ):
            body = {
                "user_id": str(world.actors[whom].user_id),
                "organisation_id": str(world.organisations[organisation]),
                "role": role,
            }
            answer = client.post("/api/v1/members", headers=world.key(by), json=body)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/own-role"), (by, whom, role)
            assert "another administrator" in answer.json()["detail"]
            tried += 1
        body["user_id"] = str(world.actors["ada"].user_id)
        assert client.post("/api/v1/members", headers=world.key("bea"), json=body).status_code == 201, role
    assert tried >= 8


def test_a_role_of_ones_own_that_ended_is_not_taken_back_by_oneself(client, world: World):
    join(world, "ada", "partner", Role.ADMINISTRATOR)
    mine = join(world, "ada_at_work", "partner", Role.CASEWORKER, email="ada@example.org")
    assert client.post(f"/api/v1/members/{mine.membership_id}/end", headers=world.key("ada")).status_code == 200
    body = {"user_id": str(mine.user_id), "organisation_id": str(mine.organisation_id), "role": "caseworker"}
    assert client.post("/api/v1/members", headers=world.key("ada"), json=body).status_code == 403
    assert client.post("/api/v1/members", headers=world.key("administrator"), json=body).status_code == 201


def test_the_only_administrator_of_an_organisation_is_given_a_role_on_the_command_line(world: World):
    """Also refused on the command line if one acts as oneself there."""
    ada = join(world, "ada", "enterprise", Role.ADMINISTRATOR)
    new = NewMember(user_id=ada.user_id, organisation_id=ada.organisation_id, role=Role.PLACEMENT_LISTER)
    herself = ada.then(source=Source.COMMAND_LINE)
    with pytest.raises(NotPermitted), world.database.writing(herself) as session:
        organisation_actions.add_member(session, herself, new)
    with world.database.writing(world.operator) as session:
        made = organisation_actions.add_member(session, world.operator, new)
        made_id = made.id
    with world.database.reading() as session:
        (audited,) = session.scalars(select(AuditRow).where(AuditRow.subject_id == made_id))
    assert (audited.by, audited.source) == (world.operator.user_id, Source.COMMAND_LINE)


NAMES = st.from_regex(r"[a-z][a-z.]{0,10}[a-z]", fullmatch=True)


@given(name=NAMES, tag=st.from_regex(r"[a-z0-9+.]{0,8}", fullmatch=True), upper=st.booleans())
def test_an_address_with_a_tag_or_in_capitals_leads_to_the_same_mailbox(name: str, tag: str, upper: bool):
    written = f"{name}+{tag}@example.org"
    assert mailbox(written.upper() if upper else written) == mailbox(f"{name}@example.org") == f"{name}@example.org"
    assert mailbox(f"{name}@gmail.com") == mailbox(f"{name.replace('.', '')}+{tag}@googlemail.com")
    assert mailbox(f"x{name}@example.org") != mailbox(f"{name}@example.org")


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("ada@example.org", "ada+1@example.org", True),
        ("a.d.a@gmail.com", "ada@googlemail.com", True),
        ("a_a@example.org", "axa@example.org", False),  # the underscore is no wildcard
        ("a%@example.org", "abc@example.org", False),
        ("ada@example.org", "ada@example.com", False),
        ("ada@example.org", "adam@example.org", False),
    ],
)
def test_users_with_one_mailbox_are_one_person(world: World, first: str, second: str, is_one: bool):
    with world.database.writing(world.operator) as session:
        users = [
            organisation_actions.make_user(session, world.operator, NewUser(name="A", email=email)).id
            for email in (first, second)
        ]
        for user_id in users:
            assert queries.same_person(session, user_id) == (set(users) if is_one else {user_id})


# A request that does further steps asks the permission of each.

FURTHER = [
    ("introductions", {"send": True}, "introduction:make", "introduction:move"),
    ("enrolments", {"accept": True}, "enrolment:make", "referral:accept"),
    ("enrolments", {"caseworker_id": str(uuid4())}, "enrolment:make", "enrolment:assign"),
]


def limited(client, world: World, who: str, *scopes: str) -> dict[str, str]:
    """Return the headers of a key of a member that is limited to some permissions."""
    operator = world.operator.then(at=datetime.now(UTC))
    with world.database.writing(operator) as session:
        new = NewKey(membership_id=world.actors[who].membership_id, scopes=list(scopes))
        return {"Authorization": f"Bearer {organisation_actions.make_key(session, operator, new)[1]}"}


@pytest.mark.parametrize(("path", "body", "own", "further"), FURTHER)
def test_a_narrow_key_does_no_further_step_in_the_same_request(client, world: World, path, body, own, further):
    ids = {"jobseeker_id": str(uuid4()), "placement_id": str(uuid4())}
    if path == "enrolments":
        ids = {"referral_id": str(uuid4()), "programme_id": str(uuid4()), "started_on": str(TODAY)}
    for scopes, more, expected in (([own], body, 403), ([own], {}, 404), ([own, further], body, 404)):
        answer = client.post(f"/api/v1/{path}", headers=limited(client, world, "caseworker", *scopes), json=ids | more)
        assert (answer.status_code == 403) is (expected == 403), answer.text
        if expected == 403:
            assert (answer.json()["type"], further in answer.json()["detail"]) == ("/problems/key-may-not", True)


def test_a_narrow_key_neither_starts_work_nor_resumes_an_enrolment_on_the_way(client, world: World):
    key = limited(client, world, "caseworker", "introduction:move", "jobseeker:close")
    start = client.post(f"/api/v1/introductions/{uuid4()}/start", headers=key, json={"started_on": str(TODAY)})
    assert (start.status_code, "spell:record" in start.json()["detail"]) == (403, True)
    body = {"reason": "She asked for it.", "resume_enrolment": True}
    reopened = client.post(f"/api/v1/jobseekers/{uuid4()}/reopen", headers=key, json=body)
    assert (reopened.status_code, "enrolment:end" in reopened.json()["detail"]) == (403, True)
    lister = limited(client, world, "lister", "introduction:move")  # its role records no spells: the start does
    body = {"started_on": str(TODAY)}
    assert client.post(f"/api/v1/introductions/{uuid4()}/start", headers=lister, json=body).status_code == 404


@pytest.mark.parametrize(
    ("who", "kind", "line"),
    [
        ("lister", "placement", "placement_ref,title,kind,postcode\np1,Cafe helper,VOLUNTEERING,N1 1AA"),
        ("referrer", "referral", "referral_ref,referred_on,given_name,family_name\nr1,2026-09-01,Wei,Zhang"),
    ],
)
def test_a_file_does_nothing_that_its_key_could_not_do_record_by_record(client, world: World, who, kind, line):
    file = {"file": ("file.csv", line, "text/csv")}
    path = f"/api/v1/{kind}s/imports?dry_run="
    partner = f"&partner_id={world.organisations['partner']}" if kind == "referral" else ""
    every = [f"{kind}:import", f"{kind}:make", f"{kind}:change"]
    narrow = [limited(client, world, who, *scopes) for scopes in (every[:1], every[:2], [every[0], every[2]])]
    for key in narrow:
        assert client.post(f"{path}false{partner}", headers=key, files=file).status_code == 403
    looked = client.post(f"{path}true{partner}", headers=narrow[0], files=file)
    assert looked.status_code == 201, looked.text
    apply = f"/api/v1/{kind}s/imports/{looked.json()['id']}/apply"
    assert [client.post(apply, headers=key, json={}).status_code for key in narrow] == [403] * 3
    assert client.post(apply, headers=limited(client, world, who, *every), json={}).status_code == 200
