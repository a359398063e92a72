"""What social enterprises list, and its places."""
