"""The link by which a social enterprise confirms a placement from an e-mail, without signing in."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pathways.app import LINKS, NEEDED
from pathways.audit import AuditRow
from pathways.base import utc_now
from pathways.messages.sending import Sender
from pathways.placements.models import Placement, PlacementConfirmation, PlacementState
from tests.browsing import OWN, text_of
from tests.conftest import settings_for
from tests.pathways.test_daily import run
from tests.work import TODAY


@pytest.fixture
def link(world, database):
    """The path in the letter that asks to confirm a placement which must be confirmed by tomorrow."""
    world.list_placement(title="Cafe assistant", day=TODAY - timedelta(days=80))
    run(world, TODAY)
    letters = []
    later = utc_now() + timedelta(days=1)
    Sender(database, settings_for("sqlite://"), letters.append, lambda: later, LINKS, is_needed=NEEDED).send_due()
    (letter,) = [one for one in letters if one["To"] == "lister@example.org"]
    return re.search(r"http://127.0.0.1:8000(/reconfirm/[A-Za-z0-9_-]{43})", letter.get_content())[1]


def reconfirm_by(database):
    with database.reading() as session:
        return session.scalars(select(Placement)).one().reconfirm_by


def test_opening_the_link_confirms_nothing_and_one_post_confirms(client, database, link):
    before = reconfirm_by(database)
    for _ in range(3):  # a mail scanner opens every link
        page = client.get(link)
        assert "Cafe assistant" in text_of(page)
    assert reconfirm_by(database) == before
    assert "Thank you" in client.post(link, headers=OWN).text
    assert reconfirm_by(database) > before
    again = client.post(link, headers=OWN)
    assert again.status_code == 410
    assert "already confirmed" in again.text
    with database.reading() as session:
        assert len(session.scalars(select(PlacementConfirmation)).all()) == 2  # the first is of the listing itself


def test_the_confirmation_is_in_the_name_of_whoever_received_the_letter(client, database, world, link):
    client.post(link, headers=OWN)
    with database.reading() as session:
        made = session.scalars(select(PlacementConfirmation).order_by(PlacementConfirmation.id.desc())).first()
        assert made.by == world.actors["lister"].user_id
        rows = session.scalars(select(AuditRow).where(AuditRow.doing == "placement:confirm")).all()
        assert {row.by for row in rows} == {world.actors["lister"].user_id}


@pytest.mark.parametrize("change", ["paused", "member"])
def test_a_link_that_is_over_confirms_nothing(client, call, world, database, link, change):
    with database.writing(world.actors["operator"]) as session:
        if change == "paused":
            session.execute(update(Placement).values(state=PlacementState.PAUSED))
    if change == "member":
        member = world.actors["lister"].membership_id
        assert client.post(f"/api/v1/members/{member}/end", headers=world.key("operator")).status_code == 200
    before = reconfirm_by(database)
    for reply in (client.get(link), client.post(link, headers=OWN)):
        assert reply.status_code == 410
        assert "Cafe assistant" not in reply.text
    assert reconfirm_by(database) == before


def test_an_unknown_link_and_a_form_from_elsewhere_confirm_nothing(client, database, link):
    before = reconfirm_by(database)
    assert client.post("/reconfirm/nobody", headers=OWN).status_code == 410
    assert client.post(link, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert reconfirm_by(database) == before
