"""The demonstration: a made-up borough with a history, made day by day through the same actions that people use."""
