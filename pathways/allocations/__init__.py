"""Allocations: proposals of limited places for a caseload, with one line for each jobseeker, and the decisions."""
