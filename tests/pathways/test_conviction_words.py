"""What speaks of convictions is withheld from whoever may not read convictions, in whatever field it was written."""

import re
from datetime import date
from typing import Any, get_args

import pytest

from pathways.base import Role
from pathways.jobseekers.schemas import DetailsBody, NewProfile
from pathways.reference.wording import speaks_of_convictions
from pathways.referrals.schemas import NewReferral
from tests.world import World

API = "/api/v1"
ON = date(2026, 11, 1)
GUILTY = """
on tag until March; he is on bail; out on police bail; known to youth justice; the youth offending team is involved
YOT worker is Sam; did time for it; has been inside.; was inside for two years; three years inside.; he has previous
has previous for theft; he has previous, be careful; previous convictions; CRO number 1234/01A; a sex offender
subject to a SHPO; MAPPA level 2; released on licence; on licence until May; licence conditions: no contact
probation officer is Jan; on probation; DBS shows two entries; positive disclosure; cautioned in 2019
a caution for shoplifting; has a caution; court on Monday; court case in May; has court on 3 May; due in court
HMP Pentonville; remanded in custody; day release from HMP; ROTL at weekends; electronic monitoring
electronically tagged; has an ankle tag; curfew 7pm to 7am; a spent conviction; convicted of theft; a prison leaver
has been to jail; served a sentence; suspended sentence; an ex-offender; was re-offending; tagged until June
community payback on Saturdays; magistrates' court; probation appointments on Tuesdays; PROBATION; bailed to his mum's
criminal record; police caution; recall to prison; in and out of prison; was in custody; served time; is doing time
burglary in 2019; served 18 months; guilty of fraud; remand at Wormwood Scrubs; prosecuted for it
was locked up as a youth; spent, but will show on an enhanced DBS; criminal recrod; convicton for theft; has a record
shoplifting as a teenager
restraining order against him; drink driving 2022; cat D resettlement; IOM cohort; served two years for robbery
a record for violence; he served 18 months for stalking her; pleaded guilty; charged with assault; sold drugs
possession with intent; disqualified from driving; on probabtion; an ofender
prosecuted in 2020; category C prison
sentenced to 6 months; YOI Feltham; 6 months inside; jailed in May; an unspent offence; arrested in May
"""
INNOCENT = """
chef in a court café; tennis court; plays basketball on the court; cautious with new people
wants to be a prison officer; police cadet; clean driving licence; forklift licence; premises licence
probation period of six weeks; probationary period passed; child custody hearing next week
shared custody of his children; custody of her daughter; works with caution; cardiac arrest first aid
strong convictions about animals; food hygiene level 2; worked inside and out; prefers to work inside
likes being inside when it rains; has been inside the kitchen; spends time inside; time management
has previous experience in retail; has no previous experience; previous jobs: cleaner; previous job in a café
his previous job; SIA licence; driving licence, 3 points on licence; full UK driving licence; tag rugby; price tags
tagged clothing in a warehouse; name tag; tagged in photos; hostel curfew; bailed out by his brother
his friend bailed on him; DBS check done; enhanced DBS; DBS shows nothing; DBS clear; lives at Beaumont Court
lives near Earls Court; court shoes; tennis court attendant; court usher; food court; family court about contact
easily offended; does not take offence; no offence meant; prison chaplain; a word of caution
use caution with heights; needs wet floor caution signs; electronic music; electronics repair
monitoring stock levels; serves time-poor customers; did time sheets; did time trials; a quiet space; no lone working
sentence structure; writes short sentences; youth club volunteer; youth worker; justice and peace group
police community support officer; wants to work for the police; law degree; licence to operate a forklift; TV licence
personal licence holder; first class licence; clinical trials; map reading; inside leg measurement; indoor work
officer cadet; custody officer; Court Road; courteous; courtyard gardening; caring for my nan; cautiously optimistic
works inside the shop; on time; years inside the hotel trade; inside sales; passed her probation; criminology
crime novels; release forms; squash courts; previous qualifications; with previous employer; community centre
good with electronic tills; tagging along; convection oven; victim of fraud; survivor of robbery
theft prevention course
has a record of good attendance; a record player; feels guilty about leaving her nan; served 12 years in the army
did 3 weeks work experience; served two years as an apprentice; locked up the shop
released from hospital; restraining order against her ex; a convinced vegan; reminded him; demanded a rest
offering help; attending college
money spent, but not planned; given 2 months notice; did two years of college; theft of her bike; his record time
"""


