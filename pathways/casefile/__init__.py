"""Everything held about one person: timeline, extract, void. It reaches the features only through their holdings."""
