"""Assign a whole caseload of jobseekers to a limited number of places."""
