"""Check and score many pairs at once: profiles as columns, a compiled pass, and an equal pass in NumPy."""
