"""Reference numbers for the estimators and variances of src/stats: core.csv and data/regions.csv.

    python -m venv venv && venv/bin/pip install pyfixest==0.60.0 statsmodels==0.15.0 linearmodels==7.1
    venv/bin/python tests/reference/core.py

One number per row with the model it belongs to and the tolerance it is good to. Where no package computes a number (CR2,
CR3 with fixed effects, Conley, Kleibergen-Paap, the Anderson-Rubin set) it is computed here from the definition, with one
dummy per level and dense matrices: slow, and by another way than src/stats takes.
"""

import csv
import pathlib

import numpy as np
import pandas as pd
import pyfixest as pf
import scipy.linalg
import scipy.optimize
import scipy.stats
import statsmodels.api as sm
from linearmodels.iv import IV2SLS, IVGMM

HERE = pathlib.Path(__file__).parent
DATA = HERE / "data"


def regions():
    """60 units in 6 groups over 8 periods, some periods missing, with places, instruments, a count and a choice."""
    rng = np.random.default_rng(20261125)
    rows = [(unit, time) for unit in range(60) for time in range(2001, 2009) if rng.random() > 0.06]
    frame = pd.DataFrame(rows, columns=["unit", "time"])
    n = len(frame)
    frame["group"] = frame.unit % 6
    frame["lat"] = np.round(rng.uniform(22, 45, 60)[frame.unit], 3)
    frame["lon"] = np.round(rng.uniform(98, 122, 60)[frame.unit], 3)
    a = rng.normal(size=60)[frame.unit]
    frame["x"] = np.round(rng.normal(size=n) + 0.3 * a, 4)
    frame["v"] = np.round(np.exp(rng.normal(size=n)), 4)
    for z in ("z1", "z2", "z3"):
        frame[z] = np.round(rng.normal(size=n) + 0.2 * a, 4)
    e = rng.normal(size=n) + 0.5 * rng.normal(size=60)[frame.unit]
    frame["p"] = np.round(0.4 * frame.z1 + 0.3 * frame.z2 + 0.3 * frame.x + 0.6 * e + rng.normal(size=n), 4)
    frame["q"] = np.round(0.3 * frame.z2 - 0.4 * frame.z3 - 0.3 * e + rng.normal(size=n), 4)
    frame["y"] = np.round(0.5 * frame.p - 0.3 * frame.q + 0.4 * frame.x + a + 0.1 * (frame.time - 2000) + e, 4)
    mean = np.exp(0.3 * frame.x + 0.2 * np.log(frame.v) + 0.5 * a - 0.3)
    frame["count"] = rng.poisson(mean)
    # Two units have never counted anything; one regressor is positive only where the count is 0.
    frame.loc[frame.unit.isin([7, 31]), "count"] = 0
    frame["only"] = np.where((frame["count"] == 0) & (rng.random(n) < 0.15), np.round(rng.uniform(1, 2, n), 2), 0.0)
    frame["choice"] = (0.8 * frame.x - 0.5 * np.log(frame.v) + rng.logistic(size=n) > 0.2).astype(int)
    frame["w"] = np.round(rng.uniform(0.5, 3, n), 3)
    return frame


def with_columns(frame):
    """Columns that restudy computes in the formula."""
    frame = frame.copy()
    if "unit" in frame:
        key = frame.set_index(["unit", "time"])
        for name in ("x", "y"):
            for lag in (1, 2, -1):
                index = pd.MultiIndex.from_arrays([frame.unit, frame.time - lag])
                frame[f"{name}_l{lag}".replace("-", "m")] = key[name].reindex(index).to_numpy()
        frame["dy"] = frame.y - frame.y_l1
        frame["big"] = (frame.x > 0.5).astype(float)
        frame["ratio"] = frame.x / frame.v
        frame["logv"] = np.log(frame.v)
        frame["log1v"] = np.log(frame.v + 1)
        frame["rootv"] = np.sqrt(frame.v)
        frame["x2"] = frame.x**2
        frame["ashx"] = np.arcsinh(frame.x)
    return frame


# --- linear models by pyfixest -------------------------------------------------------------------------------------

