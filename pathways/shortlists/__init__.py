"""Ranked placements for a jobseeker and jobseekers for a placement; the record of what was shown."""
