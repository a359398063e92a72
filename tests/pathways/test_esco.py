"""What is read of ESCO's files, and what is refused."""

import pytest

from matching.pairs.text import normalise
from matching.words.sentence import ModelMissing
from pathways.errors import RuleBroken
from pathways.reference import esco, plain_list, sentence_vectors, taxonomy, vocabulary
from pathways.reference.esco import ConceptKind
from tests.sentences import small_model

HEADERS = {
    "skills": (
        "conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status,modifiedDate,"
        "scopeNote,definition,inScheme,description"
    ),
    "occupations": (
        "conceptType,conceptUri,iscoGroup,preferredLabel,altLabels,hiddenLabels,status,modifiedDate,"
        "regulatedProfessionNote,scopeNote,definition,inScheme,description,code"
    ),
    "needs": "occupationUri,relationType,skillType,skillUri",
    "between": "originalSkillUri,originalSkillType,relationType,relatedSkillType,relatedSkillUri",
    "broader": "conceptType,conceptUri,broaderType,broaderUri",
}
SKILL = 'X,s:1,knowledge,cross-sector,sew hems,"hem trousers\nhem skirts\nhem trousers",sow hems,released,,,,,Hemming.'


def written(folder, header, *lines, encoding="utf-8"):
    path = folder / "esco.csv"
    path.write_bytes("\n".join([HEADERS.get(header, header), *lines, ""]).encode(encoding))
    return path


def test_skills_of_esco_are_read_with_hidden_labels_among_the_alternatives(tmp_path):
    path = written(tmp_path, "skills", SKILL, encoding="utf-8-sig")
    assert esco.kind_of(path) is esco.EscoFileKind.SKILLS
    assert list(esco.concepts(path)) == [
        esco.EscoConcept(
            uri="s:1",
            kind=esco.ConceptKind.SKILL,
            preferred="sew hems",
            alternatives=("hem trousers", "hem skirts", "sow hems"),
            description="Hemming.",
            skill_type="knowledge",
            reuse_level="cross-sector",
        )
    ]


def test_occupations_of_esco_are_read_with_their_code(tmp_path):
    path = written(tmp_path, "occupations", "X,o:1,7531,tailor,,,released,,,,,,Makes suits.,7531.3", "")
    (tailor,) = esco.concepts(path)
    assert (tailor.kind, tailor.code, tailor.alternatives) == (esco.ConceptKind.OCCUPATION, "7531.3", ())


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        ("needs", "o:1,essential,knowledge,s:1", esco.EscoRelation("o:1", "s:1", esco.RelationKind.ESSENTIAL)),
        ("between", "s:1,x,optional,y,s:2", esco.EscoRelation("s:1", "s:2", esco.RelationKind.OPTIONAL)),
        ("broader", "x,s:1,y,s:2", esco.EscoRelation("s:1", "s:2", esco.RelationKind.BROADER)),
    ],
)
def test_relations_of_esco_are_read(tmp_path, header, line, expected):
    assert list(esco.relations(written(tmp_path, header, line))) == [expected]


@pytest.mark.parametrize(
    ("header", "lines", "expected"),
    [
        ("name,age", [], "esco.csv, row 1 is not the header of an ESCO file"),
        ("", [], "esco.csv, row 1 is not the header of an ESCO file"),
        ("needs", ["o:1,essential,x,s:1"], "esco.csv holds occupation skills, not skills or occupations"),
        ("skills", [SKILL, SKILL], "esco.csv, row 3, column conceptUri: this concept occurs twice in the file"),
        ("skills", [SKILL, SKILL.replace("s:1", " ")], "esco.csv, row 3, column conceptUri: the cell is empty"),
        ("skills", [SKILL.replace("sew hems", "")], "esco.csv, row 2, column preferredLabel: the cell is empty"),
        ("skills", [SKILL, "X,s:2,knowledge"], "esco.csv, row 3, column reuseLevel: the row has 3 cells"),
        ("skills", [f"{SKILL},more"], "esco.csv, row 2, column description: the row has 14 cells"),
        ("skills", [SKILL, 'X,"s:2'], "esco.csv, row 3 is not CSV in UTF-8"),
        (
            "skills",
            [SKILL.replace("Hemming", "\x00")],
            "esco.csv, row 2, column description: the cell contains a null character",
        ),
        ("skills", [SKILL.replace("Hemming", "x" * 1_100_000)], "esco.csv, row 2 is not CSV in UTF-8"),
    ],
)
def test_a_bad_file_of_concepts_is_refused_by_file_row_and_column(tmp_path, header, lines, expected):
    with pytest.raises(RuleBroken) as refused:
        list(esco.concepts(written(tmp_path, header, *lines)))
    assert str(refused.value).startswith(expected)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("header", "line", "expected"),
    [
        (
            "needs",
            "o:1,useful,x,s:1",
            "esco.csv, row 2, column relationType: the value must be essential or optional. Download the file again.",
        ),
        ("broader", "x,s:1,y,", "esco.csv, row 2, column broaderUri: the cell is empty. Download the file again."),
        (
            "skills",
            SKILL,
            "esco.csv holds skills, not occupation skills or skill skills or broader skills. Choose another file.",
        ),
    ],
)
def test_a_bad_file_of_relations_is_refused_by_file_row_and_column(tmp_path, header, line, expected):
    with pytest.raises(RuleBroken) as refused:
        list(esco.relations(written(tmp_path, header, line)))
    assert str(refused.value) == expected