# name, data, formula for restudy, formula for pyfixest, {term of pyfixest: term of restudy}, variance, other options
LINEAR = [
    ("functions", "y ~ log(v) + sqrt(v) + x^2 + asinh(x) | unit + time", "y ~ logv + rootv + x2 + ashx | unit + time",
     {"logv": "log(v)", "rootv": "sqrt(v)", "x2": "I(x^2)", "ashx": "asinh(x)"}, "cluster unit", {}),
    ("arithmetic", "y ~ I(x / v) + I(x > 0.5) + log(v + 1) | unit", "y ~ ratio + big + log1v | unit",
     {"ratio": "I(x / v)", "big": "I(x > 0.5)", "log1v": "log(v + 1)"}, "hetero", {}),
    ("lags", "y ~ l(x, 1:2) + x | unit + time", "y ~ x_l1 + x_l2 + x | unit + time",
     {"x_l1": "l(x, 1)", "x_l2": "l(x, 2)"}, "cluster unit", {}),
    ("lead", "y ~ f(x) + x | unit + time", "y ~ x_lm1 + x | unit + time", {"x_lm1": "f(x, 1)"}, "cluster unit", {}),
    ("difference", "d(y) ~ l(y) + x | time", "dy ~ y_l1 + x | time", {"y_l1": "l(y, 1)"}, "cluster unit", {}),
    ("polynomial", "y ~ poly(x, 3) | unit", "y ~ poly(x, 3) | unit",
     {f"poly(x, 3)[{k}]": f"poly(x, 3){k}" for k in (1, 2, 3)}, "hetero", {}),
    ("interacted", "y ~ i(group, x, ref = 2) | unit + time", "y ~ i(group, x, ref = 2) | unit + time",
     {f"group::{g}:x": f"group::{g}:x" for g in range(6)}, "cluster unit", {}),
    ("slopes", "y ~ x + v | unit[time]", "y ~ x + v + C(unit):time | unit", {}, "hetero", {}),
    ("slopes_two", "y ~ x + v | group[time, z1] + time", "y ~ x + v + C(group):time + C(group):z1 | group + time", {}, "hetero", {"ssc": dict(k_adj=False)}),
    ("slopes_only", "y ~ x + v | group[[z1]] + time", "y ~ x + v + C(group):z1 | time", {}, "hetero", {}),
    ("slopes_weighted", "y ~ x + v | group[z1] + time", "y ~ x + v + C(group):z1 | group + time", {}, "hetero", {"weights": "w"}),
    ("stata", "y ~ x + v | unit + time", None, {}, "cluster unit", {"ssc": dict(k_fixef="full")}),
    ("no_effects_counted", "y ~ x + v | unit + time", None, {}, "cluster unit", {"ssc": dict(k_fixef="none")}),
    ("two_way_conventional", "y ~ x + v | unit + time", None, {}, "cluster unit time", {"ssc": dict(G_df="conventional")}),
    ("no_cluster_factor", "y ~ x + v | unit + time", None, {}, "cluster unit", {"ssc": dict(G_adj=False)}),
    ("newey_west", "inv ~ capital + value | firm", None, {}, "nw 3", {"data": "grunfeld"}),
    ("newey_west_default", "inv ~ capital + value", None, {}, "nw", {"data": "grunfeld"}),
    ("driscoll_kraay", "inv ~ capital + value | firm", None, {}, "dk 3", {"data": "grunfeld"}),
    ("driscoll_kraay_default", "inv ~ capital + value | firm + year", None, {}, "dk", {"data": "grunfeld"}),
    ("iv_iid", "y ~ x | unit + time | p ~ z1 + z2", None, {}, "iid", {}),
    ("iv_hetero", "y ~ x + v | unit | p ~ z1", None, {}, "hetero", {}),
    ("iv_cluster", "y ~ x + v | unit + time | p ~ z1 + z2", None, {}, "cluster unit", {}),
    ("iv_pooled", "y ~ x | p ~ z1 + z2", None, {}, "hetero", {}),
    ("iv_weighted", "y ~ x + v | unit + time | p ~ z1 + z2", None, {}, "cluster unit", {"weights": "w"}),
]


