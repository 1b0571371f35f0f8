"""Reference numbers for src/stats/estimators/twfe.rs and src/stats/student.rs.

    python -m venv venv && venv/bin/pip install pyfixest==0.60.0 statsmodels==0.15.0 mpmath
    venv/bin/python tests/reference/twfe.py [FOLDER WITH THE ORIGINAL castle.csv AND mpdta.csv]

Writes twfe.csv (one number per row, with the model it belongs to), student.csv and data/{synthetic,grunfeld}.csv; with a
folder also data/{castle,mpdta}.csv. The numbers are those of pyfixest. A second computation, by dummies and a singular value
decomposition, checks coefficients and standard errors; the script fails where the two differ by more than 1e-9.
"""

import csv
import functools
import pathlib
import sys

import mpmath
import numpy as np
import pandas as pd
import pyfixest as pf
import scipy.stats
import statsmodels.api as sm

HERE = pathlib.Path(__file__).parent
DATA = HERE / "data"

# The columns of castle.csv that are kept; the file has 159.
CASTLE = """state year sid cdl post effyear population popwt northeast midwest south west l_homicide homicide police
unemployrt income l_income poverty prisoner l_prisoner blackm_15_24 whitem_15_24 blackm_25_44 whitem_25_44""".split()

# name, data, formula for restudy, formula for pyfixest (None: the same), options
CASES = [
    ("mpdta", "mpdta", "lemp ~ treated | countyreal + year", None, dict(cluster="countyreal")),
    ("castle", "castle", "l_homicide ~ post | state + year", None, dict(cluster="state")),
    ("castle_weighted", "castle", "l_homicide ~ post + l_income | state + year", None, dict(cluster="state", weights="popwt")),
    ("castle_region", "castle", "l_homicide ~ post | state + south^year", None, dict(cluster="state")),
    ("grunfeld_iid", "grunfeld", "inv ~ capital | firm + year", None, dict(vcov="iid")),
    ("grunfeld_cluster", "grunfeld", "inv ~ capital | firm + year", None, dict(cluster="firm")),
    ("grunfeld_hetero", "grunfeld", "inv ~ capital | firm + year", None, dict(vcov="hetero")),
    ("grunfeld_pooled_iid", "grunfeld", "inv ~ capital", None, dict(vcov="iid")),
    ("grunfeld_pooled_hc1", "grunfeld", "inv ~ capital", None, dict(vcov="hetero")),
    ("grunfeld_pooled_cluster", "grunfeld", "inv ~ capital + value", None, dict(cluster="firm")),
    ("grunfeld_two_way", "grunfeld", "inv ~ capital + value | firm + year", None, dict(cluster="firm year")),
    ("grunfeld_logs", "grunfeld", "log(inv) ~ log(capital) + log(value) | firm", None, dict(cluster="firm")),
    ("one_effect", "synthetic", "y ~ x1 + x2 | firm", None, dict(vcov="iid")),
    ("three_effects", "synthetic", "y ~ x1 + x2 | worker + firm + year", None, dict(cluster="firm")),
    ("three_effects_weighted", "synthetic", "y ~ x1 + x2 | worker + firm + year", None, dict(cluster="worker", weights="w")),
    ("three_effects_hetero", "synthetic", "y ~ x1 + x2 | worker + firm + year", None, dict(vcov="hetero", weights="w")),
    ("two_way", "synthetic", "y ~ x1 + x2 | worker + year", None, dict(cluster="firm year")),
    ("two_way_pooled", "synthetic", "y ~ x1 + x2", None, dict(cluster="worker year")),
    ("nested", "synthetic", "y ~ x1 + x2 | worker + firm", None, dict(cluster="region")),
    ("collinear", "synthetic", "y ~ x1 + x2 + x3 | firm + year", None, dict(cluster="firm")),
    ("absorbed", "synthetic", "y ~ x1 + z | worker + year", None, dict(cluster="worker")),
    ("interaction", "synthetic", "y ~ x1*x2 + x1:z | firm + year", None, dict(cluster="firm")),
    ("factor", "synthetic", "y ~ x1 + i(year) | firm", "y ~ x1 + C(year) | firm", dict(cluster="firm")),
    ("factor_text", "synthetic", "y ~ x1 + region", "y ~ x1 + C(region)", dict(vcov="hetero")),
    ("factor_slope", "synthetic", "y ~ i(region, x1)", "y ~ C(region):x1", dict(vcov="hetero")),
    ("combined", "synthetic", "y ~ x1 + x2 | worker + region^year", None, dict(cluster="worker")),
    ("singletons", "synthetic", "y ~ x1 + x2 | worker + firm", None, dict(cluster="firm", singletons=True)),
    ("singletons_kept", "synthetic", "y ~ x1 + x2 | worker + firm", None, dict(cluster="firm")),
    ("pooled_weighted", "synthetic", "y ~ x1 + x2", None, dict(vcov="iid", weights="w")),
    ("uncorrected", "synthetic", "y ~ x1 + x2 | worker + year", None, dict(cluster="worker", uncorrected=True)),
    ("uncorrected_hetero", "synthetic", "y ~ x1 + x2", None, dict(vcov="hetero", uncorrected=True)),
    ("large_numbers", "synthetic", "y ~ big + x1 | worker + year", None, dict(cluster="worker")),
]


