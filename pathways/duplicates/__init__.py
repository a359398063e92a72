"""Pairs of records that may be the same person: found at intake, reviewed by staff, never merged automatically."""
