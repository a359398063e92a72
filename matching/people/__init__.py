"""Is this one person or two? What records say of whom they are about, compared field by field and weighed."""
