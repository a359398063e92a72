"""What the finders of skills and occupations may and may not do with the words people write."""

import json
import random
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest

from matching.words.concepts import Concept, ConceptOffers
from matching.words.evidence import FEATURES
from matching.words.kept_vectors import KeptVectors, VectorsMissing
from matching.words.lexicon import Lexicon
from matching.words.reranker import SHIPPED, Reranker
from matching.words.sentence import ModelMissing, SentenceModel
from matching.words.skills import SkillFinder
from matching.words.titles import TitleFinder
from pathways.reference import esco
from tests.sentences import small_model

SKILLS = """
clean windows | wash windows, polish glass panes | Washing panes of glass inside and outside a building.
wash dishes | do the washing up, clean crockery | Washing plates, cups and pans by hand or by machine.
clean floors | mop floors, sweep floors, vacuum carpets | Keeping floors and carpets clean.
iron clothes | press garments, do the ironing | Ironing shirts and sheets without a crease.
do laundry | wash clothes, run a washing machine | Sorting, washing and drying clothes.
mend clothes | repair garments, sew on buttons, darn socks | Sewing tears and replacing buttons and zips.
cook meals | prepare hot food, make dinners | Cooking for a household, a cafe or a canteen.
bake bread | make loaves, knead dough | Kneading, proving and baking dough.
make sandwiches | prepare sandwiches, fill rolls | Filling bread and wrapping it for sale.
make coffee | brew coffee, serve as a barista, steam milk | Making espresso, filter coffee and hot milk.
serve customers | help shoppers, customer service, look after guests | Greeting people and finding what they need.
use a till | take payments, operate a cash register, handle cash | Taking money and cards and giving change.
stock shelves | fill shelves, replenish goods, restock displays | Putting goods on shelves before they run out.
pack boxes | box orders, wrap parcels | Putting goods into boxes and closing them.
load lorries | load vans, unload deliveries | Lifting goods on and off a vehicle safely.
drive a van | deliver by van, driving light vehicles | Driving a light vehicle on the road.
drive a forklift | operate a fork lift truck, forklift driving | Moving pallets with a lift truck in a warehouse.
ride a bicycle | cycle, deliver by bike | Getting about on two wheels.
plant flowers | sow seeds, set out bedding plants | Planting beds and pots in a garden.
mow lawns | cut grass, trim lawns | Cutting grass with a mower.
prune trees | cut back branches, trim hedges | Taking branches off trees and hedges.
paint walls | decorate rooms, paint ceilings | Putting paint on walls with brush and roller.
lay bricks | build brick walls, point brickwork | Building with bricks and mortar.
fix taps | repair plumbing, mend leaks | Repairing pipes and taps that drip.
wire plugs | fit electrical sockets, change fuses | Simple electrical work in a home.
assemble furniture | put together flat packs | Joining the parts of a table or wardrobe.
repair bicycles | fix punctures, service bikes | Mending tyres, chains and brakes of bikes.
answer telephones | take phone calls, handle calls | Answering calls and passing messages on.
type letters | word processing, touch typing | Writing documents at a keyboard.
use spreadsheets | work with Excel, enter figures in tables | Keeping figures in rows and columns and adding them up.
write emails | email correspondence, reply to messages | Writing to people by electronic mail.
file papers | keep records in order, archive documents | Putting papers where they can be found.
organise events | plan parties, arrange meetings | Planning a day with guests, rooms and food.
keep accounts | bookkeeping, record income and spending | Writing down what comes in and goes out.
care for children | look after babies, childcare, babysitting | Feeding, playing with and minding children.
care for older people | look after the elderly, help pensioners | Helping people at home as they grow old.
walk dogs | exercise dogs, take pets out | Taking dogs out on a lead.
feed animals | look after livestock, give fodder | Giving animals food and water.
cut hair | style hair, hairdressing, barbering | Cutting and styling hair with scissors.
colour hair | dye hair, tint hair | Changing the colour of somebody's hair.
take photographs | photography, use a camera | Taking pictures with a camera.
play the guitar | perform on guitar, strum chords | Playing a stringed instrument.
speak English | talk in English, hold a conversation in English | Speaking with others in English.
translate languages | interpret speech, translate texts | Saying in one language what was said in another.
teach swimming | coach swimmers, give swimming lessons | Teaching people to swim in a pool.
give first aid | treat wounds, resuscitate | Helping somebody who is hurt before a doctor comes.
"""
TITLES = {
    "window cleaner": ("cleaner of windows", "glass cleaner"),
    "kitchen porter": ("kitchen assistant", "washer up"),
    "cook": ("canteen cook", "chef"),
    "baker": ("bread maker", "pastry maker"),
    "barista": ("coffee maker", "coffee shop assistant"),
    "shop assistant": ("sales assistant", "retail assistant"),
    "shop manager": ("store manager", "retail manager"),
    "warehouse worker": ("warehouse operative", "order picker"),
    "van driver": ("delivery driver", "courier"),
    "gardener": ("groundskeeper", "horticultural worker"),
    "painter and decorator": ("house painter", "decorator"),
    "care worker": ("carer", "home help"),
    "childminder": ("nanny", "child carer"),
    "careers adviser": ("job coach", "employment counsellor"),
    "hairdresser": ("barber", "hair stylist"),
}
ODD = {
    "empty": "",
    "blank": "   \t\n",
    "emoji": "\N{GRINNING FACE}\N{BROOM}",
    "very long": "clean the windows " * 600,
    "one endless word": "x" * 10_000,
    "null": "clean\x00windows\x00",
    "only nulls": "\x00\x00",
    "digits": "12345 67890",
    "Chinese": "\u6e05\u6d01\u7a97\u6237",
    "repeated": "clean " * 30,
    "marks": "?!... --- ((('''",
    "one letter": "a",
    "right to left": "\u0646\u0638\u0627\u0641\u0629",
    "a lone surrogate": "clean \ud800 windows",
    "accents apart": "cafe\u0301 windows",
}
WORDLESS = ("empty", "blank", "emoji", "only nulls", "marks")


