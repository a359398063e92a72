"""A person is found by any part of any name, as people hear and spell it, and by numbers; and by who may see them."""

import itertools
import random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from pathways.app import HOLDINGS
from pathways.jobseekers import name_index
from pathways.jobseekers.models import NameKind, NameWord
from tests.pathways.test_matching import post
from tests.world import World

pytestmark = pytest.mark.any_database

# Given and family names of many kinds, and a stranger whose name is like none of them.
NAMES = [
    ("Anne-Marie", "Smith-Jones"),
    ("Siobhán", "O'Brien"),
    ("Catherine", "MacDonald"),
    ("Muhammad", "al-Hassan"),
    ("Stephen", "van der Berg"),
    ("María José", "García de la Cruz"),
    ("Ayesha", "Begum Chowdhury"),
    ("Łukasz", "Wiśniewski"),
    ("D\u2019Angelo", "St. John"),
    ("Nguyễn Thị", "Phương"),
    ("Suharto", None),
]
STRANGER = {"given_name": "Xq", "family_name": "Zzyx"}
SMALL = {"de", "la", "van", "der", "al", "o", "st", "d"}


def record(client, world: World, given: str | None, family: str | None, by: str = "caseworker", **more: Any) -> str:
    return post(client, world, "/jobseekers", {"given_name": given, "family_name": family, **more}, by=by)["id"]


def search(client, world: World, by: str = "caseworker", query: str = "", **wanted: Any) -> list[dict[str, Any]]:
    answer = client.post(f"/api/v1/jobseekers/search{query}", json=wanted, headers=world.key(by))
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def found(client, world: World, text: str, **more: Any) -> list[str]:
    return [hit["jobseeker_id"] for hit in search(client, world, text=text, **more)]


def plainly(text: str) -> str:
    letters = str.maketrans("áéíñễịươŁłśş", "aeineiuoLlss")
    return text.translate(letters).replace("ố", "o")


def words_of(name: tuple[str | None, str | None]) -> list[str]:
    return [word for part in name if part for word in part.replace("-", " ").replace(".", "").split()]


@pytest.fixture
def people(client, world: World) -> dict[tuple[str | None, str | None], str]:
    record(client, world, given=STRANGER["given_name"], family=STRANGER["family_name"])
    return {name: record(client, world, *name) for name in NAMES}


@pytest.mark.long_test("sqlite")
def test_any_part_in_any_order_with_or_without_hyphens_accents_apostrophes_and_capitals(client, world, people):
    drawn, missed = random.Random(3), []
    for name, person in people.items():
        words = words_of(name)
        texts = {word for word in words if word.lower() not in SMALL}
        texts |= {" ".join(drawn.sample(words, len(words))) for _ in range(3)}
        texts |= {" ".join(part for part in name[::-1] if part)}
        texts |= {part.replace("-", "") for part in name if part} | {part.replace("-", " ") for part in name if part}
        texts |= {part.replace("'", " ").replace("\u2019", " ") for part in name if part}
        texts |= {part.replace("'", "\u2019").replace("\u2019", "") for part in name if part}
        texts |= {text.upper() for text in texts} | {text.lower() for text in texts} | {plainly(text) for text in texts}
        texts |= {word[: max(3, len(word) - 2)] for word in words if len(word) > 4}
        missed += [(text, name) for text in sorted(texts) if person not in found(client, world, text)]
    assert missed == []


def test_every_name_typed_with_one_error_is_found(client, world: World, people):
    drawn, missed = random.Random(5), []
    for name, person in people.items():
        for word in words_of(name):
            letters = plainly(word).lower()
            if len(letters) < 5:
                continue
            n = drawn.randrange(1, len(letters) - 1)
            errors = {
                letters[:n] + letters[n + 1 :],
                letters[:n] + "q" + letters[n:],
                letters[:n] + "q" + letters[n + 1 :],
                letters[:n] + letters[n + 1] + letters[n] + letters[n + 2 :],
            }
            missed += [(error, name) for error in sorted(errors) if person not in found(client, world, error)]
    assert missed == []


