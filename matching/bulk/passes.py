"""A pass over columns: which pairs no check refuses, what each scores, and the best few of each list.

``fused`` is compiled and is what runs; ``plain`` is NumPy alone, for machines that Numba has no wheel for, and for the
tests, which hold the two to the same lists. ``look`` and ``best`` here are whichever of the two there is.
"""

import os
from importlib.util import find_spec

IS_COMPILED = find_spec("numba") is not None and os.environ.get("PATHWAYS_PLAIN_PASSES") != "1"
if IS_COMPILED:
    from matching.bulk.compiled_pass import best, check_and_score
else:
    from matching.bulk.numpy_pass import best, check_and_score

__all__ = ["IS_COMPILED", "best", "check_and_score"]
