"""Asking whether another partner supports the same person: under an agreement, and told by the holder or nobody."""
