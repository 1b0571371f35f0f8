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


# ---------------------------------------------------------------------------------------------------------------------
# The second computation of methods without a program, or with one that stops early

def stacks(case, frame, before, after, treated_weights, with_z=True):
    frame = frame[frame["first"] != frame["period"].min()]
    low, high = frame["period"].min(), frame["period"].max()
    parts = []
    for g in sorted(set(frame["first"]) - {0}):
        if g - before < low or g + after > high:
            continue
        part = frame[(frame["period"] >= g - before) & (frame["period"] <= g + after)]
        part = part[(part["first"] == g) | (part["first"] == 0) | (part["first"] > g + after)].assign(stack=g)
        if (part["first"] != g).any():
            parts.append(part)
    data = pd.concat(parts, ignore_index=True)
    mine = (data["first"] == data["stack"]).to_numpy()
    w = data["w"].to_numpy().copy()
    if treated_weights:
        factor = np.ones(len(data))
        for g in data["stack"].unique():
            of_g = (data["stack"] == g).to_numpy()
            share = w[of_g & mine].sum() / w[mine].sum()
            factor[of_g & ~mine] = share / (w[of_g & ~mine].sum() / w[~mine].sum())
        w = w * factor
    time = (data["period"] - data["stack"]).to_numpy()
    units = dummies(data["stack"].astype(str) + " " + data["unit"].astype(str))
    periods = dummies(data["stack"] * 10000 + data["period"])
    z = [data[["z"]].to_numpy()] if with_z else []
    for name, times in (("overall", None), ("dynamic", [k for k in range(-before, after + 1) if k != -1])):
        interest = np.column_stack([mine & (time >= 0)] if times is None else [mine & (time == k) for k in times]).astype(float)
        fit = Dense(data["y"].to_numpy(), interest, np.column_stack([*z, units, periods]), w, data["region"].to_numpy(),
                    interest.shape[1] + len(z) + periods.shape[1])
        for column in range(interest.shape[1]):
            loads = np.eye(interest.shape[1])[column]
            add(case, "numpy", "overall" if times is None else f"dynamic {times[column]:g}", *fit.combination(loads))


def wide(frame, column):
    return frame.pivot(index="unit", columns="period", values=column).to_numpy()


def switchers(case, frame, effects, placebos, with_z):
    frame = frame[frame["first"] != frame["period"].min()].sort_values(["unit", "period"])
    y, w = wide(frame, "y"), wide(frame, "w")
    by_unit = frame.groupby("unit").first()
    first, region = by_unit["first"].to_numpy(), by_unit["region"].to_numpy()
    periods = sorted(frame["period"].unique())
    regions = np.unique(region)
    start = periods[0]
    theta, of_theta = 0.0, np.zeros(len(regions))
    values = {"y": y}
    if with_z:
        z = wide(frame, "z")
        dy, dz, dw, dt, dr = [], [], [], [], []
        for i in range(len(y)):
            for t in range(1, y.shape[1]):
                if (first[i] == 0 or t + start < first[i]) and not np.isnan(y[i, t] + y[i, t - 1]):
                    dy.append(y[i, t] - y[i, t - 1]), dz.append(z[i, t] - z[i, t - 1]), dw.append(w[i, t]), dt.append(t), dr.append(region[i])
        fit = Dense(np.array(dy), np.array(dz)[:, None], dummies(dt), np.array(dw), np.array(dr))
        theta, names = fit.solution[0], np.unique(dr)
        of_theta = np.array([fit.moves[names == r, 0].sum() for r in regions])
        values = {"y": y - theta * z, "z": z}

    def effect(values, step, sign):
        total, sums, mass = 0.0, np.zeros(len(regions)), 0.0
        for g in sorted(set(first) - {0}):
            base, until = g - start - 1, g - start - 1 + step
            period = base + sign * step
            if until >= y.shape[1] or period < 0:
                continue
            change = values[:, period] - values[:, base]
            seen = ~np.isnan(change)
            mine, others = seen & (first == g), seen & (first != g) & ((first == 0) | (first - start > until))
            if not mine.any() or not others.any():
                continue
            own = w[mine, period].sum()
            mass += own
            for side, side_sign in ((mine, 1.0), (others, -1.0)):
                weights, n = w[side, period], side.sum()
                mean = np.sum(weights * change[side]) / weights.sum()
                total += side_sign * own * mean
                moved = side_sign * own * weights / weights.sum() * (change[side] - mean) * (math.sqrt(n / (n - 1)) if n > 1 else 0.0)
                sums += np.array([moved[region[side] == r].sum() for r in regions])
        return (total / mass, sums / mass, mass) if mass else None

    kept = []
    for step, sign in [(k, -1) for k in range(placebos, 0, -1)] + [(k, 1) for k in range(1, effects + 1)]:
        found = effect(values["y"], step, sign)
        if found is None:
            continue
        moved = found[1] - (effect(values["z"], step, sign)[0] * of_theta if with_z else 0.0)
        add(case, "numpy", f"effect {step - 1 if sign > 0 else -1 - step}", found[0], math.sqrt(np.sum(moved**2)))
        if sign > 0:
            kept.append((found[0], moved, found[2]))
    mass = sum(m for _, _, m in kept)
    add(case, "numpy", "overall", sum(e * m for e, _, m in kept) / mass, math.sqrt(np.sum(sum(i * m for _, i, m in kept) ** 2)) / mass)


