"""Reading CSV files and workbooks as people really fill them in: kinds of file, letters, cells, damage and slips."""
