"""A jobseeker is put forward for a placement: the two-sided decision, places held and filled."""
