"""The monitoring summary is under the same disclosure control as a month's export."""

from tests.world import World


def record(client, world: World, number: int, **answers: str) -> None:
    person, _ = world.supported(ref=f"M{number}", given_name=f"Person {number}", nino=None, nhs_number=None)
    answer = client.post(f"/api/v1/jobseekers/{person}/monitoring", headers=world.key("caseworker"), json=answers)
    assert answer.status_code in {200, 201}, answer.text


def test_a_small_count_is_suppressed_with_another_one_and_the_rest_is_rounded(client, world: World):
    for number in range(20):
        sex = "female" if number < 12 else "male" if number < 18 else "prefer_not_to_say"
        record(client, world, number, sex=sex)
    items = client.get("/api/v1/monitoring-summary", headers=world.key("manager")).json()["items"]
    found = {(item["question"], item["answer"]): (item["value"], item["value_status"]) for item in items}
    assert found["sex", "prefer_not_to_say"] == (None, "[c]")
    suppressed = [answer for (question, answer), (value, _) in found.items() if question == "sex" and value is None]
    assert len(suppressed) == 2  # the small one alone could be inferred from the other questions' totals
    assert all(value is None or value % 5 == 0 for value, _ in found.values())
    assert found["religion", "not_asked"] == (20, "")
