"""Select the compiled or the NumPy pass over columns. A pass checks and scores pairs and builds the best lists.

``compiled_pass`` needs Numba and is used by default. ``numpy_pass`` uses NumPy alone. It runs on machines for which
Numba has no wheel, and the tests use it to check that both give the same lists. ``check_and_score`` and ``best`` in
this module come from the pass that is in use. Set ``PATHWAYS_PLAIN_PASSES=1`` to use NumPy alone.
"""

import os
from importlib.util import find_spec

IS_COMPILED = find_spec("numba") is not None and os.environ.get("PATHWAYS_PLAIN_PASSES") != "1"
if IS_COMPILED:
    from matching.bulk.compiled_pass import best, check_and_score
else:
    from matching.bulk.numpy_pass import best, check_and_score

__all__ = ["IS_COMPILED", "best", "check_and_score"]
