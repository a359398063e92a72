"""Placeholders: what people type into a field when they do not know its value, such as ``NFA`` or ``00000000000``.

A placeholder is stored as it was written, so that a person reads what was typed. It identifies nobody: it is no
evidence for or against two records being one person, it has no hash, and no age or place is worked out from it. The
rules look at the kind of value (words without digits, repeated digits, running digits, numbers never issued to a
person), because nobody can list everything that people type.
"""

import re
import unicodedata
from datetime import date

from stdnum.gb import nhs

DIGITS = "0123456789012345"
SHORTEST_PHONE = 7
LONGEST_PERIOD = 3  # 123123123 repeats after three digits
RUN = 7  # seven equal or running digits at the end of a telephone number
# What a phone number begins with before its own digits: the country code, and the 7 of a mobile.
BEFORE_NUMBER = re.compile(r"^(?:00)?(?:44)?0*7?")
UNKNOWN_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a address adult anon anonymous anyone asked awaiting blank blanked check checking client confidential
    confirm confirmed customer declined did dk dnk does doesn don dont email empty evidence female fixed fill
    first forename for given give from get gave has have haven homeless id in is know known last later left
    male me missing mr mrs ms miss mx dr sir madam n na name named nil nfa nk no nobody none noone nor not
    nothing number null of on or other pending person phone postcode prefer provide provided put ref refused
    reveal said say self sent sofa staff supplied surname surfing t tba tbc tbd telephone temp temporary
    tested test tester testing text the to told unallocated unavailable undisclosed unknown unkown unknwon
    unsure user w withheld will x xx xxx xxxx yet applicable available abode dob birth ni nino nhs insurance
    national mail mobile contact currently moment at this time street rough sleeping sleeper hostel somebody
    someone aka baby child boy girl infant newborn husband wife mother father mum dad son daughter bloggs
    placeholder dummy fake sample example fnu lnu snu nfn nln nmn uam uasc redacted deleted unborn ditto unnamed
    nameless unidentified illegible unreadable mononym asylum seeker learner participant walkin dropin supplied""",
    )
)
# A family or given name is a placeholder only if all of its words are among these. Words that are also names (Street,
# Son, Nil, Say, Null) are left out.
NAME_WORDS = UNKNOWN_WORDS - frozenset(
    re.findall(
        r"\w+",
        """first street will given get grace has sent left put self father birth child boy user bloggs on in at to of
    the me a w t sofa hostel mail fill sample did don ni id rough son nil blank person say other or last null
    not dr ref sent moment time mark does yet later check seeker""",
    )
)
WHOLE_NAMES = frozenset(
    re.split(
        r", *\n? *",
        """joe bloggs, jo bloggs, jane bloggs, fred bloggs, john doe, jane doe, a n other, an other, a nother, n other,
        a other, donald duck, mickey mouse, minnie mouse, daffy duck, joe public, john q public,
        the client, the customer, n a, n k, not known, not given, not provided, not stated, not disclosed,
        to follow, see notes, see below, as above, same as above""",
    )
)
# Words in the place of a name that are read as a whole: a role with a number or letter ("Client 23", "Person A"), a
# relation to somebody ("Dad of"), and instructions ("see notes"). The words are as ``_words`` returns them.
ROLES = (
    "client|customer|person|learner|service user|young person|participant|patient|male|female|man|woman|child|baby"
    "|boy|girl"
    "|case|applicant|candidate|user|resident|referral|anon|adult|sibling|twin|asylum seeker|jobseeker|student|guest"
    "|member"
)
RELATIONS = (
    "mum|mom|mother|dad|father|son|daughter|sister|brother|wife|husband|partner|spouse|carer|parent|friend|gran|nan"
    "|cousin"
    "|girlfriend|boyfriend|baby|child|children|family|sibling"
)
NO_NAME_PHRASE = re.compile(
    rf"^(?:(?:{ROLES}|su|yp|uam|uasc)(?: ?(?:no|number|ref|id))? ?(?:\d+|[a-z]|one|two|three|i{{1,3}})"
    rf"|(?:the |a |an |another )(?:{ROLES})|young person|service user"
    rf"|(?:{RELATIONS})s? of\b.*|(?:c o|care of) .*"
    r"|(?:homeless|unknown|unidentified|elderly|rough|street|asian|black|white|polish|somali|older|younger)"
    r" (?:man|woman|male|female|lady|gent|gentleman|person|sleeper|homeless|boy|girl|adult|child)"
    r"|(?:do not|dont|please|refer to|same as|delete) (?:\w+ ?){1,6}"
    r"|(?:see|ask|check|check with) (?:the |a )?(?:notes?|file|above|below|records?|form|emails?|attached|comments?"
    r"|sheet|row"
    r"|worker|key ?worker|staff|client|referrer|referral|mum|dad|carer|him|her|them|again|later|first|caseworker)\b.*"
    r"|(?:asylum seeker|brother|sister|husband|wife|delete|same|ref \d+)"
    r"|(?:not|no|only|single|just) (?:one |a |any |first |last |second |middle |family |given |sur ?|fore ?)*"
    r"(?:names?|sure|supplied|shown|said|recorded|applicable|surname|forename|initials|willing)(?: given| known| yet)?"
    r"|(?:walk|drop) ?in|duplicate(?: record| entry)?|deceased|yp|initials only|first names?|last names?|family names?"
    r"|given names?|names? (?:unknown|withheld|redacted|hidden|removed|on file|tbc)|n ?f ?[nai]|one name)$"
)
# Never issued, or issued by an office for a while: TN and ZZ are temporary, XX, OO and PP are made up.
NO_NINO = re.compile(r"^(?:TN\d{6}[A-Z]?|(?:ZZ|XX|OO|PP)\d{6}[A-Z]?)$")
# Six digits that somebody made up, besides equal and running ones: 000001, 112233.
NO_NUMBER = re.compile(r"0{4}\d\d|112233|223344|334455|445566|556677|667788|778899|001122")
NO_MAILBOX = frozenset(
    re.findall(
        r"\w+",
        """a aa aaa abc anon anonymous asdf client donotreply dummy email fake me mail na nil no noaddress nobody
    noemail noemailaddress nomail none noone noreply noreplies not notapplicable notavailable notgiven
    notknown notprovided nothing null refused tba tbc test tester testing unknown unavailable x xx xxx xyz
    doesnothaveone hasnone withheld customer noemailprovided noemailgiven donthave declined decline name
    firstname yourname someone somebody example email emailaddress notdisclosed prefernottosay refusedtosay
    nomailbox doesnthave noemailadress needsemail""",
    )
)
NO_DOMAIN = frozenset(
    re.findall(
        r"\w+",
        """none noemail nomail no na n unknown test notprovided nowhere noaddress fake dummy declined refused tbc
        notgiven notknown noone nobody withheld""",
    )
)
# Dates that offices and programs enter for an unknown birthday: the first days of a calendar or of a clock.
NO_BIRTHDAY = frozenset(
    {date(1900, 1, 1), date(1900, 1, 2), date(1901, 1, 1), date(1904, 1, 1), date(1904, 1, 2), date(1911, 11, 11)}
)
# Addresses of institutions that everybody knows: Buckingham Palace, Downing Street, Parliament.
NO_HOME = frozenset({"SW1A1AA", "SW1A2AA", "SW1A0AA", "AA11AA", "AA111AA", "AB12CD", "AB123CD", "A11AA", "XX11XX"})
NO_ADDRESS = re.compile(r"\b(?:nfa|no fixed|homeless|unknown|not known|withheld)\b")
FEWEST_IN_PART = 3  # fewer digits say nothing of what was meant
# The forms of numbers that identify a person. Other texts with digits, such as "applied 2026", are words.
SLIPS_OF_LETTERS = str.maketrans("OILSBZ", "011582")  # letters that are typed for digits
SLIPS_OF_DIGITS = str.maketrans("0158", "OISB")
NINO_FORM = re.compile(r"^[A-Z]{2}\d{6}[A-Z]$")
# Without its last letter, a number must begin with letters that are issued, because "GP 020799" has the same form.
SHORT_NINO_FORM = re.compile(r"^(?!BG|GB|KN|NK|NT|TN|ZZ)(?:QQ|[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z])\d{6}$")
NOT_BEFORE_NUMBER = frozenset(
    re.findall(r"\w+", "AM ON AS AT BE BY EX GP HE HR LA ME MR MS MY NR OR PM RE ST TB TR WE WK YR NE SE SW NW")
)
# Telephone numbers that no person has: 03, 0500, 055 and 056, freephone, 0845, 0870 and 09 numbers, and helplines.
OFFICE_NUMBER = re.compile(
    r"^(?:\+|00)44 ?\(?0?\)?(?:3|500|5[56]|8|9)|^\(?0(?:3|500|5[56]|8|9)[\d\s().-]{7,}|^116\d{3}$"
)
OFFICE_MAILBOXES = frozenset(
    re.findall(
        r"\w+",
        """admin administration administrator advice bookings careteam council customerservice customerservices
    dutydesk duty enquiries enquiry frontdesk generaloffice helpdesk hello housing housingoptions hostel info
    information inbox jcp jobcentre jobcentreplus jobcenter keyworker mailbox manager office officemanager probation
    reception receptionist referral referrals sales secretary socialworker staff support supportworker team
    workcoach""",
    )
)
OFFICE_DOMAIN = re.compile(
    r"(?:^|\.)(?:(?:gov|nhs|police|parliament|mod|sch)\.uk|nhs\.net|gov\.scot|gov\.wales|gsi\.gov\.uk|cjsm\.net)$"
)
# Words beside a telephone number, e-mail address or postcode that say that it is not the person's own.
OF_OFFICE = re.compile(
    r"\b(?:offices?|hostels?|jcp|job ?cent(?:re|er)s?(?: ?plus)?|reception(?:ist)?|switchboard|front desk|help ?desk"
    r"|(?:support|key|case|social|outreach|project|housing|youth|care|link|duty|tenancy|drug|mental health)"
    r"[ -]?workers?|keyworkers?|workers?'?s?|staff|prisons?|hmp|hmyoi|yoi|gps?|g\.p\.?|surgery|doctors?|hospitals?"
    r"|wards?|clinics?|probation|refuges?|shelters?|night ?shelters?|day ?cent(?:re|er)s?|drop[ -]?in|councils?"
    r"|town hall|libraries|library|work ?coach(?:'?s)?|coach(?:'?s)?|advis[eo]rs?|agency|agencies|solicitors?|colleges?"
    r"|schools?|church|mosque|temple|food ?bank|charity|citizens advice|cab|care home|foyer|approved premises|b&b"
    r"|supported (?:living|housing|accommodation)|bed and breakfast|hotel|travelodge|salvation army|offender manager"
    r"|c/o|care of|police|duty desk|team|centre)\b(?! (?:road|rd|street|st|lane|ln|avenue|ave|close|way|drive|hill|row"
    r"|gardens|court|walk|terrace|mews|view|place|green|park|fields?|square|crescent|grove|approach)\b)"
)
NHS_DIGITS, MOST_SLIPS = 10, 2

OF_OFFICES = {
    "phone": "This telephone number seems to be an office's, a hostel's or a worker's, so it identifies nobody. Ask for"
    " the person's own.",
    "email": "This e-mail address seems to be an office's, a hostel's or a worker's, so it identifies nobody. Ask for"
    " the person's own.",
    "postcode": "This postcode seems to be an office's, a hostel's or a worker's, so it identifies nobody. Check"
    " whether the person lives there.",
}
TEXTS = {
    "given_name": "This is a word for a name that is not known, so it identifies nobody. Enter the name once known.",
    "family_name": "This is a word for a name that is not known, so it identifies nobody. Enter the name once known.",
    "known_as": "This is a word for a name that is not known, so it identifies nobody. Leave it blank.",
    "date_of_birth": "This date stands for a date of birth that is not known, so the age stays unknown. Ask for the "
    "date, or enter only the year of birth.",
    "nino": "This is not a person's NI number, so it identifies nobody. Leave it blank until it is known.",
    "nhs_number": "This is not a person's NHS number, so it identifies nobody. Leave it blank until it is known.",
    "postcode": "This stands for an address that is not known, so it identifies nobody, and travel is unknown. "
    "Enter the postcode where the person stays now, or leave it blank.",
    "council_person_id": "This is not a person's reference at a council. Leave it blank until it is known.",
    "phone": "This is not a person's telephone number, so it identifies nobody. Leave it blank until it is known.",
    "email": "This is not a person's e-mail address, so it identifies nobody. Leave it blank until it is known.",
}

# For a value that seems to be a part of a real one: it was mistyped, and nobody meant "not known".
INCOMPLETE = {
    name: f"This {what} looks incomplete. Check it with the person. It is not used to find duplicates."
    for name, what in (
        ("nino", "NI number"),
        ("nhs_number", "NHS number"),
        ("phone", "telephone number"),
        ("email", "e-mail address"),
    )
}


def sentence_of(name: str, value: object) -> str:
    """Return what to say about a placeholder in a field: that it is one, or that it is a part of a real value."""
    return INCOMPLETE[name] if name in INCOMPLETE and _is_part(name, str(value)) else TEXTS[name]


def _is_part(name: str, text: str) -> bool:
    """Return whether a value that identifies nobody was mistyped: it has too few characters, or no whole address."""
    if name == "email":
        mailbox, _, domain = text.strip().casefold().partition("@")
        own = re.sub(r"[^a-z]", "", mailbox)
        return (
            ("@" in text or "." in mailbox.strip("."))
            and own not in NO_MAILBOX | {""}
            and not (domain and domain.split(".")[0] in NO_DOMAIN)
        )
    compacted = _compact(text)
    digits = re.sub(r"\D", "", compacted)
    if name == "nino" and (NO_NINO.match(compacted) or not re.match(r"^[A-Z]{2}\d|^\d+[A-D]?$", compacted)):
        return False
    if name != "nino" and not re.match(r"^[\s\d+().-]+$", text.strip()):
        return False
    return len(digits) >= FEWEST_IN_PART and not is_repeating(digits)


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(character for character in plain if not unicodedata.combining(character)).casefold()
    return re.findall(r"[a-z0-9]+", letters.replace("'", "").replace("\u2019", ""))


def _compact(text: str) -> str:
    return re.sub(r"[\W_]", "", text).upper()


def is_repeating(digits: str, longest_period: int = 1) -> bool:
    """Return whether digits only repeat (000000; with a longer period, 121212) or run up or down (123456, 987654)."""
    if any(digits == (digits[:period] * len(digits))[: len(digits)] for period in range(1, longest_period + 1)):
        return True
    return digits in DIGITS or digits in DIGITS[::-1]


# Texts about contact or protection that say that nothing is known. "No contact" and "not by phone" say much.
SAYS_NOTHING = re.compile(
    r"(?:nil|none|unknown|known|tb[ac]|blank|null|nothing|unsure|not sure|n ?[ak]|x+|0+|as (?:before|above)"
    r"|see (?:above|notes)|(?:none|not)(?: yet)? (?:known|given|provided|stated|recorded|applicable|supplied|asked)"
    r"(?: yet)?)?"
)


def _has_other_script(text: str | None) -> bool:
    """Return whether a text has letters of another script, which ``_words`` leaves out."""
    return any(
        c.isalnum() and not c.isascii() and not unicodedata.normalize("NFKD", c)[0].isascii() for c in text or ""
    )


def is_name(text: str | None) -> bool:
    """Return whether a given, family or known-as name is a placeholder, such as "Unknown", "Baby" or "-"."""
    if not text:
        return False
    words = [word for word in _words(text) if not word.isdigit()]
    if not words:
        return not any(character.isalpha() for character in text)
    if words in (["no"], ["na"]):  # names of Korean and Chinese families
        return False
    if NO_NAME_PHRASE.match(" ".join(_words(text))):
        return True
    return " ".join(words) in WHOLE_NAMES or all(word in NAME_WORDS for word in words)


def is_reference(text: str | None) -> bool:
    """Return whether a reference names nothing: words such as "TBC" or "N/A", only zeros, or no letter and no digit.

    A single letter is a reference.
    """
    words = _words(text or "")
    if _has_other_script(text):
        return False
    if not words or set("".join(words)) == {"0"}:
        return True
    if len(words) == 1 and len(words[0]) == 1:
        return False
    return "".join(words) in {"na", "nk", "xx"} or all(word in UNKNOWN_WORDS for word in words)


def says_nothing(text: str | None) -> bool:
    """Return whether a text says nothing about contact: a dash, a zero, "none", "N/A" or "not known"."""
    words = _words(text or "")
    if _has_other_script(text):
        return False
    return SAYS_NOTHING.fullmatch(" ".join(words)) is not None


NO_REQUIREMENT = re.compile(
    r"(?:no|none|nothing)(?: (?:particular|special|specific|previous|formal))?"
    r"(?: (?:skills?|licen[cs]es?|tickets?|training|experience|qualifications?))?(?: (?:is|are))?"
    r"(?: (?:needed|required|necessary|expected))?|not (?:needed|required|necessary|applicable)"
)


def is_no_requirement(text: str | None) -> bool:
    """Return whether a line of what work needs asks for nothing, such as "none" or "no experience needed"."""
    if says_nothing(text):
        return True
    return not _has_other_script(text) and NO_REQUIREMENT.fullmatch(" ".join(_words(text or ""))) is not None


def may_be_family(text: str | None) -> bool:
    """Return whether a word of ``is_name`` is also a family name."""
    return _words(text or "") in (["test"], ["child"], ["baby"], ["sir"])


def is_whole_name(given: str | None, family: str | None) -> bool:
    """Return whether two names together are a placeholder, such as "A N" and "Other"."""
    whole = " ".join(_words(f"{given or ''} {family or ''}"))
    return whole in WHOLE_NAMES or whole in ROLES.split("|")


def nino_in_form(text: str | None) -> str | None:
    """Return an NI number in its usual form; None for a text that has not this form, such as "applied 2026".

    Spaces, a missing last letter, and letters typed for digits (O for 0) or digits for letters are slips of the form.
    """
    compacted = re.sub(r"[\s.\u2010-\u2015_-]", "", text or "").upper()
    if not compacted.isascii() or len(compacted) not in {8, 9}:
        return None
    letters, digits, last = compacted[:2], compacted[2:8], compacted[8:]
    corrected = "".join([letters.translate(SLIPS_OF_DIGITS), digits.translate(SLIPS_OF_LETTERS), last])
    if sum(old != new for old, new in zip(compacted, corrected, strict=True)) > MOST_SLIPS:
        return None
    if NINO_FORM.match(corrected):
        return corrected
    is_short = SHORT_NINO_FORM.match(corrected) is not None and corrected == compacted
    return corrected if is_short and letters not in NOT_BEFORE_NUMBER else None


def nhs_number_in_form(text: str | None) -> str | None:
    """Return the ten digits of an NHS number; None if the text is not ten digits with the right check digit."""
    compacted = re.sub(r"[\s.\u2010-\u2015_-]", "", text or "").upper()
    corrected = compacted.translate(SLIPS_OF_LETTERS)
    is_slip = sum(old != new for old, new in zip(compacted, corrected, strict=True)) <= MOST_SLIPS
    is_number = len(corrected) == NHS_DIGITS and corrected.isascii() and corrected.isdigit()
    return corrected if is_slip and is_number and nhs.is_valid(corrected) else None


def is_nino(text: str | None) -> bool:
    """Return whether a text in the place of an NI number is none: words, a number in another form, or a made-up one."""
    if not text:
        return False
    number = nino_in_form(text)
    if number is None or NO_NINO.match(number) is not None:
        return True
    return NO_NUMBER.fullmatch(number[2:8]) is not None or is_repeating(number[2:8])


def is_nhs_number(text: str | None) -> bool:
    """Return whether a text in the place of an NHS number is none, or is a made-up one."""
    if not text:
        return False
    number = nhs_number_in_form(text)
    return number is None or is_repeating(number)


def is_postcode(text: str | None) -> bool:
    """Return whether a postcode is a placeholder: ZZ99 (no address, in the NHS list), or words without a digit."""
    if not text:
        return False
    compacted = _compact(text)
    return (
        compacted.startswith("ZZ")
        or compacted in NO_HOME
        or not any(c.isdigit() for c in compacted)
        or NO_ADDRESS.search(text.casefold()) is not None
    )


def is_phone(text: str | None) -> bool:
    """Return whether a telephone number has too few digits, or digits that repeat or run, as made-up numbers have."""
    if not text:
        return False
    digits = re.sub(r"\D", "", text.partition(" ext ")[0])
    if len(digits) < SHORTEST_PHONE:
        return True
    own = BEFORE_NUMBER.sub("", digits)
    return len(own) < SHORTEST_PHONE - 1 or any(
        is_repeating(part, LONGEST_PERIOD) for part in (digits, own, digits.lstrip("0"), digits[-RUN:]) if part
    )


def is_office_phone(text: str | None) -> bool:
    """Return whether no person has such a telephone number: a freephone, 03, 0845, 0870 or premium-rate number."""
    return text is not None and OFFICE_NUMBER.match(text) is not None


def is_email(text: str | None) -> bool:
    """Return whether an e-mail address is a placeholder or made up, such as none@none.com."""
    if not text:
        return False
    mailbox, at, domain = text.strip().casefold().partition("@")
    own = re.sub(r"[^a-z]", "", mailbox)
    host = domain.split(".")[0]
    return not at or not domain or own in NO_MAILBOX or host in NO_DOMAIN or mailbox == host


def is_office_email(text: str | None) -> bool:
    """Return whether an e-mail address is a shared mailbox or a public body's, and so no jobseeker's."""
    mailbox, _, domain = (text or "").strip().casefold().partition("@")
    own = re.sub(r"[^a-z]", "", mailbox)
    of_mailbox = set(re.findall(r"[a-z]+", mailbox))
    return OFFICE_DOMAIN.search(domain) is not None or bool(of_mailbox & OFFICE_MAILBOXES) or own in OFFICE_MAILBOXES


def is_of_office(words: str | None) -> bool:
    """Return whether the words beside a contact detail say that it is an office's, a hostel's or a worker's."""
    return words is not None and OF_OFFICE.search(words.casefold()) is not None


def is_birthday(born: date | None, today: date) -> bool:
    """Return whether a date of birth is a placeholder: the first day of a calendar, or a day of the last year."""
    return born is not None and (born in NO_BIRTHDAY or (today - born).days < 366)  # noqa: PLR2004 - days of a year
