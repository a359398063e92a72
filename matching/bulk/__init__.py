"""Many pairs at once: profiles as columns, the compiled pass, and the NumPy pass it equals."""
