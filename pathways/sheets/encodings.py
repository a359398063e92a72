"""The text of a CSV file: UTF-8 and UTF-16 are recognised; any other encoding is guessed from the letters it gives."""

import codecs
from dataclasses import dataclass

from pathways.sheets.file_kinds import FileNotUnderstood

# The encodings in which Excel, older Macs and old databases write CSV. The first of two equally likely ones is taken.
GUESSES = {
    "cp1252": "Windows-1252",
    "mac_roman": "Mac OS Roman",
    "cp850": "DOS code page 850",
    "cp1250": "Windows-1250",
    "cp1254": "Windows-1254",
}
LETTERS = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýßšžğışłńśźżąęćčőűřě")
RARE_LETTERS = frozenset("ÿœ")
PUNCTUATION = frozenset("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}“”\N{EN DASH}—…•")
PLAIN_SIGNS = frozenset("\xa0°€½¼¾²\xd7÷®©™")
MOST_LOOKED_AT = 20_000
NULS_IN_UTF_16 = 0.2  # at least this share of the bytes; plain Latin text in UTF-16 has one half
MOST_CONTROLS = 0.1  # a file with a larger share of control characters is no text
GUESSED = "The file is not UTF-8 (line {line}), so it was read as {name}. Check letters with accents."
MIXED = (
    "The file is UTF-8, but not from line {line} on: lines that are not were read as {name}. "
    "Check letters with accents."
)


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file, and the name of its encoding if that was guessed, with a note for the report."""

    text: str
    guessed: str = ""
    note: str = ""


def decoded(content: bytes) -> DecodedText:
    """Return the text of a CSV file. Raise ``FileNotUnderstood`` if it is damaged or no text."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return DecodedText(_utf_16(content, "utf-16"))
    nuls = content.count(b"\x00")
    if nuls:
        return DecodedText(_with_nuls(content, nuls))
    if _control_characters(content) > MOST_CONTROLS:
        raise FileNotUnderstood(NO_TABLE)
    try:
        return DecodedText(content.decode("utf-8-sig"))
    except UnicodeDecodeError as wrong:
        return _guessed(content.removeprefix(codecs.BOM_UTF8), content.count(b"\n", 0, wrong.start) + 1)


NO_TABLE = "This file is neither CSV nor XLSX. Save it as CSV UTF-8 and send it again."


def _utf_16(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise FileNotUnderstood('The file is damaged UTF-16. Save it as "CSV UTF-8" and send it again.') from wrong


def _with_nuls(content: bytes, nuls: int) -> str:
    """Return the text of a file with NUL bytes, which is UTF-16 without its mark, or else damaged."""
    if nuls >= NULS_IN_UTF_16 * len(content):
        odd = content[1::2].count(0)
        if max(odd, nuls - odd) > nuls * 3 // 4:
            return _utf_16(content, "utf-16-le" if odd > nuls - odd else "utf-16-be")
        raise FileNotUnderstood(NO_TABLE)
    if _control_characters(content.replace(b"\x00", b"")) > 0:
        raise FileNotUnderstood(NO_TABLE)
    line = content.count(b"\n", 0, content.index(0)) + 1
    raise FileNotUnderstood(
        f"The file is damaged: it contains NUL characters, the first in line {line}. "
        "Export it again as CSV UTF-8 and send the new file."
    )


def _control_characters(content: bytes) -> float:
    """Return the share of control characters, without those that begin a cell or a line, near the top of a file."""
    top = content[:MOST_LOOKED_AT]
    return sum(byte < ord(" ") and byte not in b"\t\n\v\f\r" for byte in top) / max(1, len(top))


def _guessed(content: bytes, line: int) -> DecodedText:
    lines = content.splitlines(keepends=True)
    is_utf_8 = [_is_utf_8(written) for written in lines]
    foreign = b"".join(written for written, is_right in zip(lines, is_utf_8, strict=True) if not is_right)
    likelihoods = {guess: _likelihood(foreign, guess) for guess in GUESSES}
    encoding = max(GUESSES, key=lambda guess: likelihoods[guess])
    if likelihoods[encoding] <= 0:
        encoding = next(iter(GUESSES))
        if "\ufffd" in foreign.decode(encoding, errors="replace"):
            raise FileNotUnderstood(f'The file is not UTF-8 (line {line}). Save it as "CSV UTF-8" and send it again.')
    is_mixed = any(is_right and not written.isascii() for written, is_right in zip(lines, is_utf_8, strict=True))
    text = "".join(
        written.decode("utf-8" if is_mixed and is_right else encoding, errors="replace")
        for written, is_right in zip(lines, is_utf_8, strict=True)
    )
    note = (MIXED if is_mixed else GUESSED).format(line=line, name=GUESSES[encoding])
    return DecodedText(text, GUESSES[encoding], note)


def _is_utf_8(written: bytes) -> bool:
    try:
        written.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likelihood(content: bytes, encoding: str) -> float:
    """Return a score of how likely a text is in an encoding, from its letters beyond ASCII and their neighbours."""
    text = content.decode(encoding, errors="replace")
    score, looked_at = 0.0, 0
    for at, letter in enumerate(text):
        if letter.isascii():
            continue
        score += _fit(text[max(0, at - 2) : at].rjust(2), letter, text[at + 1 : at + 2] or " ")
        looked_at += 1
        if looked_at == MOST_LOOKED_AT:
            break
    return score


def _fit(two_before: str, letter: str, after: str) -> float:
    """Return how well a letter fits between its neighbours: positive if people write it so."""
    before = two_before[1]
    is_within = before.isalpha() and after.isalpha()
    if letter.isalpha():
        fit = 1.0 if letter.lower() in LETTERS else 0.5 if letter.lower() in RARE_LETTERS else -1.0
        fit -= 2.0 * after.isdigit()
        is_lost_in_small = letter.isupper() and (before.islower() or (before.isalpha() and after.islower()))
        is_lost_in_large = letter.islower() and (
            (before.isupper() and (after.isupper() or (two_before.isalpha() and not after.isalpha())))
            or (after.isupper() and not before.isalpha())
        )
        is_small_first = letter.islower() and not before.isalpha() and after.isalpha()  # names begin with a capital
        return fit - 2.0 * (is_lost_in_small or is_lost_in_large) - 0.25 * is_small_first
    if letter == "£":
        return 1.0 if after.isdigit() else -1.5
    if letter == "\N{RIGHT SINGLE QUOTATION MARK}":
        return 1.5 if is_within else 0.5
    if letter in PUNCTUATION:
        return -1.5 if is_within else 0.5
    return -1.5 if letter not in PLAIN_SIGNS or is_within else 0.0
