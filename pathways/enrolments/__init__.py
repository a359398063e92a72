"""Enrolments: a jobseeker's time on a programme with a caseworker, from start to end."""
