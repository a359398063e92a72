"""A caseload against places that run out: proposals, and what caseworkers decide of each line."""
