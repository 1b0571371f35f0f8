#!/usr/bin/env python3
"""Times restudy and its peers on tables of many rows, side by side, and checks that they give the same.

    tables.py [BENCHMARK…] [--rows 20000000] [--pairs 5] [--json FILE]        pip install duckdb pyarrow

`key_order`: a table in random order becomes one in the order of another key. restudy: a stage `select … from raw` with that
key, so also the checks of the key and of every float, a digest of each column and of the file. DuckDB: `COPY (select … order by
…) TO …` with its default threads.

The data are made by a first stage of the same study, which is not timed: numbers scattered by two rounds of a linear congruential
generator, so they are the same everywhere. Both sides read the Parquet file of that stage in the store. Whole processes are
timed, in turn, so that a slow moment of the machine hits both; `--force` makes restudy run again. Neither side flushes to
the disk; what is still unwritten from the run before is written between runs, untimed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESTUDY = os.environ.get("RESTUDY", "restudy")


def digits(rows):
    """A query for the numbers from 0 to below `rows`."""
    ten = ", ".join(f"({digit})" for digit in range(10))
    places = len(str(rows - 1))
    number = " + ".join(f"{10**place} * d{place}.d" for place in range(places))
    tables = ", ".join(f"ten as d{place}" for place in range(places))
    return f"ten as (select column1 as d from (values {ten})),\nnumbers as (select n from (select {number} as n from {tables}) where n < {rows})"


# ---- Benchmarks. Each makes a study in the folder and gives its stage, the peer's query and the order of the result. ----


def key_order(rows, folder):
    write(
        folder / "raw.sql",
        f"with {digits(rows)},\n"
        "scattered as (select n, (n + 1) * 48271 % 2147483647 * 69621 % 2147483647 as h from numbers),\n"
        "twice as (select n, h, h * 69621 % 2147483647 as i from scattered)\n"
        "select n as id, h % 300 as city, 1990 + h / 300 % 30 as year, concat('CN', lpad(cast(n * 7919 % 1000000007 as text), 10, '0')) as patent,\n"
        "  sqrt(h) as a, ln(1 + i) as b, i % 1000 / 8.0 as c, concat('H', i % 130) as class, concat('applicant ', i % 100000) as applicant\n"
        "from twice\n",
    )
    columns = "city, year, patent, a, b, c, class, applicant"
    write(
        folder / "pipeline.yaml",
        "restudy: 1\nstudy: {name: tables}\nstages:\n  raw: {kind: sql, file: raw.sql, key: [id]}\n"
        f"  result: {{kind: sql, query: 'select {columns} from raw', key: [city, year, patent]}}\n",
    )
    return {"query": f"select {columns} from RAW", "order": "city, year, patent"}


BENCHMARKS = {f.__name__: f for f in (key_order,)}

# ---- What is the same for all. ----


def write(path, text):
    path.write_text(text, encoding="utf-8")


def run(command, folder):
    """Seconds, processor seconds and peak megabytes of a process, and what it printed."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        out.seek(0)
        said = out.read().decode()
    if status != 0:
        raise RuntimeError(f"{command}: {said[-2000:]}")
    return {"seconds": seconds, "processor": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}, said


def blob(folder, table):
    """The file of a table in the store: that of the newest record, as a forced run leaves only one."""
    for path in (folder / ".restudy/store/records").rglob("*"):
        record = json.loads(path.read_bytes()) if path.is_file() else {"tables": []}
        for one in record["tables"]:
            if one["name"] == table:
                return folder / ".restudy/store/blobs" / one["blob"][:2] / one["blob"][2:]
    raise RuntimeError(f"no record of {table}")


def duckdb(query, order, folder, out):
    statement = f"COPY ({query.replace('RAW', repr(str(blob(folder, 'raw'))))} ORDER BY {order}) TO '{out}' (FORMAT parquet)"
    # Without the progress bar, which takes a thread's time.
    return [sys.executable, "-c", f"import duckdb\nc = duckdb.connect()\nc.execute('set enable_progress_bar = false')\nc.execute({statement!r})"]


def equal(one, other):
    import pyarrow.parquet as pq

    def read(path):
        with open(path, "rb") as file:
            return pq.read_table(file).replace_schema_metadata(None)

    return read(one).equals(read(other))


def measure(name, rows, pairs):
    with tempfile.TemporaryDirectory(prefix="tables-", dir=os.environ.get("TMPDIR")) as place:
        folder = Path(place)
        asked = BENCHMARKS[name](rows, folder)
        run([RESTUDY, "run"], folder)
        out = folder / "peer.parquet"
        ours, theirs = [], []
        for _ in range(pairs):
            for side, command in ((ours, [RESTUDY, "run", "result", "--force", "--events"]), (theirs, duckdb(asked["query"], asked["order"], folder, out))):
                out.unlink(missing_ok=True) if side is theirs else None
                os.sync()
                used, said = run(command, folder)
                for line in said.splitlines() if side is ours else []:
                    event = json.loads(line) if line.startswith("{") else {}
                    if event.get("event") == "finished" and event.get("name") == "result":
                        used["stage"] = event["seconds"]
                side.append(used)
        result = {"benchmark": name, "rows": rows, "equal": equal(blob(folder, "result"), out), "restudy": ours, "duckdb": theirs}
        result["megabytes"] = {"restudy": blob(folder, "result").stat().st_size / 2**20, "duckdb": out.stat().st_size / 2**20}
        return result


def spread(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def show(result):
    print(f"{result['benchmark']}, {result['rows']:,} rows, {len(result['restudy'])} pairs, same rows: {result['equal']}")
    print("| tool | seconds | processor seconds | memory | file |")
    print("|---|---|---|---|---|")
    for tool in ("restudy", "duckdb"):
        runs = result[tool]
        cells = [spread([one[what] for one in runs], 1) for what in ("seconds", "processor")]
        print(f"| {tool} | {' | '.join(cells)} | {max(one['memory'] for one in runs):.0f} MB | {result['megabytes'][tool]:.0f} MB |")
    for what in ("seconds", "processor"):
        ratios = [ours[what] / theirs[what] for ours, theirs in zip(result["restudy"], result["duckdb"])]
        print(f"ratio of {what}: {spread(ratios, 2)}")
    print(f"of that, the stage itself: {spread([one['stage'] for one in result['restudy']], 1)} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"one of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results = []
    for name in arguments.benchmarks or BENCHMARKS:
        results.append(measure(name, arguments.rows, arguments.pairs))
        show(results[-1])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    sys.exit(0 if all(result["equal"] for result in results) else 1)


if __name__ == "__main__":
    main()
