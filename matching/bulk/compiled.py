"""Numba's compiler where there is one; where there is none, functions run as they are written, only slower."""

from collections.abc import Callable
from typing import Any

try:
    from numba import njit
except ImportError:

    def njit(*functions: Callable[..., Any], **_: Any) -> Any:  # type: ignore[no-redef]
        """Return a function as it is.

        Parameters
        ----------
        *functions : callable
        **_ : object
            Numba's options.

        Returns
        -------
        callable
        """
        return functions[0] if functions else lambda function: function


__all__ = ["njit"]