def phrases(text: str) -> list[str]:
    return [one.strip() for line in text.strip().splitlines() for one in line.split(";")]


def test_the_words_of_convictions_are_known_in_sentences():
    frames = ("{}", "She said: {}", "{} - ask him first", "Likes baking. {}")
    assert [
        f.format(one) for one in phrases(GUILTY) for f in frames if not speaks_of_convictions(f.format(one), ON)
    ] == []


def test_ordinary_sentences_stay_readable():
    innocent = phrases(INNOCENT)
    assert len(innocent) >= 80
    assert [one for one in innocent if speaks_of_convictions(one, ON)] == []


# Planted markers: one for each field in which people write freely, looked for by each relation.
NO_TEXT = {"given_name", "family_name", "known_as", "email", "phone", "postcode", "nino", "nhs_number", "half_days"}
NO_TEXT |= {"council_person_id", "referrer_email", "ref", "qualification_level"}
SUPPORT = ("barrier", "reason", "contact", "plan", "experiences", "check-in", "word", "supporter")
MAY_READ = ("caseworker", "manager")
MAY_NOT = ("colleague", "lister", "other_caseworker", "other_manager", "commissioner", "auditor", "administrator")


def text_fields(body: Any) -> dict[str, Any]:
    """Return, by name of each free text of a body, a value with a marker."""
    found: dict[str, Any] = {}
    for name, field in body.model_fields.items():
        kind = str(field.annotation)
        if name in NO_TEXT or "StrEnum" in kind or "Literal" in kind or "enum" in kind:
            continue
        marker = f"He is on bail, MARKER-{name}"
        if "list[" in kind and "str" in kind:
            found[name] = ["keeps to time", marker]
        elif str in (field.annotation, *get_args(field.annotation)) or "Annotated[str" in kind:
            found[name] = marker
    return found


def replies(client: Any, world: World, who: str, paths: list[str]) -> dict[str, str]:
    return {path: client.get(f"{API}{path}", headers=world.key(who)).text for path in paths}


