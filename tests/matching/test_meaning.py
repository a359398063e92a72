"""Everyday words: their meaning, wishes, things to avoid; and what must never move a likeness."""

import csv
import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import quality
from matching.bulk import numpy_pass
from matching.bulk.columns import PlacementColumns, day_arrays, jobseeker_arrays
from matching.bulk.listing_columns import ListingColumns
from matching.bulk.word_tables import WordTables
from matching.pairs.features import Feature
from matching.pairs.grades import STEPS
from matching.pairs.not_meant import limited
from matching.pairs.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from matching.pairs.surroundings import NOT_KNOWN, REFUSED, RULED_OUT, SHOWN, avoided, avoided_answer, read_listing
from matching.pairs.wishes import read_wishes
from matching.score.explain import reasons
from matching.score.ranker import Match, PlacementRanker, Refusal, TwoSidedModel
from matching.words.meaning import LENGTH, MeaningTable, MeaningTableChanged, shipped
from pathways.reference import tables, vocabulary
from pathways.reference.esco import ConceptKind
from pathways.shortlists.profiles import context

WORDS = vocabulary.starter()
DAY = date(2026, 11, 2)
RANKER = PlacementRanker(WORDS, context(DAY))
SKILLS = sorted(WORDS.skill_labels)
TITLES = sorted(WORDS.work_labels)
# The frames in which only one word changes. Each names a skill, a wish or both.
FRAMES = (
    "looking after my {}",
    "cooking for my {} every night",
    "helped {} in the shop",
    "I did the garden with {}",
    "fixing cars with my {} at weekends",
    "translating letters for {} at the surgery",
    "sewing clothes with {}",
    "football coaching for {}",
)
GENDERED = (
    ("mum", "dad"),
    ("nan", "grandad"),
    ("sister", "brother"),
    ("daughter", "son"),
    ("aunt", "uncle"),
    ("wife", "husband"),
    ("girls", "boys"),
    ("women", "men"),
    ("niece", "nephew"),
)
PEOPLE = ("Mohammed", "Emma", "Priya", "Kwame", "Agnieszka", "Chidi", "Siobhan", "Mei", "Yusuf", "Jack's", "Olena")


def test_the_shipped_table_is_the_tested_one_and_a_changed_file_is_refused(tmp_path):
    assert shipped().encode(["gardening"]).any()
    changed = tmp_path / "meaning.npz"
    MeaningTable(np.eye(4, 128, dtype=np.int8), ("[UNK]", "[CLS]", "[SEP]", "sew")).save(changed)
    with pytest.raises(MeaningTableChanged, match="differs from the tested file"):
        MeaningTable.load(changed)
    with pytest.raises(MeaningTableChanged, match="cannot be read"):
        MeaningTable.load(tmp_path / "none.npz")


