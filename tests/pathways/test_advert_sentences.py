"""Sentences of adverts that shut a group out, in any order of words, and sentences that only speak of the group."""

import itertools
from datetime import date

import pytest

from pathways.reference import tables, wording
from tests.pathways.test_files import send
from tests.pathways.test_possible import change, draft, listed, publish
from tests.world import World

pytestmark = pytest.mark.any_database

DAY = date(2026, 11, 30)
PEOPLE = {
    "disability": "disabled people|deaf applicants|anyone with a disability|people who have epilepsy|the blind|amputees"
    "|candidates with a mental health condition|wheelchair users|people with learning difficulties|autistic staff"
    "|people suffering from depression|someone with a bad back|visually impaired people|anyone on medication",
    "race": "Bengalis|black people|people of colour|Somalis|anyone of Nigerian origin|travellers|Eastern Europeans"
    "|foreign nationals|white applicants|Asian workers|people born abroad|asylum seekers|West Indian women",
    "age": "young people|older people|over 50s|under 25s|pensioners|school leavers|people aged 18 to 24|anyone over 40"
    "|students|the elderly|16-24s|teenagers|retired people|applicants under 30",
    "religion or belief": "Muslims|Catholics|Jewish people|religious people|Sikhs|anyone who is Hindu|atheists"
    "|practising Christians|believers|Buddhist applicants",
    "pregnancy, marriage or family": "pregnant women|mothers|people with children|single parents|married people"
    "|anyone planning a family|applicants with young children|parents|people with caring responsibilities",
    "sexual orientation or gender reassignment": "gay people|trans people|lesbians|bisexual applicants|homosexuals"
    "|transgender women|anyone who is gay|LGBT people",
}
SHUT_OUT = [
    *("{} need not apply", "Sorry, {} are not accepted", "{} will not be considered", "{} cannot do this job"),
    *("We do not employ {}", "We can't take on {}", "We will never hire {}", "No {} please", "Sorry: no {}"),
    *("{} only", "Only {} will be considered", "{} wanted", "{} preferred", "We prefer {}", "{} should not apply"),
    *(
        "This job is not suitable for {}",
        "{} are excluded",
        "Not open to {}",
        "We only employ {}",
        "{} are not welcome",
    ),
    *("{} won't be interviewed", "{} don't apply", "Everybody except {}", "{} will be rejected", "{} are not wanted"),
    *("Preferably {}", "We cannot consider {}", "Applications from {} are not wanted", "Unsuitable for {}"),
]
SPOKEN_OF = [
    *("{} are warmly welcome", "We support {} into work", "{} will not be turned away", "We work with {} every day"),
    *("The cafe is used by {}", "{} run the workshop", "No {} are refused", "Every week we meet {} in the hall"),
    *(
        "Not only {} come to us",
        "{} are not excluded",
        "{} do not need an appointment",
        "Our services are for {} and all",
    ),
]
MUST_BE = {
    "disability": "deaf|disabled|autistic",
    "race": "Bengali|of Somali origin|Polish|a New Zealander|locally born|white",
    "age": "young|under 25|retired|between 18 and 25|aged 18 to 24|a student",
    "religion or belief": "a practising Muslim|Christian|a Sikh|religious",
    "pregnancy, marriage or family": "married|unmarried|a parent",
    "sexual orientation or gender reassignment": "gay|cisgender",
    "sex": "male|a woman",
}
HAVE_NOT = {
    "disability": "a disability|any medical condition|epilepsy|any mental health problems|a hearing aid|back problems",
    "pregnancy, marriage or family": "children|young children|any dependants|caring responsibilities",
}
WITHOUT_GROUP = {
    "age": "Under 25.|25 and under.|Between 18 and 25.|16-24s.|18 - 25 year olds|Over 50s only|aged 18-24|(under 30)"
    "|Attractive and well-presented young person.|Young person wanted.|Age: between 20 and 30|no older than thirty"
    "|Would suit a young person|Looking for a mature lady|somebody under 40|up to 25 years old|From 18 to 30 only"
    "|must be no more than 35|Ideal for students|would suit pensioners",
    "race": "English must be your first language.|English should be your mother tongue|first language must be English"
    "|Must speak English as a native.|speaks English like a native|native level English|Locals born and bred"
    "|English is your first language|educated in this country|Nationality: British|English as a first language",
    "sex": "Sex: F|Gender: male|Mrs preferred|Miss wanted|Mr only|F only|sex female",
    "pregnancy, marriage or family": "Marital status: single|No one pregnant or planning to have children."
    "|nobody with children|no one who is expecting a baby|you must have no children|must be free of family ties",
    "disability": "Must be free from any medical condition.|no one with a bad back|no applicants with asthma"
    "|free of any health problems|you must not suffer from epilepsy|must not be disabled|should have no allergies",
    "unpaid work": "You will work your first day for free.|You will be paid only if we keep you on."
    "|Paid after training."
    "|Pay starts after the trial.|Your first shift is on us|Your first week is free|First day on the house"
    "|No pay until you finish the trial|You won't get paid for the first shift|Wages start once training is complete"
    "|You will not be paid for the induction|Work the first two days for nothing|Give us your first shift free"
    "|We pay you if you are good|Paid once you have passed your probation|The trial week is without pay"
    "|payment begins after the first week|you only get paid if we hire you|the induction day is unpaid"
    "|We don't pay during training|You earn nothing until you pass the training",
}
PEOPLE_CARED_FOR = [
    "people",
    "residents",
    "our clients",
    "older people",
    "children",
    "service users",
    "patients",
    "them",
]
CARE = [
    *("Give {} their tablets", "Give baths to {}", "Take {} to the bathroom", "Help {} to get up and get washed"),
    *(
        "Support {} to shave and brush their teeth",
        "Help {} get ready for the day",
        "Prompt {} to take their medication",
    ),
    *(
        "Assist {} with eating and drinking",
        "Wash and dress {}",
        "Helping {} to use the toilet",
        "Getting {} up and dressed",
    ),
    *("Give {} a bed bath", "Accompany {} to the toilet", "Remind {} to take their pills", "Support {} with washing"),
]
CARE_WORDS = [
    *(
        "Tube feeding",
        "Child minder",
        "Childminder",
        "Child minding",
        "Babysitter",
        "Administer medication",
        "Bed baths",
    ),
    *("Emptying commodes", "Home help", "PA (help with washing and dressing)", "Peg feeding", "Give out medicines"),
]
THINGS = ["plants", "cars", "dogs", "garments", "horses", "trees", "furniture", "bikes"]
NO_CARE = [
    *("Nursery assistant ({})", "Bathing and dressing {}", "Care of {}", "Caring for {}", "Care assistant ({})"),
    *("Carer for {}", "Washing and feeding {}", "Looking after {}"),
]
NO_CARE_WORDS = [
    *("Dog carer", "Garment care assistant", "Cat nursery", "Plant care worker", "Horse care", "Shoe care operative"),
    *("Take orders from customers", "Give customers their change", "Help people to get ready for work interviews"),
    *(
        "Show visitors to the toilets",
        "Feed the birds",
        "Wash up after lunch",
        "Help with washing up",
        "Dress the window",
    ),
]
HARMLESS = {
    "age": "A young company, founded in 2024|a mature business|a young charity|a mature woodland"
    "|housebound pensioners|We drive lonely pensioners to lunch|people over 50 are especially welcome|young and old"
    "|people over 50 and their families are welcome|You must be over 18 to sell alcohol|Boxes under 25 kg"
    "|between 18 and 25 hours|Staff over 30 work here|Lift no more than 25 kg|must be 18 or over"
    "|a younger organisation",
    "sex": "The team has mums, dads and carers|for mums and dads|dads, mums and grandparents|sons and daughters",
    "unpaid work": "You will never work unpaid|Nobody works unpaid here|no shift is unpaid"
    "|we never ask you to work unpaid"
    "|Paid training|Pay rises after training|You will be paid weekly|Paid on the last Friday of the month"
    "|We pay from the first minute, trial included|You are paid for your first shift|Free lunch on your first day"
    "|Holiday pay starts on the first day|Paid monthly after your first month|Sick pay starts after three days",
    "race": "Shoes must be black|Trousers must be black and shirts white|You need not be British|the cafe was born here"
    "|You do not have to be Polish|English is not the first language of many of us|Indian food only"
    "|regardless of nationality|white paint only",
    "religion or belief": "You do not need to be a Christian|You need not be Muslim|you don't have to be religious",
    "disability": "Dyslexia is no barrier|No disabled person is refused an interview|The kitchen must be free from mice"
    "|Our lift is for wheelchair users|disabled parking only|You do not need to be disabled|blind spots have mirrors",
    "pregnancy, marriage or family": "Parents can work around school hours|No children under 5 in the kitchen"
    "|The family room only has two chairs|Family tickets preferred",
}