@pytest.fixture
def planted(client, world: World) -> tuple[list[str], set[str]]:
    """A case with a marker in every free text: details, profile, referral, barrier, check-in, plan, contact, …"""
    key, day = world.key("caseworker"), str(world.on("manager").today)
    details, profile, referral = (text_fields(body) for body in (DetailsBody, NewProfile, NewReferral))
    details.pop("contact_withheld_reason", None)
    referral.pop("contact_withheld_reason", None)
    said = world.refer(by="referrer", **{name: value for name, value in referral.items() if name != "safe_contact"})
    world.accept(said)
    enrolment, person = world.enrol(said), said.jobseeker_id
    path = f"/jobseekers/{person}"

    def send(method: str, at: str, **body: Any) -> Any:
        headers = dict(key)
        if method in {"PATCH", "PUT"}:
            read = client.get(f"{API}{at}", headers=key)
            headers["If-Match"] = read.headers.get("ETag", '"0"')
        answer = client.request(method, f"{API}{at}", headers=headers, json=body)
        assert answer.is_success, (at, answer.text)
        return answer.json()

    send("PATCH", path, **details)
    profile["experiences"] = [{"kind": "life", "text": "He is on bail, MARKER-experiences"}]
    send("PUT", f"{path}/profile", **profile)
    send("POST", f"{path}/barriers", kind="other", opened_on=day, note="He is on bail, MARKER-barrier")
    send("POST", f"{path}/safety-exclusions", kind="person", who="Zed Quill", reason="He is on bail, MARKER-reason")
    send(
        "POST",
        f"{path}/contacts",
        on=day,
        how="phone",
        with_whom="jobseeker",
        outcome="spoke",
        note="on bail MARKER-contact",
    )
    send("POST", f"{path}/plans", agreed_on=day, steps=[{"what": "Ring probation officer, MARKER-plan"}])
    world.permit(person, "identity", "contact", "work", "health_and_adjustments")
    made = send(
        "POST",
        "/introductions",
        jobseeker_id=str(person),
        placement_id=str(world.list_placement()),
        safety_check="I rang them, nobody of that name is there.",
    )
    for step in ("agree", "send"):
        send("POST", f"/introductions/{made['id']}/{step}")
    spell = send("POST", "/spells", enrolment_id=str(enrolment), kind="JOB_OPEN", title="Cook", started_on=day)
    told = {"spell_id": spell["id"], "on": day, "result": "in_work", "told_by": "employer"}
    send("POST", "/check-ins", **told, note="On bail, MARKER-check-in")
    send("POST", f"{path}/confirmed-words", kind="skill", text="ran a prison laundry MARKER-word")
    send("POST", f"{path}/supporters", name="Pat Probe", role="family", note="On bail, MARKER-supporter")
    shortlist = send("POST", f"{path}/shortlists")
    ids = {"jobseeker_id": person, "referral_id": said.id, "introduction_id": made["id"], "enrolment_id": enrolment}
    ids |= {"shortlist_id": shortlist["id"], "spell_id": spell["id"]}
    gets = [at for at, methods in client.app.openapi()["paths"].items() if "get" in methods and "/extract" not in at]
    paths = [at.removeprefix(API).format(**ids) for at in gets if set(re.findall(r"{(\w+)}", at)) <= set(ids)]
    markers = {f"MARKER-{name}" for name in (*details, *profile, *referral)}
    return paths, markers | {f"MARKER-{name}" for name in SUPPORT}


def test_no_marker_is_read_by_who_may_not_read_convictions(client, world: World, planted):
    paths, markers = planted
    assert len(markers) > 20
    read = "".join(replies(client, world, "caseworker", paths).values())
    unread = {marker for marker in markers if marker not in read}
    assert unread <= set(), unread
    for who in MAY_NOT:
        leaks = {
            (path, marker)
            for path, text in replies(client, world, who, paths).items()
            for marker in markers
            if marker in text
        }
        assert leaks == set(), who
    [own] = [path for path in paths if path.endswith("/profile")]
    profile = client.get(f"{API}{own}", headers=world.key("colleague")).json()
    assert profile["skills"] == ["keeps to time"]  # only the line is left out
    assert "skills" in profile["withheld"]
    sent = [path for path in paths if re.fullmatch(r"/introductions/[^/]+", path)]
    shown = client.get(f"{API}{sent[0]}", headers=world.key("lister")).json()
    assert (shown["phone"], shown["safe_contact"], shown["skills"]) == (None, None, ["keeps to time"])


def test_a_referral_by_probation_says_so_to_no_colleague(client, world: World):
    said = world.refer(source_type="PROBATION", referrer_name="Jan Probe", referred_because="Sent by Jan.")
    for who, reads in (("manager", True), ("referrer", True), ("colleague", False)):
        one = client.get(f"{API}/referrals/{said.id}", headers=world.key(who))
        lines = client.get(f"{API}/referrals", headers=world.key(who)).json()["items"]
        assert (one.json()["source_type"] == "PROBATION", "Jan" in one.text) == (reads, reads), who
        assert [line["source_type"] == "PROBATION" for line in lines] == [reads], who
        assert [line["given_name"] for line in lines] == ["Amina"], who
    assert Role.CASEWORKER is world.actors["colleague"].role