def skills() -> list[Concept]:
    rows = [[cell.strip() for cell in line.split("|")] for line in SKILLS.strip().splitlines()]
    return [
        Concept(f"skill:{number:02}", preferred, tuple(a.strip() for a in others.split(",")), description)
        for number, (preferred, others, description) in enumerate(rows)
    ]


def titles() -> list[Concept]:
    return [Concept(f"job:{number:02}", title, others) for number, (title, others) in enumerate(TITLES.items())]


@dataclass(frozen=True)
class ByLength:
    """Stands for a sentence model: texts of one length in one direction."""

    def encode(self, texts):
        vectors = np.zeros((len(texts), 64), np.float32)
        vectors[range(len(texts)), [len(text) % 64 for text in texts]] = 1
        return vectors


FINDERS = {
    "skills": SkillFinder().fit(skills()),
    "titles": TitleFinder().fit(titles()),
    "titles with a model": TitleFinder(ByLength()).fit(titles()),
}


def holds(found: ConceptOffers, limit: int) -> None:
    scores = [offer.score for offer in found.offers]
    assert len(found.offers) <= limit
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len({offer.uri for offer in found.offers}) == len(found.offers)
    assert found.offers or not found.fits


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("kind", ODD)
def test_no_text_is_an_error_and_scores_fall_from_at_most_one_to_at_least_nought(finder, kind):
    holds(FINDERS[finder].find(ODD[kind]), 5)
    holds(FINDERS[finder].find(ODD[kind], limit=100), 100)


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("kind", WORDLESS)
def test_nothing_fits_a_text_without_words(finder, kind):
    assert FINDERS[finder].find(ODD[kind]) == ConceptOffers((), fits=False)


