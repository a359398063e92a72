"""Notices to members, e-mails made from notices, and webhooks. Messages are stored first and sent afterwards."""
