"""Links of an e-mail: a GET decides nothing, a POST decides once, in the name of whoever it was made for."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pathways.app import LINKS
from pathways.audit import AuditRow
from pathways.introductions.models import DecisionLink, Introduction, IntroductionMove
from pathways.messages.sending import Sender
from tests.conftest import settings_for
from tests.world import World


@pytest.fixture
def link(client, world: World, database) -> str:
    """The path of the link that the lister's e-mail carries after somebody was put forward."""
    person, _ = world.supported()
    world.permit(person)
    placement = world.list_placement(title="Cafe <Assistant>")

    def call(path: str, **body: Any) -> Any:
        answer = client.post(f"/api/v1{path}", headers=world.key("caseworker"), json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    made = call("/introductions", jobseeker_id=str(person), placement_id=str(placement))
    call(f"/introductions/{made['id']}/agree")
    call(f"/introductions/{made['id']}/send")
    letters: list[Any] = []
    later = datetime.now(UTC) + timedelta(minutes=1)
    Sender(database, settings_for("sqlite://"), letters.append, lambda: later, LINKS).send_due()
    (letter,) = [one for one in letters if one["To"] == "lister@example.org"]
    found = re.search(r"http://127.0.0.1:8000(/decide/[A-Za-z0-9_-]{43})", letter.get_content())
    assert found, letter.get_content()
    return found.group(1)


def state_of(database) -> str:
    with database.reading() as session:
        return session.scalars(select(Introduction.state)).one().value


def test_opening_a_link_shows_what_is_asked_and_nothing_of_whom_and_decides_nothing(client, database, link: str):
    for _ in range(3):  # a mail scanner opens every link
        page = client.get(link)
        assert page.status_code == 200
    assert "Cafe &lt;Assistant&gt;" in page.text
    offered = re.findall(r'name="event" type="radio" value="(\w+)"', page.text)
    assert offered == ["invite", "offer", "decline"]  # a place is free
    for private in ("Amina", "Bhriain", "NW9", "cooking"):
        assert private not in page.text
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("same-origin", "no-store")
    assert state_of(database) == "sent"


def test_an_answer_counts_once_in_the_name_of_whoever_was_asked(client, world: World, database, link: str):
    done = client.post(link, data={"event": "decline", "why": "hours"})
    assert (done.status_code, "Thank you" in done.text) == (200, True)
    with database.reading() as session:
        move = session.scalars(select(IntroductionMove).where(IntroductionMove.event == "decline")).one()
        assert (move.by, move.why, move.said_by, move.source) == (
            world.actors["lister"].user_id,
            "hours",
            "social_enterprise",
            "page",
        )
    assert [client.get(link).status_code, client.post(link, data={"event": "offer"}).status_code] == [410, 410]
    assert state_of(database) == "declined"


@pytest.mark.parametrize("event", ["offer", "invite", "decline"])
def test_the_audit_says_from_which_address_an_answer_came(client, world: World, database, link: str, event: str):
    assert client.post(link, data={"event": event}).status_code == 200
    with database.reading() as session:
        rows = session.execute(select(AuditRow.address).where(AuditRow.doing == "introduction:decide")).scalars().all()
    assert set(rows) == {"testclient"}


def test_an_answer_of_another_site_or_without_a_choice_or_that_cannot_be_is_refused(client, database, link: str):
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example.org"}):
        assert client.post(link, data={"event": "offer"}, headers=headers).status_code == 403
    ours = client.post(link, headers={"origin": "http://127.0.0.1:8000"})  # the public address, behind a proxy
    assert ours.status_code == 422  # let in, and asked for an answer
    without = client.post(link)
    assert without.status_code == 422
    assert 'href="#event"' in without.text  # the error leads to the question, which is asked again
    assert "Error: " in without.text
    assert client.post(link, data={"event": "start"}).status_code == 422
    full = client.post(link, data={"event": "wait"})
    assert (full.status_code, "Offer the place instead" in full.text) == (409, True)
    assert state_of(database) == "sent"
    assert client.post(link, data={"event": "offer"}).status_code == 200


def test_a_link_ends_with_its_time_and_with_the_membership_and_is_kept_as_a_hash(
    client, world: World, database, link: str
):
    with database.writing(None) as session:
        row = session.scalars(select(DecisionLink)).one()
        assert link.rpartition("/")[2] not in row.token_hash
        kept, row.expires_at = row.expires_at, datetime.now(UTC)
    assert client.get(link).status_code == 410
    with database.writing(None) as session:
        session.scalars(select(DecisionLink)).one().expires_at = kept
    assert client.get(link).status_code == 200
    member = world.actors["lister"].membership_id
    client.post(f"/api/v1/members/{member}/end", headers=world.key("operator"))
    assert client.get(link).status_code == 410
    assert client.get("/decide/nobody").status_code == 410