@pytest.mark.parametrize(
    ("text", "preferred"),
    [
        ("clean windows", "clean windows"),
        ("CLEAN WINDOWS!", "clean windows"),
        ("windows clean", "clean windows"),
        ("cleaning windows", "clean windows"),
        ("clean a window", "clean windows"),
        ("claen windwos", "clean windows"),
        ("cleanwindows", "clean windows"),
        ("cle an windows", "clean windows"),
        ("bake braed", "bake bread"),
        ("baking loaves", "bake bread"),
        ("use spreadsheet", "use spreadsheets"),
        ("excell", "use spreadsheets"),
        ("organize events", "organise events"),
        ("organizing an event", "organise events"),
        ("color hair", "colour hair"),
        ("coloring hair", "colour hair"),
        ("photograph", "take photographs"),
        ("fork-lift driving", "drive a forklift"),
        ("looking after children", "care for children"),
        ("look after elderly people", "care for older people"),
        ("repairing a bike", "repair bicycles"),
        ("barista", "make coffee"),
        ("guitar", "play the guitar"),
        ("swiming lesson", "teach swimming"),
        ("customers' service", "serve customers"),
    ],
)
def test_a_skill_is_found_however_it_is_written(text, preferred):
    found = FINDERS["skills"].find(text)
    assert (found.fits, found.offers[0].preferred, len(found.offers)) == (True, preferred, 5)


@pytest.mark.parametrize(
    ("text", "preferred"),
    [
        ("Window Cleaner", "window cleaner"),
        ("Window Cleaners, All Other", "window cleaner"),
        ("windwo cleaner", "window cleaner"),
        ("cleaner, window", "window cleaner"),
        ("Warehouse Operatives (except Drivers)", "warehouse worker"),
        ("career advisors", "careers adviser"),
        ("employment counselor", "careers adviser"),
        ("store and retail managers", "shop manager"),
        ("decorators", "painter and decorator"),
        ("hair-stylist", "hairdresser"),
    ],
)
def test_an_occupation_is_found_however_its_title_is_written(text, preferred):
    found = FINDERS["titles"].find(text)
    assert (found.fits, found.offers[0].preferred) == (True, preferred)


@pytest.mark.parametrize("text", ["nuclear fission", "zzzz qqqq", "tax law of the Roman republic"])
@pytest.mark.parametrize("finder", ["skills", "titles"])
def test_nothing_fits_what_is_not_in_the_taxonomy(finder, text):
    assert not FINDERS[finder].find(text).fits


def test_a_label_written_to_the_letter_comes_first_with_all_its_owners():
    shared = [Concept("s:1", "wash up", ("clean plates",)), Concept("s:2", "scrub pans", ("clean plates",))]
    found = SkillFinder().fit([*skills(), *shared]).find(" Clean Plates ")
    assert {offer.uri for offer in found.offers[:2]} == {"s:1", "s:2"}
    assert [offer.label for offer in found.offers[:2]] == ["clean plates", "clean plates"]


@pytest.mark.parametrize("made", [(SkillFinder, skills, "skills"), (TitleFinder, titles, "titles")])
def test_answers_depend_neither_on_the_order_of_concepts_nor_on_what_was_asked_before(made):
    kind, concepts, name = made
    texts = [*ODD.values(), "clean windows", "driver", "hair", "care for pets", "bike"]
    before = [FINDERS[name].find(text, limit=20) for text in texts]
    shuffled = concepts()
    random.Random(3).shuffle(shuffled)
    other = kind().fit(shuffled)
    assert [other.find(text, limit=20) for text in reversed(texts)] == before[::-1]


@pytest.mark.parametrize("kind", [SkillFinder, TitleFinder])
def test_what_cannot_be_learned_from_is_refused_in_one_sentence(kind):
    with pytest.raises(ValueError, match=r"^There are no concepts to learn from\.$"):
        kind().fit([])
    with pytest.raises(ValueError, match=r"^Two concepts have the URI s:1\."):
        kind().fit([Concept("s:1", "sew"), Concept("s:1", "knit")])
    with pytest.raises(ValueError, match=r"^The limit must be at least 1\.$"):
        kind().fit([Concept("s:1", "sew")]).find("sew", limit=0)