def kinds(text: str, *, is_paid: bool = True) -> set[str]:
    return {one.kind for one in wording.in_advert([text], DAY, is_paid=is_paid) if one.needs != "note"}


def each(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, some in texts.items() for text in some.split("|")]


def written(text: str) -> list[str]:
    """Return a sentence in ways in which somebody writes it."""
    said = text[0].upper() + text[1:]
    return [text, f"{said}.", f"A good place. {said}!", f"Packer - {text}\nCome and see us.", said.upper()]


@pytest.mark.parametrize("frame", SHUT_OUT)
def test_a_sentence_that_shuts_people_out_is_found_in_each_order(frame):
    for n, (kind, people) in enumerate(each(PEOPLE)):
        ways = written(frame.format(people))
        for text in (ways[0], ways[1 + n % (len(ways) - 1)]):
            assert kind in kinds(text), text


@pytest.mark.parametrize("frame", SPOKEN_OF)
def test_a_sentence_that_only_speaks_of_people_is_not(frame):
    for n, (kind, people) in enumerate(one for one in each(PEOPLE) if one[0] not in kinds(one[1])):
        ways = written(frame.format(people))
        for text in (ways[0], ways[1 + n % (len(ways) - 1)]):
            assert kind not in kinds(text), text


@pytest.mark.parametrize(("kind", "who"), each(MUST_BE))
def test_what_somebody_must_be_is_found(kind, who):
    for frame in ("Must be {}", "You should be {}", "Applicants must be {}", "you need to be {}", "has to be {}"):
        assert kind in kinds(frame.format(who)), frame