ALIKE = [
    ("Stephen", "Steven"),
    ("Mohammed", "Muhamad"),
    ("Catherine", "Kathryn"),
    ("Ayesha", "Aisha"),
    ("Elizabeth", "Liz"),
    ("William", "Bill"),
    ("Siobhan", "Shivaun"),
    ("Sean", "Shaun"),
    ("Geoffrey", "Jeffrey"),
    ("Hussain", "Hussein"),
    ("Chaudhry", "Chowdhury"),
    ("MacDonald", "McDonald"),
    ("Callaghan", "Callahan"),
    ("Philip", "Filip"),
    ("Alhassan", "Hassan"),
    ("Clark", "Clarke"),
    ("Johnson", "Jonson"),
    ("Nowak", "Novak"),
    ("محمد", "Mohamed"),
]


@pytest.mark.parametrize(("first", "second"), [*ALIKE, *((b, a) for a, b in ALIKE)])
def test_names_that_people_hear_or_shorten_alike_find_each_other(client, world: World, first: str, second: str):
    record(client, world, given=STRANGER["given_name"], family=STRANGER["family_name"])
    person = record(client, world, first, "Quill")
    assert found(client, world, second) == [person]
    (hit,) = search(client, world, name=f"Quill {second}")
    assert hit["jobseeker_id"] == person
    assert "Family name: the same." in hit["reasons"]
    assert any(reason.startswith("Given name: ") for reason in hit["reasons"])


def test_the_best_match_is_first_and_says_why(client, world: World):
    sound = record(client, world, "Jane", "Smyth")
    beginning = record(client, world, "Jane", "Smithson")
    same = record(client, world, "Jane", "Smith")
    half = record(client, world, "Peter", "Smith")
    hits = search(client, world, name="Smith Jane")
    assert [hit["jobseeker_id"] for hit in hits] == [same, beginning, sound]
    assert [hit["likeness"] for hit in hits] == sorted((hit["likeness"] for hit in hits), reverse=True)
    assert hits[2]["reasons"] == ["Family name: sounds alike.", "Given name: the same."]
    assert {hit["jobseeker_id"] for hit in search(client, world, name="Smith")} == {sound, beginning, same, half}


NUMBERS = {
    "nino": ("QQ224466C", ["qq 22 44 66 c", "QQ224466C"]),
    "nhs_number": ("9990770476", ["999 077 0476", "9990770476"]),
    "phone": ("07700 900123", ["+44 7700 900123", "07700900123", "(07700) 900-123"]),
    "email": ("amina.begum@example.org", ["AMINA.BEGUM@example.org"]),
}


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_or_address_finds_its_person_in_its_own_field_and_in_the_one_field(client, world, field: str):
    value, written = NUMBERS[field]
    person = record(client, world, "Amina", "Begum", **{field: value})
    record(client, world, "Zebedee", "Quill")
    for text in written:
        for wanted in ({field: text}, {"text": text}, {"name": text}, {"text": f"Featherstone {text}"}):
            (hit,) = search(client, world, **wanted)
            assert (hit["jobseeker_id"], hit["likeness"] >= 0.9, field in hit["agrees_on"]) == (person, True, True)


def test_reference_birthday_and_postcode_are_recognised_in_one_field(client, world: World):
    made = post(
        client,
        world,
        "/jobseekers",
        {"given_name": "Amina", "family_name": "Begum", "date_of_birth": "2002-05-26", "postcode": "NW9 5QN"},
    )
    record(client, world, "Zebedee", "Quill")
    code = made["reference"]
    slips = [code[:3] + ("A" if code[3] != "A" else "B") + code[4:], code[:-1], code[:4] + code[5] + code[4] + code[6:]]
    for text in [
        code,
        code.lower(),
        "26/05/2002",
        "26 May 2002",
        "2002-05-26",
        "nw9 5qn",
        "NW95QN",
        "begum 26.05.2002",
    ]:
        assert found(client, world, text) == [made["id"]], text
    for reference in slips:
        assert [hit["jobseeker_id"] for hit in search(client, world, reference=reference)] == [made["id"]]
    assert search(client, world, name="Begum", date_of_birth="1971-01-02") == []


