"""Reference data: dated tables, outcome rules, postcodes and the taxonomy.

The dated tables change with the law or with funders. They ship as CSV files; a folder with files of the same names
can replace them.
"""
