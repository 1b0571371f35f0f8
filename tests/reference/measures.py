"""Numbers of tests/slt/study.slt that METHODS does not print, by another way than the queries. Prints them; needs nothing
but Python. The formulas are in the heads of stages/measures/*.sql."""
from math import asin, cos, log, radians, sin, sqrt

# Shift-share: patents by (city, section) in two years.
before = {(1, "A"): 80, (1, "G"): 20, (2, "A"): 20, (2, "G"): 80}
after = {(1, "A"): 84, (1, "G"): 30, (2, "A"): 18, (2, "G"): 118}
total = lambda of, city=None, section=None: sum(
    n for (c, s), n in of.items() if city in (None, c) and section in (None, s))
g = total(after) / total(before) - 1
for city in (1, 2):
    expected = sum((total(after, section=s) / total(before, section=s) - 1) * before[city, s] for s in "AG")
    change = total(after, city) - total(before, city)
    national = g * total(before, city)
    print("shift-share", city, *(round(x, 6) for x in (
        expected, (change - expected) / abs(expected), (expected - national) / abs(national),
        (change - expected) / abs(national), (change - national) / abs(national))))

# Periods: patents of A, B, C; the nation grows, grows, shrinks, grows.
places = {1: [100, 120, 150, 120, 150], 2: [50, 55, 60, 66, 60], 3: [200, 210, 220, 180, 260]}
nation = [sum(p[t] for p in places.values()) for t in range(5)]
for city, p in places.items():
    for start, end in ((1, 2), (3, 3), (4, 4)):
        own, all_ = p[end] / p[start - 1] - 1, nation[end] / nation[start - 1] - 1
        print("period", city, start + 1, end + 1, round(own, 6), round(all_, 6), round((own - all_) / abs(all_), 6))

# Actual over expected: patents and spending of three cities in two years.
patents = {1: (10, 12), 2: (20, 20), 3: (30, 60)}
spending = {1: (99, 99), 2: (999, None), 3: (999, 9999)}
first = {c: patents[c][0] / log(1 + spending[c][0]) for c in patents}
for c in patents:
    peers = [first[o] for o in first if o != c]
    print("efficiency", c, round(first[c], 6), end=" ")
    if spending[c][1] is None:
        print("missing")
        continue
    effort = log(1 + spending[c][1])
    expected = sum(peers) / len(peers) * effort
    print(round(patents[c][1] / effort, 6), round(expected, 6), round(patents[c][1] / expected, 6))

# Potential on the equator: two places at 100 km that share a point, and one at the origin.
def km(lon1, lon2):
    return 2 * 6371.0088 * asin(sqrt(cos(0) * cos(0) * sin(radians(lon2 - lon1) / 2) ** 2))

d = km(0, 0.899321606)
print("potential", round(50 / d ** 2 + 20 / d ** 2, 6), round(100 / d ** 2, 6), round(100 * 70 / d ** 2, 4))

# Citations: section means are citations received per patent: design none; A01B of 2001 has 1 patent, of 2002 another.
# P2 -> P1 (2002): within city 1 half, from city 2 half. P3 -> P1 (2005), P3 -> P2 (2005), half of it to city 1. P4 -> P3 (2008).
# P4 -> P1 (2008) is 7 years old and out.
mean_2001 = (1.0 + 1.0) / 1            # P1 is cited by P2 and P3, each with weight 1
mean_2002 = 1.0 / 1                    # P2 is cited by P3
mean_2005 = 1.0 / 1                    # P3 is cited by P4
print("citations 1 2002", 0.5, round(log(1.5), 6), 0.5 / 1.0, 0.5 / mean_2001)
print("citations 1 2005", 1.5, round(log(2.5), 6), 1.5 / 1.5, 1 / mean_2001 + 0.5 / mean_2002)
print("citations 2 2005", 0.0, 0.0, 0.0, 0.0)
print("citations 2 2008", 1.0, round(log(2), 6), 1.0, 1 / mean_2005)

# Hierarchy of a star of four: degrees 3, 1, 1, 1 on ranks 1 to 4.
x, y = [log(k) for k in (1, 2, 3, 4)], [log(k) for k in (3, 1, 1, 1)]
mx, my = sum(x) / 4, sum(y) / 4
print("hierarchy", round(sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x), 6))

# Distances in a chain of seven cities, up to five links, by breadth-first search; the pair of ends is six apart.
def closeness(neighbours, start, most):
    seen, edge = {start: 0}, [start]
    while edge:
        edge = [b for a in edge for b in neighbours[a] if b not in seen and not seen.update({b: seen[a] + 1})]
    found = [d for d in seen.values() if 0 < d <= most]
    return len(found), sum(1 / d for d in found), max(found)

chain = {k: [j for j in (k - 1, k + 1) if 1 <= j <= 7] for k in range(1, 8)}
rows = {k: closeness(chain, k, 5) for k in chain}
for k, (reached, near, farthest) in rows.items():
    print("chain", k, reached, round(near, 6), farthest)
print("efficiency of the chain", round(sum(near for _, near, _ in rows.values()) / (7 * 6), 6), 7 * 6 - sum(r for r, _, _ in rows.values()))