def projections(case, frame, before, after, equal, with_z, mean_base=False, never=False):
    frame = frame[frame["first"] != frame["period"].min()].sort_values(["unit", "period"])
    y, w, z = wide(frame, "y"), wide(frame, "w"), wide(frame, "z")
    by_unit = frame.groupby("unit").first()
    first, region = by_unit["first"].to_numpy(), by_unit["region"].to_numpy()
    start, n_periods = frame["period"].min(), y.shape[1]
    windows = [(f"dynamic {h}", [h]) for h in range(-before, after + 1) if h != -1]
    windows += [("pooled overall", list(range(after + 1))), ("pooled event_time::<=-2", list(range(-before, -1)))]
    for place, horizons in windows:
        rows = []
        for t in range(1, n_periods):
            if t + min(horizons) < 0 or t + max(horizons) >= n_periods:
                continue
            found = []
            for i in range(len(y)):
                index = first[i] - start if first[i] else np.inf
                treated = index == t
                clean = first[i] == 0 if never else index > max(t, t + max(horizons))
                base = np.nanmean(y[i, :t]) if mean_base and not np.isnan(y[i, :t]).all() else y[i, t - 1]
                change = np.mean([y[i, t + h] for h in horizons]) - base
                if (treated or clean) and not np.isnan(change + y[i, t - 1] + y[i, t]):
                    found.append((t, change, w[i, t], float(treated), z[i, t - 1], region[i]))
            sides = {row[3] for row in found}
            if found and (len(sides) == 2 or not equal):
                rows += found
        t, change, weight, d, zz, r = (np.array(column) for column in zip(*rows))
        parameters = 1 + with_z + len(np.unique(t))
        nuisance = np.column_stack([zz[:, None], dummies(t)] if with_z else [dummies(t)])
        if equal and with_z:
            control = d == 0
            x = nuisance
            jacobian = np.zeros((x.shape[1] + 1, x.shape[1] + 1))
            jacobian[:-1, :-1] = (x[control] * weight[control][:, None]).T @ x[control]
            jacobian[-1, :-1] = weight[~control] @ x[~control]
            jacobian[-1, -1] = weight[~control].sum()
            right = np.append((x[control] * weight[control][:, None]).T @ change[control], weight[~control] @ change[~control])
            solution = np.linalg.solve(jacobian, right)
            rest = change - x @ solution[:-1]
            scores = np.column_stack([x * (weight * rest * control)[:, None], weight * (rest - solution[-1]) * ~control])
            sums = np.array([scores[r == c].sum(axis=0) for c in np.unique(r)])
            moves = np.linalg.solve(jacobian, sums.T)[-1]
            n, g = len(t), len(np.unique(r))
            factor = (n - 1) / (n - parameters) * g / (g - 1)
            add(case, "numpy", place, solution[-1], math.sqrt(factor * np.sum(moves**2)))
            continue
        if equal:
            share = {s: weight[(t == s) & (d == 0)].sum() / weight[t == s].sum() for s in np.unique(t)}
            weight = weight / np.array([share[s] for s in t])
        fit = Dense(change, d[:, None], nuisance, weight, r, parameters)
        add(case, "numpy", place, *fit.combination([1.0]))


