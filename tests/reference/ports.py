"""Reference numbers for src/stats/staggered: two more ports of R's did, csdid and differences.

    python3.11 -m venv venv && venv/bin/pip install csdid==0.4.3 differences==0.3.0
    venv/bin/python tests/reference/ports.py

Reads data/mpdta.csv and data/staggered.csv, writes ports.csv with the columns of staggered.csv; the cases are those of `staggered.py`.
The tolerance is relative to the standard error. csdid agrees to the last digits. So do the estimates of differences; its standard errors
take the information of the logit from the step before the last, and differ by up to 2e-6 where the propensity score is in them.
"""

import contextlib
import csv
import io
import math
import pathlib
import warnings
from importlib import metadata

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")

HERE = pathlib.Path(__file__).parent
TOLERANCE = {"csdid": 1e-9, "differences": 5e-6}
ROWS = []


def add(case, program, place, estimate, std_error):
    if math.isfinite(estimate) and math.isfinite(std_error) and std_error > 0:
        ROWS.append((case, place, repr(float(estimate)), repr(float(std_error)), program, TOLERANCE[program.split()[0]]))


def csdid(case, frame, comparison, formula, method, base, weights):
    from csdid.att_gt import ATTgt

    program = f"csdid {metadata.version('csdid')}"
    control = {"never": "nevertreated", "not_yet": "notyettreated"}[comparison]
    with contextlib.redirect_stdout(io.StringIO()):
        fit = ATTgt(yname="y", gname="first", idname="unit", tname="period", data=frame, xformla=f"y~{formula or '1'}",
                    control_group=[control], weights_name=weights)
        fit = fit.fit(est_method=method, base_period=base, bstrap=False)
    found = fit.results
    for group, period, att, error in zip(found["group"], found["year"], found["att"], found["se"]):
        add(case, program, f"cell {group:g} {period:g}", att, error)
    for kind in ("simple", "dynamic", "group", "calendar"):
        with contextlib.redirect_stdout(io.StringIO()):
            of_kind = fit.aggte(kind, bstrap=False, cband=False).atte
        add(case, program, f"{kind} overall", of_kind["overall_att"], of_kind["overall_se"])
        if kind != "simple":
            errors = np.ravel(of_kind["se_egt"])
            for at, att, error in zip(of_kind["egt"], of_kind["att_egt"], errors):
                add(case, program, f"{kind} {at:g}", att, error)


def differences(case, frame, comparison, formula, method, base, weights):
    from differences import ATTgt

    program = f"differences {metadata.version('differences')}"
    control = {"never": "never_treated", "not_yet": "not_yet_treated"}[comparison]
    method = {"reg": "reg", "ipw": "std_ipw-mle", "dr": "dr"}[method]
    frame = frame.assign(first=frame["first"].where(frame["first"] > 0)).set_index(["unit", "period"])
    fit = ATTgt(data=frame, cohort_column="first", base_period=base)
    result = fit.fit(f"y ~ {formula}" if formula else "y", est_method=method, control_group=control, weights_column=weights, progress_bar=False)

    def numbers(row):
        return row.iloc[0], row.iloc[1]

    kinds = {"simple": "simple", "event": "dynamic", "cohort": "group", "time": "calendar"}
    for at, row in result.to_pandas().iterrows():
        add(case, program, f"cell {at[0]:g} {at[-1]:g}", *numbers(row))
    for kind, name in kinds.items():
        if kind != "simple":
            for at, row in fit.aggregate(kind).iterrows():
                at = at[-1] if isinstance(at, tuple) else at
                add(case, program, f"{name} {at:g}", *numbers(row))
        overall = fit.aggregate(kind, overall=kind != "simple")
        add(case, program, f"{name} overall", *numbers(overall.iloc[0]))


def main():
    counties = pd.read_csv(HERE / "data" / "mpdta.csv")
    counties = counties.rename(columns={"first.treat": "first", "countyreal": "unit", "year": "period", "lemp": "y"})
    sim = pd.read_csv(HERE / "data" / "staggered.csv")
    sim["unit"] = sim["unit"].astype("category").cat.codes + 1
    full = sim[sim.groupby("unit")["period"].transform("size") == 8]
    cases = [
        ("cs mpdta not_yet dr lpop", counties, "not_yet", "lpop", "dr", "varying", None),
        ("cs mpdta never ipw lpop", counties, "never", "lpop", "ipw", "varying", None),
        ("cs mpdta not_yet reg lpop universal", counties, "not_yet", "lpop", "reg", "universal", None),
        ("cs sim balanced not_yet dr x", full, "not_yet", "x", "dr", "varying", "w"),
        ("cs sim balanced never dr xz", full, "never", "x + z", "dr", "varying", None),
    ]
    for case, frame, *how in cases:
        for program in (csdid, differences):
            try:
                program(case, frame.copy(), *how)
            except Exception as error:
                print(f"{program.__name__}: {case}: {type(error).__name__}: {error}")
    with open(HERE / "ports.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("case place estimate std_error program tolerance".split())
        writer.writerows(ROWS)
    print(len(ROWS))


if __name__ == "__main__":
    main()
