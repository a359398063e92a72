"""What people read when something is refused or due: who may help, which step is possible, and what to do next."""

from datetime import date
from decimal import Decimal

import pytest

from pathways.access import permission_words
from pathways.access.permissions import PERMISSIONS_OF, Permission
from pathways.base import Role
from pathways.facts import MoveRefused, destination
from pathways.field_faults import NO_FORM, sentence_of
from pathways.introductions import stops
from pathways.introductions.models import INTRODUCTION_MOVES, IntroductionEvent, IntroductionState, steps_of
from pathways.jobseekers import placeholders
from pathways.messages.models import NoticeKind
from pathways.messages.wording import TEXT
from pathways.reference.vocabularies import labels_of
from pathways.referrals.columns import READERS
from pathways.referrals.models import REFERRAL_MOVES, ReferralEvent, ReferralState, afterwards
from pathways.sheets import slips
from tests.pathways.test_imports import act, send, text
from tests.world import World

# Permissions


def test_every_permission_and_role_has_its_words():
    assert set(permission_words.WORDS) == set(Permission)
    assert set(permission_words.ROLES) == set(Role)


@pytest.mark.parametrize("permission", Permission)
def test_a_refused_role_reads_exactly_who_may(permission: Permission):
    sentence = permission_words.refusal(permission)
    named = {role for role, words in permission_words.ROLES.items() if words in sentence.partition(" may do ")[0]}
    assert named == {role for role in Role if permission in PERMISSIONS_OF[role]}
    assert permission.value not in sentence


def test_a_caseworker_who_may_not_lift_a_restriction_is_sent_to_a_team_manager(client, world: World):
    person = world.refer().jobseeker_id
    path = f"/api/v1/jobseekers/{person}/lift-restriction"
    answer = client.post(path, headers=world.key("caseworker"), json={"reason": "It is safe now."})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Only a team manager may do this (lift a restriction).")


# Moves


@pytest.mark.parametrize("role", [Role.CASEWORKER, Role.TEAM_MANAGER, Role.PLACEMENT_LISTER])
@pytest.mark.parametrize("event", IntroductionEvent)
@pytest.mark.parametrize("state", IntroductionState)
def test_only_steps_that_the_role_may_take_are_named(role: Role, event: IntroductionEvent, state: IntroductionState):
    if (state, event) in INTRODUCTION_MOVES:
        assert destination(INTRODUCTION_MOVES, state, event) is INTRODUCTION_MOVES[state, event]
        return
    with pytest.raises(MoveRefused) as refused:
        destination(INTRODUCTION_MOVES, state, event, allowed=steps_of(role))
    assert set(refused.value.more["possible"]) == {
        step for step in steps_of(role) if (state, step) in INTRODUCTION_MOVES
    }
    assert refused.value.detail.count(" or ") <= 1


def test_a_step_taken_before_is_said_to_be_taken():
    then = afterwards(ReferralState.ACCEPTED, Role.CASEWORKER)
    with pytest.raises(MoveRefused, match=r"^Already accepted\. Next: enrol the jobseeker\.$"):
        destination(REFERRAL_MOVES, ReferralState.ACCEPTED, ReferralEvent.ACCEPT, afterwards=then)
    for state in ReferralState:
        assert "enrol" not in afterwards(state, Role.REFERRER)


@pytest.mark.parametrize("stop", stops.Stop)
@pytest.mark.parametrize("state", stops.LIVE)
def test_work_that_has_started_is_never_withdrawn_or_ended_without_the_jobseeker(stop, state: IntroductionState):
    sentence = stops.sentence_of(stop, state)
    if state is IntroductionState.STARTED:
        assert "ithdraw" not in sentence
        assert sentence.index("jobseeker") < sentence.index("record")
    else:
        assert "started" not in sentence


# Notices


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_says_a_fact_and_then_what_to_do(kind: NoticeKind):
    for words in TEXT[kind]:
        assert len([part for part in words.split(". ") if part]) > 1 or any(
            verb in words for verb in ("Please confirm", "Confirm or contest", "paused", "repay")
        ), words


# Cells


@pytest.mark.parametrize("words", ["yes", "Y", "Yes - British", "Yes, BRP seen", "true"])
def test_a_yes_to_the_right_to_work_asks_what_was_seen(words: str):
    found = READERS["right_to_work"](words)
    assert isinstance(found, slips.Slip)
    assert found.value is None
    assert "what was seen" in found.rule
    assert "time_limited (until a date)" in found.remedy


@pytest.mark.parametrize(
    ("column", "words", "rule"),
    [
        ("earliest_start_on", "12/11/26", "12 November 2026"),
        ("referred_on", "12.11.26", "12 November 2026"),
        ("hours_min", "16-20", "16 to 20 hours"),
        ("hours_max", "up to 16", "at most 16 hours"),
        ("max_travel_minutes", "1 hour", "60"),
        ("interpreter_needed", "Yes - Somali", "yes"),
        ("half_days", "Mondays and Tuesday mornings", "mon am"),
    ],
)
def test_a_cell_that_was_read_in_another_form_says_as_what(column: str, words: str, rule: str):
    found = READERS[column](words)
    assert isinstance(found, slips.Slip)
    assert rule in found.rule


