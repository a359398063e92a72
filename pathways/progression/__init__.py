"""Starts, spells of work, evidence and outcomes; the outcome engine is rules/."""
