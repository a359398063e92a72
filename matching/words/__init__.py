"""From words as people write them to the entries of a taxonomy: skills from free text, occupations from job titles."""
