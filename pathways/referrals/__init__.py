"""Referrals: a referring organisation asks a partner to support jobseekers, one at a time or in a file."""
