"""All data held about one jobseeker: reading, extracting, closing, voiding and merging the casefile.

Each feature registers a ``Holding``, through which its part of the casefile is read and changed.
"""
