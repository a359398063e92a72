"""Placements that social enterprises list, and the places of each placement."""
