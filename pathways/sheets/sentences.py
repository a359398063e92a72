"""What a report says about rows and cells of a file: the rule, and what to do."""

MERGED = ("Merged cells are not accepted.", "Unmerge them and fill in each cell.")
TOO_MANY = ("The row has more cells than the header.", "Put quotes around a cell that contains the delimiter.")
QUOTE_MOVES_CELLS = (
    "A cell has a double quote that CSV does not allow, and the row does not have as many cells as the header.",
    "Put quotes around the whole cell, write each quote within it twice, and send the file again.",
)
QUOTE_AS_WRITTEN = (
    "row",
    "A cell of this row has a double quote that CSV does not allow. The cell was read with its quotes.",
    "Check the cells of this row.",
)
TOO_MANY_HEADERS = (
    "A sheet has more than {most} headers with different columns. Put the rows of each header into a sheet of their"
    " own, then send the file again."
)
HIDDEN_ROW = (
    "row",
    "This row is hidden in the spreadsheet, by a filter or by hand. It was read all the same.",
    "Check that this row was meant to be sent.",
)
STRUCK = (
    "row",
    "Text in this row is struck through in the spreadsheet. It was read all the same.",
    "Check whether the row, or a part of a cell, was meant to be deleted.",
)
STRUCK_PARTLY = (
    "row",
    "A part of a cell in this row is struck through in the spreadsheet. That part was not read.",
    "Check the cell, and correct it if the part was meant.",
)
NOTED = (
    "row",
    "A note is attached to a cell of this row. It was not read.",
    "If it says something that matters, such as how to contact the person safely, write it in a column.",
)
NOTED_ELSEWHERE = (
    "Sheet {name} has notes on cells outside the rows that were read, in row {rows}. They were not read. If one says"
    " something that matters, such as how to contact a person safely, record it by hand."
)
UNSEEN = (
    "row",
    "A cell of this row has a format that hides its value. It was read all the same.",
    "Check the row in the import, and correct it if the value was not meant.",
)
CUT_SHORT = (
    "row",
    "The file ends in the middle of this row, so the end of the row and further rows may be missing.",
    "Export the file again, and compare the number of rows.",
)
GUESSED_LETTERS = "The cell has accents or signs whose encoding the file does not say. It was read as {name}."
UNREAD_PROTECTION = "This row says something in the column {header}, which was not read. It may keep somebody safe."
RECORD_BY_HAND = "Read the cell, and record what it says by hand before anybody is contacted or introduced."
PROTECTIVE_TEXT = (
    "The text in {place} is no row of a table, and it may say how to keep people safe. Read it yourself before anybody"
    " is contacted or introduced."
)
READ_AROUND = "Read that text before anybody is contacted, and record by hand what it says about this person."
COUNTED_FROM_1904 = (
    "The date is a plain number, which was read as the days that this workbook counts from 1904.",
    "Check the date. To be sure, format the column as a date.",
)
MONTH_FIRST = (
    "Column {column}{place}: row {first} has the month before the day, so other dates may have it too. Dates read as"
    " day, month: {count}, in {rows}. Check them. To be sure, write dates as yyyy-mm-dd."
)
EITHER_WAY_ROUND = (
    "The date was read as day, month, but other dates of this column have the month before the day.",
    "Check the date. To be sure, write it as yyyy-mm-dd.",
)
EXAMPLE_REFERENCE = ("The row has the reference of the example row.", "Give the row a reference of its own.")
SHOW_SHEET = "show the sheet or copy its rows to a sheet that is shown, then send the file again"


def under_no_header(letters: str) -> tuple[str, str]:
    """Return what a row says of a cell in a column, named by its letters, that has no header."""
    return (
        f"The cell in column {letters} has no header, so it was not read.",
        "Read it, and record by hand what matters.",
    )