def test_an_earlier_name_and_a_known_as_name_are_found_and_named_as_such(client, world: World):
    made = post(
        client, world, "/jobseekers", {"given_name": "Aminah", "family_name": "Featherstone", "known_as": "Mimi"}
    )
    headers = world.key("caseworker") | {"If-Match": f'"{made["version"]}"'}
    client.patch(f"/api/v1/jobseekers/{made['id']}", json={"family_name": "Okonkwo"}, headers=headers)
    assert search(client, world, name="Okonkwo")[0]["reasons"] == ["Family name: the same."]
    assert search(client, world, name="Mimi")[0]["reasons"] == ["Known-as name: the same."]
    (hit,) = search(client, world, name="Fetherstone")
    assert hit["reasons"] == ["Earlier name: sounds alike."]
    assert hit["family_name"] == "Okonkwo"


def test_a_merged_record_leads_to_the_one_that_was_kept_and_back_after_the_undo(client, world: World):
    kept = record(client, world, "Zebedee", "Quill")
    other = record(client, world, "Amina", "Featherstone", phone="07700 900123")
    made = post(client, world, f"/jobseekers/{kept}/merge", {"other_id": other, "reason": "One."}, by="manager")
    for by in ("caseworker", "manager"):
        for text in ("Featherstone", "07700 900123"):
            assert found(client, world, text, by=by) == [kept]
    path = f"/jobseekers/{kept}/merges/{made['id']}/undo"
    post(client, world, path, {"reason": "Two."}, by="manager", expect=200)
    assert found(client, world, "Featherstone") == [other]


def test_who_may_not_see_a_person_does_not_find_them(client, world: World):
    details = {"nino": "QQ224466C", "phone": "07700 900123", "is_restricted": True}
    person = record(client, world, "Amina", "Begum", by="manager", **details)
    for text in ("Begum", "QQ224466C", "07700 900123"):
        assert found(client, world, text, by="caseworker") == []
        assert found(client, world, text, by="other_manager") == []
        assert found(client, world, text, by="manager") == [person]


def test_pages_hold_everyone_once(client, world: World):
    people = {record(client, world, "Amina", f"Begum-{word}") for word in ("Ali", "Bo", "Cy", "Di", "Ed", "Fay", "Gus")}
    pages, after = [], ""
    while True:
        path = f"/api/v1/jobseekers/search?limit=3{after}"
        answer = client.post(path, json={"name": "Begum"}, headers=world.key("caseworker")).json()
        pages.append([hit["jobseeker_id"] for hit in answer["items"]])
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert [len(page) for page in pages] == [3, 3, 1]
    assert set(itertools.chain(*pages)) == people


def test_common_words_together_find_who_has_both(client, world: World, monkeypatch):
    from pathways.jobseekers import search as searching

    monkeypatch.setattr(searching, "MOST_OF_A_WORD", 3)
    both = record(client, world, "Amina", "Begum")
    for n in range(5):
        record(client, world, "Amina", f"Q{n}")
        record(client, world, f"X{n}", "Begum")
    assert found(client, world, "begum amina") == [both]


def words(database) -> list[tuple[UUID, str, NameKind]]:
    with database.reading() as session:
        rows = session.execute(select(NameWord.jobseeker_id, NameWord.word, NameWord.kind)).all()
    return sorted((row[0], row[1], row[2]) for row in rows)


def test_words_that_are_missing_are_made_again_with_the_earlier_ones_and_go_with_the_person(client, world, database):
    made = post(client, world, "/jobseekers", {"given_name": "Anne-Marie", "family_name": "Featherstone"})
    headers = world.key("caseworker") | {"If-Match": f'"{made["version"]}"'}
    client.patch(f"/api/v1/jobseekers/{made['id']}", json={"family_name": "Quill"}, headers=headers)
    before = words(database)
    assert {(word, kind.value) for _, word, kind in before} == {
        ("anne", "given"), ("marie", "given"), ("annemarie", "given"), ("quill", "family"), ("featherstone", "earlier"),
    }  # fmt: skip
    with database.writing(None) as session:
        session.execute(delete(NameWord))
    assert name_index.fill(database) == 1
    assert name_index.fill(database) == 0
    assert words(database) == before
    with database.writing(None) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, UUID(made["id"]))
    assert words(database) == []


@pytest.mark.parametrize("text", ["?", "'", "%", "_", "a" * 300, "x y z " * 50, "O", "李", "1", "--", "\\", "٠١٢"])
def test_a_search_of_any_text_is_answered(client, world: World, text: str):
    record(client, world, "Zebedee", "Quill")
    assert found(client, world, text) == []