def synthetic():
    """Workers move between few firms, some are seen once: unbalanced, hardly overlapping, with singletons."""
    rng = np.random.default_rng(20261124)
    rows = []
    for worker in range(120):
        firm = int(rng.integers(25))
        first, length = int(rng.integers(2000, 2008)), int(rng.integers(1, 7))
        for year in range(first, min(first + length, 2010)):
            if rng.random() < 0.25:
                firm = (firm + int(rng.integers(1, 3))) % 25
            rows.append((worker, firm, year))
    frame = pd.DataFrame(rows, columns=["worker", "firm", "year"])
    n = len(frame)
    frame["region"] = np.array(["east", "north", "south", "west"])[frame.firm % 4]
    frame["x1"] = np.round(rng.normal(size=n) + 0.1 * frame.firm, 4)
    frame["x2"] = np.round(rng.normal(size=n) - 0.3 * frame.x1, 4)
    frame["x3"] = frame.x1 + 2 * frame.x2
    frame["z"] = np.round(rng.normal(size=120)[frame.worker], 4)
    frame["big"] = 1e8 + np.round(100 * rng.normal(size=n), 2)
    frame["w"] = np.round(rng.uniform(0.2, 5, size=n), 3)
    noise = rng.normal(size=n) * (1 + frame.x2.abs())
    frame["y"] = np.round(0.5 * frame.x1 - 0.2 * frame.x2 + 0.05 * frame.firm + frame.z + 0.1 * (frame.year - 2000) + noise, 5)
    return frame


def grunfeld():
    frame = sm.datasets.grunfeld.load_pandas().data.rename(columns={"invest": "inv"})
    frame["year"] = frame.year.astype(int)
    # The ten firms of R's plm::Grunfeld, which fixest's documentation uses.
    return frame[frame.firm != "American Steel"][["firm", "year", "inv", "value", "capital"]]


def fitted(frame, formula, options):
    cluster = options.get("cluster")
    vcov = {"CRV1": "+".join(cluster.split())} if cluster else options["vcov"]
    correction = pf.ssc(k_adj=False, G_adj=False) if options.get("uncorrected") else pf.ssc()
    return pf.feols(
        formula,
        frame,
        vcov=vcov,
        weights=options.get("weights"),
        ssc=correction,
        fixef_rm="singleton" if options.get("singletons") else "none",
        demeaner=pf.MapDemeaner(fixef_tol=1e-13, fixef_maxiter=1_000_000),
    )