def linear(frames):
    for name, formula, other, names, vcov, options in LINEAR:
        data = options.get("data", "regions")
        frame = frames[data]
        kind, *words = vcov.split()
        kwargs = {}
        if kind == "cluster":
            kwargs["vcov"] = {"CRV1": "+".join(words)}
        elif kind in ("nw", "dk"):
            kwargs["vcov"] = kind.upper()
            kwargs["vcov_kwargs"] = dict(time_id="year", panel_id="number") | ({"lag": int(words[0])} if words else {})
        else:
            kwargs["vcov"] = kind
        ssc = options.get("ssc", {})
        fit = pf.feols(other or formula, frame, weights=options.get("weights"), ssc=pf.ssc(**ssc), fixef_rm="none",
                       demeaner=pf.MapDemeaner(fixef_tol=1e-13, fixef_maxiter=1_000_000), **kwargs)
        table = fit.tidy()
        rules = ""
        if ssc:
            effects = {"nonnested": "not_nested", "full": "all", "none": "none"}[ssc.get("k_fixef", "nonnested")]
            rules = f"{int(ssc.get('k_adj', True))} {effects} {int(ssc.get('G_adj', True))} {int(ssc.get('G_df', 'min') == 'min')}"
        model = model_of(name, data, formula, "iv" if "~" in formula.split("~", 1)[1] else "twfe", vcov,
                         options.get("weights", ""), "stata" if name == "stata" else rules)
        for row in table.itertuples():
            term = names.get(row.Index, row.Index)
            term = "(Intercept)" if term == "Intercept" else term
            if "C(" in term:
                continue
            yield from numbers(model, term, 1e-9, estimate=row[1], std_error=row[2])
        yield from numbers(model, "", 1e-12, n_obs=fit._N)


# --- variances from their definitions, one dummy per level ----------------------------------------------------------

DENSE = [
    ("hc2", "y ~ x + v | group + time", "hc2", ""),
    ("hc3", "y ~ x + v | group + time", "hc3", ""),
    ("hc2_pooled", "y ~ x + v", "hc2", ""),
    ("hc3_unit", "y ~ x + v | unit", "hc3", ""),
    ("cr2_unit", "y ~ x + v | unit + time", "cr2 unit", ""),
    ("cr2_group", "y ~ x + v | unit + time", "cr2 group", ""),
    ("cr2_pooled", "y ~ x + v", "cr2 group", ""),
    ("cr3_unit", "y ~ x + v | unit + time", "cr3 unit", ""),
    ("cr3_group", "y ~ x + v | unit + time", "cr3 group", ""),
    ("cr3_not_nested", "y ~ x + v | time", "cr3 unit", ""),
    ("cr3_pooled", "y ~ x + v", "cr3 group", ""),
    ("cr3_weighted", "y ~ x + v | unit + time", "cr3 group", "w"),
    ("hc3_weighted", "y ~ x + v | unit", "hc3", "w"),
    ("conley_uniform", "y ~ x + v | unit + time", "conley lat lon 600 uniform", ""),
    ("conley_bartlett", "y ~ x + v | time", "conley lat lon 900 bartlett", ""),
    ("conley_pooled", "y ~ x + v", "conley lat lon 600 uniform", ""),
    ("conley_time", "y ~ x + v | unit + time", "conley lat lon 600 bartlett 2", ""),
    ("newey_west_gaps", "y ~ x + v | unit", "nw 2", ""),
    ("driscoll_kraay_unbalanced", "y ~ x + v | unit + time", "dk 2", ""),
]


def dense_columns(frame, formula, weights):
    outcome, rest = formula.split("~", 1)
    parts = [part.strip() for part in rest.split("|")]
    names = [term.strip() for term in parts[0].split("+")]
    effects = [effect.strip() for effect in parts[1].split("+")] if len(parts) > 1 else []
    blocks = [frame[names].to_numpy(float)]
    if not effects:
        names = ["(Intercept)"] + names
        blocks.insert(0, np.ones((len(frame), 1)))
    for index, effect in enumerate(effects):
        codes = pd.factorize(frame[effect], sort=True)[0]
        blocks.append(np.eye(codes.max() + 1)[codes][:, (1 if index else 0):])
    root = np.sqrt(frame[weights].to_numpy()) if weights else np.ones(len(frame))
    x = np.hstack(blocks) * root[:, None]
    y = frame[outcome.strip()].to_numpy(float) * root
    return names, x, y, [frame[effect].nunique() for effect in effects]


def haversine(frame):
    lat, lon = np.radians(frame.lat.to_numpy()), np.radians(frame.lon.to_numpy())
    up, across = (lat[:, None] - lat) / 2, (lon[:, None] - lon) / 2
    chord = np.sin(up) ** 2 + np.cos(lat)[:, None] * np.cos(lat) * np.sin(across) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(np.minimum(chord, 1)))


