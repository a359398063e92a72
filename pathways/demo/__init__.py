"""The demonstration: a made-up borough with a history, recorded day by day through the same actions as real work."""