def dummies(fit, frame, options):
    """Coefficients and standard errors of the same columns with one dummy per level, corrections as documented."""
    frame = frame.loc[fit._data.index] if hasattr(fit._data, "index") else frame
    effects = [effect.strip() for effect in fit._fixef.split("+")] if fit._fixef else []
    names = list(fit._coefnames)
    regressors = np.column_stack([column(name, frame) for name in names])
    # The dummies hold a constant, so that centring changes no slope, and saves the digits of large numbers.
    blocks = [regressors - regressors.mean(axis=0) if effects else regressors]
    levels = []
    for effect in effects:
        codes = code(frame, effect)
        levels.append(codes)
        blocks.append(np.eye(codes.max() + 1)[codes][:, (1 if len(levels) > 1 else 0):])
    x = np.hstack(blocks)
    y = np.asarray(fit._Y_untransformed, dtype=float).ravel()
    w = frame[options["weights"]].to_numpy() if options.get("weights") else np.ones(len(y))
    root = np.sqrt(w)[:, None]
    lengths = np.linalg.norm(x * root, axis=0)
    u, s, vt = np.linalg.svd(x * root / lengths, full_matrices=False)
    keep = s > 1e-10 * s[0]
    inverse = (vt[keep].T / s[keep] ** 2) @ vt[keep] / np.outer(lengths, lengths)
    beta = inverse @ ((x * root).T @ (y * root.ravel()))
    beta += inverse @ ((x * root).T @ ((y - x @ beta) * root.ravel()))
    residual = y - x @ beta
    k, n = len(names), len(y)
    sizes = [codes.max() + 1 for codes in levels]
    absorbed = sum(sizes) - max(len(sizes) - 1, 0)
    corrected = not options.get("uncorrected")
    scores = x * (w * residual)[:, None]
    if options.get("cluster"):
        clusters = [code(frame, name) for name in options["cluster"].split()]
        if len(clusters) == 2:
            clusters.append(code(frame, "^".join(options["cluster"].split())))
        meat = 0
        for sign, ids in zip([1, 1, -1], clusters):
            sums = np.zeros((ids.max() + 1, x.shape[1]))
            np.add.at(sums, ids, scores)
            meat = meat + sign * sums.T @ sums
        is_nested = [
            any(len(set(zip(codes, ids))) == codes.max() + 1 for ids in clusters[:2]) for codes in levels
        ]
        absorbed -= sum(size - 1 for size, nested in zip(sizes, is_nested) if nested)
        smallest = min(ids.max() + 1 for ids in clusters[:2])
        factor = (n - 1) / (n - k - absorbed) * smallest / (smallest - 1) if corrected else 1
        vcov = inverse @ meat @ inverse * factor
    elif options["vcov"] == "hetero":
        vcov = inverse @ (scores.T @ scores) @ inverse * (n / (n - k - absorbed) if corrected else 1)
    else:
        vcov = inverse * (w * residual**2).sum() / (n - k - absorbed if corrected else n - 1)
    return beta[:k], np.sqrt(np.diag(vcov)[:k])


def column(name, frame):
    if name == "Intercept":
        return np.ones(len(frame))
    product = np.ones(len(frame))
    for part in name.split(":") if not name.startswith("C(") or "]:" in name else [name]:
        if part.startswith("C("):
            variable, level = part[2:].split(")[")
            level = level.removeprefix("T.").rstrip("]")
            product = product * (frame[variable].astype(str) == level)
        elif part.startswith("log("):
            product = product * np.log(frame[part[4:-1]])
        else:
            product = product * frame[part]
    return np.asarray(product, dtype=float)


def code(frame, name):
    parts = name.split("^")
    return pd.factorize(pd.Series(list(zip(*(frame[part] for part in parts)))), sort=True)[0]


def term(name):
    """pyfixest's name of a term as restudy's."""
    if name == "Intercept":
        return "(Intercept)"
    parts = []
    for part in name.split(":"):
        if part.startswith("C("):
            variable, level = part[2:].split(")[")
            part = f"{variable}::{level.removeprefix('T.').rstrip(']')}"
        parts.append(part)
    return ":".join(parts)