def dense(frames):
    frame = frames["regions"]
    unit, time = frame.unit.to_numpy(), frame.time.to_numpy()
    for name, formula, vcov, weights in DENSE:
        names, x, y, sizes = dense_columns(frame, formula, weights)
        n, k = x.shape
        inverse = np.linalg.pinv(x.T @ x)
        beta = inverse @ (x.T @ y)
        e = y - x @ beta
        kind, *words = vcov.split()
        if kind in ("hc2", "hc3"):
            h = np.einsum("ij,jk,ik->i", x, inverse, x)
            u = e / np.sqrt(1 - h) if kind == "hc2" else e / (1 - h)
            v = inverse @ ((x * (u**2)[:, None]).T @ x) @ inverse
            if not weights:
                other = sm.OLS(y, x).fit(cov_type=kind.upper()).bse
                assert np.allclose(np.sqrt(np.diag(v))[: len(names)], other[: len(names)], rtol=1e-8)
        elif kind == "cr2":
            v = 0
            for g in np.unique(frame[words[0]]):
                rows = (frame[words[0]] == g).to_numpy()
                h = x[rows] @ inverse @ x[rows].T
                values, vectors = np.linalg.eigh(np.eye(rows.sum()) - h)
                powers = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-8)), 0)
                score = x[rows].T @ (vectors * powers) @ vectors.T @ e[rows]
                v = v + np.outer(score, score)
            v = inverse @ v @ inverse
        elif kind == "cr3":
            levels = np.unique(frame[words[0]])
            v = 0
            for g in levels:
                rows = (frame[words[0]] != g).to_numpy()
                change = (np.linalg.lstsq(x[rows], y[rows], rcond=1e-12)[0] - beta)[: len(names)]
                v = v + np.outer(change, change)
            v = v * (len(levels) - 1) / len(levels)
        else:
            scores = x * e[:, None]
            factor = (n - 1) / (n - k)
            if kind == "conley":
                distance, cutoff = haversine(frame), float(words[2])
                kernel = (distance <= cutoff) * (1 if words[3] == "uniform" else 1 - distance / cutoff)
                if len(words) > 4:
                    lags = int(words[4])
                    apart = np.abs(time[:, None] - time)
                    kernel = kernel * (apart == 0) + (unit[:, None] == unit) * (apart > 0) * np.maximum(1 - apart / (lags + 1), 0)
            else:
                lags = int(words[0])
                apart = np.abs(time[:, None] - time)
                kernel = np.maximum(1 - apart / (lags + 1), 0)
                if kind == "nw":
                    kernel = kernel * (unit[:, None] == unit)
                periods = frame.time.nunique()
                factor *= periods / (periods - 1)
            v = inverse @ (scores.T @ kernel @ scores) @ inverse * factor
        model = model_of(name, "regions", formula, "twfe", vcov, weights, "")
        for index, term in enumerate(names):
            yield from numbers(model, term, 1e-9, estimate=beta[index], std_error=np.sqrt(v[index, index]))


# --- instruments ------------------------------------------------------------------------------------------------------

INSTRUMENTS = [
    ("weak_iid", "y ~ x + v | p ~ z1 + z2", "iid"),
    ("weak_hetero", "y ~ x + v | p ~ z1 + z2 + z3", "hetero"),
    ("weak_cluster", "y ~ x + v | unit + time | p ~ z1 + z2", "cluster unit"),
    ("one_instrument", "y ~ x | unit + time | p ~ z1", "cluster unit"),
    ("one_weak_instrument", "y ~ x | unit + time | p ~ z3", "cluster unit"),
    ("two_endogenous_iid", "y ~ x | p + q ~ z1 + z2 + z3", "iid"),
    ("two_endogenous", "y ~ x | unit + time | p + q ~ z1 + z2 + z3", "cluster unit"),
    ("two_endogenous_hetero", "y ~ x | p + q ~ z1 + z2 + z3", "hetero"),
]


def residual(columns, on):
    return columns - on @ np.linalg.lstsq(on, columns, rcond=None)[0]


