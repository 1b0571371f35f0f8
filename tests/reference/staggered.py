"""Reference numbers for src/stats/staggered.

    python3.12 -m venv venv && venv/bin/pip install moderndid==0.4.1 pyfixest==0.60.0 diff-diff==3.13.0 statsmodels
    venv/bin/python tests/reference/staggered.py

Writes data/staggered.csv, a simulated panel (see `simulate`), and staggered.csv, one number per row: the case, which the test
turns into a call; the place of the effect; estimate and std_error; the program; and the tolerance, which is relative to the
standard error (to the estimate where there is none).

`numpy` in the column `program` is the second computation at the end of this file: dense least squares on dummies by a singular
value decomposition, and the papers' formulas written out with dense matrices, no code shared with the other side.
"""

import csv
import math
import pathlib
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")

HERE = pathlib.Path(__file__).parent
DATA = HERE / "data"
ROWS = []


def add(case, program, place, estimate, std_error=math.nan, tolerance=1e-9):
    ROWS.append((case, place, repr(float(estimate)), "" if math.isnan(std_error) else repr(float(std_error)), program, tolerance))


def simulate():
    """150 units in 8 periods, 18 regions: cohorts 3, 4, 6 and 8, 5 units treated in all periods, 60 never; 6 % of the rows
    missing at random, among them first periods; x differs between units and moves treatment, z also changes in time."""
    random = np.random.default_rng(20261124)
    firsts = np.array([1] * 5 + [3] * 22 + [4] * 24 + [6] * 25 + [8] * 14 + [0] * 60)
    random.shuffle(firsts)
    n = len(firsts)
    region = np.arange(n) // 8
    region = np.where(region == 18, 0, region)
    x = random.normal(size=n) + 0.4 * (firsts > 0)
    level = random.normal(size=n)
    rows = []
    for unit in range(n):
        weight = float(random.integers(1, 6))
        for period in range(1, 9):
            z = random.normal() + 0.3 * x[unit]
            effect = 0.0
            if firsts[unit] and period >= firsts[unit]:
                effect = 0.5 + 0.2 * (period - firsts[unit]) + 0.1 * (firsts[unit] == 4)
            y = level[unit] + 0.3 * period + 0.1 * period * x[unit] + 0.5 * z + effect + random.normal(scale=0.7)
            if random.uniform() < 0.06:
                continue
            rows.append((f"u{unit:03d}", period, round(y, 6), firsts[unit], round(x[unit], 6), round(z, 6), weight, f"r{region[unit]:02d}"))
    frame = pd.DataFrame(rows, columns="unit period y first x z w region".split())
    frame.sample(frac=1, random_state=1).to_csv(DATA / "staggered.csv", index=False, lineterminator="\n")
    return frame


def mpdta():
    return pd.read_csv(DATA / "mpdta.csv").rename(columns={"first.treat": "first", "countyreal": "unit", "year": "period", "lemp": "y"})


# ---------------------------------------------------------------------------------------------------------------------
# moderndid: a port of R's did

def moderndid(case, frame, aggregations=("simple", "dynamic", "group", "calendar"), tolerance=1e-9, balance=None, limits=(-np.inf, np.inf), **options):
    import moderndid as m
    import polars as pl

    program = f"moderndid {m.__version__}"
    frame = frame.copy()
    frame["unit"] = frame["unit"].astype("category").cat.codes + 1
    fit = m.att_gt(pl.from_pandas(frame), yname="y", tname="period", idname="unit", gname="first", boot=False, cband=False, **options)
    for group, period, att, error in zip(fit.groups, fit.times, fit.att_gt, fit.se_gt):
        if math.isfinite(att) and math.isfinite(error) and error > 0:
            add(case, program, f"cell {group:g} {period:g}", att, error, tolerance)
    for kind in aggregations:
        found = m.aggte(fit, type=kind, balance_e=balance, min_e=limits[0], max_e=limits[1], na_rm=True)
        add(case, program, f"{kind} overall", found.overall_att, found.overall_se, tolerance)
        if kind != "simple":
            for at, att, error in zip(found.event_times, found.att_by_event, found.se_by_event):
                if math.isfinite(error) and error > 0:
                    add(case, program, f"{kind} {at:g}", att, error, tolerance)


