"""The pages on which a spreadsheet is uploaded, put right row by row, and saved."""

import re

import pytest
from sqlalchemy import func, select

from pathways.placements.models import Placement
from pathways.referrals.models import Referral
from tests.browsing import text_of

HEADER = "given_name,family_name,date_of_birth,postcode,referred_on\n"
GOOD = "Ana,Silva,1999-02-01,NW9 5QN,2026-11-02\nBen,Okoro,2000-03-04,NW9 5QN,2026-11-03\n"
BAD = "Cem,Yilmaz,99/99/1999,NW9 5QN,2026-31-31\n"


def upload(browser, world, content, kind="referrals", **fields):
    if kind == "referrals" and "partner_id" not in fields:
        fields["partner_id"] = str(world.organisations["partner"])
    return browser.post(f"/imports/{kind}/imports", fields, files={"file": ("list.csv", content.encode())})


def run_of(page):
    return re.search(r'action="(/imports/\w+/[0-9a-f-]{36})/apply"', page.text)[1]


def test_a_list_is_checked_before_anything_is_saved_and_rows_are_put_right(browse, world):
    browser = browse("referrer")
    page = upload(browser, world, HEADER + GOOD + BAD)
    assert "Your file has 3 people; 1 row needs you" in text_of(page)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Referral)) == 0
    row = re.search(r'action="(/imports/referrals/[^"]+/rows/[^"]+)"', page.text)[1]
    fields = re.findall(r'name="(cell\.\w+)"', page.text)
    assert fields
    page = browser.post(row, {name: {"cell.referred_on": "2026-11-04"}.get(name, "1999-05-06") for name in fields})
    assert "Your file has 3 people" in text_of(page)
    page = browser.post(f"{run_of(page)}/apply")
    assert "are saved" in text_of(page)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Referral)) == 3


def test_a_row_is_left_out_and_an_upload_discarded(browse, world):
    browser = browse("referrer")
    page = upload(browser, world, HEADER + GOOD + BAD)
    row = re.search(r'action="(/imports/referrals/[^"]+/rows/[^"]+)"', page.text)[1]
    page = browser.post(row, {"do": "skip"})
    assert "Your file has 2 people" in text_of(page)
    assert "discarded" in text_of(browser.post(f"{run_of(page)}/discard"))
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Referral)) == 0


@pytest.mark.parametrize(
    ("content", "fields", "fault"),
    [("", {}, "Choose a file"), (HEADER + GOOD, {"partner_id": "x"}, "Choose a partner"), ("\x00\x01", {}, "problem")],
)
def test_a_file_that_cannot_be_read_is_asked_for_again(browse, world, content, fields, fault):
    page = upload(browse("referrer"), world, content, **fields)
    assert page.status_code == 422
    assert fault in text_of(page)


def test_a_social_enterprise_uploads_its_placements_and_nobody_elses_list(browse, world):
    browser = browse("lister")
    content = "title,kind,pay_per_hour_pounds\nGardener,Paid job,13.50\n"
    page = upload(browser, world, content, kind="placements")
    assert "Your file has 1 placement" in text_of(page)
    browser.post(f"{run_of(page)}/apply")
    with world.database.reading() as session:
        assert session.scalars(select(Placement.title)).one() == "Gardener"
    assert browser.get("/imports/referrals").status_code == 403
    assert browse("other_lister").get(run_of(page)).status_code == 404
    assert browser.get("/imports/nothing").status_code == 404


def test_the_template_and_the_results_are_workbooks(browse, world):
    browser = browse("referrer")
    assert browser.get("/imports/referrals/template").content[:2] == b"PK"
    page = upload(browser, world, HEADER + GOOD)
    assert browser.get(f"{run_of(page)}/result").content[:2] == b"PK"
