"""Monthly outcome figures for each commissioner, made from facts as known on a day.

The same facts always give the same files.
"""
