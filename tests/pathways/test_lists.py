"""Lists: filters, pages by cursor, and a number of queries that does not grow with the rows."""

from sqlalchemy import event

from tests.world import World


def test_filters_narrow_a_list(client, world: World):
    person, _ = world.supported()
    world.refer(given_name="Second", ref="B")
    caseworker = world.actors["caseworker"].membership_id
    counts = {
        query: len(client.get(f"/api/v1/jobseekers?{query}", headers=world.key("manager")).json()["items"])
        for query in (
            "",
            "state=open",
            "state=referred",
            f"caseworker={caseworker}",
            f"programme={world.programme_id}",
            "updated_since=2020-01-01T00:00:00Z",
            "updated_since=2099-01-01T00:00:00Z",
        )
    }
    assert list(counts.values()) == [2, 1, 1, 1, 1, 2, 0]
    for resource in ("enrolments", "introductions", "spells", "evidence", "outcomes"):
        answer = client.get(f"/api/v1/{resource}?jobseeker={person}", headers=world.key("manager"))
        assert answer.status_code == 200, resource


def test_pages_follow_one_another_without_loss_or_repeat(client, world: World):
    for number in range(7):
        world.refer(ref=f"R{number}")
    seen, after = [], ""
    for _ in range(4):
        page = client.get(f"/api/v1/referrals?limit=2{after}", headers=world.key("manager")).json()
        seen += [item["ref"] for item in page["items"]]
        after = f"&after={page['next']}"
    assert (seen, page["next"]) == ([f"R{number}" for number in range(7)], None)


def test_an_unknown_cursor_shows_nothing_and_breaks_nothing(client, world: World):
    world.refer()
    answer = client.get("/api/v1/referrals?after=zzzzzzzzzzzzzzzzzzzzzg", headers=world.key("manager"))
    assert (answer.status_code, answer.json()["items"]) == (200, [])


def test_a_caseload_takes_as_many_queries_for_twenty_as_for_two(client, world: World, database):
    def queries_for(path: str) -> int:
        told: list[str] = []

        def note(_c, _cur, statement, *_):
            told.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        assert client.get(path, headers=world.key("manager")).status_code == 200
        event.remove(database.engine, "before_cursor_execute", note)
        return len([one for one in told if one.startswith("SELECT")])

    for number in range(2):
        world.refer(ref=f"A{number}")
        world.list_placement()
    few = {path: queries_for(path) for path in ("/api/v1/jobseekers", "/api/v1/referrals", "/api/v1/placements")}
    for number in range(18):
        world.refer(ref=f"B{number}")
        world.list_placement()
    assert {path: queries_for(path) for path in few} == few
