"""How many half-days a number of hours fills."""


def half_days_for(hours: int, of_each: int) -> int:
    """Return how many half-days a number of hours fills: rounded (.5 to the even number), and at least 1.

    Parameters
    ----------
    hours, of_each : int
        The hours worked and the length of one half-day, both in hundredths of an hour.

    Returns
    -------
    int

    Examples
    --------
    >>> half_days_for(1600, 400), half_days_for(1000, 400), half_days_for(0, 400)
    (4, 2, 1)
    """
    whole, rest = divmod(hours, of_each)
    if 2 * rest > of_each or (2 * rest == of_each and whole % 2):
        whole += 1
    return max(1, whole)
