"""Numba's ``njit`` or, if Numba is not installed, a substitute that leaves functions uncompiled and so slower."""

from collections.abc import Callable
from typing import Any

try:
    from numba import njit
except ImportError:

    def njit(*functions: Callable[..., Any], **_: Any) -> Any:  # type: ignore[no-redef]
        """Return a function uncompiled. Without a function, return a decorator that does so.

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