def extended(case, frame, never):
    frame = with_times(frame[frame["first"] != frame["period"].min()])
    y, w, z = frame["y"].to_numpy(), frame["w"].to_numpy(), frame["z"].to_numpy()
    first, period = frame["first"].to_numpy(), frame["period"].to_numpy()
    firsts, periods = sorted(set(first) - {0}), sorted(set(period))
    cells = [(g, t) for g in firsts for t in periods if (t != g - 1 if never else t >= g)]
    means = {g: np.average(z[first == g], weights=w[first == g]) for g in firsts}
    columns, loads = [], []
    for g, t in cells:
        inside = (first == g) & (period == t)
        columns += [inside.astype(float), inside * (z - means[g])]
        loads.append((w[inside].sum(), np.average(z[inside], weights=w[inside]) - means[g]))
    interest = np.column_stack(columns)
    slopes = [z * (first == g) for g in firsts] + [z * (period == t) for t in periods]
    nuisance = np.column_stack([z, *slopes, dummies(frame["unit"]), dummies(frame["period"])])
    # z by period and by cohort: two of these columns are collinear, z itself being one.
    parameters = interest.shape[1] + len(firsts) + len(periods) + len(periods)
    fit = Dense(y, interest, nuisance, w, frame["region"].to_numpy(), parameters)

    def average(place, wanted):
        total = sum(mass for (g, t), (mass, _) in zip(cells, loads) if wanted(g, t))
        vector = np.zeros(interest.shape[1])
        for index, ((g, t), (mass, deviation)) in enumerate(zip(cells, loads)):
            if wanted(g, t):
                vector[2 * index], vector[2 * index + 1] = mass / total, deviation * mass / total
        add(case, "numpy", place, *fit.combination(vector))

    average("overall", lambda g, t: t >= g)
    for k in sorted({t - g for g, t in cells}):
        average(f"effect {k}", lambda g, t: t - g == k)
    for one in firsts:
        average(f"cohort {one}", lambda g, t: g == one and t >= g)
    for one in sorted({t for g, t in cells if t >= g}):
        average(f"period {one}", lambda g, t: t == one and t >= g)
    for one, other in cells:
        average(f"cell {one} {other}", lambda g, t: (g, t) == (one, other))


def two_way_weights(case, frame, with_z):
    frame = with_times(frame)
    d, w = frame["treated"].to_numpy().astype(float), frame["w"].to_numpy()
    m = np.column_stack([frame[["z"]].to_numpy()] * with_z + [dummies(frame["unit"]), dummies(frame["period"])])
    rest = Dense(d, None, m, w, frame["region"].to_numpy()).residuals
    on = d == 1
    estimate = np.sum(w * rest * frame["y"]) / np.sum(w * rest * d)
    share, ratio = w[on] / w[on].sum(), rest[on] / (np.sum(w[on] * rest[on]) / w[on].sum())
    # The least deviation with which all effects are 0 or below: a quadratic programme, by its two conditions in turn.
    order = np.argsort(-ratio, kind="stable")
    p, v = share[order], ratio[order]
    tails = [(p[k:].sum(), (p * v)[k:].sum(), (p * v * v)[k:].sum()) for k in range(len(p))]
    opposite = next((abs(estimate) / math.sqrt(t + s * s / (1 - q)) for (q, s, t), u in list(zip(tails, v))[1:] if u < -s / (1 - q)), math.nan)
    for place, value in (("estimate", estimate), ("n_negative", np.sum(ratio < -1e-10)), ("sum_negative", (share * ratio)[ratio < -1e-10].sum()),
                         ("std_dev_zero", abs(estimate) / math.sqrt(np.sum(share * (ratio - 1) ** 2))), ("std_dev_opposite", opposite)):
        add(case, "numpy", place, value)


