"""The month's outcomes for each commissioner: from facts as they were known, to files that can be repeated."""
