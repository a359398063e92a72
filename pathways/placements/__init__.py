"""Placements that social enterprises list, and the places (openings) of each placement."""