def all_moderndid(sim):
    panel = mpdta()
    moderndid("cs mpdta not_yet dr lpop", panel, control_group="notyettreated", xformla="~lpop", est_method="dr")
    moderndid("cs mpdta never ipw lpop", panel, xformla="~lpop", est_method="ipw")
    moderndid("cs mpdta not_yet reg lpop universal", panel, control_group="notyettreated", xformla="~lpop", est_method="reg", base_period="universal")
    moderndid("cs mpdta never dr lpop anticipation", panel, xformla="~lpop", anticipation=1)
    moderndid("cs mpdta not_yet anticipation", panel, control_group="notyettreated", anticipation=1)
    moderndid("cs mpdta never balance", panel, aggregations=("dynamic",), balance=1)
    moderndid("cs mpdta never limits", panel, aggregations=("simple", "dynamic", "group"), limits=(-1, 1))
    weighted = panel.assign(w=np.round(np.exp(panel["lpop"]), 3))
    moderndid("cs mpdta never dr lpop weights", weighted, xformla="~lpop", weightsname="w")
    moderndid("cs mpdta no_never not_yet", panel[panel["first"] > 0], control_group="notyettreated")
    full = sim.groupby("unit")["period"].transform("size") == 8
    moderndid("cs sim balanced not_yet dr x", sim[full], control_group="notyettreated", xformla="~x", weightsname="w")
    moderndid("cs sim balanced never dr xz", sim[full], xformla="~x+z")
    for method in ("reg", "ipw", "dr"):
        moderndid(f"cs sim rows never {method} x", sim, xformla="~x", est_method=method, allow_unbalanced_panel=True)
    moderndid("cs sim rows not_yet plain", sim, control_group="notyettreated", allow_unbalanced_panel=True)


# ---------------------------------------------------------------------------------------------------------------------
# pyfixest and diff-diff, on the counties

def packages():
    import diff_diff as d
    import pyfixest as pf

    program = f"pyfixest {pf.__version__}"
    frame = mpdta()
    frame["treat"] = (frame["first"] > 0) & (frame["period"] >= frame["first"])
    frame["time"] = np.where(frame["first"] > 0, frame["period"] - frame["first"], np.inf)
    events = frame.assign(**{f"e{k}": (frame["time"] == k).astype(float) for k in (-4, -3, -2, 0, 1, 2, 3)})
    names = [f"e{k}" for k in (-4, -3, -2, 0, 1, 2, 3)]
    events = events.rename(columns={name: name.replace("-", "m") for name in names}).assign(treat=events["treat"].astype(float))
    names = [name.replace("-", "m") for name in names]
    fit = pf.feols(f"y ~ {' + '.join(names)} | unit + period", events, vcov={"CRV1": "unit"})
    for name in names:
        add("es mpdta", program, f"effect {name[1:].replace('m', '-')}", fit.coef()[name], fit.se()[name], 1e-8)
    program = f"diff-diff {d.__version__}"
    whole = frame.assign(first=frame["first"].astype(int))
    fit = d.ImputationDiD(pretrends=True).fit(whole, "y", "unit", "period", "first")
    add("bjs mpdta", program, "overall", fit.overall_att, fit.overall_se, 1e-8)
    # pyfixest's did2s fails here: its first stage leaves out the counties with one untreated row, as singletons.
    fit = d.TwoStageDiD().fit(whole, "y", "unit", "period", "first")
    add("two_stage mpdta", program, "overall", fit.overall_att, fit.overall_se, 1e-8)
    fit = d.SunAbraham().fit(whole, "y", "unit", "period", "first")
    add("sa mpdta", program, "overall", fit.overall_att, math.nan, 1e-8)
    for time, effect in fit.event_study_effects.items():
        add("sa mpdta", program, f"effect {time:g}", effect["effect"], math.nan, 1e-8)


# ---------------------------------------------------------------------------------------------------------------------
# The second computation

def dummies(values):
    return (np.asarray(values)[:, None] == np.unique(values)[None, :]).astype(float)


class Dense:
    """Weighted least squares on all columns at once, by a pseudo-inverse; `interest` come first."""

    def __init__(self, y, interest, nuisance, weights, clusters, parameters=None):
        m = np.column_stack([interest, nuisance]) if interest is not None else nuisance
        root = np.sqrt(weights)[:, None]
        self.inverse = np.linalg.pinv(m * root, rcond=1e-11)
        self.solution = self.inverse @ (y * root[:, 0])
        self.residuals = y - m @ self.solution
        self.m, self.weights, self.clusters = m, weights, clusters
        bread = self.inverse @ self.inverse.T
        scores = m * (weights * self.residuals)[:, None]
        sums = np.array([scores[clusters == c].sum(axis=0) for c in np.unique(clusters)])
        self.moves = sums @ bread
        if parameters is not None:
            n, g = len(y), len(np.unique(clusters))
            self.factor = (n - 1) / (n - parameters) * g / (g - 1)

    def combination(self, loads):
        loads = np.concatenate([loads, np.zeros(self.m.shape[1] - len(loads))])
        return loads @ self.solution, math.sqrt(self.factor * np.sum((self.moves @ loads) ** 2))


def with_times(frame):
    frame = frame.reset_index(drop=True)
    return frame.assign(time=np.where(frame["first"] > 0, frame["period"] - frame["first"], np.nan), treated=(frame["first"] > 0) & (frame["period"] >= frame["first"]))


