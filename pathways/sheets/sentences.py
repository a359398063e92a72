"""What a report says about rows and cells of a file: the rule, and what to do."""

MERGED = ("Merged cells are not accepted.", "Unmerge them and fill in each cell.")
TOO_MANY = ("The row has more cells than the header.", "Put quotes around a cell that contains the delimiter.")
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
COUNTED_FROM_1904 = (
    "The date is a plain number, which was read as the days that this workbook counts from 1904.",
    "Check the date. To be sure, format the column as a date.",
)
MONTH_FIRST = (
    "Column {column}{place}: row {first} has the month before the day, so other dates may have it too. Dates read as"
    " day, month: {count}, in {rows}. Check them. To be sure, write dates as yyyy-mm-dd."
)
EXAMPLE_REFERENCE = ("The row has the reference of the example row.", "Give the row a reference of its own.")
SHOW_SHEET = "show the sheet or copy its rows to a sheet that is shown, then send the file again"
