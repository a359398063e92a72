"""The service: from a referral to a month of outcome figures that a funder can trust."""