def two_way(case, sim, drop_always, interacted):
    frame = with_times(sim if not drop_always else sim[sim["first"] != 1])
    z, w = frame[["z"]].to_numpy(), frame["w"].to_numpy()
    effects = np.column_stack([dummies(frame["unit"]), dummies(frame["period"])])
    n_periods = frame["period"].nunique()
    if interacted:
        cells = [(g, k) for g in (3, 4, 6, 8) for k in range(1 - g, 9 - g) if k != -1]
        interest = np.column_stack([((frame["first"] == g) & (frame["time"] == k)).astype(float) for g, k in cells])
    else:
        cells = [(0, k) for k in sorted(frame["time"].dropna().unique()) if k != -1]
        interest = np.column_stack([(frame["time"] == k).astype(float) for _, k in cells])
    fit = Dense(frame["y"].to_numpy(), interest, np.column_stack([z, effects]), w, frame["region"].to_numpy(), len(cells) + 1 + n_periods)
    shares = (interest * w[:, None]).sum(axis=0)
    times = np.array([k for _, k in cells])
    for time in sorted(set(times)):
        loads = np.where(times == time, shares, 0.0)
        add(case, "numpy", f"effect {time:g}", *fit.combination(loads / loads.sum()))
    if interacted:
        loads = np.where(times >= 0, shares, 0.0)
        add(case, "numpy", "overall", *fit.combination(loads / loads.sum()))


def imputed(sim):
    frame = with_times(sim[sim["first"] != 1])
    free = ~frame["treated"].to_numpy()
    keep = frame["unit"].isin(frame["unit"][free]).to_numpy()
    frame, free = with_times(frame[keep]), free[keep]
    y, w, regions = frame["y"].to_numpy(), frame["w"].to_numpy(), frame["region"].to_numpy()
    m = np.column_stack([frame[["z"]].to_numpy(), dummies(frame["unit"]), dummies(frame["period"])])
    first = Dense(y[free], None, m[free], w[free], regions[free])
    rest = y - m @ first.solution
    inverse = np.linalg.pinv((m[free] * w[free][:, None]).T @ m[free], rcond=1e-12)

    def through(target):
        v = np.zeros(len(y))
        v[free] = -w[free] * (m[free] @ (inverse @ (m.T @ target)))
        return v

    def by_region(values):
        return np.array([values[regions == r].sum() for r in np.unique(regions)])

    times = sorted(frame["time"].dropna().unique())
    sets = {"overall": ~free, **{f"effect {k:g}": (~free) & (frame["time"] == k).to_numpy() for k in times if k >= 0},
            **{f"cohort {g}": (~free) & (frame["first"] == g).to_numpy() for g in (3, 4, 6, 8)}}
    for place, rows in sets.items():
        target = np.where(rows, w, 0.0) / w[rows].sum()
        centred = rest.copy()
        for g in (3, 4, 6, 8):
            for t in range(g, 9):
                cell = rows & (frame["first"] == g).to_numpy() & (frame["period"] == t).to_numpy()
                if cell.any():
                    centred[cell] -= np.sum(target[cell] ** 2 * rest[cell]) / np.sum(target[cell] ** 2)
        v = through(target) + target
        add("bjs sim", "numpy", place, target @ rest, math.sqrt(np.sum(by_region(v * centred) ** 2)))
    for name, k_sets in (("overall", [~free]), ("dynamic", [(frame["time"] == k).to_numpy() for k in times if k != -1])):
        x2 = np.column_stack(k_sets).astype(float)
        b2 = np.linalg.inv((x2 * w[:, None]).T @ x2)
        estimate = b2 @ (x2 * w[:, None]).T @ rest
        u2 = rest - x2 @ estimate
        moves = []
        for column in range(x2.shape[1]):
            own = w * x2[:, column]
            moves.append(by_region(own * u2 + through(own) * np.where(free, rest, 0.0)))
        variance = b2 @ (np.array(moves) @ np.array(moves).T) @ b2
        for index, value in enumerate(estimate):
            place = "overall" if name == "overall" else f"dynamic {[k for k in times if k != -1][index]:g}"
            add("two_stage sim", "numpy", place, value, math.sqrt(variance[index, index]))
    leads = np.column_stack([(frame["time"] == k).astype(float) for k in (-3, -2, -1)])[free]
    fit = Dense(y[free], leads, m[free], w[free], regions[free], 3 + 1 + 8)
    for index, k in enumerate((-3, -2, -1)):
        loads = np.zeros(3)
        loads[index] = 1
        add("bjs sim", "numpy", f"lead {k}", *fit.combination(loads))


def second_computation(sim):
    two_way("es sim", sim, False, False)
    two_way("sa sim", sim, True, True)
    imputed(sim)


if __name__ == "__main__":
    sim = simulate()
    all_moderndid(sim)
    packages()
    second_computation(sim)
    with open(HERE / "staggered.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("case place estimate std_error program tolerance".split())
        writer.writerows(ROWS)
    print(len(ROWS))
