"""Reference numbers for src/stats/tails.rs.

    python -m venv venv && venv/bin/pip install mpmath==1.4.1
    venv/bin/python tests/reference/tails.py

Writes tails.csv: upper tails of the normal, chi-square and F distributions with 50 digits of working precision.
"""

import csv
import pathlib

import mpmath

mpmath.mp.dps = 50


def normal(z):
    return mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2))


def chi_square(x, k):
    return mpmath.gammainc(mpmath.mpf(k) / 2, mpmath.mpf(x) / 2, mpmath.inf, regularized=True)


def f(x, d1, d2):
    x, d1, d2 = map(mpmath.mpf, (x, d1, d2))
    return mpmath.betainc(d2 / 2, d1 / 2, 0, d2 / (d2 + d1 * x), regularized=True)


rows = []
for z in [0.001, 0.1, 0.5, 1.0, 1.5, 1.959963984540054, 2.75, 4.1, 6.3, 9.7, 14.2, 25.3, 37.0]:
    rows.append(("normal", z, "", "", normal(z)))
for k in [1, 2, 3, 4, 5, 7, 10, 19, 40]:
    for x in [0.003, 0.7, 2.3, 7.79123663, 19.1, 55.5, 312.25]:
        rows.append(("chi_square", x, k, "", chi_square(x, k)))
for d1 in [1, 2, 3, 4, 5, 8, 13, 20]:
    for d2 in [1, 2, 9, 45, 499, 100000]:
        for x in [0.01, 0.9, 2.5, 6.25, 31.7]:
            rows.append(("f", x, d1, d2, f(x, d1, d2)))

with open(pathlib.Path(__file__).parent / "tails.csv", "w", newline="") as file:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["distribution", "statistic", "numerator", "denominator", "tail"])
    for name, statistic, numerator, denominator, tail in rows:
        if tail > mpmath.mpf("1e-290"):
            writer.writerow([name, repr(statistic), numerator, denominator, mpmath.nstr(tail, 20)])
