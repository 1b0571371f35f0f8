"""Times estimators against the Python packages that have them, on the same data.

    cargo build -p stats --example speed
    python3 -m venv peers && peers/bin/pip install pyfixest==0.60.0 diff-diff==3.13.0 csdid==0.4.3 differences==0.3.0 moderndid==0.2.0
    peers/bin/python tests/benchmarks/stats.py --speed target/debug/examples/speed [--pairs 5] [--scale 0.1] [curve rows …]
    peers/bin/python tests/benchmarks/stats.py --list

Every fit is a process of its own; the programs take turns, so that what else the machine does meets all of them. Times are
those of the fit in memory, without starting the process, importing modules and reading files, and without the first
call of what compiles on first use (a fit of a hundredth of the rows comes before). Prints the median and the range over
the pairs of seconds and processor seconds, the peak of resident memory of the process, and the ratio to restudy by
processor seconds and by seconds. The estimates must agree to `AGREE`, or the table says so.

The data are seeded: `--folder` keeps them between runs. `--scale` multiplies the rows.
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

AGREE = 1e-6


def twfe(formula, cluster):
    return {
        "restudy": ["twfe", formula, cluster],
        "pyfixest": ["pyfixest", formula, cluster],
    }


def effects(formula, first):
    return {
        "restudy": ["imputation", formula, first, "0"],
        "pyfixest did2s": ["did2s", formula, first],
        "diff-diff": ["diff_diff_imputation", formula, first],
    }


def by_cohort_and_period(formula, covariates, draws):
    return {
        "restudy": ["callaway_santanna", formula, "first", draws],
        "diff-diff": ["diff_diff_callaway", covariates, "first", draws],
    }


def permuted():
    arguments = ["y ~ treated + x1 + x2 + x3 + x4 + x5 + x6 | unit + year", "treated", "500"]
    return {"restudy": ["placebo", *arguments], "pyfixest in a loop": ["pyfixest_placebo", *arguments]}


COHORTS = (5, 10, 20, 40)

# Name: what it is, the generator with its numbers, the programs.
CASES = {
    "curve": (
        "1,000 models, 284 units x 14 years",
        ("curve", 284, 14),
        {"restudy": ["curve", "1000"], "pyfixest": ["pyfixest_curve", "1000"]},
    ),
    "rows": (
        "2 million rows, 5 regressors, two effects, clustered",
        ("rows", 200_000, 10),
        twfe("y ~ x1 + x2 + x3 + x4 + x5 | unit + year", "unit"),
    ),
    "three": (
        "10 million rows, 2 regressors, three effects, clustered",
        ("three", 10_000_000),
        twfe("y ~ x1 + x2 | unit + firm + year", "unit"),
    ),
    "imputation20k": ("imputation, 20,000 rows", ("staggered", 2_000, 10), effects("y ~ first | unit + year", "first")),
    "imputation200k": (
        "imputation, 200,000 rows",
        ("staggered", 20_000, 10),
        effects("y ~ first | unit + year", "first"),
    ),
    "imputation2m": (
        "imputation, 2 million rows",
        ("staggered", 200_000, 10),
        effects("y ~ first | unit + year", "first"),
    ),
    "dr": (
        "Callaway-Sant'Anna, doubly robust, 2 covariates, 1,000 draws, 3,000 units x 20 periods",
        ("staggered", 3_000, 20),
        {
            "restudy": ["callaway_santanna", "y ~ u1 + u2 + first | unit + year", "first", "1000"],
            "diff-diff": ["diff_diff_callaway", "u1 u2", "first", "1000"],
            "csdid": ["csdid", "u1 u2", "first", "1000"],
            "differences": ["differences", "u1 u2", "first", "1000"],
            "moderndid": ["moderndid", "u1 u2", "first", "1000"],
        },
    ),
    "placebo": ("placebo, 500 permutations, 284 units x 14 years", ("adoption", 284, 14, 0), permuted()),
    "placebo_missing": ("the same with a row missing", ("adoption", 284, 14, 1), permuted()),
    **{
        f"imputation_{count}_cohorts": (
            f"imputation, 3,000 units x 50 periods, {count} cohorts",
            ("staggered", 3_000, 50, count),
            effects("y ~ first | unit + year", "first"),
        )
        for count in COHORTS
    },
    **{
        f"dr_{count}_cohorts": (
            f"Callaway-Sant'Anna, doubly robust, 2 covariates, 3,000 units x 50 periods, {count} cohorts",
            ("staggered", 3_000, 50, count),
            by_cohort_and_period("y ~ u1 + u2 + first | unit + year", "u1 u2", "0"),
        )
        for count in COHORTS
    },
}


def generate(folder, kind, *sizes):
    import numpy as np

    random = np.random.default_rng(20260101)
    if kind == "three":
        (n,) = sizes
        columns = {
            "unit": random.integers(0, max(n // 20, 2), n).astype(float),
            "firm": random.integers(0, max(n // 200, 2), n).astype(float),
            "year": random.integers(0, 20, n).astype(float),
        }
        effect = sum(np.sin(columns[name]) for name in columns)
        for name in ("x1", "x2"):
            columns[name] = random.normal(size=n) + 0.3 * effect
        columns["y"] = columns["x1"] + 0.5 * columns["x2"] + effect + random.normal(size=n)
    else:
        n_units, n_years, *rest = sizes
        n = n_units * n_years
        unit, year = np.repeat(np.arange(n_units), n_years), np.tile(np.arange(n_years), n_units)
        of_unit = random.normal(size=n_units)
        columns = {"unit": unit.astype(float), "year": 2001.0 + year}
        if kind == "staggered":
            # About a third of the units is never treated; so many cohorts begin over all periods but the first and the last two.
            n_cohorts = rest[0] if rest else min(10, n_years - 4)
            cohort = unit % (n_cohorts * 3 // 2) if rest else unit % 15
            spread = n_years - 4 if rest else n_cohorts
            first = np.where(cohort < n_cohorts, 2003.0 + cohort * spread // n_cohorts, np.nan)
            treated = columns["year"] >= first
            columns["first"] = first
            columns["u1"], columns["u2"] = random.normal(size=n_units)[unit], random.normal(size=n_units)[unit]
            columns["y"] = of_unit[unit] + 0.1 * year + 0.3 * treated + random.normal(size=n)
        elif kind == "adoption":
            first = np.where(unit % 3 == 0, 2006.0 + unit // 3 % 5, np.inf)
            columns["treated"] = (columns["year"] >= first).astype(float)
            for number in range(1, 7):
                columns[f"x{number}"] = random.normal(size=n) + 0.5 * of_unit[unit] + 0.05 * year
            columns["y"] = of_unit[unit] + 0.1 * year + 0.2 * columns["treated"] + random.normal(size=n)
            columns = {name: values[: n - rest[0]] for name, values in columns.items()}
        else:
            columns["region"] = (unit % 31).astype(float)
            controls = [f"x{number}" for number in range(1, 6)] + [f"c{number}" for number in range(1, 9)]
            for name in controls if kind == "curve" else controls[:5]:
                columns[name] = random.normal(size=n) + 0.5 * of_unit[unit] + 0.05 * year
            base = of_unit[unit] + 0.1 * year + 0.2 * columns["x1"]
            for name in ("y", "y2", "y3") if kind == "curve" else ("y",):
                columns[name] = base + random.normal(size=n)
    folder.mkdir(parents=True)
    for name, values in columns.items():
        np.ascontiguousarray(values, dtype="<f8").tofile(folder / f"{name}.f64")


def frame(folder):
    import numpy as np
    import pandas as pd

    return pd.DataFrame({path.stem: np.fromfile(path, dtype="<f8") for path in sorted(folder.glob("*.f64"))})


def work(folder, method, *rest):
    """One fit by a package, in this process; the same line as the example prints."""
    data = frame(folder)
    whole = ("pyfixest_curve", "pyfixest_placebo")
    small = data if method in whole else data[data.unit < max(data.unit.nunique() // 100, 75)].copy()
    run = {
        "pyfixest": with_pyfixest,
        "pyfixest_curve": with_pyfixest_curve,
        "pyfixest_placebo": with_pyfixest_placebo,
        "did2s": with_did2s,
        "diff_diff_imputation": with_diff_diff_imputation,
        "diff_diff_callaway": with_diff_diff_callaway,
        "csdid": with_csdid,
        "differences": with_differences,
        "moderndid": with_moderndid,
    }[method]
    if method in whole:
        run(data, *rest[:-1], "2")
    else:
        run(small, *rest)
    start, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    estimate, std_error = run(data, *rest)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    line = {"seconds": seconds, "cpu": cpu, "megabytes": after.ru_maxrss / 1024}
    print(json.dumps({**line, "estimate": float(estimate), "std_error": float(std_error)}))


def with_pyfixest(data, formula, cluster):
    import pyfixest

    fit = pyfixest.feols(formula, data, vcov={"CRV1": cluster}, copy_data=False, store_data=False)
    return fit.coef().iloc[0], fit.se().iloc[0]


def with_pyfixest_curve(data, count):
    import pyfixest

    sums = [0.0, 0.0]
    data["region_year"] = data.region * 10_000 + data.year
    effects = ["unit + year", "unit + region_year", "unit"]
    for number in range(int(count)):
        subset, place = number // 18 % 256, number % 18
        controls = "".join(f" + c{control}" for control in range(1, 9) if subset >> (control - 1) & 1)
        formula = f"{['y', 'y2', 'y3'][place % 3]} ~ x1{controls} | {effects[place // 3 % 3]}"
        cluster = ["unit", "region"][number // 9 % 2]
        fit = pyfixest.feols(formula, data, vcov={"CRV1": cluster}, copy_data=False, store_data=False)
        sums = [sums[0] + fit.coef().iloc[0], sums[1] + fit.se().iloc[0]]
    return sums[0] / int(count), sums[1] / int(count)


def with_pyfixest_placebo(data, formula, term, draws):
    import numpy as np
    import pyfixest

    random = np.random.default_rng(1)
    unit = data.unit.astype(int).to_numpy()
    first = np.full(unit.max() + 1, np.inf)
    np.minimum.at(first, unit, np.where(data[term] == 1.0, data.year, np.inf))
    found = []
    for draw in range(int(draws) + 1):
        dates = first if draw == 0 else random.permutation(first)
        data[term] = (data.year.to_numpy() >= dates[unit]).astype(float)
        fit = pyfixest.feols(formula, data, vcov={"CRV1": "unit"}, copy_data=False, store_data=False)
        found.append((fit.coef()[term], fit.se()[term]))
    data[term] = (data.year.to_numpy() >= first[unit]).astype(float)
    return found[0]


def with_did2s(data, _formula, first):
    from pyfixest.did.estimation import did2s

    data = data.assign(treated=(data.year >= data[first]).astype(float))
    fit = did2s(
        data,
        yname="y",
        first_stage="~ 0 | unit + year",
        second_stage="~ treated",
        treatment="treated",
        cluster="unit",
    )
    return fit.coef()["treated"], fit.se()["treated"]


def with_diff_diff_imputation(data, _formula, first):
    import diff_diff

    data = data.assign(first=data[first].fillna(0.0))
    fit = diff_diff.ImputationDiD().fit(data, outcome="y", unit="unit", time="year", first_treat="first")
    return fit.overall_att, fit.overall_se


def with_diff_diff_callaway(data, covariates, first, draws):
    import diff_diff

    data = data.assign(first=data[first].fillna(0.0))
    model = diff_diff.CallawaySantAnna(estimation_method="dr", n_bootstrap=int(draws), seed=1)
    fit = model.fit(
        data,
        outcome="y",
        unit="unit",
        time="year",
        first_treat="first",
        covariates=covariates.split(),
        aggregate="all",
    )
    return fit.overall_att, fit.overall_se


def with_csdid(data, covariates, first, draws):
    from csdid.att_gt import ATTgt

    data = data.assign(first=data[first].fillna(0.0))
    formula = "y ~ " + " + ".join(covariates.split())
    with contextlib.redirect_stdout(io.StringIO()):
        fit = ATTgt(yname="y", gname="first", idname="unit", tname="year", data=data, xformla=formula, biters=int(draws))
        fit.fit(est_method="dr")
        for kind in ("dynamic", "group", "calendar"):
            fit.aggte(kind, na_rm=True)
        overall = fit.aggte("simple", na_rm=True).atte
    import numpy as np

    return np.ravel(overall["overall_att"])[0], np.ravel(overall["overall_se"])[0]


def with_differences(data, covariates, first, draws):
    from differences import ATTgt

    data = data.assign(unit=data.unit.astype(int), year=data.year.astype(int)).set_index(["unit", "year"])
    fit = ATTgt(data=data, cohort_column=first)
    draws = {"boot_iterations": int(draws), "random_state": 1}
    fit.fit("y ~ " + " + ".join(covariates.split()), est_method="dr", progress_bar=False, **draws)
    for kind in ("event", "cohort", "time"):
        fit.aggregate(kind, **draws)
    overall = fit.aggregate("simple", **draws).iloc[0]
    return overall.iloc[0], overall.iloc[1]


def with_moderndid(data, covariates, first, draws):
    import moderndid
    import polars

    data = polars.from_pandas(data.assign(first=data[first].fillna(0.0)))
    formula = "~ " + " + ".join(covariates.split())
    fit = moderndid.att_gt(
        data, yname="y", tname="year", idname="unit", gname="first", xformla=formula, est_method="dr", biters=int(draws), boot=True
    )
    for kind in ("dynamic", "group", "calendar"):
        moderndid.aggte(fit, type=kind)
    overall = moderndid.aggte(fit, type="simple")
    return overall.overall_att, overall.overall_se


def measure(command, environment):
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1:]
    return json.loads(done.stdout.strip().splitlines()[-1]), None


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def compare(case, speed, folder, scale, pairs):
    what, (kind, first, *others), programs = CASES[case]
    sizes = (max(int(first * scale), 40), *others)
    place = folder / f"{kind}-{'-'.join(map(str, sizes))}"
    if not place.exists():
        generate(place, kind, *sizes)
    print(f"\n### {what}" + (f", {scale} of the first size" if scale != 1 else "") + "\n")
    print("| program | seconds | processor | memory | times restudy, processor | times restudy, seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    found = {program: [] for program in programs}
    failures = {}
    for _ in range(pairs):
        for program, arguments in programs.items():
            command = [speed, place] if program == "restudy" else [sys.executable, "-W", "ignore", __file__, "--work", place]
            line, failure = measure([*map(str, command), *arguments], os.environ)
            if line is None:
                failures[program] = failure
            else:
                found[program].append(line)
    ours = found["restudy"]
    for program, lines in found.items():
        if not lines:
            print(f"| {program} | failed: {failures[program]} | | | | |")
            continue
        values = {name: [line[name] for line in lines] for name in ("seconds", "cpu", "megabytes")}
        ratios = {
            name: [their[name] / max(our[name], 1e-9) for their, our in zip(lines, ours)] for name in ("cpu", "seconds")
        }
        off = ours and abs(lines[0]["estimate"] / ours[0]["estimate"] - 1.0)
        note = "" if off and off < AGREE or program == "restudy" else f" (estimate is {off:.1e} off)"
        print(
            f"| {program}{note} | {spread(values['seconds'])} | {spread(values['cpu'])} "
            f"| {statistics.median(values['megabytes']):.0f} MB | {spread(ratios['cpu'], 1)} "
            f"| {spread(ratios['seconds'], 1)} |",
            flush=True,
        )


def main():
    if sys.argv[1:2] == ["--work"]:
        return work(pathlib.Path(sys.argv[2]), *sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speed", help="the example `speed` of the crate `stats`")
    parser.add_argument("--folder", help="where the data are kept; a temporary folder where there is none")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--list", action="store_true", help="the cases")
    parser.add_argument("cases", nargs="*", help="all where there is none")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (what, *_) in CASES.items():
            print(f"{name}: {what}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments.folder or temporary)
        for case in arguments.cases or CASES:
            compare(case, arguments.speed, folder, arguments.scale, arguments.pairs)


if __name__ == "__main__":
    main()
