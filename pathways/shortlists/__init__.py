"""Shortlists: ranked placements for a jobseeker or ranked jobseekers for a placement, stored as they were made."""
