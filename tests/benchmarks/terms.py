"""Term counting side by side: `terms.py DICTIONARY TEXT` counts as `text_speed` does, with the standard library (re, str.count).

The longest matches by one alternation sorted by length, which re takes in order: leftmost-longest. The overlapping ones by one str.count
per term. pyahocorasick is used where it is installed.
"""
import re
import sys
import time

BYTES = 64 << 20
terms = [line.split(",")[0].strip() for line in open(sys.argv[1], encoding="utf-8").readlines()[1:]]
lines = [line.strip("\n") for line in open(sys.argv[2], encoding="utf-8") if line.strip("\n")]
size = sum(len(line.encode()) for line in lines)
# A twentieth: the rate is what is compared.
repeat = max(1, BYTES // size // 20)

pattern = re.compile("|".join(sorted(map(re.escape, terms), key=len, reverse=True)))
han = re.compile("[\u3400-\u9fff]")


def with_re(line):
    return len(pattern.findall(line)), sum(line.count(term) for term in terms), len(han.findall(line))


ways = {"re and str.count": with_re}
try:
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for term in terms:
        automaton.add_word(term, term)
    automaton.make_automaton()

    def with_automaton(line):
        longest = sum(1 for _ in automaton.iter_long(line))
        return longest, sum(1 for _ in automaton.iter(line)), len(han.findall(line))

    ways["pyahocorasick"] = with_automaton
except ImportError:
    pass

for name, way in ways.items():
    start = time.perf_counter()
    total = [0, 0, 0]
    for _ in range(repeat):
        for line in lines:
            total = [one + other for one, other in zip(total, way(line))]
    seconds = time.perf_counter() - start
    print(f"{name}: {size * repeat / 1e6 / seconds:.1f} MB/s ({total[0] / repeat:.0f} longest, {total[1] / repeat:.0f} overlapping per copy)")