@pytest.mark.parametrize(("kind", "what"), each(HAVE_NOT))
def test_what_somebody_must_not_have_is_found(kind, what):
    for frame in (
        "Must not have {}",
        "You should not have {}",
        "nobody with {}",
        "Applicants with {} are not accepted",
    ):
        assert kind in kinds(frame.format(what)), frame


@pytest.mark.parametrize(("kind", "text"), each(WITHOUT_GROUP))
def test_a_limit_is_found_without_a_word_for_people(kind, text):
    for way in written(text):
        assert kind in kinds(way), way


@pytest.mark.parametrize(("kind", "text"), each(HARMLESS))
def test_a_sentence_with_the_same_words_in_another_sense_is_not(kind, text):
    for way in written(text):
        assert kind not in kinds(way), way


@pytest.mark.parametrize(
    "text", [*(frame.format(who) for frame, who in itertools.product(CARE, PEOPLE_CARED_FOR)), *CARE_WORDS]
)
def test_personal_care_is_found_and_allows_each_level(text):
    for way in written(text):
        assert "personal care" in kinds(way), way


@pytest.mark.parametrize(
    "text", [*(frame.format(what) for frame, what in itertools.product(NO_CARE, THINGS)), *NO_CARE_WORDS]
)
def test_care_for_things_and_animals_is_no_personal_care(text):
    for way in written(text):
        assert "personal care" not in kinds(way), way


def test_each_word_of_a_group_is_found_however_it_is_hidden():
    for text in (
        "Ben\u200bgalis need not apply",
        "D\u0435af people are not accepted",
        "no p.r.e.g.n.a.n.t women please",
    ):
        assert kinds(text), text


def test_unpaid_work_matters_only_where_work_must_be_paid():
    for _, text in [one for one in each(WITHOUT_GROUP) if one[0] == "unpaid work"]:
        assert "unpaid work" not in kinds(text, is_paid=False)


def test_the_tables_of_sentences_are_whole():
    groups = tables.rows("advert_groups")
    assert {row["kind"] for row in groups} >= {*PEOPLE, *WITHOUT_GROUP, "personal care"}
    for row in groups:
        assert all(row[name] for name in ("from", "law", "reason", "remedy", "source")), row["kind"]
        assert wording.WordingNeed(row["needs"]) is not wording.WordingNeed.REMOVAL
    kinds_used = {kind for row in tables.rows("advert_sentences") for kind in row["kinds"].split("|") if kind}
    assert kinds_used <= {row["kind"] for row in groups}


