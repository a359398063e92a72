"""Allocations: proposals that share limited places among a caseload, one line for each jobseeker, and the decisions."""
