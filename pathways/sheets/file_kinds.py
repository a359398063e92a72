"""Which kind of file was sent: a workbook, a table as text, or another kind sent by mistake, and what to do then."""

from collections.abc import Collection

from pathways.errors import RuleBroken

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
AS_XLSX = "Save it as .xlsx, or as CSV UTF-8, then send it again."
LOOKED_AT = 4_096

# What a file of another kind begins with, and its name.
BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "This is a PDF."),
    (b"{\\rtf", "This is a text document (RTF)."),
    (b"\x89PNG", "This is a picture."),
    (b"\xff\xd8\xff", "This is a picture."),
    (b"GIF8", "This is a picture."),
    (b"7z\xbc\xaf", "This is a packed file (7z)."),
    (b"Rar!", "This is a packed file (rar)."),
    (b"\x1f\x8b", "This is a packed file (gz)."),
    (b"SQLite format 3", "This is a database."),
    (b"\x00\x01\x00\x00Standard", "This is an Access database."),
)
FROM_TABLE = "Open the spreadsheet or program that the table comes from, save it as .xlsx or CSV UTF-8, then send that."
# A part of a zip file that shows what it is, and what to say.
PARTS: tuple[tuple[str, str], ...] = (
    ("word/document.xml", f"This is a Word document. {FROM_TABLE}"),
    ("ppt/presentation.xml", f"This is a presentation. {FROM_TABLE}"),
    ("xl/workbook.bin", f"This is a binary workbook (.xlsb). {AS_XLSX}"),
    ("Index/Document.iwa", "This is a file of Apple Numbers or Pages. Export it to Excel (.xlsx), then send it again."),
    ("Index.zip", "This is a file of Apple Numbers or Pages. Export it to Excel (.xlsx), then send it again."),
    ("content.xml", f"This is an OpenDocument file (.ods). {AS_XLSX}"),
)


class FileNotUnderstood(RuleBroken):
    title = "The file cannot be read"


def refusal(content: bytes) -> str | None:
    """Return why a file is neither a workbook nor a table as text, with a remedy; None if it may be one of them."""
    if content[:8] == OLE:
        return _of_old_office(content)
    for beginning, name in BEGINNINGS:
        if content.startswith(beginning):
            return f"{name} {FROM_TABLE}"
    start = content[:LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"mime-version:")):
        return f"This is a web page, even if its name ends in .xls. Open it in Excel. {AS_XLSX}"
    if start.startswith((b"<?xml", b"<workbook")):
        return f"This is an XML file, even if its name ends in .xls. Open it in Excel. {AS_XLSX}"
    if start.startswith((b"{", b"[{")):
        return f"This is a JSON file. {FROM_TABLE}"
    return None


def _of_old_office(content: bytes) -> str:
    """Return the refusal of a compound file, whose directory names its parts in UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        return "This file is password-protected. Save it as .xlsx without a password, then send it again."
    if "WordDocument".encode("utf-16-le") in content:
        return f"This is a Word document. {FROM_TABLE}"
    if "__substg1.0_".encode("utf-16-le") in content:
        return "This is an e-mail. Save the spreadsheet that is attached to it, then send that."
    return (
        "This is an old or password-protected Excel file. Save it as .xlsx without a password, or as CSV UTF-8, "
        "then send it again."
    )


def refusal_of_zip(parts: Collection[str]) -> str | None:
    """Return why a zip file with these parts is no workbook, with a remedy; None if it is one."""
    names = set(parts)
    if "xl/workbook.xml" in names:
        return None
    for part, words in PARTS:
        if part in names or any(name.endswith(f"/{part}") for name in names):
            return words
    if names and "[Content_Types].xml" not in names:
        return "This is a zip file. Unpack it, and send the spreadsheet that is in it."
    return None
