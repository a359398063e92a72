"""Dated tables that the law or a funder changes: shipped as CSV, replaceable by a folder of the same file names."""
