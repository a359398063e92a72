"""The public feed, Open Referral UK 3.0: what social enterprises offer, and nothing any person could be found by."""
