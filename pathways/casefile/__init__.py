"""Everything held about one jobseeker: timeline, extract, close, void and merge.

The features are reached only through their registered holdings.
"""
