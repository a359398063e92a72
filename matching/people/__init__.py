"""Decide whether two records are about one person: compare them field by field and weigh the evidence."""
