"""Programmes: what a commissioner pays a partner to deliver."""