def test_a_file_that_is_not_utf_8_or_not_there_is_refused(tmp_path):
    with pytest.raises(RuleBroken, match=r"^esco\.csv, row \d+ is not CSV in UTF-8"):
        list(esco.concepts(written(tmp_path, "skills", SKILL.replace("Hemming", "Hemmi\u00e9"), encoding="latin-1")))
    with pytest.raises(RuleBroken, match=r"^nowhere\.csv cannot be opened"):
        esco.kind_of(tmp_path / "nowhere.csv")


LIST = ("code,title,other_titles,description", "9223,Cleaners and domestics,Office cleaner|Chambermaid,Cleans rooms.",
        "9223,Sparkle technician,,", "6135,Care workers,,")  # fmt: skip


def test_a_plain_list_is_read_with_all_titles_of_a_code(tmp_path):
    cleaners, carers = plain_list.concepts(written(tmp_path, *LIST), ConceptKind.OCCUPATION, "SOC 2020")
    assert cleaners.uri == "list:SOC 2020:9223"
    assert (cleaners.preferred, cleaners.description) == ("Cleaners and domestics", "Cleans rooms.")
    assert cleaners.alternatives == ("Office cleaner", "Chambermaid", "Sparkle technician")
    assert esco.source_of(carers.uri) == vocabulary.source_of(carers.uri) == "SOC 2020"


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        (("code,name", "1,x"), "SOC", "no column title"),
        (("code,title", "1,"), "SOC", "row 2, column title"),
        (("code,title", ",x"), "SOC", "row 2, column code"),
        (("code,title",), "SOC", "no rows below"),
        (LIST, "", "needs a name"),
        (LIST, "esco", "other than esco"),
        (LIST, "SOC:2020", "without a colon"),
    ],
)
def test_a_bad_list_is_refused_by_row_and_column(tmp_path, lines, name, expected):
    with pytest.raises(RuleBroken, match=expected):
        list(plain_list.concepts(written(tmp_path, *lines), ConceptKind.OCCUPATION, name))


def test_a_list_loads_beside_another_and_replaces_only_its_own_entries(database, tmp_path):
    path, kind = written(tmp_path, *LIST), ConceptKind.OCCUPATION
    for name in ("SOC 2020", "Own list", "SOC 2020"):
        with database.writing(None) as session:
            loaded = taxonomy.load_list(session, path, kind, name, normalise)
            assert (loaded.concepts, loaded.labels) == (2, 5)
    shorter = written(tmp_path, *LIST[:1], LIST[3])
    with database.writing(None) as session:
        taxonomy.load_list(session, shorter, kind, "Own list", normalise)
    with database.reading() as session:
        assert taxonomy.sources(session, kind) == ["Own list", "SOC 2020"]
        assert len(list(taxonomy.entries(session, kind))) == 3
        offers = vocabulary.finder(session, kind).find("sparkle technician").offers
    assert (offers[0].preferred, vocabulary.source_of(offers[0].uri)) == ("Cleaners and domestics", "SOC 2020")


@pytest.fixture
def vectors(tmp_path):
    sentence_vectors.use_folder(tmp_path / "vectors", small_model)
    yield tmp_path / "vectors"
    sentence_vectors.use_folder(None)


def skills_named(*labels):
    return [esco.EscoConcept(f"s:{label}", ConceptKind.SKILL, label) for label in labels]


def test_the_sentence_model_is_used_once_the_vectors_of_the_labels_are_made(vectors):
    concepts = skills_named("Shop", "cook cooks")
    assert sentence_vectors.encoder(ConceptKind.SKILL, concepts) is None
    before = sentence_vectors.stamp(ConceptKind.SKILL)
    assert sentence_vectors.make(ConceptKind.SKILL, concepts, lambda _done, _of: None) == 2
    assert sentence_vectors.stamp(ConceptKind.SKILL) != before
    assert sentence_vectors.encoder(ConceptKind.SKILL, concepts).missing(["shop", "cook cooks"]) == []
    assert sentence_vectors.encoder(ConceptKind.OCCUPATION, concepts) is None


def test_a_larger_taxonomy_than_the_vectors_know_is_searched_with_the_token_table(vectors):
    sentence_vectors.make(ConceptKind.SKILL, skills_named("shop"), lambda _done, _of: None)
    many = skills_named(*(f"cook {number}" for number in range(501)))
    assert sentence_vectors.encoder(ConceptKind.SKILL, many) is None
    assert sentence_vectors.encoder(ConceptKind.SKILL, many[:20]) is not None


def test_vectors_of_a_model_that_was_removed_are_not_used(vectors):
    sentence_vectors.make(ConceptKind.SKILL, skills_named("shop"), lambda _done, _of: None)

    def removed():
        raise ModelMissing("The sentence model is not installed.")

    sentence_vectors.use_folder(vectors, removed)
    assert sentence_vectors.encoder(ConceptKind.SKILL, skills_named("shop")) is None