def test_a_very_long_sentence_is_read_in_the_end():
    text = "who is not to be a young or deaf " * 300
    assert kinds(f"{text} person only") is not None


@pytest.mark.parametrize(
    "text", ["Disabled people need not apply.", "Mrs preferred", "No one pregnant, please", "Paid after training."]
)
def test_neither_a_request_nor_a_file_publishes_an_advert_that_shuts_people_out(client, world: World, text):
    made = draft(client, world, description=text)
    assert made["wording"]
    assert publish(client, world, made).status_code == 409
    header = "placement_ref,title,kind,pay_per_hour_pounds,description\n"
    content = f'{header}W1,Packer,JOB_OPEN,14,"{text}"\n'.encode()
    report = send(client, world, content, who="lister", kind="placements").json()["report"]
    assert listed(client, world)["W1"]["state"] == "draft"
    assert made["wording"][0]["words"] in report["warnings"][0]["rule"]


@pytest.mark.parametrize("reason", [None, "", " ", "ok", "xx", "n/a", "fine", "....", "asdf asdf asdf"])
@pytest.mark.parametrize(
    "text", ["No disabled people.", "Women only.", "Under 30s.", "Native speaker.", "Disabled people need not apply."]
)
def test_no_wording_is_kept_without_a_reason(client, world: World, text, reason):
    made = draft(client, world, description=text)
    for basis in ("means_something_else", "occupational_requirement", "required_by_law", "positive_action"):
        kept = [{"words": w["words"], "basis": basis} for w in made["wording"]]
        kept = kept if reason is None else [one | {"reason": reason} for one in kept]
        for answer in (
            publish(client, world, made, confirm_wording=kept),
            change(client, world, made, confirm_wording=kept),
        ):
            assert answer.status_code in {409, 422}
            assert "reason" in answer.text
    assert listed(client, world)[made["ref"]]["state"] == "draft"


PERSONAL_CARE = [
    ("Home help", ""),
    ("PA (help with washing and dressing)", ""),
    ("Child minder", ""),
    ("Helper", "Give people their tablets."),
    ("Helper", "Tube feeding."),
    ("Carer", ""),
]


@pytest.mark.parametrize(("title", "description"), PERSONAL_CARE)
@pytest.mark.parametrize("level", ["NONE", "BASIC", "STANDARD", "ENHANCED", "ENHANCED_BL_ADULT"])
def test_who_is_asked_for_a_level_may_answer_with_each(client, world: World, title, description, level):
    made = draft(client, world, title=title, description=description or None)
    refused = publish(client, world, made)
    assert (refused.status_code, "dbs_level" in refused.json()["detail"]) == (409, True)
    assert change(client, world, made, dbs_level=level).status_code == 200
    assert publish(client, world, made).status_code == 200


def test_every_word_of_personal_care_in_a_title_allows_an_enhanced_check():
    for row in tables.rows("dbs_roles"):
        if row["source"] == "regulated or excepted work with adults":
            for word in row["word"].split(";"):
                assert wording.names_a_role(word, ("ENHANCED",), DAY)
    for title in ("Dog carer", "Garment care assistant", "Nursery assistant (plants)", "Horse care worker"):
        assert not wording.names_a_role(title, ("ENHANCED",), DAY), title


TRIALS = [
    ("2026-12-01", "2026-12-30", 0),
    ("2026-12-01", "2026-12-31", 1),
    ("2026-12-01", "2028-01-04", 1),
    ("2026-12-01", None, 1),
    (None, None, 1),
]


@pytest.mark.parametrize("kind", ["WORK_TRIAL_JCP", "WORK_EXPERIENCE", "VOLUNTEERING"])
@pytest.mark.parametrize(("starts", "ends", "count"), TRIALS)
def test_a_work_trial_longer_than_a_job_centre_agrees_is_named_and_not_refused(
    client, world, kind, starts, ends, count
):
    fields = {"starts_on": starts, "ends_on": ends, "hours_per_week": 40, "pay_per_hour_pounds": None}
    made = draft(client, world, kind=kind, **fields)
    said = [note for note in made["notes"] if "work trial" in note]
    assert len(said) == (count if kind == "WORK_TRIAL_JCP" else 0)
    assert all("30 days" in note for note in said)
    assert publish(client, world, made).status_code == 200