@pytest.mark.parametrize("kind", [SkillFinder, TitleFinder])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_smallest_taxonomies_work(kind, n):
    few = [Concept("s:1", "sew"), Concept("s:2", "++", ("?",)), Concept("s:3", "knit socks", ("", "knit"))][:n]
    found = kind().fit(few).find("sew")
    holds(found, 5)
    assert found.offers[0].uri == "s:1"


def test_labels_without_any_word_are_refused():
    with pytest.raises(ValueError, match=r"^No label of any concept has a word\.$"):
        SkillFinder().fit([Concept("s:1", "++")])


def test_entries_of_esco_are_taken_as_they_are():
    entries = [
        esco.EscoConcept("s:1", esco.ConceptKind.SKILL, "sew hems"),
        esco.EscoConcept("s:2", esco.ConceptKind.SKILL, "knit"),
    ]
    assert SkillFinder().fit(entries).find("sewing").offers[0].uri == "s:1"


def test_a_space_is_mended_where_it_is_missing_too_many_or_one_letter_off():
    lexicon = Lexicon(["clean windows", "wash dishes"])
    assert lexicon.mend(["win", "dows"]) == ["windows"]
    assert lexicon.mend(["cleanw", "indows"]) == ["clean", "windows"]
    assert Lexicon(["clean windows"] * 3).mend(["cleanwindows"]) == ["clean", "windows"]


def test_a_reranker_comes_back_from_its_file_as_it_was(tmp_path):
    shipped = Reranker.load()
    shipped.save(tmp_path / "copy.json")
    assert (tmp_path / "copy.json").read_bytes() == SHIPPED.read_bytes()
    features = np.random.default_rng(0).normal(size=(20, len(FEATURES)))
    assert np.array_equal(Reranker.load(tmp_path / "copy.json").scores(features), shipped.scores(features))


def test_a_reranker_reads_every_number_its_trees_read():
    trees = Reranker.load().trees
    features = np.zeros((1, len(FEATURES)))
    by_hand = 0.0
    for feature, threshold, left, right, value in zip(*(trees[part] for part in trees), strict=True):
        node = 0
        while left[node] != node:
            node = left[node] if features[0, feature[node]] <= threshold[node] else right[node]
        by_hand += value[node]
    assert Reranker.load().scores(features)[0] == pytest.approx(by_hand)


@pytest.mark.parametrize("change", ["depth", "threshold", "features", "cut", "list", "empty"])
def test_a_changed_reranker_is_refused(tmp_path, change):
    told = json.loads(SHIPPED.read_text())
    path = tmp_path / "reranker.json"
    if change == "threshold":
        told["trees"]["threshold"][0][0] += 1e-9
    elif change == "features":
        told["features"] = told["features"][::-1]
    elif change == "depth":
        told["depth"] += 1
    path.write_text(json.dumps([] if change == "list" else told)[: 1000 if change == "cut" else None])
    if change == "empty":
        path.write_text("")
    with pytest.raises(ValueError, match=r"^reranker\.json (is not a reranker|was changed after).*\.$"):
        Reranker.load(path)


def test_a_reranker_for_other_features_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("matching.words.reranker.FEATURES", (*FEATURES, "another"))
    with pytest.raises(ValueError, match=r"^reranker\.json was trained on other features\."):
        Reranker.load()


@pytest.mark.parametrize("part", ["left", "feature"])
def test_trees_that_point_nowhere_are_refused(part):
    trees = {name: table.copy() for name, table in Reranker.load().trees.items()}
    trees[part][0, 0] = 10_000
    with pytest.raises(ValueError, match="point at"):
        Reranker(trees, 7, (0.0,) * 4)