def instruments(frames):
    frame = frames["regions"]
    for name, formula, vcov in INSTRUMENTS:
        outcome, rest = formula.split("~", 1)
        *given, stage = [part.strip() for part in rest.split("|")]
        endogenous, excluded = ([word.strip() for word in side.split("+")] for side in stage.split("~"))
        absorbed = " | ".join(given)
        terms, w, y, sizes = dense_columns(frame, f"{outcome} ~ {absorbed}", "")
        x, z = frame[endogenous].to_numpy(float), frame[excluded].to_numpy(float)
        kind, *words = vcov.split()
        n, k1, l1 = len(frame), x.shape[1], z.shape[1]
        cluster = frame[words[0]].to_numpy() if words else None
        # The levels that count beside the cluster: those of `time`, and one for the units that are nested in it.
        total = w.shape[1] + l1 if cluster is None or len(given) == 1 else len(terms) + l1 + frame.time.nunique()
        xp, zp, yp = residual(x, w), residual(z, w), residual(y[:, None], w)[:, 0]

        def meat(scores):
            if cluster is None:
                return scores.T @ scores
            sums = np.zeros((cluster.max() + 1, scores.shape[1]))
            np.add.at(sums, cluster, scores)
            return sums.T @ sums

        clusters = len(np.unique(cluster)) if cluster is not None else None
        to_f = (n - total) / n if clusters is None else (n - total) / (n - 1) * (clusters - 1) / clusters
        df2 = n - total if clusters is None else clusters - 1
        szz, sxx = zp.T @ zp / n, xp.T @ xp / n
        pi = np.linalg.solve(zp.T @ zp, zp.T @ xp)
        lz, lx = np.linalg.cholesky(szz), np.linalg.cholesky(sxx)
        theta = lz.T @ pi @ np.linalg.inv(lx.T)
        u, s, vt = np.linalg.svd(theta)
        smallest = s.min() ** 2
        found = dict(cd_f=smallest / (1 - smallest) * (n - total) / l1)

        def rank_statistic(errors):
            scores = np.hstack([errors[:, [j]] * zp for j in range(k1)])
            shat = meat(scores) / n
            kron = np.kron(np.linalg.inv(lx), np.linalg.inv(lz))
            variance = kron @ shat @ kron.T
            q = k1 - 1
            u2, v2 = u[:, q:], vt.T[:, q:]
            a = u2 @ np.linalg.inv(u2[q:]) @ scipy.linalg.sqrtm(u2[q:] @ u2[q:].T)
            b = scipy.linalg.sqrtm(v2[q:] @ v2[q:].T) @ np.linalg.inv(v2[q:].T) @ v2.T
            both = np.kron(b, a.T)
            lam = both @ theta.flatten("F")
            return n * lam @ np.linalg.solve(both @ variance @ both.T, lam)

        if kind == "iid":
            found["underidentification"] = n * smallest
        else:
            found["underidentification"] = rank_statistic(xp)
            found["kp_f"] = rank_statistic(xp - zp @ pi) / l1 * to_f

        # Anderson-Rubin: every b whose reduced form does not depend on the instruments.
        ey, ex = residual(yp[:, None], zp)[:, 0], residual(xp, zp)

        def wald(b):
            left = ey - ex @ b
            moments = zp.T @ (yp - xp @ b)
            if kind == "iid":
                covariance = zp.T @ zp * (left @ left) / n
            else:
                covariance = meat(zp * left[:, None])
            return moments @ np.linalg.solve(covariance, moments) * to_f / l1

        found["anderson_rubin"] = wald(np.zeros(k1))
        if k1 == 1:
            critical = scipy.stats.f.ppf(0.95, l1, df2)
            estimate = (xp[:, 0] @ zp @ np.linalg.solve(zp.T @ zp, zp.T @ yp)) / (xp[:, 0] @ zp @ np.linalg.solve(zp.T @ zp, zp.T @ xp[:, 0]))
            grid = estimate + np.tan(np.linspace(-1, 1, 200_001)[1:-1] * np.pi / 2)
            values = np.array([wald(np.array([b])) - critical for b in grid])
            changes = np.nonzero(np.diff(np.sign(values)))[0]
            for number, at in enumerate(changes):
                root = scipy.optimize.brentq(lambda b: wald(np.array([b])) - critical, grid[at], grid[at + 1], xtol=1e-14, rtol=1e-14)
                found[f"anderson_rubin_end_{number}"] = root
        # The rest by linearmodels, on columns that are freed of the effects where there are some.
        exogenous = residual(frame[terms].to_numpy(float), w[:, len(terms):]) if sizes else w[:, : len(terms)]
        parts = (residual(y[:, None], w[:, len(terms):])[:, 0], exogenous, residual(x, w[:, len(terms):]), residual(z, w[:, len(terms):])) if sizes else (y, exogenous, x, z)
        plain = IV2SLS(*parts).fit(cov_type="unadjusted")
        if l1 > k1:
            if kind == "iid":
                found["overidentification"] = plain.sargan.stat
            else:
                options = dict(weight_type="robust", debiased=False) if cluster is None else dict(weight_type="clustered", clusters=cluster, debiased=False)
                gmm = IVGMM(*parts, center=False, **options).fit(iter_limit=2)
                found["overidentification"] = gmm.j_stat.stat
        if kind == "iid" and not sizes:
            found["endogeneity"] = plain.wu_hausman().stat
        # First-stage F by the variance of the model, with its small-sample factor.
        for index, one in enumerate(endogenous):
            both = np.hstack([w, z])
            inverse = np.linalg.pinv(both.T @ both)
            coefficient = inverse @ both.T @ x[:, index]
            left = x[:, index] - both @ coefficient
            if kind == "iid":
                variance = inverse * (left @ left) / (n - total)
            else:
                factor = n / (n - total) if clusters is None else (n - 1) / (n - total) * clusters / (clusters - 1)
                variance = inverse @ meat(both * left[:, None]) @ inverse * factor
            at = slice(w.shape[1], None)
            found[f"first_stage_f {one}"] = coefficient[at] @ np.linalg.solve(variance[at, at], coefficient[at]) / l1
            found[f"partial_r2 {one}"] = 1 - (left @ left) / (xp[:, index] @ xp[:, index])
        model = model_of(name, "regions", formula, "iv", vcov, "", "")
        for quantity, value in found.items():
            quantity, _, term = quantity.partition(" ")
            yield from numbers(model, term, 1e-8, **{quantity: value})


