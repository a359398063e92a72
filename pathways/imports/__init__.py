"""Spreadsheet imports: rows are stored, checked, corrected and applied, and the outcome of each row is reported."""
