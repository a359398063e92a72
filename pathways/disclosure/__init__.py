"""Disclosure control, pure: which figures must be suppressed so that none can be inferred."""
