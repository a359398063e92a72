"""One jobseeker and one placement: profiles, hard limits, and features graded to whole numbers."""