# --- maximum likelihood ------------------------------------------------------------------------------------------------

POISSON = [
    ("poisson", "count ~ x + log(v)", "count ~ x + logv", "iid", ""),
    ("poisson_effects", "count ~ x + log(v) | unit + time", "count ~ x + logv | unit + time", "cluster unit", ""),
    ("poisson_group", "count ~ x + log(v) | group", "count ~ x + logv | group", "hetero", ""),
    ("poisson_separated", "count ~ x + only | group + time", "count ~ x + only | group + time", "cluster unit", ""),
    ("poisson_weighted", "count ~ x + log(v) | group", "count ~ x + logv | group", "hetero", "w"),
]

LOGIT = [
    ("logit", "choice ~ x + log(v)", ["x", "logv"], "iid"),
    ("logit_hetero", "choice ~ x + log(v)", ["x", "logv"], "hetero"),
    ("logit_cluster", "choice ~ x + log(v) + z1", ["x", "logv", "z1"], "cluster unit"),
]


def likelihoods(frames):
    frame = frames["regions"]
    names = {"logv": "log(v)", "Intercept": "(Intercept)", "const": "(Intercept)"}
    for name, formula, other, vcov, weights in POISSON:
        kind, *words = vcov.split()
        used = frame
        separated = 0
        if weights:
            fit = pf.fepois(other, used, vcov={"CRV1": words[0]} if words else kind, weights=weights, iwls_tol=1e-13,
                            iwls_maxiter=200, separation_check=["fe", "ir"], demeaner=pf.MapDemeaner(fixef_tol=1e-13))
        else:
            fit = pf.fepois(other, used, vcov={"CRV1": words[0]} if words else kind, iwls_tol=1e-13, iwls_maxiter=200,
                            separation_check=["fe", "ir"], demeaner=pf.MapDemeaner(fixef_tol=1e-13))
        separated = len(frame) - fit._N
        model = model_of(name, "regions", formula, "ppml", vcov, weights, "")
        table = fit.tidy()
        polished = poisson_by_dummies(fit, other, vcov, weights)
        for row in table.itertuples():
            # pyfixest takes the weights of the step before the last: its standard errors are good to seven digits.
            estimate, std_error = polished[row.Index]
            assert abs(estimate / row[1] - 1) < 1e-9 and abs(std_error / row[2] - 1) < 1e-6, (name, row)
            yield from numbers(model, names.get(row.Index, row.Index), 1e-9, estimate=estimate, std_error=std_error)
        yield from numbers(model, "", 1e-9, n_obs=fit._N, n_separated=separated, deviance=float(fit.deviance))
        if not weights:
            yield from numbers(model, "", 1e-9, log_likelihood=fit._loglik, pseudo_r2=fit._pseudo_r2)
    for name, formula, columns, vcov in LOGIT:
        kind, *words = vcov.split()
        x = sm.add_constant(frame[columns])
        options = dict(iid=dict(), hetero=dict(cov_type="HC0"), cluster=dict(cov_type="cluster", cov_kwds=dict(groups=frame[words[0]], use_correction=False) if words else {}))[kind]
        fit = sm.Logit(frame.choice, x).fit(disp=0, method="newton", tol=1e-14, maxiter=100, **options)
        model = model_of(name, "regions", formula, "logit", vcov, "", "none")
        for term in x.columns:
            yield from numbers(model, names.get(term, term), 1e-9, estimate=fit.params[term], std_error=fit.bse[term],
                               p_value=fit.pvalues[term])
        # statsmodels maximises the likelihood of the null model numerically.
        yield from numbers(model, "", 1e-10, log_likelihood=fit.llf, null_log_likelihood=fit.llnull, pseudo_r2=fit.prsquared)