def models(frames):
    worst = 0.0
    for name, data, formula, other, options in CASES:
        frame = frames[data]
        fit = fitted(frame, other or formula, options)
        table = fit.tidy()
        if not options.get("singletons"):
            beta, errors = dummies(fit, frame, options)
            for one, two in [(table["Estimate"], beta), (table["Std. Error"], errors)]:
                difference = np.max(np.abs(np.asarray(one) / two - 1))
                worst = max(worst, difference)
                assert difference < 1e-9, (name, difference)
        model = dict(
            case=name,
            data=data,
            formula=formula,
            cluster=options.get("cluster", ""),
            vcov=options.get("vcov", ""),
            weights=options.get("weights", ""),
            singletons=int(bool(options.get("singletons"))),
            uncorrected=int(bool(options.get("uncorrected"))),
        )
        for row in table.itertuples():
            estimate, std_error, statistic = row[1:4]
            # pyfixest takes 1 - cdf, which has no digits left where it is small; SciPy's ppf has ten.
            p_value = 2 * scipy.stats.t.sf(abs(statistic), fit._df_t)
            margin = quantile(int(fit._df_t)) * std_error
            numbers = dict(
                estimate=estimate,
                std_error=std_error,
                statistic=statistic,
                p_value=p_value,
                conf_low=estimate - margin,
                conf_high=estimate + margin,
            )
            for quantity, value in numbers.items():
                yield model | dict(quantity=quantity, term=term(row.Index), value=value)
        quantities = dict(n_obs=fit._N, r2=fit._r2, adj_r2=fit._adj_r2, rmse=fit._rmse)
        if fit._has_fixef:
            quantities |= dict(r2_within=fit._r2_within, adj_r2_within=fit._adj_r2_within)
        for quantity, value in quantities.items():
            yield model | dict(quantity=quantity, term="", value=value)
    print(f"pyfixest and dummies differ by at most {worst:.1e}")


def student():
    """Two-sided tails of Student's t from 500 digits: enough for one less a tail of 1e-290."""
    mpmath.mp.dps = 500
    for freedom in [1, 2, 3, 5, 9, 19, 49, 283, 1_000, 10_000, 1_000_000, 100_000_000]:
        for statistic in ["1e-9", "1e-3", "0.1", "0.7", "1", "1.5", "1.96", "2.5", "4", "8", "15", "40"]:
            p_value = 1 - inside(mpmath.mpf(statistic), mpmath.mpf(freedom))
            if p_value > mpmath.mpf("1e-290"):
                yield dict(freedom=freedom, statistic=statistic, p_value=mpmath.nstr(p_value, 20))


def inside(t, freedom):
    """P(|T| < t) = I_y(1/2, a) by DLMF 8.17.8, whose terms are all positive."""
    a, y = freedom / 2, t * t / (freedom + t * t)
    term, total, n = mpmath.mpf(1), mpmath.mpf(0), 0
    while term > total * mpmath.eps:
        total += term
        term *= (a + n + mpmath.mpf(1) / 2) / (n + mpmath.mpf(3) / 2) * y
        n += 1
    beta = mpmath.exp(mpmath.loggamma(a) - mpmath.loggamma(a + mpmath.mpf(1) / 2)) * mpmath.sqrt(mpmath.pi)
    return 2 * mpmath.sqrt(y) * (1 - y) ** a * total / beta


@functools.cache
def quantile(freedom):
    """The value that |T| exceeds with probability 5 %."""
    with mpmath.workdps(30):
        start = scipy.stats.t.ppf(0.975, freedom)
        return float(mpmath.findroot(lambda t: 1 - inside(t, mpmath.mpf(freedom)) - mpmath.mpf("0.05"), start))


def write(path, rows):
    rows = list(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    DATA.mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        original = pathlib.Path(sys.argv[1])
        (DATA / "mpdta.csv").write_bytes((original / "mpdta.csv").read_bytes())
        castle = pd.read_csv(original / "castle.csv", dtype=str)
        castle[CASTLE].to_csv(DATA / "castle.csv", index=False, lineterminator="\n")
    synthetic().to_csv(DATA / "synthetic.csv", index=False, lineterminator="\n")
    grunfeld().to_csv(DATA / "grunfeld.csv", index=False, lineterminator="\n")
    frames = {name: pd.read_csv(DATA / f"{name}.csv") for name in ["mpdta", "castle", "grunfeld", "synthetic"]}
    mpdta = frames["mpdta"]
    mpdta["treated"] = ((mpdta["first.treat"] > 0) & (mpdta.year >= mpdta["first.treat"])).astype(int)
    write(HERE / "twfe.csv", models(frames))
    write(HERE / "student.csv", student())


if __name__ == "__main__":
    main()
