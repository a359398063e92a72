"""Spreadsheets on their way in: rows kept, checked, put right, applied; what became of each."""
