"""Monthly outcome figures for each commissioner, made from the facts recorded by a given day.

The same facts always give the same files.
"""
