"""Reference numbers for `src/stats/spatial`: spatial.csv and its data, from seeded simulations.

Programs: spreg, esda and libpysal; `numpy` marks a second computation with dense matrices from the definition, for what
they do not have. Run: python spatial.py
"""

import csv
import importlib.metadata
import warnings
from pathlib import Path

import numpy as np
from scipy.optimize import brentq, minimize_scalar

warnings.filterwarnings("ignore")
HERE = Path(__file__).parent
N, T = 25, 6
RADIUS = 6371.0088
random = np.random.default_rng(20260101)


def version(name):
    return f"{name} {importlib.metadata.version(name)}"


def distances(places):
    latitude, longitude = np.radians(places[:, 0]), np.radians(places[:, 1])
    up = np.sin((latitude[:, None] - latitude[None]) / 2)
    across = np.sin((longitude[:, None] - longitude[None]) / 2)
    half = up**2 + np.cos(latitude)[:, None] * np.cos(latitude)[None] * across**2
    return 2 * RADIUS * np.arcsin(np.sqrt(half))


places = np.round(np.column_stack([30 + 8 * random.random(N), 110 + 8 * random.random(N)]), 4)
distance = distances(places)
base = np.where(np.eye(N) == 1, 0, 1 / np.where(distance > 0, distance, 1) ** 2)
inverse = base / base.sum(1, keepdims=True)
order = np.argsort(np.where(np.eye(N) == 1, np.inf, distance), axis=1, kind="stable")[:, :4]
nearest = np.zeros((N, N))
for unit in range(N):
    nearest[unit, order[unit]] = 0.25
WEIGHTS = {"inverse": inverse, "nearest": nearest}

# Period by period, all units of each, as spreg wants it.
x1, x2 = random.standard_normal((T, N)), random.standard_normal((T, N))
unit_effect, period_effect = random.standard_normal(N), random.standard_normal((T, 1))
noise = 0.7 * random.standard_normal((T, N))
inside = 1.0 * x1 - 0.5 * x2 + 0.4 * x1 @ inverse.T + unit_effect + period_effect + noise
y = np.round(np.linalg.solve(np.eye(N) - 0.4 * inverse, inside.T).T, 6)
x1, x2 = np.round(x1, 6), np.round(x2, 6)

