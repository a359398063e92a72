"""Numba's ``njit`` or, if Numba is not installed, a substitute that leaves functions uncompiled and so slower."""

from collections.abc import Callable
from typing import Any

try:
    from numba import njit
except ImportError:

    def njit(*functions: Callable[..., Any], **_: Any) -> Any:  # type: ignore[no-redef]
        """Return the given function unchanged. If none is given, return a decorator that leaves its function unchanged.

        Parameters
        ----------
        *functions : callable
        **_ : object
            Numba's options, which are ignored.

        Returns
        -------
        callable
        """
        return functions[0] if functions else lambda function: function


__all__ = ["njit"]
