"""Allocations: proposals that share limited places across a caseload, and a caseworker's decision on each line."""
