"""Times large queries as stages of a study, and the same queries in DuckDB on the same Parquet files.

    cargo build
    python3 -m venv peers && peers/bin/pip install duckdb          # anywhere
    peers/bin/python tests/benchmarks/queries.py [--pairs 5] [counts matrix …]

Whole processes, one after the other in turn, both with as many threads as there are processors. restudy also opens the study,
verifies its inputs, makes the canonical table with its digests, and keeps a record; DuckDB writes a sorted Parquet file. The
process of DuckDB includes Python's start and the import of the module, about 0.2 s. Prints seconds, processor seconds and
the ratio restudy / DuckDB of each pair.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

PIPELINE = """restudy: 1
study: {name: queries, title: {en: queries}, seed: 1}
stages:
  patents:
    kind: sql
    query: >-
      select value as patent, 110000 + (value * 48271 % 2147483647) % 284 as city,
      2004 + (value * 16807 % 2147483647) % 17 as year, cast((value * 69621 % 2147483647) % 1000 as double) / 7 as claims,
      cast((value * 39373 % 2147483647) % 100000 as double) / 1000 as score from generate_series(1, PATENTS)
    key: [patent]
  citations:
    kind: sql
    query: >-
      select value as pair, 1 + (value * 48271 % 2147483647) % PATENTS as citing,
      1 + (value * 69621 % 2147483647) % PATENTS as cited from generate_series(1, PAIRS)
    key: [pair]
"""

# Name, query, key, what stands in DuckDB's place for each table.
QUERIES = {
    "counts": (
        "select city, year, sum(claims) as claims, avg(score) as score, count(*) as patents from patents group by city, year",
        "city, year",
    ),
    "spread": (
        "select city, year, stddev(score) as spread, corr(claims, score) as together from patents group by city, year",
        "city, year",
    ),
    "many": ("select citing, count(*) as n, sum(cast(cited as double)) as s from citations group by citing", "citing"),
    "matrix": (
        "select a.city as citing_city, b.city as cited_city, count(*) as citations, sum(b.claims) as claims "
        "from citations c join patents a on a.patent = c.citing join patents b on b.patent = c.cited "
        "group by a.city, b.city",
        "citing_city, cited_city",
    ),
    "sorted": ("select * from patents", "city, year, patent"),
}

PEER = """
import sys, duckdb
connection = duckdb.connect()
connection.execute(f"set threads={sys.argv[1]}")
for view, file in zip(sys.argv[4::2], sys.argv[5::2]):
    connection.execute(f"create view {view} as from read_parquet('{file}')")
connection.execute(f"copy ({sys.argv[2]}) to '{sys.argv[3]}' (format parquet)")
"""


def timed(command, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("queries", nargs="*", default=list(QUERIES))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--patents", type=int, default=20_000_000)
    parser.add_argument("--citations", type=int, default=30_000_000)
    parser.add_argument("--memory", help="limit of the measured stage, such as 1G")
    parser.add_argument("--restudy", default=str(ROOT / "target/debug/restudy"))
    options = parser.parse_args()
    threads = os.cpu_count()

    folder = pathlib.Path(tempfile.mkdtemp(prefix="queries"))
    text = PIPELINE.replace("PATENTS", str(options.patents)).replace("PAIRS", str(options.citations))
    limit = f"\n    limits: {{memory: {options.memory}}}" if options.memory else ""
    for name, (query, key) in QUERIES.items():
        text += f"  {name}:\n    kind: sql\n    query: {query}\n    key: [{key}]{limit}\n"
    (folder / "pipeline.yaml").write_text(text)
    files = []
    for table in ["patents", "citations"]:
        known = set((folder / ".restudy/store/blobs").glob("*/*"))
        timed([options.restudy, "run", table, "-j", "1"], folder)
        (new,) = set((folder / ".restudy/store/blobs").glob("*/*")) - known
        files += [table, str(new)]

    print("| query | restudy, s | DuckDB, s | ratio | processor seconds, ratio |\n|---|---|---|---|---|")
    for name in options.queries:
        query, key = QUERIES[name]
        ours, theirs, ratios, work = [], [], [], []
        for _ in range(options.pairs):
            mine, used = timed([options.restudy, "run", name, "--force", "-j", "1"], folder)
            out = folder / "peer.parquet"
            command = [sys.executable, "-c", PEER, str(threads), f"{query} order by {key}", str(out), *files]
            other, other_used = timed(command, folder)
            out.unlink()
            ours.append(mine)
            theirs.append(other)
            ratios.append(mine / other)
            work.append(used / other_used)
        print(f"| {name} | {spread(ours)} | {spread(theirs)} | {spread(ratios)} | {spread(work)} |", flush=True)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
