"""Local authorities, job centres, partners, social enterprises and commissioners; their members and API keys."""