@given(st.lists(st.sampled_from(SKILLS), min_size=1, max_size=8), st.lists(st.sampled_from(TITLES), min_size=1))
def test_a_likeness_is_the_whole_number_that_integers_give(lefts, rights):
    table = shipped()
    a, b = table.encode(lefts), table.encode(rights)
    exact = [[int(x) for x in row] for row in a.astype(object) @ b.astype(object).T]
    whole = LENGTH * LENGTH
    expected = [[min(1000, max(0, (2000 * value + whole) // (2 * whole))) for value in row] for row in exact]
    assert table.likeness(a, b).tolist() == expected
    assert table.likeness(a.astype(np.float32)[::-1], b)[::-1].tolist() == expected  # in another order too


def test_gibberish_and_nothing_mean_nothing():
    assert not shipped().encode(["", "   ", "xqzv", "\N{SLIGHTLY SMILING FACE}", "..."]).any()


@pytest.mark.parametrize(("name", "score", "least"), [
    ("skills", quality.our_skills, quality.CREDITED_SKILL),
    ("wishes", quality.our_work, quality.CREDITED_WORK),
])  # fmt: skip
def test_everyday_phrases_are_credited_and_unrelated_ones_are_not(name, score, least):
    rows = [row for row in quality.rows_in("develop", name) if row.get("kind", "wish") in {"wish", "several"}]
    pairs = quality.pairs_of(rows)
    figures = quality.credit(pairs, quality.likenesses(pairs, score), least)
    assert figures.right >= 0.85
    assert figures.phrases >= 0.9
    assert figures.unrelated <= 0.055


def grades(phrase: str) -> tuple[list[int], list[int]]:
    wishes = read_wishes([phrase]).wanted or (phrase,)
    return (
        WORDS.skill_table([WORDS.key(phrase)], SKILLS[::3])[0].tolist(),
        WORDS.work_table(wishes, TITLES[::3]).max(axis=0).tolist(),
    )


@pytest.mark.parametrize("frame", FRAMES)
def test_gender_and_names_move_no_grade(frame):
    for one, other in GENDERED:
        assert grades(frame.format(one)) == grades(frame.format(other)), (one, other)
    same = [grades(frame.format(name)) for name in PEOPLE]
    assert all(each == same[0] for each in same), frame


@pytest.mark.parametrize(
    "frame", ["helping at the {} community centre", "cooking for {} families", "music with {} elders"]
)
def test_names_of_groups_move_no_grade(frame):
    with (Path(tables.SHIPPED) / "group_names.csv").open(encoding="utf-8", newline="") as lines:
        names = [row["name"] for row in csv.DictReader(lines) if row["kind"] in {"nation", "people", "religion"}]
    chosen = random.Random(4).sample([name for name in names if " " not in name], 25)
    same = [grades(frame.format(name.title())) for name in chosen]
    assert all(each == same[0] for each in same)


def test_a_language_that_is_wanted_is_only_met_by_its_name():
    both = WORDS.skill_table([WORDS.key("speaking Polish"), WORDS.key("speaking Urdu")], [WORDS.key("Polish speaker")])
    assert both[0, 0] > 400 >= both[1, 0]


def test_no_entry_is_first_for_more_than_a_tenth_of_random_texts():
    rng = random.Random(7)
    texts = [" ".join(rng.sample(SKILLS, 2)) for _ in range(40)]
    texts += [row["phrase"] for row in quality.rows_in("develop", "skills")[:80]]
    adverts = [row["description"].split() for row in quality.rows_in("develop", "avoid")]
    texts += [" ".join(rng.sample(words, 2)) for words in adverts[:60] if len(words) > 1]
    finder = vocabulary.starter_finder(ConceptKind.SKILL)
    first = [offers[0].uri for offers in (finder.find(text).offers for text in texts) if offers]
    most = max(first.count(uri) for uri in set(first))
    assert most <= len(texts) / 10


@pytest.mark.parametrize("text", [
    "anything", "don't know", "not sure yet", "", "  ", "dunno", "whatever you've got", "n/a", "not fussed",
    "no idea mate", "I'll take owt", "any job",
])  # fmt: skip
def test_words_that_name_no_work_are_no_wish(text):
    assert read_wishes([text]) == ((), ())


@pytest.mark.parametrize(("text", "wanted", "avoided_words"), [
    ("not kitchens", (), ("kitchens",)),
    ("anything but care work", (), ("care work",)),
    ("bike repair or gardening, not cleaning", ("bike repair", "gardening"), ("cleaning",)),
    ("retail; not nights", ("retail",), ("nights",)),
    ("I don't want warehouse work", (), ("warehouse work",)),
    ("never kitchens", (), ("never kitchens",)),
    ("not just cleaning", ("not just cleaning",), ()),
])  # fmt: skip
def test_wishes_and_words_against_are_told_apart(text, wanted, avoided_words):
    assert read_wishes([text]) == (wanted, avoided_words)


def listing(**columns) -> PlacementProfile:
    return PlacementProfile(**{"key": "p", "title": "Workshop Helper", **columns})


@pytest.mark.parametrize(("wish", "columns", "answer"), [
    ("noise", {"environment": ("busy", "noisy")}, SHOWN),
    ("loud places", {"environment": ("quiet",)}, RULED_OUT),
    ("loud places", {}, NOT_KNOWN),
    ("lifting", {"description": "You must be able to lift heavy items."}, SHOWN),
    ("lifting", {"description": "There is no heavy lifting."}, RULED_OUT),
    ("heavy lifting", {"essential_skills": ("manual handling",)}, SHOWN),
    ("nights", {"half_days": 0b011}, RULED_OUT),
    ("nights", {"title": "Night Porter"}, SHOWN),
    ("evenings", {"half_days": 0b100}, SHOWN),
    ("weekends", {"half_days": 0b011}, RULED_OUT),
    ("early mornings", {"description": "Shifts start at 6am."}, SHOWN),
    ("kitchens", {"title": "Kitchen Porter"}, SHOWN),
    ("dogs", {"description": "We have two dogs in the office."}, SHOWN),
    ("the public", {"environment": ("customer contact",)}, SHOWN),
    ("something nobody has heard of", {"description": "A long text. " * 20}, NOT_KNOWN),
])  # fmt: skip
def test_a_listing_is_read_for_what_people_avoid(wish, columns, answer):
    assert avoided_answer(avoided(wish, WORDS), read_listing(listing(**columns), WORDS)) == answer


def test_what_must_never_be_part_of_the_work_is_refused_and_only_where_it_is_shown():
    def refused(wish: str, **columns) -> bool:
        person = JobseekerProfile(limits=JobseekerLimits(never=(wish,)), wishes=JobseekerWishes(avoid=(wish,)), key="j")
        placements = PlacementColumns.of([listing(**columns)], WordTables(WORDS))
        arrays, day = jobseeker_arrays([person], placements, RANKER.context), day_arrays(RANKER.context, placements)
        failed = numpy_pass.check_and_score(
            arrays, 0, placements.arrays, TwoSidedModel.expert().tables.arrays, day
        ).failed
        pair = RANKER.pair(person, listing(**columns))
        assert bool(failed[0]) == isinstance(pair, Refusal)
        if isinstance(pair, Refusal):
            assert "night work" in pair.failed[0].text
            assert pair.failed[0].change
        return isinstance(pair, Refusal)

    assert refused("never nights", title="Night Porter")
    assert not refused("no nights", title="Night Porter")  # disliked: a reason against, not a refusal
    assert not refused("never nights")  # not said: asked
    assert not refused("never nights", half_days=0b1)


@given(st.sampled_from([phrase for each in WORDS.conditions.conditions for phrase in each.said]))
def test_a_listing_that_says_nothing_is_never_told_as_free_of_it(wish):
    person = JobseekerProfile(wishes=JobseekerWishes(avoid=(wish,)), key="j")
    match = RANKER.pair(person, PlacementProfile(key="p", title="Helper"))
    assert isinstance(match, Match)
    told = [reason for reason in reasons(match.values) if reason.feature == Feature.AVOIDS]
    assert [reason.effect for reason in told] == ["unknown"]
    assert wish in told[0].text


def test_what_is_listed_is_never_answered_as_not_listed():
    wrong = [
        row["id"]
        for row in quality.rows_in("develop", "avoid")
        if row["kind"] == "avoid"
        and row["answer"] == "listed"
        and avoided_answer(avoided(row["phrase"], WORDS), read_listing(quality.listing_of(row), WORDS)) == RULED_OUT
    ]
    assert wrong == []


def test_a_journey_over_the_own_limit_and_no_shared_half_day_are_told_first():
    person = JobseekerProfile(
        limits=JobseekerLimits(place=(0.0, 0.0), travel_modes=("walk",), max_travel_minutes=30, half_days=0b1),
        wishes=JobseekerWishes(aspirations=("gardening",)),
        offer=JobseekerOffer(half_days=0b1, max_travel_minutes=30),
        key="j",
    )
    far = listing(title="Gardener", place=(2200.0, 0.0))
    match = RANKER.pair(person, far)
    assert isinstance(match, Match)
    first = reasons(match.values)[0]
    assert "the limit is 30 minutes" in first.text
    apart = RANKER.pair(person, replace(far, place=(100.0, 0.0), half_days=0b10))
    assert isinstance(apart, Match)
    assert reasons(apart.values)[0].text.startswith("The jobseeker is free on none of the half-days")


def test_everyday_words_come_out_the_same_in_the_passes_and_pair_by_pair():
    """The tables that the passes read have what the features of single pairs have, with every kind of word at work."""
    skills, wishes, avoid = (quality.rows_in("develop", name) for name in ("skills", "wishes", "avoid"))
    listings = [
        replace(quality.listing_of(row), key=str(n), place=(n * 300.0, 0.0)) for n, row in enumerate(avoid[:30])
    ]
    listings += [
        PlacementProfile(
            key=f"s{n}", title=quality.cells(w, "right")[0], essential_skills=tuple(quality.cells(s, "right"))
        )
        for n, (s, w) in enumerate(zip(skills[:30], wishes[:30], strict=True))
        if quality.cells(w, "right")
    ]
    people = []
    for n in range(12):
        read = read_wishes([wishes[n]["phrase"]])
        own = tuple(row["phrase"] for row in skills[n : n + 3])
        limits = JobseekerLimits(place=(n * 400.0, 0.0), max_travel_minutes=20)
        people.append(
            JobseekerProfile(
                limits=limits,
                wishes=JobseekerWishes(
                    read.wanted or None, (*read.avoided, avoid[n]["phrase"]), environment=(avoid[n + 20]["phrase"],)
                ),
                offer=JobseekerOffer(skills=own, max_travel_minutes=20),
                key=f"j{n}",
            )
        )
    placements = PlacementColumns.of(listings, WordTables(WORDS))
    arrays, day = jobseeker_arrays(people, placements, RANKER.context), day_arrays(RANKER.context, placements)
    model, compared = TwoSidedModel.expert().tables.arrays, 0
    for j, person in enumerate(people):
        scores = numpy_pass.check_and_score(arrays, j, placements.arrays, model, day).scores
        row_of = {placements.profile(row).key: row for row in range(len(placements))}
        for match in RANKER.rank(person, listings).matches:
            assert round(match.score * 1e6) == scores[row_of[match.placement.key]]
            compared += 1
    assert compared > 200


def test_what_words_do_not_mean_gets_nothing_one_pair_at_a_time_and_in_tables():
    words = vocabulary.starter()
    plain, narrow = "gardening", limited("gardening", ["Gardener"])
    titles = ("Gardener", "Trainee Gardener (part time)", "Florist", "Tree Surgeon")
    free, held = words.work_table([plain, narrow], titles)
    assert free[0] == STEPS
    assert held[:2].tolist() == [0, 0]
    assert held[2:].tolist() == free[2:].tolist()
    skills = words.skill_table([words.key(limited("washing", ["laundry"])), "washing"], [words.key("doing laundry")])
    assert skills[0, 0] == 0 < skills[1, 0]


@pytest.mark.parametrize(("wish", "answer"), [("never dogs", REFUSED), ("dogs", NOT_KNOWN)])
def test_what_one_sentence_shows_and_another_denies_refuses_only_what_must_never_be(wish, answer):
    words = vocabulary.starter()
    said = "On Mondays you work without dogs. On the other days you feed the dogs."
    read = read_listing(PlacementProfile(key="p", title="Office Helper", description=said), words)
    assert avoided_answer(avoided(wish, words), read) == answer
    assert ListingColumns([read]).avoided(avoided(wish, words)).tolist() == [answer]


@pytest.mark.parametrize(
    ("said", "description", "answer"),
    [
        ("never nights", "A team of 3 in the morning sets the tables from 10am.", False),
        ("never nights", "Room 25 in the morning, the hall later.", False),
        ("never early starts", "Five to eight hours a week in the kitchen, from nine.", False),
        ("never early starts", "We serve about 40 in the morning.", False),
        ("never early starts", "We start at half past six in the morning.", True),
        ("allergic to dogs", "Feed the fish and clean the tanks of our aquarium.", False),
        ("never kiwi fruit", "We never peel kiwi fruit.", False),
        ("never kiwi fruit", "You peel kiwi fruit and cut melons.", True),
    ],
)
def test_only_what_the_listing_says_refuses(said, description, answer):
    words = vocabulary.starter()
    read = read_listing(PlacementProfile(key="p", title="Helper", description=description), words)
    assert (avoided_answer(avoided(said, words), read) == REFUSED) is answer