with open(HERE / "data" / "spatial.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["unit", "period", "latitude", "longitude", "y", "x1", "x2"])
    for t in range(T):
        for i in range(N):
            numbers = [float(v) for v in (*places[i], y[t, i], x1[t, i], x2[t, i])]
            out.writerow([f"u{i:03d}", 2000 + t, *numbers])

rows = []
# spreg maximises by values only, so that estimates are good to about 1e-8, and small ones to less of themselves.
MAXIMISED = 2e-6


def add(case, name, value, program, tolerance):
    rows.append([case, name, repr(float(value)), program, tolerance])


# A dense second computation of everything.
def within(values, effects):
    values = values.copy()
    if effects in ("unit", "two-way"):
        values = values - values.mean(0)
    if effects in ("period", "two-way"):
        values = values - values.mean(1, keepdims=True)
    return values


def stacked(columns):
    return np.column_stack([column.ravel() for column in columns])


def dense(case, model, effects, correction, w):
    lag = lambda values: values @ w.T
    free = lambda values: within(values, effects)
    regressors = [x1, x2] + ([lag(x1), lag(x2)] if model == "durbin" else [])
    X = stacked([free(column) for column in regressors])
    names = ["x1", "x2"] + (["W:x1", "W:x2"] if model == "durbin" else [])
    if effects == "none":
        X = np.column_stack([np.ones(N * T), X])
        names = ["(Intercept)"] + names
    own, other = free(y).ravel(), free(lag(y)).ravel()
    WX = stacked([free(lag(column.reshape(T, N))) for column in X.T])
    corrected = correction == "lee-yu"
    periods = T - (corrected and effects in ("unit", "two-way"))
    less = 1 if corrected and effects in ("period", "two-way") else 0
    # On the rows that count: an orthonormal basis of what the mean over units leaves.
    basis = np.linalg.svd(np.eye(N) - np.ones((N, N)) / N)[0][:, : N - 1] if less else np.eye(N)
    count = basis.shape[1] * periods
    small = basis.T @ w @ basis

    def parts(rho):
        A, b = (X - rho * WX, own - rho * other) if model == "error" else (X, own - rho * other)
        beta = np.linalg.lstsq(A, b, rcond=None)[0]
        e = b - A @ beta
        return A, beta, e, e @ e / count

    def negative(rho):
        sigma2 = parts(rho)[3]
        log = np.linalg.slogdet(np.eye(len(small)) - rho * small)[1]
        return count / 2 * (np.log(2 * np.pi * sigma2) + 1) - periods * log

    def slope(rho):
        A, beta, e, sigma2 = parts(rho)
        change = other - WX @ beta if model == "error" else other
        return -e @ change / sigma2 + periods * np.trace(small @ np.linalg.inv(np.eye(len(small)) - rho * small))

    # A maximum found by values is good to about 1e-8, as the likelihood is flat there; a root of the slope to all digits.
    rho = minimize_scalar(negative, bounds=(-0.95, 0.95), method="bounded", options={"xatol": 1e-12}).x
    rho = brentq(slope, rho - 1e-3, rho + 1e-3, xtol=1e-15)
    A, beta, e, sigma2 = parts(rho)
    G = small @ np.linalg.inv(np.eye(len(small)) - rho * small)
    full = w @ np.linalg.inv(np.eye(N) - rho * w)
    k = A.shape[1]
    I = np.zeros((k + 2, k + 2))
    I[:k, :k] = A.T @ A / sigma2
    g = np.zeros(N * T)
    if model != "error":
        signal = (y - rho * lag(y)).ravel() - e
        g = free(signal.reshape(T, N) @ full.T).ravel()
    I[:k, k] = I[k, :k] = A.T @ g / sigma2
    I[k, k] = periods * (np.trace(G @ G) + np.trace(G.T @ G)) + g @ g / sigma2
    I[k, k + 1] = I[k + 1, k] = periods * np.trace(G) / sigma2
    I[k + 1, k + 1] = count / 2 / sigma2**2
    V = np.linalg.inv(I)[: k + 1, : k + 1]
    for name, value, error in zip(names + ["spatial"], [*beta, rho], np.sqrt(np.diag(V))):
        add(case, name, value, "numpy", 1e-9)
        add(case, f"se {name}", error, "numpy", 1e-9)
    add(case, "sigma2", sigma2, "numpy", 1e-9)
    add(case, "log likelihood", -negative(rho), "numpy", 1e-10)
    if model == "error":
        return

    def impacts(theta):
        S = np.linalg.inv(np.eye(N) - theta[k] * w)
        first = names.index("x1")
        M = S @ (theta[first] * np.eye(N) + (theta[names.index("W:x1")] * w if model == "durbin" else 0))
        direct, total = np.trace(M) / N, M.sum() / N
        return np.array([direct, total - direct, total])

    theta = np.array([*beta, rho])
    # Differences of this step are good to about 1e-9.
    steps = np.eye(k + 1) * 1e-5
    jacobian = np.column_stack([(impacts(theta + s) - impacts(theta - s)) / 2e-5 for s in steps])
    errors = np.sqrt(np.diag(jacobian @ V @ jacobian.T))
    for name, value, error in zip(["direct", "indirect", "total"], impacts(theta), errors):
        add(case, f"{name} x1", value, "numpy", 1e-7)
        add(case, f"se {name} x1", error, "numpy", 1e-7)


for weights, w in WEIGHTS.items():
    for model in ("lag", "error", "durbin"):
        for effects in ("none", "unit", "period", "two-way"):
            for correction in ("direct", "lee-yu"):
                if effects != "none" or correction == "direct":
                    dense(f"{model} {effects} {correction} {weights}", model, effects, correction, w)


def lagrange(case, effects, w):
    free = lambda values: within(values, effects)
    X = stacked([free(x1), free(x2)])
    if effects == "none":
        X = np.column_stack([np.ones(N * T), X])
    own = free(y).ravel()
    b = np.linalg.lstsq(X, own, rcond=None)[0]
    e = own - X @ b
    s2 = e @ e / (N * T)
    raw = (y.ravel() - e).reshape(T, N)
    q = free(raw @ w.T).ravel()
    q = q - X @ np.linalg.lstsq(X, q, rcond=None)[0]
    S = T * np.trace(w.T @ w + w @ w)
    J = S + q @ q / s2
    lag, error = e @ free(y @ w.T).ravel() / s2, e @ (e.reshape(T, N) @ w.T).ravel() / s2
    add(case, "lag", lag**2 / J, "numpy", 1e-9)
    add(case, "error", error**2 / S, "numpy", 1e-9)
    add(case, "robust lag", (lag - error) ** 2 / (J - S), "numpy", 1e-9)
    add(case, "robust error", (error - S / J * lag) ** 2 / (S * (1 - S / J)), "numpy", 1e-9)


for weights, w in WEIGHTS.items():
    for effects in ("none", "unit", "period", "two-way"):
        lagrange(f"lagrange {effects} {weights}", effects, w)

# The programs.
import esda
import libpysal
import spreg
from spreg.panel_fe import BasePanel_FE_Error, BasePanel_FE_Lag

DURBIN = ["x1", "x2", "W:x1", "W:x2"]
for weights, w in WEIGHTS.items():
    neighbours = {i: [int(j) for j in np.nonzero(w[i])[0]] for i in range(N)}
    pysal = libpysal.weights.W(neighbours, {i: list(w[i][neighbours[i]]) for i in range(N)}, silence_warnings=True)
    Y, X = y.reshape(-1, 1), stacked([x1, x2])
    for name, base_class in (("lag", BasePanel_FE_Lag), ("error", BasePanel_FE_Error)):
        found = base_class(Y, X, pysal, epsilon=1e-12)
        case = f"{name} unit direct {weights}"
        for term, value, error in zip(["x1", "x2", "spatial"], found.betas.ravel(), np.sqrt(np.diag(found.vm))):
            add(case, term, value, version("spreg"), MAXIMISED)
            add(case, f"se {term}", error, version("spreg"), MAXIMISED)
    # The Durbin panel is the lag with the regressors' own lags beside them.
    found = BasePanel_FE_Lag(Y, stacked([x1, x2, x1 @ w.T, x2 @ w.T]), pysal, epsilon=1e-12)
    for term, value, error in zip(DURBIN + ["spatial"], found.betas.ravel(), np.sqrt(np.diag(found.vm))):
        add(f"durbin unit direct {weights}", term, value, version("spreg"), MAXIMISED)
        add(f"durbin unit direct {weights}", f"se {term}", error, version("spreg"), MAXIMISED)
    one = [values[0].reshape(-1, 1) for values in (y, x1, x2)]
    X1 = np.column_stack(one[1:])
    for name, found in (
        ("lag", spreg.ML_Lag(one[0], X1, pysal, method="full", epsilon=1e-12)),
        ("error", spreg.ML_Error(one[0], X1, pysal, method="full", epsilon=1e-12)),
    ):
        case = f"{name} cross-section {weights}"
        for term, value, error in zip(
            ["(Intercept)", "x1", "x2", "spatial"], found.betas.ravel(), np.sqrt(np.diag(found.vm))
        ):
            add(case, term, value, version("spreg"), MAXIMISED)
            add(case, f"se {term}", error, version("spreg"), MAXIMISED)
        add(case, "log likelihood", found.logll, version("spreg"), 1e-10)
        add(case, "pseudo R2", found.pr2, version("spreg"), MAXIMISED)
        if name == "lag":
            add(case, "reduced pseudo R2", found.pr2_e, version("spreg"), MAXIMISED)
    found = spreg.ML_Lag(one[0], X1, pysal, slx_lags=1, method="full", epsilon=1e-12)
    terms = ["(Intercept)"] + DURBIN + ["spatial"]
    for term, value, error in zip(terms, found.betas.ravel(), np.sqrt(np.diag(found.vm))):
        add(f"durbin cross-section {weights}", term, value, version("spreg"), MAXIMISED)
        add(f"durbin cross-section {weights}", f"se {term}", error, version("spreg"), MAXIMISED)
    add(f"durbin cross-section {weights}", "log likelihood", found.logll, version("spreg"), 1e-10)
    ols = spreg.OLS(one[0], X1, w=pysal, spat_diag=True)
    case = f"lagrange cross-section {weights}"
    for name, found in (
        ("lag", ols.lm_lag),
        ("error", ols.lm_error),
        ("robust lag", ols.rlm_lag),
        ("robust error", ols.rlm_error),
    ):
        add(case, name, found[0], version("spreg"), 1e-9)
        add(case, f"p {name}", found[1], version("spreg"), 1e-9)
    moran = esda.Moran(y[0], pysal, transformation="O", permutations=0)
    case = f"moran {weights}"
    for name, value in (
        ("statistic", moran.I),
        ("expected", moran.EI),
        ("variance normal", moran.VI_norm),
        ("z normal", moran.z_norm),
        ("p normal", moran.p_norm),
        ("variance randomised", moran.VI_rand),
        ("z randomised", moran.z_rand),
        ("p randomised", moran.p_rand),
    ):
        add(case, name, value, version("esda"), 1e-10)
    local = esda.Moran_Local(y[0], pysal, transformation="O", permutations=0)
    for unit in range(N):
        # esda divides by n - 1 where the deviation here divides by n.
        add(case, f"local {unit}", local.Is[unit] * N / (N - 1), version("esda"), 1e-10)
        add(case, f"quadrant {unit}", local.q[unit], version("esda"), 0)

with open(HERE / "spatial.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["case", "name", "value", "program", "tolerance"])
    out.writerows(rows)
