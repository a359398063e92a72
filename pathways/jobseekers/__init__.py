"""Jobseekers: identity, vocational profile, monitoring, permissions to share, contacts and supporters."""