def test_a_sentence_model_with_another_hash_is_refused(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.safetensors", b"not these weights")
        archive.writestr("tokenizer.json", b"{}")
    with pytest.raises(ModelMissing, match="SHA-256 of"):
        SentenceModel.from_archive(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_an_archive_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "model.zip"
    path.write_bytes(content)
    with pytest.raises(ModelMissing, match="does not contain the sentence model"):
        SentenceModel.from_archive(path)


def test_the_forward_pass_gives_one_unit_vector_a_text_whatever_else_is_encoded_with_it():
    model = small_model()
    together = model.encode(["shop", "shops and cooks", "cook", ""])
    assert together.shape == (4, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(model.encode(["cook"])[0], together[2], atol=1e-5)


def test_kept_vectors_are_nearly_those_of_the_model(tmp_path):
    model, texts = small_model(), ["shop", "shops and cooks", "cook"]
    KeptVectors(model, tmp_path / "v.npz", "small").keep(texts)
    kept = KeptVectors(model, tmp_path / "v.npz", "small")
    assert kept.missing(texts) == []
    mixed = ["cook", "shop cook", "shop"]  # the second is computed
    assert (kept.encode(mixed) * model.encode(mixed)).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_vectors_are_kept_for_just_the_labels_of_today(tmp_path):
    path, model = tmp_path / "deep" / "v.npz", small_model()
    KeptVectors(model, path, "small").keep(["shop", "cook"])
    told = []
    KeptVectors(model, path, "small").keep(["cook", "cooks"], lambda done, of: told.append((done, of)))
    assert told == [(1, 1)]
    assert KeptVectors(model, path, "small").missing(["shop", "cook", "cooks"]) == ["shop"]
    assert [file.name for file in path.parent.iterdir()] == ["v.npz"]


@pytest.mark.parametrize("spoil", ["other model", "cut short", "no file", "no archive"])
def test_a_file_of_vectors_that_does_not_fit_counts_as_none(tmp_path, spoil):
    path, model = tmp_path / "v.npz", small_model()
    KeptVectors(model, path, "small").keep(["shop", "cook"])
    content = path.read_bytes()
    if spoil == "no file":
        path.unlink()
    elif spoil != "other model":
        path.write_bytes(content[:200] if spoil == "cut short" else b"vectors")
    kept = KeptVectors(model, path, "other" if spoil == "other model" else "small")
    assert kept.missing(["shop", "cook"]) == ["shop", "cook"]
    assert np.allclose(kept.encode(["cook"]), model.encode(["cook"]))


@pytest.mark.parametrize(
    "arrays",
    [
        {"texts": b"5", "rows": np.ones((2, 384), np.int8)},
        {"texts": b"[[1], [2]]", "rows": np.ones((2, 384), np.int8)},
        {"texts": b'["shop", "cook"]', "rows": np.zeros((2, 384), np.int8)},
        {"texts": b'["shop", "cook"]', "rows": np.ones((2, 384), np.float64)},
        {"texts": b"[" * 100_000, "rows": np.ones((2, 384), np.int8)},
    ],
)
def test_a_hostile_file_of_vectors_counts_as_none(tmp_path, arrays):
    path = tmp_path / "v.npz"
    made_by, texts = np.frombuffer(b"small", np.uint8), np.frombuffer(arrays["texts"], np.uint8)
    with path.open("wb") as file:
        np.savez(file, made_by=made_by, texts=texts, rows=arrays["rows"])
    assert KeptVectors(small_model(), path, "small").missing(["shop"]) == ["shop"]


def test_many_labels_without_vectors_are_refused_instead_of_making_a_search_wait(tmp_path):
    kept = KeptVectors(small_model(), tmp_path / "v.npz", "small")
    with pytest.raises(VectorsMissing, match="501 texts"):
        kept.encode([f"shop {number}" for number in range(501)])


def test_a_finder_ranks_by_the_model_that_it_is_given():
    found = SkillFinder(model=small_model()).fit([Concept("s:1", "shop shop"), Concept("s:2", "cook cooks")])
    assert found.vectors_.by_meaning("cook cooks")[0 if found.index_.labels[0].startswith("cook") else 1] > 0.99
