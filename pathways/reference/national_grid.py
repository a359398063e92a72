"""Positions on the National Grid from latitude and longitude (WGS 84), good to about 5 metres in Great Britain."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Ordnance Survey, "A guide to coordinate systems in Great Britain", 2020: annexes A to C and section 6.6.
WGS84_AXES, AIRY_AXES = (6_378_137.0, 6_356_752.3142), (6_377_563.396, 6_356_256.909)
SHIFT_METRES = (-446.448, 125.157, -542.060)
TURN_SECONDS = (-0.1502, -0.2470, -0.8421)
SCALE = 20.4894e-6
CENTRAL_SCALE, TRUE_LATITUDE, TRUE_LONGITUDE = 0.9996012717, np.radians(49.0), np.radians(-2.0)
FALSE_EAST, FALSE_NORTH = 400_000.0, -100_000.0
EAST_RANGE, NORTH_RANGE = (0.0, 700_000.0), (0.0, 1_300_000.0)


def to_grid(latitude: Floats, longitude: Floats) -> tuple[Floats, Floats]:
    """Return easting and northing in metres. Places far from Great Britain get numbers without meaning."""
    phi, lam = _on_airy(np.radians(latitude), np.radians(longitude))
    a, b = AIRY_AXES
    e2, n = 1 - (b / a) ** 2, (a - b) / (a + b)
    sin, cos, tan2 = np.sin(phi), np.cos(phi), np.tan(phi) ** 2
    nu = a * CENTRAL_SCALE / np.sqrt(1 - e2 * sin**2)
    rho = nu * (1 - e2) / (1 - e2 * sin**2)
    eta2 = nu / rho - 1
    minus, plus = phi - TRUE_LATITUDE, phi + TRUE_LATITUDE
    arc = (
        (1 + n + 1.25 * n**2 + 1.25 * n**3) * minus
        - (3 * n + 3 * n**2 + 2.625 * n**3) * np.sin(minus) * np.cos(plus)
        + (1.875 * n**2 + 1.875 * n**3) * np.sin(2 * minus) * np.cos(2 * plus)
        - 35 / 24 * n**3 * np.sin(3 * minus) * np.cos(3 * plus)
    )
    d = lam - TRUE_LONGITUDE
    north = (
        (FALSE_NORTH + b * CENTRAL_SCALE * arc)
        + nu / 2 * sin * cos * d**2
        + nu / 24 * sin * cos**3 * (5 - tan2 + 9 * eta2) * d**4
        + nu / 720 * sin * cos**5 * (61 - 58 * tan2 + tan2**2) * d**6
    )
    east = (
        FALSE_EAST
        + nu * cos * d
        + nu / 6 * cos**3 * (nu / rho - tan2) * d**3
        + nu / 120 * cos**5 * (5 - 18 * tan2 + tan2**2 + 14 * eta2 - 58 * tan2 * eta2) * d**5
    )
    return east, north


def is_on_grid(east: Floats, north: Floats) -> NDArray[np.bool_]:
    """Return which positions lie within the National Grid."""
    is_east = (east >= EAST_RANGE[0]) & (east <= EAST_RANGE[1])
    return np.asarray(is_east & (north >= NORTH_RANGE[0]) & (north <= NORTH_RANGE[1]))


def _on_airy(phi: Floats, lam: Floats) -> tuple[Floats, Floats]:
    """Return latitude and longitude, in radians, on the ellipsoid of the National Grid."""
    a, b = WGS84_AXES
    nu = a / np.sqrt(1 - (1 - (b / a) ** 2) * np.sin(phi) ** 2)
    x, y = nu * np.cos(phi) * np.cos(lam), nu * np.cos(phi) * np.sin(lam)
    z = (b / a) ** 2 * nu * np.sin(phi)
    rx, ry, rz = np.radians(np.array(TURN_SECONDS) / 3600)
    s = 1 + SCALE
    moved = (
        SHIFT_METRES[0] + s * x - rz * y + ry * z,
        SHIFT_METRES[1] + rz * x + s * y - rx * z,
        SHIFT_METRES[2] - ry * x + rx * y + s * z,
    )
    a, b = AIRY_AXES
    e2, p = 1 - (b / a) ** 2, np.hypot(moved[0], moved[1])
    latitude = np.arctan2(moved[2], p * (1 - e2))
    for _ in range(6):  # converges to less than a millimetre
        nu = a / np.sqrt(1 - e2 * np.sin(latitude) ** 2)
        latitude = np.arctan2(moved[2] + e2 * nu * np.sin(latitude), p)
    return latitude, np.arctan2(moved[1], moved[0])
