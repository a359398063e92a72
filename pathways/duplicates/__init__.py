"""Two records that may be one person: found at intake, looked at by people, never merged by a number."""