def simplex(a, b, eta):
    """Lawson & Hanson's least squares of weights, with a heavy row for their sum."""
    from scipy.optimize import nnls

    heavy = 1e6 * max(np.abs(a).max(), math.sqrt(eta), 1e-12)
    system = np.vstack([a, math.sqrt(eta) * np.eye(a.shape[1]), heavy * np.ones(a.shape[1])])
    weights = nnls(system, np.concatenate([b, np.zeros(a.shape[1]), [heavy]]), maxiter=10000)[0]
    return weights / weights.sum()


def synthetic(case, frame, tolerance=1e-6):
    """Tolerances: the heavy row keeps six digits of the weights."""
    y = wide(frame, "y")
    first = frame.groupby("unit")["first"].first().to_numpy()
    start, n_periods = frame["period"].min(), y.shape[1]
    never = y[first == 0]
    center = lambda m: m - m.mean(axis=0)
    effects = {}
    for g in sorted(set(first) - {0}):
        pre, treated = g - start, y[first == g]
        if pre < 2:
            continue
        noise = np.diff(never[:, :pre], axis=1).ravel().std(ddof=1)
        zeta = (len(treated) * (n_periods - pre)) ** 0.25 * noise
        omega = simplex(center(never[:, :pre].T), center(treated[:, :pre].mean(axis=0)), pre * zeta**2)
        lam = simplex(center(never[:, :pre]), center(never[:, pre:].mean(axis=1)), len(never) * (1e-6 * noise) ** 2)
        gaps = treated.mean(axis=0) - omega @ never
        for t in range(pre, n_periods):
            effects[g, t + start] = (gaps[t] - lam @ gaps[:pre], len(treated))
    def average(place, wanted):
        chosen = [effects[cell] for cell in effects if wanted(*cell)]
        add(case, "numpy", place, sum(e * n for e, n in chosen) / sum(n for _, n in chosen), tolerance=tolerance)
    average("overall", lambda g, t: True)
    for k in sorted({t - g for g, t in effects}):
        average(f"effect {k}", lambda g, t: t - g == k)
    for one in sorted({g for g, _ in effects}):
        average(f"cohort {one}", lambda g, t: g == one)


