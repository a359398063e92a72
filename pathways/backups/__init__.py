"""Backups of the database and its documents: writing, sealing, validating and restoring them."""
