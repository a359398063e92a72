"""Record a jobseeker in work, with hours and evidence, over the API."""

from datetime import date, timedelta
from typing import Any

from pathways.base import hours_into_local_day, utc_now
from tests.world import World

TODAY = date.today()


def hours_so_far(most: int) -> float:
    """Return ``most``, or fewer hours if fewer have passed today: of today, no hours can be recorded ahead."""
    return min(most, int(hours_into_local_day(utc_now()) * 100) / 100)


def working(client, world: World, weeks: int = 14, **person: Any) -> tuple[str, str]:
    """Record a jobseeker in work with hours for ``weeks`` weeks, and return the ids of the enrolment and the spell."""
    start = TODAY - timedelta(weeks=weeks + 1)
    _, enrolment = world.supported(day=start - timedelta(days=3), referred_on=start - timedelta(days=9), **person)
    body = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe", "started_on": start.isoformat()}
    made = client.post("/api/v1/spells", headers=world.key("caseworker"), json=body)
    assert made.status_code == 201, made.text
    for week in range(weeks):
        hours = {"week_from": (start + timedelta(weeks=week)).isoformat(), "hours": 10}
        client.post(f"/api/v1/spells/{made.json()['id']}/hours", headers=world.key("caseworker"), json=hours)
    return str(enrolment), made.json()["id"]


def evidence(
    client, world: World, spell_id: str, first: date, last: date, *, is_checked: bool = True, **about: Any
) -> str:
    """Record an item of evidence as the caseworker and, if ``is_checked``, accept it as the manager. Return its id."""
    body = {
        "spell_id": spell_id,
        "kind": "payslip",
        "covers_from": first.isoformat(),
        "covers_to": last.isoformat(),
        "received_on": TODAY.isoformat(),
        "obtained_how": "copies",
        **about,
    }
    item = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=body).json()["id"]
    if is_checked:
        client.post(f"/api/v1/evidence/{item}/check", headers=world.key("manager"), json={"is_accepted": True})
    return item