def poisson_by_dummies(fit, formula, vcov, weights):
    """Newton's method from pyfixest's rows with one dummy per level; coefficients and standard errors by name."""
    frame = fit._data
    outcome, rest = formula.split("~")
    names = [name for name in fit._coefnames if name != "Intercept"]
    effects = rest.split("|")[1] if "|" in rest else ""
    terms, x, _, sizes = dense_columns(frame, f"{outcome}~ {' + '.join(names)}" + (f" | {effects}" if effects else ""), "")
    y, w = frame[outcome.strip()].to_numpy(float), frame[weights].to_numpy() if weights else np.ones(len(frame))
    beta = np.linalg.lstsq(x, np.log((y + y.mean()) / 2), rcond=None)[0]
    for _ in range(100):
        mu = np.exp(x @ beta)
        step = np.linalg.lstsq((x.T * (w * mu)) @ x, x.T @ (w * (y - mu)), rcond=None)[0]
        beta = beta + step
    mu = np.exp(x @ beta)
    inverse = np.linalg.pinv((x.T * (w * mu)) @ x)
    kind, *words = vcov.split()
    scores = x * (w * (y - mu))[:, None]
    n, k = len(y), x.shape[1]
    if kind == "iid":
        variance = inverse * (n - 1) / (n - k)
    elif kind == "hetero":
        variance = inverse @ scores.T @ scores @ inverse * n / (n - k)
    else:
        codes = pd.factorize(frame[words[0]])[0]
        sums = np.zeros((codes.max() + 1, k))
        np.add.at(sums, codes, scores)
        # The levels of `unit` are nested in the clusters.
        if words[0] in effects:
            k -= frame[words[0]].nunique() - 1
        groups = codes.max() + 1
        variance = inverse @ sums.T @ sums @ inverse * (n - 1) / (n - k) * groups / (groups - 1)
    errors = np.sqrt(np.diag(variance))
    return {("Intercept" if term == "(Intercept)" else term): (beta[i], errors[i]) for i, term in enumerate(terms)}


# ------------------------------------------------------------------------------------------------------------------------


def model_of(case, data, formula, estimator, vcov, weights, small_sample):
    return dict(case=case, data=data, formula=formula, estimator=estimator, vcov=vcov, weights=weights, small_sample=small_sample)


def numbers(model, term, tolerance, **quantities):
    for quantity, value in quantities.items():
        yield model | dict(quantity=quantity, term=term, value=float(value), tolerance=tolerance)


def write(path, rows):
    rows = list(rows)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"value": repr(row["value"])} for row in rows)


def grunfeld():
    frame = pd.read_csv(DATA / "grunfeld.csv")
    # pyfixest wants a number where restudy takes the name.
    return frame.assign(number=pd.factorize(frame.firm)[0])


def main():
    frame = regions()
    frame.to_csv(DATA / "regions.csv", index=False, lineterminator="\n")
    frames = {"regions": with_columns(frame), "grunfeld": grunfeld()}
    write(HERE / "core.csv", [row for part in (linear, dense, instruments, likelihoods) for row in part(frames)])


if __name__ == "__main__":
    main()
