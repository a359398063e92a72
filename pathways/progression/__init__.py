"""Spells of work, evidence and outcomes. The outcome engine is in rules/."""
