"""Introductions: a jobseeker is put forward for a placement, both sides decide, and a place is held and filled."""
