"""A jobseeker on a programme, with a caseworker, from start to end."""
