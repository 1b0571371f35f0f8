"""Writes resampling.csv: wild cluster bootstrap with all draws, by wildboottest through pyfixest.

    pip install pyfixest==0.60.0 wildboottest==0.3.2 pandas
    python resampling.py

With Rademacher signs and few clusters all draws are made, so that two programs must agree on each of them. Draws that
equal the statistic up to rounding do not count as more extreme, here as in Stata's boottest: the program itself leaves
that to rounding, and `p_value` counts its draws again.
"""

import csv
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pyfixest as pf

HERE = Path(__file__).parent
CASES = [
    ("y ~ x + z3 | unit + time", "z3", "group", True),
    ("y ~ x + z3 | unit + time", "z3", "group", False),
    ("y ~ x + v + q | time", "v", "group", True),
    ("y ~ z3 + x", "z3", "group", True),
    ("y ~ x + v | unit", "v", "time", True),
]


def main():
    warnings.simplefilter("ignore")
    data = pd.read_csv(HERE / "data" / "regions.csv")
    program = f"wildboottest {version('wildboottest')}, pyfixest {version('pyfixest')}"
    rows = []
    for formula, term, cluster, imposed in CASES:
        fit = pf.feols(formula, data, vcov={"CRV1": cluster}, fixef_tol=1e-13)
        result, draws = fit.wildboottest(
            param=term, reps=99_999, weights_type="rademacher", impose_null=imposed, return_bootstrapped_t_stats=True
        )
        draws = np.sort(np.asarray(draws).ravel())
        statistic = float(result["t value"])
        p_value = float(np.mean(np.abs(draws) > abs(statistic) * (1 + 1e-9)))
        reported = float(result["Pr(>|t|)"])
        ties = np.mean(np.abs(np.abs(draws) / abs(statistic) - 1) < 1e-9)
        assert p_value <= reported <= p_value + ties, (p_value, reported, ties)
        case = [formula, term, cluster, "restricted" if imposed else "unrestricted"]
        rows.append([*case, "statistic", statistic, program])
        rows.append([*case, "p_value", p_value, program])
        rows += [[*case, f"draw {index}", value, program] for index, value in enumerate(draws.tolist())]
    with open(HERE / "resampling.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["formula", "term", "cluster", "residuals", "quantity", "value", "program"])
        writer.writerows(rows)


main()