def test_an_empty_search_is_refused(client, world: World):
    answer = client.post("/api/v1/jobseekers/search", json={}, headers=world.key("caseworker"))
    assert answer.status_code == 409


SHORT = [
    ("Katarzyna", "Kasia"),
    ("Oluwaseun", "Seun"),
    ("Adebayo", "Bayo"),
    ("Mohammed", "Mo"),
    ("Małgorzata", "Gosia"),
    ("Babatunde", "Tunde"),
    ("Olufemi", "Femi"),
    ("Chukwuemeka", "Emeka"),
    ("Abdirahman", "Abdi"),
    ("Gurpreet", "Preet"),
    ("Gheorghe", "Ghita"),
    ("Francisco", "Chico"),
    ("Tatiana", "Tanya"),
    ("Alexandra", "Sandra"),
    ("Krzysztof", "Krzysiek"),
    ("Rajinder", "Raj"),
    ("Khadija", "Khadi"),
    ("Zbigniew", "Zbyszek"),
    ("Ebubechukwu", "Ebube"),
    ("Elizabeth", "Beth"),
]
MISHEARD = [
    (("Katherine", "Wojcik"), "Catherine Voychik"),
    (("Katherine", "Wójcik-Smith"), "Catherine Wojcik"),
    (("Iseult", "Byrne"), "Isolde Byrne"),
    (("Agnieszka", "Szczęsny"), "Agnieszka Shchensny"),
    (("Oluwadamilola", "Bamgboye"), "Dammy Bamgboye"),
    (("Thandiwe", "Nkosi"), "Tandy Nkosi"),
    (("Xiaoling", "Ouyang"), "Shaoling Ouyang"),
]


@pytest.mark.parametrize(("first", "second"), [*SHORT, *((b, a) for a, b in SHORT)])
def test_short_forms_of_many_communities_find_each_other(client, world: World, first: str, second: str):
    record(client, world, given=STRANGER["given_name"], family=STRANGER["family_name"])
    person = record(client, world, first, "Quill")
    same = record(client, world, second, "Quill")
    for text in (second, f"{second} Quill"):
        assert found(client, world, text)[:2] == [same, person]


@pytest.mark.parametrize(("name", "heard_as"), MISHEARD)
def test_one_part_that_was_misheard_gives_no_empty_page(client, world: World, name, heard_as: str):
    record(client, world, given=STRANGER["given_name"], family=STRANGER["family_name"])
    assert found(client, world, heard_as) == []
    person = record(client, world, *name)
    assert found(client, world, heard_as) == [person]


def test_where_nobody_has_all_of_a_name_those_with_a_part_are_listed_and_it_says_so(client, world: World):
    half = record(client, world, "Peter", "Smith")
    answer = client.post("/api/v1/jobseekers/search", json={"text": "Zuleika Smith"}, headers=world.key("caseworker"))
    body = answer.json()
    assert [hit["jobseeker_id"] for hit in body["items"]] == [half]
    assert body["items"][0]["likeness"] < 0.6
    assert "part of the name" in body["notes"][0]
    whole = record(client, world, "Zuleika", "Smith")
    answer = client.post("/api/v1/jobseekers/search", json={"text": "Zuleika Smith"}, headers=world.key("caseworker"))
    assert [hit["jobseeker_id"] for hit in answer.json()["items"]] == [whole]
    assert answer.json()["notes"] == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"text": "456C"},
        {"text": "NI ending 456C"},
        {"text": "07700 900"},
        {"text": "last four digits 0123"},
        {"nino": "456C"},
        {"nino": "QQ22"},
        {"phone": "07700 900"},
        {"nhs_number": "0476"},
        {"text": "Quill 456C"},
    ],
)
def test_a_part_of_a_number_is_not_looked_for_and_the_answer_says_so(client, world: World, wanted):
    person = record(client, world, "Amina", "Quill", nino="QQ123456C", phone="07700 900123", nhs_number="9990770476")
    answer = client.post("/api/v1/jobseekers/search", json=wanted, headers=world.key("caseworker")).json()
    assert "Part of a number cannot be looked for" in answer["notes"][0]
    assert [hit["jobseeker_id"] for hit in answer["items"]] == [person] * ("Quill" in str(wanted))
