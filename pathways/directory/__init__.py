"""The public feed in Open Referral UK 3.0 format: what social enterprises offer, and no personal data."""
