"""All data held about one jobseeker: timeline, extract, close, void and merge.

Each feature registers a ``Holding``, through which its part of the casefile is read and changed.
"""
