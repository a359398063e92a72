"""What a header that is no column of ours is about: the column it suggests, another person, protection, or nothing.

A column that is not read must not be believed to be read. So each unknown header has a sentence, and if it is about
the safety of a person, so has each row that says something in it.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from pathways.imports.template import words_of
from pathways.sheets.header_words import normal


class HeaderMatter(StrEnum):
    """What an unknown header is about."""

    COLUMN = "column"  # one of our columns, once a member confirms it
    SOMEBODY_ELSE = "somebody_else"
    PROTECTION = "protection"
    BOTH_NAMES = "both_names"
    AGE = "age"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class UnreadHeader:
    """An unknown header: what it is about, the column that it suggests or "", and a sentence for the sender."""

    matter: HeaderMatter
    column: str
    sentence: str


# Words of headers about somebody else than the person in the row. ``normal`` has removed capitals and signs.
OTHERS = re.compile(
    r"\b(?:(?:key|support|social|case|care|outreach|youth|project|duty|link|family|housing|hostel|link|health|drug"
    r"|mental"
    r" health) ?workers?|keyworkers?|caseworkers?|workers?|next of kin|nok|n o k|kin|emergency|ice|i c e|carers?"
    r"|parents?"
    r"|guardians?|mothers?|fathers?|mums?|moms?|dads?|sisters?|brothers?|sons?|daughters?|husbands?|wife|wifes|spouses?"
    r"|(?:ex )?partners?|girlfriends?|boyfriends?|friends?|relatives?|family member|grandparents?|nans?|aunts?|uncles?"
    r"|advocates?|appointees?|deputy|attorney|gp|g p|doctors?|dr|surgery|nurse|cpn|psychiatrist|therapist|consultant"
    r"|landlords?|landlady|hostels?|solicitors?|probation|offender manager|prison|police|referrers?|referees?"
    r"|reference 1"
    r"|reference 2|referring|referrals?|referred|work coach|coach|advis[eo]rs?|mentors?|tutors?|teachers?|school"
    r"|college"
    r"|employers?|managers?|supervisors?|interpreters?|agency|agencies|organisations?|staff|officers?|co ?ordinators?"
    r"|navigators?|case owner|owner|alternative contact|alt contact|secondary contact|second contact|other contact"
    r"|contact person|contact name|named contact|trusted contact|third party|perp(?:etrator)?s?|abusers?|children?s?"
    r"|dependants?|dependents?|siblings?|pa|psw|iro|senco|senior)\b"
)
# Of these, the ones who refer people: their name, office and e-mail have columns of their own.
REFERRERS = re.compile(
    r"\b(?:(?:key|support|social|case|outreach) ?workers?|keyworkers?|referrers?|referring|referrals?|referred"
    r"|work coach"
    r"|coach|advis[eo]rs?|agency|agencies|organisations?|probation|officers?|school|college|jobcentre|job centre"
    r"|workers?)\b"
)
# Columns that hold something of the person in the row.
OF_PERSON = frozenset(
    ("given_name", "family_name", "known_as", "date_of_birth", "nino", "nhs_number", "council_person_id", "email")
) | {"phone", "postcode", "language", "skills", "aspirations", "benefits", "qualifications", "environment"}
ABOUT_REFERRAL = frozenset(("referrer_name", "referrer_email", "referring_organisation", "source_type", "referred_on"))
ABOUT_REFERRAL |= {"referral_ref", "reason"}
CONTACT_WAY = re.compile(
    r"\b(?:tel(?:ephone)?s?|phones?|mobiles?|mob|cell|landline|numbers?|nos?|contacts?|call|whatsapp|address"
    r"|postcode|d ?o ?b"
    r"|birth|ni|nino)\b"
)
TELEPHONE = re.compile(r"\b(?:tel(?:ephone)?s?|phones?|mobiles?|mob|cell|landline)\b")
MAIL_WAY = re.compile(r"\be ?mails?\b")
PROTECTIVE = re.compile(
    r"\b(?:risks?|risky|alerts?|warnings?|flags?|flagged|hazards?|danger(?:ous)?|violen(?:t|ce)|aggressi(?:on|ve)"
    r"|weapons?"
    r"|dv|d v|dva|da|dash|marac|mappa|vawg|idva|domestic|abuse[dr]?|perp|perpetrators?|perpetrator|stalk\w*"
    r"|harass\w*|coercive"
    r"|non molestation|restraining|injunction|court order|bail|licence conditions?|exclusions?|excluded|excl|barred"
    r"|banned"
    r"|safeguarding|safe|safety|unsafe|sg|vulnerab\w*|protected|protection|protective|refuge|traffick\w*|slavery|nrm"
    r"|fgm|hbv"
    r"|forced marriage|exploit\w*|county lines|gang|gangs|do not|don t|dont|dnc|no contact|not contact|withheld"
    r"|withhold"
    r"|confidential|sensitive|restricted|restriction|secret|ex ?directory|lone work\w*|visit in pairs|two workers"
    r"|2 workers"
    r"|(?:fe)?male (?:only|workers?|staff)|no (?:fe)?males?|women only|animals?|dogs?|pets at|voicemails?"
    r"|leave (?:a )?message"
    r"|ok to (?:call|text|ring|phone|e ?mail|contact|write|leave)|can we (?:call|text|ring|phone|leave)|suicid\w*"
    r"|self harm\w*"
    r"|sex offend\w*|schedule 1|arson|offend\w*|offences?|convict\w*|sexual harm|shpo|keep (?:away|from)|avoid contact"
    r"|discre(?:et|tion)|caution|concerns?|security|anonym\w*|hidden|witness)\b"
)
NO_RISK = re.compile(
    r"\b(?:data protection|protected characteristics?|gdpr|licence held|health and safety|food safety)\b"
)
OTHER_MATTERS = (
    ((r"ethnic\w*|race|gender|sex|pronouns?|religion|faith|sexual(?:ity)?|orientation|marital|nationality"
     r"|trans"), "monitoring"),
    (r"gp|g p|doctor|surgery|medication|nhs trust|diagnosis|allerg\w*", "medical care"),
    (r"bank|sort code|account|iban|salary|wages?|debts?|rent|arrears|savings|payment", "money"),
    ((r"time ?stamp|created|modified|updated|entered|added|submitted|score|response|record type|row"
     r"|date of entry"), "the form"),
    (r"sign(?:ed|ature)?|photo|image|newsletter|marketing|data protection|privacy|gdpr|terms", "the form"),
    (r"hous(?:ing|ed)|tenure|tenancy|accommodation|rough sleep\w*|homeless\w*", "housing"),
    ((r"status|outcomes?|closed|stage|progress|destination|attend\w*|appt|appointment|next|session|review"
     r"|start(?:ed)?|left"
     r"|follow up|actions?"), "what happened later"),
    (r"caseworker|staff|owner|assigned|allocated|worker|team|initials", "staff"),
    (r"child(?:ren)?|dependants?|dependents?|household|family|kids", "the household"),
    ((r"title|salutation|height|shoe|uniform|travel card|cost|funding|funder|contract|cohort|programme|project|ward"
     r"|borough"
     r"|region|la"), "administration"),
)  # fmt: skip
# Words that make a header something else than the column that its other words are like.
NOT_MEANT = (
    (r"(?:previous|former|maiden|birth|old|earlier|other) (?:sur|last |family |fore|first )?names?", "an earlier name"),
    (r"photos?|images?|newsletters?|marketing|survey|research|filming", "another consent"),
    (r"(?:other|partner|all) (?:support )?(?:agenc\w+|services|organisations?|professionals?)", "others who help"),
)  # fmt: skip
OFFENCES = re.compile(r"\b(?:offend\w*|offences?|convict\w*|arson|schedule 1|sex|sexual|bail|witness)\b")
OTHER_MATTERS_OF, NOT_MEANT_OF = (
    tuple((re.compile(rf"\b(?:{words})\b"), matter) for words, matter in table) for table in (OTHER_MATTERS, NOT_MEANT)
)
HOW_TO_KEEP = {
    HeaderMatter.COLUMN: "Column {header} was not read. It may mean {column}: confirm this once, or rename the column.",
    HeaderMatter.BOTH_NAMES: (
        "Column {header} was not read. It seems to hold the given and the family name in one cell."
        " Split it into given_name and family_name, or confirm that it means family_name."
    ),
    HeaderMatter.AGE: (
        "Column {header} was not read. An age is no date of birth. If it has dates, confirm that it means"
        " date_of_birth."
    ),
    HeaderMatter.SOMEBODY_ELSE: (
        "Column {header} was not read. It is about somebody else than the person in the row, so"
        " it must not become that person's own detail. Record it by hand if it is needed."
    ),
    HeaderMatter.PROTECTION: (
        "Column {header} was not read, and it may hold what keeps somebody safe. Read it yourself"
        " before anybody is contacted or introduced, and record what it says by hand: restrict the case, withhold the"
        " contact, or add an exclusion.{more}"
    ),
    HeaderMatter.OTHER: "Column {header} was not read. It seems to be about {about}, which this file does not take.",
}
MAY_MEAN = " It may also mean {column}: confirm this once, and send the file again."
NOTHING_LIKE_IT = "Column {header} was not read. No column of the template is like it. Record it by hand if it matters."
LONGEST_SHOWN = 80


def unread_header(header: str, column: str, columns: Collection[str], taken: Collection[str] = ()) -> UnreadHeader:
    """Return what an unknown header is about.

    ``column`` is the column whose words are most like it, or "". ``columns`` are all columns of this kind of file, and
    ``taken`` those that the file has already.
    """
    words = normal(header)
    shown = " ".join(header.split())[:LONGEST_SHOWN]
    is_about_people = "family_name" in columns
    if is_about_people and PROTECTIVE.search(NO_RISK.sub(" ", words)) and not _is_plain(words, column):
        own = column if column not in OF_PERSON | ABOUT_REFERRAL else ""
        own = own or (_free("safe_contact", columns, taken) if _is_way_of_contact(words) else "")
        if not own and not OFFENCES.search(words):  # an offence is no reason why a contact is withheld
            own = _free("contact_withheld_reason", columns, taken)
        more = MAY_MEAN.format(column=own) if own else ""
        return _unread(HeaderMatter.PROTECTION, own, shown, more=more)
    for pattern, matter in NOT_MEANT_OF if is_about_people else ():
        if pattern.search(words):
            return _unread(HeaderMatter.OTHER, "", shown, about=matter)
    if is_about_people and (other := _about_another_person(words, column, columns, taken)) is not None:
        return _unread(HeaderMatter.COLUMN if other else HeaderMatter.SOMEBODY_ELSE, other, shown)
    if is_about_people and _has_both_names(words):
        return _unread(HeaderMatter.BOTH_NAMES, _free("family_name", columns, taken), shown)
    if words_of(header) in {"age", "years old", "age now"} and column == "date_of_birth":
        return _unread(HeaderMatter.AGE, column, shown)
    about = next((matter for pattern, matter in OTHER_MATTERS_OF if pattern.search(words)), "")
    if column:
        return _unread(HeaderMatter.COLUMN, column, shown)
    if about:
        return _unread(HeaderMatter.OTHER, "", shown, about=about)
    return UnreadHeader(HeaderMatter.OTHER, "", NOTHING_LIKE_IT.format(header=shown))


def _unread(matter: HeaderMatter, column: str, shown: str, *, more: str = "", about: str = "") -> UnreadHeader:
    return UnreadHeader(matter, column, HOW_TO_KEEP[matter].format(header=shown, column=column, more=more, about=about))


def _free(column: str, columns: Collection[str], taken: Collection[str]) -> str:
    return column if column in columns and column not in taken else ""


def _is_way_of_contact(words: str) -> bool:
    return re.search(r"\b(?:safe|voicemails?|messages?|ok to|can we|text|call|ring|discre\w+)\b", words) is not None


def _is_plain(words: str, column: str) -> bool:
    """Return whether a header with a word of protection is plainly another column, as in "driving licence"."""
    return column in {"licences", "permission_to_share", "permission_recorded_on"} and "condition" not in words


def _about_another_person(words: str, column: str, columns: Collection[str], taken: Collection[str]) -> str | None:
    """Return None for a header about the person in the row; else the column about the referrer it suggests, or ""."""
    has_mail, has_contact = MAIL_WAY.search(words) is not None, CONTACT_WAY.search(words) is not None
    is_about_referral = column in {"source_type", "referring_organisation"} | {"referred_on", "reason"}
    if not OTHERS.search(words) or (is_about_referral and not (has_mail or TELEPHONE.search(words))):
        return None
    if REFERRERS.search(words):
        if has_mail:
            return _free("referrer_email", columns, taken)
        if has_contact:
            return ""
        return column if column in ABOUT_REFERRAL else _free("referrer_name", columns, taken)
    return "" if has_mail or has_contact or not column or column in OF_PERSON | ABOUT_REFERRAL else None


def _has_both_names(words: str) -> bool:
    first = re.search(r"\b(?:first|fore|fname|forename|given|christian)\b", words)
    last = re.search(r"\b(?:last|sur|surname|lname|family|second)\b", words)
    return (first is not None and last is not None) or words_of(words) in {"name", "full name", "names"}
