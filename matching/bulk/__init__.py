"""Check and score many pairs at once, with a compiled pass or a NumPy pass that gives the same results."""
