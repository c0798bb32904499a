# SPDX-License-Identifier: BSD-3-Clause
"""How far repeated values lie apart, by estimates that one odd value does not move."""

from statistics import median

# A normal distribution's standard deviation over its median absolute deviation, and what few values make of that: Croux and Rousseeuw,
# "Time-efficient algorithms for two highly robust estimators of scale" (1992).
OF_NORMAL = 1.4826
FEW = {2: 1.196, 3: 1.495, 4: 1.363, 5: 1.206, 6: 1.200, 7: 1.140, 8: 1.129, 9: 1.107}


def noise(values: list[float]) -> float:
    """The standard deviation of values in per cent of their median, estimated by their median absolute deviation."""
    n, middle = len(values), median(values)
    if n < 2 or not middle:
        return 0.0
    deviation = median(abs(value - middle) for value in values)
    return abs(100 * OF_NORMAL * FEW.get(n, n / (n - 0.8)) * deviation / middle)
