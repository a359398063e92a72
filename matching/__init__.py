"""The ranking library: checks, a score from named features, and the reasons; no database, network, clock or settings."""
