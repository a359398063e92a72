"""Notices to members, the e-mails made from them, and webhooks. They are stored first and sent afterwards."""
