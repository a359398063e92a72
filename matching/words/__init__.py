"""Find entries of a taxonomy: skills named in free text, and occupations meant by job titles."""