def later_programs(counties):
    import diff_diff as d
    import moderndid as m
    import polars as pl
    import pyfixest as pf

    frame = counties.assign(d=((counties["first"] > 0) & (counties["period"] >= counties["first"])).astype(int))
    program = f"moderndid {m.__version__}"
    found = m.did_multiplegt(pl.from_pandas(frame), yname="y", idname="unit", tname="period", dname="d", effects=4, placebo=2)
    add("dcdh mpdta", program, "overall", found.ate.estimate, found.ate.std_error)
    for set_, shift in ((found.effects, lambda h: h - 1), (found.placebos, lambda h: h - 1)):
        for horizon, estimate, error in zip(set_.horizons, set_.estimates, set_.std_errors):
            add("dcdh mpdta", program, f"effect {shift(horizon):g}", estimate, error)

    program = f"diff-diff {d.__version__}"
    for case, options in (("variance", {}), ("equal", {"reweight": True}), ("variance mean", {"pmd": "max"})):
        found = d.LPDiD(pre_window=4, post_window=3, **options).fit(frame, "y", "unit", "period", "d")
        for row in found.event_study.dropna().itertuples():
            add(f"lp mpdta {case}", program, f"dynamic {row.horizon:g}", row.coefficient, row.se)
        for row in found.pooled.itertuples():
            place = "pooled overall" if row.window == "post" else "pooled event_time::<=-2"
            add(f"lp mpdta {case}", program, place, row.coefficient, row.se)
    found = d.twowayfeweights(frame, "y", "unit", "period", "d")
    add("weights mpdta", program, "estimate", found.beta_fe)
    add("weights mpdta", program, "std_dev_zero", found.sigma_fe)
    found = d.StackedDiD(kappa_pre=1, kappa_post=1, control_group="not_yet_treated").fit(counties.assign(first=counties["first"].astype(int)), "y", "unit", "period", "first")
    for time in (0, 1):
        add("stacked mpdta treated", program, f"dynamic {time}", found.event_study_effects[time]["effect"])

    program = f"pyfixest {pf.__version__}"
    cells = [(g, t) for g in (2004, 2006, 2007) for t in range(g, 2008)]
    wide_frame = frame.assign(**{f"d{g}_{t}": ((frame["first"] == g) & (frame["period"] == t)).astype(float) for g, t in cells})
    fit = pf.feols(f"y ~ {' + '.join(f'd{g}_{t}' for g, t in cells)} | unit + period", wide_frame, vcov={"CRV1": "unit"})
    for g, t in cells:
        add("extended mpdta", program, f"cell {g} {t}", fit.coef()[f"d{g}_{t}"], fit.se()[f"d{g}_{t}"], 1e-8)
    parts = []
    for g in (2004, 2006):
        clean = (frame["first"] == g) | (frame["first"] == 0) | (frame["first"] > g + 1)
        parts.append(frame[clean & frame["period"].between(g - 1, g + 1)].assign(stack=g))
    stack = pd.concat(parts, ignore_index=True)
    stack["on"] = ((stack["first"] == stack["stack"]) & (stack["period"] >= stack["stack"])).astype(float)
    stack["su"], stack["sp"] = (stack["stack"].astype(str) + "_" + stack[name].astype(str) for name in ("unit", "period"))
    fit = pf.feols("y ~ on | su + sp", stack, vcov={"CRV1": "unit"})
    add("stacked mpdta variance", program, "overall", fit.coef()["on"], fit.se()["on"], 1e-8)


def later_methods(sim):
    counties = mpdta().assign(w=1.0, z=0.0, region=lambda frame: frame["unit"])
    stacks("stacked sim variance", sim, 2, 1, False)
    stacks("stacked sim treated", sim, 2, 1, True)
    switchers("dcdh sim", sim, 4, 3, True)
    switchers("dcdh sim plain", sim, 4, 3, False)
    switchers("dcdh mpdta", counties, 4, 3, False)
    projections("lp sim variance", sim, 3, 3, False, True)
    projections("lp sim equal plain", sim, 3, 3, True, False)
    projections("lp sim equal", sim, 3, 3, True, True)
    projections("lp sim variance mean never", sim, 3, 3, False, True, True, True)
    extended("extended sim", sim, False)
    extended("extended sim never", sim, True)
    two_way_weights("weights sim", sim, True)
    two_way_weights("weights mpdta", counties, False)
    full = sim.groupby("unit")["period"].transform("size") == 8
    synthetic("synthetic sim", sim[full & (sim["first"] != 1)])
    synthetic("synthetic mpdta", counties)
    later_programs(counties)


if __name__ == "__main__":
    sim = simulate()
    all_moderndid(sim)
    packages()
    second_computation(sim)
    later_methods(sim)
    with open(HERE / "staggered.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow("case place estimate std_error program tolerance".split())
        writer.writerows(ROWS)
    print(len(ROWS))