@pytest.mark.parametrize("words", ["26/05/02", "26-5-99"])
def test_a_date_of_birth_is_in_no_report(words: str):
    found = READERS["date_of_birth"](words)
    assert isinstance(found, slips.Slip)
    assert isinstance(found.value, date)
    assert not any(character.isdigit() for character in found.rule + found.remedy)


def test_numbers_are_read_back_without_noughts():
    assert slips.read_as(Decimal("20.00")) == "This was read as 20."
    assert slips.read_as(Decimal("37.50")) == "This was read as 37.5."


INCOMPLETE = [("phone", "0770"), ("phone", "07700 90"), ("nino", "QQ137"), ("nhs_number", "943")]
MEANT = [
    ("phone", "0000"),
    ("phone", "none"),
    ("nino", "n/a"),
    ("nino", "ZZ123456"),
    ("nhs_number", "00000"),
    ("email", "none"),
]


@pytest.mark.parametrize(("name", "value"), [*INCOMPLETE, ("email", "amina.example.org"), ("email", "amina@")])
def test_a_part_of_a_number_or_address_looks_incomplete(name: str, value: str):
    assert getattr(placeholders, f"is_{name}")(value)
    assert "looks incomplete" in placeholders.sentence_of(name, value)


@pytest.mark.parametrize(("name", "value"), [*MEANT, ("email", "noemail"), ("email", "none@none.com")])
def test_a_word_for_not_known_is_called_one(name: str, value: str):
    assert getattr(placeholders, f"is_{name}")(value)
    assert placeholders.sentence_of(name, value) == placeholders.TEXTS[name]


def test_a_sheet_that_says_no_to_sharing_is_warned_of(client, world: World):
    head = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,permission_to_share"
    row = "S{},JCP,Hendon Jobcentre,2026-09-01,Share{},Begum,{}"
    lines = [row.format(at, at, word) for at, word in enumerate(["yes", "no", ""])]
    report = send(client, world, text(*lines, head=head))["report"]
    warned = [one for one in report["warnings"] if one["field"] == "permission_to_share"]
    assert [(one["row"], "did not agree" in one["rule"]) for one in warned] == [(3, True)]


@pytest.mark.parametrize(
    ("name", "advice"), [("Henden Jobcentre", "Did you mean Hendon Jobcentre?"), ("Utterly New", "the operator")]
)
def test_an_unknown_organisation_is_answered_with_the_nearest_one(client, world: World, name: str, advice: str):
    line = f"N1,JCP,{name},2026-09-01,Amina,Begum,2002-05-26,,NW9 5QN"
    [error] = send(client, world, text(line))["report"]["errors"]
    assert advice in error["remedy"]
    assert "--" not in error["remedy"]


def test_a_dry_run_creates_nothing_and_says_so(client, world: World):
    run = send(client, world, text("D1,JCP,Hendon Jobcentre,2026-09-01,Amina,Begum,2002-05-26,,NW9 5QN"))
    assert (run["report"]["created"], run["report"]["to_create"]) == (0, 1)
    assert act(client, world, run, "apply")["report"]["created"] == 1


# Fields


@pytest.mark.parametrize("pattern", ["^20[0-9]{2}-(0[1-9]|1[0-2])$", "^https?://x", r"^[^\x00-\x1f\x7f]*$"])
def test_a_text_of_another_form_is_answered_with_an_example(pattern: str):
    fault = {"type": "string_pattern_mismatch", "ctx": {"pattern": pattern}, "msg": ""}
    assert sentence_of(fault) != NO_FORM


def test_every_form_of_a_field_that_people_send_has_a_sentence(client):
    patterns: set[str] = set()

    def gather(value: object) -> None:
        if isinstance(value, dict):
            patterns.update([value["pattern"]] if isinstance(value.get("pattern"), str) else [])
            for inner in value.values():
                gather(inner)
        elif isinstance(value, list):
            for inner in value:
                gather(inner)

    gather(client.app.openapi()["components"]["schemas"])
    assert len(patterns) > 5
    fault = {"type": "string_pattern_mismatch", "msg": ""}
    assert [one for one in patterns if sentence_of(fault | {"ctx": {"pattern": one}}) == NO_FORM] == []


def test_an_id_that_is_none_is_named_as_one(client, world: World):
    for path in ("/jobseekers/J-1", "/referrals/nothing"):
        answer = client.get(f"/api/v1{path}", headers=world.key("caseworker"))
        assert answer.status_code == 404
        assert "id" in answer.json()["detail"]
    assert client.get("/api/v1/nothing/x/y/z/0").json()["title"] == "There is no such address"


def test_levels_of_dbs_checks_have_words():
    assert labels_of("dbs-levels")["ENHANCED_BL_ADULT"] == "Enhanced with the adults' barred list"
