"""The cells of a map grid, by which the columns of placements are sorted."""

import numpy as np
from numpy.typing import NDArray

CELL_METRES = 5_000.0
MOST_CELLS = 4_000_000  # keeps the grid small when a location is wrongly abroad or at sea


def grid_of(east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a grid over some places.

    Parameters
    ----------
    east, north : ndarray of shape (n_places,)
        In metres.

    Returns
    -------
    ndarray of shape (5,)
        The west and south edges and the size of a cell, in metres, then the number of cells across and up.
    """
    if not len(east):
        return np.array([0.0, 0.0, CELL_METRES, 0.0, 0.0])
    size = CELL_METRES
    while True:
        across = int((east.max() - east.min()) // size) + 1
        up = int((north.max() - north.min()) // size) + 1
        if across * up <= MOST_CELLS:
            return np.array([east.min(), north.min(), size, across, up])
        size *= 2


def cells_of(east: NDArray[np.float64], north: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cell of each place. A place outside the grid is in the nearest cell.

    Parameters
    ----------
    east, north : ndarray of shape (n_places,)
        In metres.
    grid : ndarray of shape (5,)
        What ``grid_of`` returned.

    Returns
    -------
    ndarray of int64 of shape (n_places,)
    """
    across = np.clip((east - grid[0]) // grid[2], 0, max(grid[3] - 1, 0))
    up = np.clip((north - grid[1]) // grid[2], 0, max(grid[4] - 1, 0))
    return np.asarray(up * grid[3] + across, dtype=np.int64)


def grid_and_cells(
    is_on_grid: NDArray[np.bool_], east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return a grid over some places, and the cell of each place.

    Parameters
    ----------
    is_on_grid : ndarray of bool of shape (n_places,)
    east, north : ndarray of float64 of shape (n_places,)
        In metres.

    Returns
    -------
    tuple of (ndarray, ndarray)
        The grid of ``grid_of``, and the cells of ``cells_of``; off the grid, the number after the last cell.
    """
    grid = grid_of(east[is_on_grid], north[is_on_grid])
    return grid, np.where(is_on_grid, cells_of(east, north, grid), int(grid[3] * grid[4]))
