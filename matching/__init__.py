"""The ranking library: checks, a score from named features, the reasons; no database, network, clock or settings."""
