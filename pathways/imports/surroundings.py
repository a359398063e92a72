"""What is written around a table, such as "ALL MAPPA: never ring" above its header, and whom it protects.

Nobody reads such a text as a row. So the report names it, and if it may keep somebody safe, every row of its sheet says
so. If it speaks of everybody, every row is restricted, or its contact withheld, until a person has read the text.
"""

import re
from collections.abc import Collection, Iterable

from pathways.imports.headers import PROTECTIVE
from pathways.sheets import sentences
from pathways.sheets.parts import TextAround, Warned
from pathways.sheets.spreadsheets import Protection, SpreadsheetTable

# Words on every list of an office, which say nothing about the people in it.
ROUTINE = re.compile(
    r"\bofficial\W*(?:sensitive\b)?|\b(?:strictly |private (?:and|&) )*confidential(?:ity)?\b"
    r"|\bnot protectively marked\b"
    r"|\bsensitive (?:personal )?(?:data|information)\b|\bdata (?:protection|sensitivity)\b|\bpassword[ -]protected\b"
    r"|\bprotected (?:sheet|workbook|file|characteristics?)\b|\bhealth (?:and|&) safety\b"
    r"|\bsafeguarding (?:lead|team|policy|officer|procedures?|training)\b"
    r"|\b(?:do not|don'?t|never) (?:contact|call|ring|phone|e ?mail|write to|visit) "
    r"(?:us|me|our|the (?:office|team|service|job ?centre|council)|this (?:office|team|service))\b"
    r"|\b(?:do not|don'?t|never|please do not) (?:share|forward|edit|change|delete|alter|print|copy|save|move|add)"
    r" (?:this|the|any|it|outside|columns?|rows?|cells?|below|above)\b",
    re.IGNORECASE,
)
# Words for all the people of a list; not "all information", of which forms speak.
EVERYBODY = re.compile(
    r"\b(?:all|every ?(?:one|body)?|each|both|any ?(?:one|body)|any of|none|nobody|no ?one"
    r"|(?<!of )(?:these|them|those|they|their)"
    r"|(?:this|whole|entire|the) (?:list|sheet|file|cohort|group|page|tab))\b"
    r"(?! (?:information|data|details|fields?|sections?|columns?|questions?|enquir\w+|queries|concerns?|dates|cells"
    r"|forms?|boxes))"
)
NO_CONTACT = re.compile(
    r"\b(?:do not|don'?t|never|no|not to be|must not be|mustn'?t be|cannot be|can'?t be|nobody may|no ?one may)"
    r" (?:ever )?(?:be )?(?:contact(?:ed)?|call(?:s|ed)?|phone[ds]?|ring|rung|text(?:s|ed)?|writ(?:e|ten)"
    r"|e ?mail(?:ed|s)?|visit(?:s|ed)?|telephone[ds]?|letters?|voice ?mails?|messages?)\b"
    r"(?! (?:details?|numbers?|information|names?|addresses|sheets?|lists?)\b)"
    r"|\b(?:nobody|no ?one|under no circumstances|refrain from|avoid)"
    r" (?:should |must |is to |are to |to )?(?:ever )?"
    r"(?:contact|call|phon|ring|text|writ|e ?mail|visit|telephon)(?:ing|e|t?ting|s)?\b"
    r"|\b(?:text|e ?mail|letters?) only\b"
    r"|\bdnc\b|\bno[ -]contact\b(?! (?:details?|numbers?|information|names?)\b)"
    r"|\b(?:none|nobody|no ?one)\b.{0,30}\bbe (?:contacted|called|phoned|rung|texted|written to|e ?mailed|visited)\b"
)
RESTRICTS = re.compile(
    r"\b(?:restrict\w*(?! to\b)|mappa|marac|idva|dv|d\.v|dva|domestic|abuse[dr]?|refuge|witness|stalk\w*"
    r"|traffick\w*|slavery|nrm"
    r"|fgm|hbv|forced marriage|honou?r|safeguarding|in hiding|hidden|secret|protected|injunction|non molestation"
    r"|(?:do not|don'?t|never|not to be) (?:share[d]?|disclose[d]?|reveal(?:ed)?))\b"
)
ASK = "Ask the referrer before any contact."
WITHHELD = "Words around the table of the file forbid contact."
RESTRICTED = "Words around the table of the file restrict it."
CELLS = {
    "contact_withheld_reason": f"{WITHHELD} {ASK}",
    "safe_contact": f"Words around the table of the file may forbid contact. {ASK}",
    "restricted": RESTRICTED,
}


TEXTS = frozenset(text for column, text in CELLS.items() if column != "restricted")


def may_protect(words: str) -> bool:
    """Return whether words that were not read may be about somebody's safety."""
    plain = _plain(words)
    return any(pattern.search(plain) for pattern in (PROTECTIVE, NO_CONTACT, RESTRICTS))


def cells_that_protect(words: str) -> dict[str, str]:
    """Return the cells to read with every row, by column, because of words around the table."""
    plain = _plain(words)
    is_about_all, columns = EVERYBODY.search(plain) is not None, []
    if NO_CONTACT.search(plain):
        columns.append("contact_withheld_reason" if is_about_all else "safe_contact")
    if is_about_all and RESTRICTS.search(plain):
        columns.append("restricted")
    return {column: CELLS[column] for column in columns}


def _plain(words: str) -> str:
    return ROUTINE.sub(" ", words.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def protect(table: SpreadsheetTable, columns: Collection[str]) -> None:
    """Add what the texts around the tables say: notes for the file, and cells and warnings for the rows of a sheet."""
    if "family_name" not in columns:
        return  # no file about people
    table.is_protective = may_protect
    sheets = dict.fromkeys(sheet.name for sheet in table.sheets)
    for text in table.around:
        cells = cells_that_protect(text.words)
        # A list of choices on another sheet has words of protection too, so only a plain instruction counts there.
        if not (cells if not text.is_beside_table else may_protect(text.words)):
            continue
        table.notes.append(sentences.PROTECTIVE_TEXT.format(place=_place(text)))
        for sheet in [text.sheet] if text.is_beside_table else sheets:
            if sheet in sheets:
                table.protections[sheet] = _joined(table.protections.get(sheet, ({}, ())), cells, _warning(text, cells))


def _place(text: TextAround) -> str:
    sheet = f" of sheet {text.sheet}" if text.sheet else ""
    return f"row {text.number}{sheet}" if text.number else f"the name of sheet {text.sheet}"


def _warning(text: TextAround, cells: Iterable[str]) -> Warned:
    done = {
        "contact_withheld_reason": "contact was withheld",
        "safe_contact": "its safe contact says to ask first",
        "restricted": "the record was restricted",
    }
    so = " and ".join(done[column] for column in cells)
    rule = f"The text in {_place(text)} may say how to keep the people of this file safe, and it is no row."
    return "row", f"{rule} To be safe, {so}." if so else rule, sentences.READ_AROUND


def _joined(before: Protection, cells: dict[str, str], warning: Warned) -> Protection:
    return {**before[0], **cells}, tuple(dict.fromkeys((*before[1], warning)))[:MOST_WARNINGS]


MOST_WARNINGS = 5  # about texts around the table, in one row
