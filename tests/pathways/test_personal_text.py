"""Personal data in the free text of a listing: found, refused at publication, and never in the public feed."""

import pytest
from sqlalchemy import update

from pathways.placements.models import Placement
from pathways.reference.personal_text import kinds, without
from tests.pathways.test_possible import draft, publish
from tests.world import World

pytestmark = pytest.mark.any_database

PERSONAL = [
    "NI number QQ123456C",
    "ni QQ 12 34 56 C",
    "qq-12-34-56-c",
    "QQ.12.34.56.C please",
    "NHS number 999 123 4567",
    "nhs no: 9991234560",
    "her NHS is 943 476 5919",
    "Ring 07700 900123",
    "tel 07700900123",
    "+44 7700 900 123",
    "0044 (0)7700 900123",
    "07700-900-123",
    "(01632) 960 001",
    "01632 960001 after six",
    "call 0 7 7 0 0 9 0 0 1 2 3",
    "write to sam.smith@example.org",
    "sam [at] example [dot] org",
    "sam(at)gmail.com",
    "jobs@gmail.com",
    "Sam@Example.Org",
    "her address is 12 Acacia Road",
    "Sam lives at 4 Mill Lane, Leeds",
    "c/o 7b Station Road",
    "my home: 22 High Street",
    "Flat 3, 12 Acacia Avenue",
    "born 12/03/1984",
    "DOB: 3 March 1984",
    "date of birth 12.3.84",
    "sort code 12-34-56",
    "12-34-56 12345678",
]
ORDINARY = [
    "Meet at 12 High Street, Leeds LS1 4AP.",
    "Apply to jobs@cafe.example or info@cafe.example.",
    "Ring freephone 0800 123 4567 or 0303 123 1111.",
    "Pay 12.71 an hour, 37.5 hours, 260 days, 52 weeks.",
    "Company number 01234567, charity 1234567.",
    "Open 9.00-17.00, Monday to Friday, 01/02/2027 to 31/03/2027.",
    "Order 1234567890123 items; lot QX12.",
    "A budget of \u00a31,234,567,890.",
    "The shop at 4 Mill Lane has a lift.",
    "ISO 9001 and BS 5839 apply.",
    "Founded 1984; born to cook.",
    "Lift 10 kg, 5 times an hour.",
    "Grid reference SE 299 334 5.",
]


@pytest.mark.parametrize("text", PERSONAL)
def test_personal_data_is_found_and_taken_out(text):
    assert kinds(text)
    assert kinds(without(text)) == []
    assert "[removed: " in without(text)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_is_left_as_it_is(text):
    assert kinds(text) == []
    assert without(text) == text


def test_an_address_that_the_organisation_publishes_is_no_personal_data():
    assert kinds("write to sam@cafe.example", own=["Sam@cafe.example"]) == []


@pytest.mark.parametrize("field", ["title", "description", "support_offered", "essential_skills", "ring_fenced_for"])
def test_a_listing_with_personal_data_is_not_published_and_the_reason_does_not_repeat_it(client, world: World, field):
    said = "Ask Sam, QQ123456C, on 07700 900123"
    made = draft(client, world, **{field: [said] if field in {"support_offered", "essential_skills"} else said})
    assert sum("has a" in reason and field in reason for reason in made["kept_in_draft_because"]) == 2
    answer = publish(client, world, made)
    assert answer.status_code == 409
    assert "QQ123456C" not in answer.text
    assert "07700" not in answer.text


def test_the_feed_leaves_personal_data_out_of_a_listing_that_was_published_before(client, world: World):
    made = draft(client, world, title="Packer", description="A shop.")
    assert publish(client, world, made).status_code == 200
    with world.database.writing(world.operator) as session:
        session.execute(
            update(Placement).values(description="Ring Sam on 07700 900123.", version=Placement.version + 1)
        )
    listed = client.get("/open-referral-uk/services?per_page=100").json()["contents"]
    (text,) = [one["description"] for one in listed if one["id"] == made["id"]]
    assert text == "Ring Sam on [removed: a telephone number]."
