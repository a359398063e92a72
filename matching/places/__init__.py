"""Assign the jobseekers of a whole caseload to a limited number of places."""
