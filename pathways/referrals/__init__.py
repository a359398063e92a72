"""Referrals: a referring organisation asks a partner to support a jobseeker, one at a time or by file."""
