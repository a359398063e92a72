"""Assigning a whole caseload to places that run out."""
