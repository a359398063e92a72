"""Enquiries to other partners, under an agreement, about whether they support the same person."""
