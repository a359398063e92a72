"""No page shows a field that the API would not show the same person: every page, for every role and relation.

Each text about a person is a word that stands nowhere else. Which of them a visitor may read comes from the one policy;
which of them the API shows is read from every GET of the API.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

import pytest

from pathways.app import PAGES
from pathways.fields import POLICY, SHAREABLE, Group, Purpose, Relation, Relationship, visible_fields
from pathways.introductions.schemas import FeedbackOut
from pathways.jobseekers.models import Jobseeker
from pathways.jobseekers.schemas import ContactOut, JobseekerOut, ProfileOut
from pathways.pages.listing_questions import STEPS as LISTING_STEPS
from pathways.pages.person_questions import DETAILS_STEPS, PROFILE_STEPS
from pathways.pages.today import SECTIONS
from pathways.pages.visitors import PageRoute, back_to_the_first_page
from pathways.placements.models import Placement
from pathways.referrals.schemas import ReferralOut
from pathways.support.schemas import CheckInOut
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import begin, introduced, move
from tests.work import TODAY, evidence
from tests.world import MEMBERS, World

pytestmark = pytest.mark.any_database

RELATIONS = {
    "caseworker": Relation.OWN_CASEWORKER,
    "colleague": Relation.COLLEAGUE,
    "manager": Relation.MANAGER,
    "referrer": Relation.REFERRER,
    "lister": Relation.SOCIAL_ENTERPRISE,
}
DETAILS = {
    "given_name": "Zqgiven",
    "family_name": "Zqfamily",
    "known_as": "Zqknown",
    "email": "zqmail@example.org",
    "phone": "07700 900987",
    "safe_contact": "zqsafe only",
    "council_person_id": "4011389",
}
OF_REFERRAL = {"referred_because": "zqbecause", "referrer_name": "Zqreferrer"}
LISTS = (
    "aspirations",
    "avoid",
    "interests",
    "strengths",
    "skills",
    "licences",
    "adjustments",
    "environment",
    "benefits",
)
PROFILE = {name: [f"zq{name}"] for name in LISTS}
OWN_WORDS = {"own_words": "zqownwords", "note": "zqprofilenote", "agreed_by": "Zqagreed"}


def marks() -> dict[str, tuple[str, Group]]:
    """Return the word of each text, and the group of the policy that it belongs to, as the shapes of the API say."""
    found = {name: (text.split()[0], JobseekerOut.group_of[name]) for name, text in DETAILS.items() if name != "phone"}
    found["phone"] = ("900987", JobseekerOut.group_of["phone"])
    found |= {name: (text, ReferralOut.group_of[name]) for name, text in OF_REFERRAL.items()}
    found |= {name: (text[0], ProfileOut.group_of[name]) for name, text in PROFILE.items()}
    found |= {name: (text, ProfileOut.group_of[name]) for name, text in OWN_WORDS.items()}
    return found | {
        "contact.note": ("zqcontactnote", ContactOut.group_of["note"]),
        "check_in.note": ("zqcheckinnote", CheckInOut.group_of["note"]),
        "feedback.note": ("zqfeedbacknote", FeedbackOut.group_of["note"]),
        "exclusion.reason": ("zqexclusion", Group.SAFETY),
        "invitation": ("zqtimes", Group.NOTES),
    }


MARKS = marks()


def words_in(text: str) -> set[str]:
    """Return which texts about the person stand in a page or a reply."""
    joined = text.replace("\u202f", " ").lower()
    return {name for name, (mark, _) in MARKS.items() if mark.lower() in joined}


@dataclass
class Told:
    """A person about whom everything is recorded, two introductions of them, and the ids that addresses need."""

    world: World
    client: Any
    ids: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def routes(self) -> list[str]:
        return [route.path for router in PAGES for route in router.routes if _is_page(route)]

    def addresses(self) -> Iterator[list[str]]:
        """Yield, for every page, its addresses with every id, of this person and of nobody."""
        for path in self.routes:
            names = re.findall(r"{(\w+)(?::uuid)?}", path)
            assert set(names) <= set(self.ids), f"{path}: say in `recorded` which values its address takes."
            filled = [re.sub(r":uuid}", "}", path)]
            for name in names:
                filled = [
                    one.replace(f"{{{name}}}", value, 1) if f"{{{name}}}" in one else one
                    for one in filled
                    for value in self.ids[name]
                ]
            yield filled

    def operations(self) -> Iterator[str]:
        """Yield every GET of the API with the ids of this person."""
        for path, methods in self.client.app.openapi()["paths"].items():
            names = re.findall(r"{(\w+)}", path)
            if "get" in methods and set(names) <= set(self.ids) and not path.endswith("/template"):
                known = {name: self.ids[name] for name in names}
                for values in zip(*known.values(), strict=False) if known else [()]:
                    yield path.format(**dict(zip(known, values, strict=True)))


def _is_page(route: Any) -> bool:
    # The pages of one-time links name nobody, and a link that works would be used up.
    is_opened = isinstance(route, PageRoute) and "GET" in route.methods and "{token}" not in route.path
    return is_opened and route.endpoint is not back_to_the_first_page


@pytest.fixture
def recorded(world: World, client, call, browse) -> Told:
    """Record a text in every field about one person, who works in one placement and is put forward for another."""
    ids = world.arranged("a text in every field", lambda: _record(world, client, call, browse))
    return Told(world, client, {name: [*values] for name, values in ids.items()})


def _record(world: World, client: Any, call: Any, browse: Any) -> dict[str, list[str]]:
    day = TODAY - timedelta(days=30)
    referral = world.refer(day=day, **DETAILS, **OF_REFERRAL, nino=None, nhs_number=None)
    world.accept(referral, day)
    enrolment = world.enrol(referral, day)
    person = referral.jobseeker_id
    key = world.key("caseworker")
    headers = {**key, "If-Match": client.get(f"/api/v1/jobseekers/{person}/profile", headers=key).headers["ETag"]}
    written = client.put(
        f"/api/v1/jobseekers/{person}/profile",
        headers=headers,
        json={**PROFILE, **OWN_WORDS, "agreed_on": TODAY.isoformat(), "half_days": "mon am", "hours_min": 8},
    )
    assert written.status_code == 200, written.text
    about = {"on": TODAY.isoformat(), "with_whom": "jobseeker", "how": "phone", "outcome": "spoke"}
    call("caseworker", f"/jobseekers/{person}/contacts", **about, note="zqcontactnote")
    other = world.list_placement(by="other_lister", title="Gardener", ref="other")
    kept_away = str(world.organisations["other_enterprise"])
    exclusion = {"kind": "organisation", "social_enterprise_id": kept_away, "reason": "zqexclusion was said"}
    call("caseworker", f"/jobseekers/{person}/safety-exclusions", **exclusion)
    listings = [world.list_placement(title="Cook", ref="first"), world.list_placement(title="Baker", ref="second")]
    works, waits = (introduced(world, listing, *sorted(SHAREABLE), person=person) for listing in listings)
    browse("lister").post(f"/introductions/{waits}/answer", {"event": "invite", "times": "zqtimes on Friday"})
    move(world, works, "offer")
    move(world, works, "accept")
    lister = browse("lister")
    begin(lister, works)
    lister.post(f"/introductions/{works}/feedback", {"how": "at_risk", "note": "zqfeedbacknote"})
    spell = client.get(f"/api/v1/spells?jobseeker={person}", headers=key).json()["items"][0]["id"]
    call(
        "caseworker", "/check-ins", spell_id=spell, on=TODAY.isoformat(), result="in_work", told_by="jobseeker",
        note="zqcheckinnote",
    )  # fmt: skip
    item = evidence(client, world, spell, TODAY, TODAY, is_checked=False)
    shortlist = call("caseworker", f"/jobseekers/{person}/shortlists")["id"]
    with world.database.reading() as session:
        reference = session.get_one(Jobseeker, person).reference
    nobody = [str(uuid4())]
    given = client.get(f"/api/v1/jobseekers/{person}/permissions", headers=key).json()["items"]
    return {
        "reference": [reference],
        "jobseeker_id": [str(person)],
        "enrolment_id": [str(enrolment)],
        "referral_id": [str(referral.id)],
        "introduction_id": [str(works), str(waits)],
        "placement_id": [str(one) for one in (*listings, other)],
        "spell_id": [spell],
        "evidence_id": [item],
        "shortlist_id": [shortlist],
        "outcome_id": nobody,
        "claim_id": nobody,
        "merge_id": nobody,
        "run_id": nobody,
        "pair_id": nobody,
        "provider_id": nobody,
        "user_id": nobody,
        "permission_id": [given[0]["id"]],
        "record_id": [str(person), str(enrolment), spell],
        "kind": ["referrals", "placements", "jobseekers", "enrolments", "spells"],
        "section": [step.name for step in (*PROFILE_STEPS, *DETAILS_STEPS)],
        "step": [step.name for step in (*LISTING_STEPS, *PROFILE_STEPS, *DETAILS_STEPS)],
        "key": [section.key for section in SECTIONS],
    }


def policy_of(world: World, member: str, granted: frozenset[Group]) -> set[str]:
    """Return which texts the policy lets a member read, for any purpose that the relation has."""
    relation = RELATIONS.get(member, Relation.NONE)
    purposes = {purpose for known, purpose in POLICY if known is relation} or {Purpose.INTRODUCTION}
    relationship = Relationship(relation, granted)
    groups = {
        group
        for purpose in purposes - {Purpose.EXTRACT}
        for group in visible_fields(world.actors[member], relationship, purpose)
    }
    return {name for name, (_, group) in MARKS.items() if group in groups} if groups != {Group.RECORD} else set()


def pages_of(told: Told, browser: Any) -> dict[str, set[str]]:
    """Return which texts each page shows that a browser can open."""
    shown = {}
    for addresses in told.addresses():
        for address in addresses:
            page = browser.get(address)
            assert page.status_code < 500, (address, page.text[:300])
            shown[address] = words_in(page.text)
            title = page.text.partition("</title>")[0]
            assert words_in(title) == set(), address  # no page names anybody in its title
            if page.status_code == 403:
                break  # the role may not open this page, whatever its address names
    browser.post("/people/search", {"text": "Zqgiven"})
    found = browser.get("/people/found")
    shown["/people/found"] = words_in(found.text.replace('value="Zqgiven"', "").replace("<q>Zqgiven", ""))
    return shown


@pytest.mark.long_test("postgresql")
@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_no_page_shows_what_the_policy_or_the_api_keeps_from_the_visitor(recorded, browse, member):
    told, granted = recorded, frozenset(SHAREABLE)
    shown = pages_of(told, browse(member))
    allowed = policy_of(told.world, member, granted)
    headers = told.world.key(member)
    assert {address: words - allowed for address, words in shown.items() if words - allowed} == {}
    by_api: set[str] = set()
    for path in told.operations() if any(shown.values()) else ():
        by_api |= words_in(told.client.get(path, headers=headers).text)
    assert {address: words - by_api for address, words in shown.items() if words - by_api} == {}
    if member == "caseworker":  # what is asked is asked of pages that show it all
        assert set().union(*shown.values()) == set(MARKS)
    if member not in RELATIONS:
        assert set().union(*shown.values()) == set()


@pytest.mark.long_test("postgresql")
@pytest.mark.parametrize("group", [None, *sorted(SHAREABLE)])
def test_a_social_enterprise_sees_on_its_pages_just_what_is_granted_now(recorded, browse, call, group):
    with recorded.world.database.reading() as session:
        enterprise = session.get_one(Placement, UUID(recorded.ids["placement_id"][0])).social_enterprise_id
    (person,) = recorded.ids["jobseeker_id"]
    headers = recorded.world.key("caseworker")
    for one in recorded.client.get(f"/api/v1/jobseekers/{person}/permissions", headers=headers).json()["items"]:
        recorded.client.post(
            f"/api/v1/jobseekers/{person}/permissions/{one['id']}/revoke",
            headers=headers,
            json={"reason": "No more."},
        )
    granted = frozenset()
    if group is not None:
        recorded.world.permit(UUID(person), group.value)
        granted = frozenset({group})
    assert enterprise == recorded.world.organisations["enterprise"]
    shown = set().union(*pages_of(recorded, browse("lister")).values())
    assert shown <= policy_of(recorded.world, "lister", granted)
    if group in {Group.IDENTITY, Group.CONTACT, Group.WORK, Group.HEALTH}:
        assert shown != set()


@pytest.mark.long_test("postgresql")
@pytest.mark.parametrize("how", ["withheld", "restricted"])
def test_what_protects_a_person_holds_on_every_page(recorded, browse, call, how):
    (person,) = recorded.ids["jobseeker_id"]
    world = recorded.world
    if how == "withheld":
        version = recorded.client.get(f"/api/v1/jobseekers/{person}", headers=world.key("caseworker")).headers["ETag"]
        done = recorded.client.patch(
            f"/api/v1/jobseekers/{person}",
            headers={**world.key("caseworker"), "If-Match": version},
            json={"contact_withheld_reason": "A court order."},
        )
        assert done.status_code == 200, done.text
        shown = set().union(*pages_of(recorded, browse("lister")).values())
        assert shown & {"phone", "email", "safe_contact"} == set()
        assert "court order" not in text_of(browse("colleague").get(f"/people/{recorded.ids['reference'][0]}"))
        return
    call("manager", f"/jobseekers/{person}/restrict", reason="A threat was reported.")
    for member in ("colleague", "lister", "referrer"):
        shown = set().union(*pages_of(recorded, browse(member)).values())
        expected = policy_of(world, "referrer", frozenset()) if member == "referrer" else set()
        assert shown <= expected, member
