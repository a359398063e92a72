"""Select the implementation that checks and scores pairs and lists the best ones: compiled or NumPy.

``compiled_pass`` needs Numba and is used by default. ``numpy_pass`` needs only NumPy, so it also runs on machines for
which Numba has no wheel. The tests check that both give the same lists. ``check_and_score`` and ``best`` in this module
are those of the selected pass. Set ``PATHWAYS_PLAIN_PASSES=1`` to select the NumPy pass.
"""

import os
from importlib.util import find_spec

IS_COMPILED = find_spec("numba") is not None and os.environ.get("PATHWAYS_PLAIN_PASSES") != "1"
if IS_COMPILED:
    from matching.bulk.compiled_pass import best, check_and_score
else:
    from matching.bulk.numpy_pass import best, check_and_score

__all__ = ["IS_COMPILED", "best", "check_and_score"]
