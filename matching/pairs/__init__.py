"""One jobseeker and one placement: their profiles, the eligibility checks, and the features as whole-number grades."""
