#!/usr/bin/env python3
"""Makes the same synthetic graph for restudy and its peers, and times them side by side.

    dag.py make SHAPE N TOOL FOLDER       writes one project
    dag.py run [--sizes 100,1000] [--shapes independent] [--tools restudy,ninja] [--repeat 5] [--json FILE]

Shapes: `independent` (N stages, one input file each), `chain` (each stage reads the one before), `layered` (layers of
width sqrt(N); each stage reads three of the layer before). A stage of restudy is an `ingest` of a CSV file with one row, or
a `select` over the stages it reads; a stage of the others writes a checksum of its inputs, which stays small however deep the graph.

What is timed, as whole processes and in turn, so that a slow moment of the machine hits all tools: full build; nothing to
do; one input touched (new time, same content); one input changed. Peers that do not end within the time limit are given up.
"""

import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESTUDY = os.environ.get("RESTUDY", "restudy")


def inputs_of(shape, n, i):
    """The stages that stage i reads; none: it reads its file."""
    if shape == "chain":
        return [i - 1] if i else []
    if shape == "layered":
        width = max(3, int(math.sqrt(n)))
        if i < width:
            return []
        first = (i // width - 1) * width
        return sorted({first + (i + k) % width for k in range(3)})
    return []


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def files(shape, n, folder):
    (folder / "in").mkdir(parents=True, exist_ok=True)
    (folder / "o").mkdir(exist_ok=True)
    for i in range(n):
        if not inputs_of(shape, n, i):
            write(folder / f"in/{i}.csv", f"id,value\n1,{i}\n")


def sources(shape, n, i):
    return [f"o/{j}" for j in inputs_of(shape, n, i)] or [f"in/{i}.csv"]


def restudy(shape, n, folder):
    lines = ["restudy: 1", "study: {name: dag}", "sources:"]
    lines += [f"  f{i}: {{path: in/{i}.csv}}" for i in range(n) if not inputs_of(shape, n, i)]
    lines.append("stages:")
    for i in range(n):
        read = inputs_of(shape, n, i)
        if not read:
            lines.append(f"  s{i}: {{kind: ingest, from: f{i}, layout: layout.yaml, key: [id]}}")
            continue
        total = "(" + " + ".join(f"s{j}.value" for j in read) + ") % 1000003"
        joins = "".join(f" join s{j} on s{j}.id = s{read[0]}.id" for j in read[1:])
        query = f"select s{read[0]}.id, {total} as value from s{read[0]}{joins}"
        lines.append(f'  s{i}: {{kind: sql, query: "{query}", key: [id]}}')
    write(folder / "pipeline.yaml", "\n".join(lines) + "\n")
    write(folder / "layout.yaml", "format: csv\ncolumns:\n  id: {header: id, type: int}\n  value: {header: value, type: int}\n")


def make(shape, n, folder):
    rules = [f"o/{i}: {' '.join(sources(shape, n, i))}\n\tcat $^ | cksum > $@" for i in range(n)]
    write(folder / "Makefile", f"all: {' '.join(f'o/{i}' for i in range(n))}\n" + "\n".join(rules) + "\n")


def ninja(shape, n, folder):
    rules = [f"build o/{i}: copy {' '.join(sources(shape, n, i))}" for i in range(n)]
    write(folder / "build.ninja", "rule copy\n  command = cat $in | cksum > $out\n" + "\n".join(rules) + "\n")


def tup(shape, n, folder):
    rules = [f": {' '.join(sources(shape, n, i))} |> cat %f | cksum > %o |> o/{i}" for i in range(n)]
    write(folder / "Tupfile", "\n".join(rules) + "\n")
    subprocess.run(["tup", "init", "--force"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def snakemake(shape, n, folder):
    everything = ", ".join(f'"o/{i}"' for i in range(n))
    rules = [
        f"rule s{i}:\n    input: {', '.join(repr(name) for name in sources(shape, n, i))}\n    output: 'o/{i}'\n"
        f"    shell: 'cat {{input}} | cksum > {{output}}'\n"
        for i in range(n)
    ]
    write(folder / "Snakefile", f"rule all:\n    input: [{everything}]\n\n" + "\n".join(rules))


def dvc(shape, n, folder):
    lines = ["stages:"]
    for i in range(n):
        read = sources(shape, n, i)
        deps = ", ".join(read)
        lines.append(f"  s{i}: {{cmd: 'cat {' '.join(read)} | cksum > o/{i}', deps: [{deps}], outs: [{{o/{i}: {{cache: false}}}}]}}")
    write(folder / "dvc.yaml", "\n".join(lines) + "\n")
    subprocess.run(["dvc", "init", "--no-scm", "-q"], cwd=folder, check=True)


def doit(shape, n, folder):
    tasks = [(f"o/{i}", sources(shape, n, i)) for i in range(n)]
    write(folder / "tasks.json", json.dumps(tasks))
    write(
        folder / "dodo.py",
        "import json\n\ndef task_copy():\n    for out, read in json.load(open('tasks.json')):\n"
        "        yield {'name': out, 'file_dep': read, 'targets': [out], 'actions': ['cat %s | cksum > %s' % (' '.join(read), out)]}\n",
    )


def pytask(shape, n, folder):
    tasks = [(f"o/{i}", sources(shape, n, i)) for i in range(n)]
    write(folder / "tasks.json", json.dumps(tasks))
    write(folder / "pyproject.toml", "[tool.pytask.ini_options]\n")
    write(
        folder / "task_copy.py",
        "import json\nimport zlib\nfrom pathlib import Path\nfrom typing import Annotated\nfrom pytask import Product, task\n\n"
        "for out, read in json.load(open(Path(__file__).with_name('tasks.json'))):\n\n"
        "    @task(id=out)\n    def copy(read=[Path(name) for name in read], out: Annotated[Path, Product] = Path(out)):\n"
        "        out.write_text(str(zlib.crc32(b''.join(path.read_bytes() for path in read))))\n",
    )


WRITERS = {f.__name__: f for f in (restudy, make, ninja, tup, snakemake, dvc, doit, pytask)}
COMMANDS = {
    "restudy": [RESTUDY, "run"],
    "make": ["make", "-s", "-j2"],
    "ninja": ["ninja", "--quiet", "-j2"],
    "tup": ["tup", "--quiet", "-j2"],
    "snakemake": ["snakemake", "--cores", "2", "--quiet", "all"],
    "dvc": ["dvc", "repro", "-q"],
    "doit": ["doit", "-n", "2", "-v", "0"],
    "pytask": ["pytask"],
}


def project(tool, shape, n, folder):
    files(shape, n, folder)
    WRITERS[tool](shape, n, folder)


def timed(tool, folder, limit):
    start = time.perf_counter()
    done = subprocess.run(
        ["/usr/bin/env", "time", "-f", "%M", "-o", str(folder / ".memory"), *COMMANDS[tool]],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=limit,
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise RuntimeError(f"{tool}: {done.stderr.decode()[-500:]}")
    return seconds, int((folder / ".memory").read_text().split()[-1])


def disturb(what, folder, turn):
    path = folder / "in/0.csv"
    if what == "touched":
        os.utime(path)
    elif what == "changed":
        path.write_text(f"id,value\n1,{1000 + turn}\n")


def measure(tools, shape, n, repeat, limit):
    results = {}
    with tempfile.TemporaryDirectory(prefix="dag-") as place:
        folders = {}
        for tool in tools:
            folders[tool] = Path(place) / tool
            try:
                project(tool, shape, n, folders[tool])
                results[tool, "full"] = [timed(tool, folders[tool], limit)]
                # Time stamps settle, so that no tool has to doubt them.
                time.sleep(0.3)
                timed(tool, folders[tool], limit)
            except (subprocess.TimeoutExpired, RuntimeError, OSError) as error:
                print(f"gave up {tool} at {shape} {n}: {str(error)[:300]}", file=sys.stderr)
                del folders[tool]
                shutil.rmtree(Path(place) / tool, ignore_errors=True)
        for what in ("nothing", "touched", "changed"):
            for turn in range(repeat):
                for tool, folder in list(folders.items()):
                    disturb(what, folder, turn)
                    try:
                        results.setdefault((tool, what), []).append(timed(tool, folder, limit))
                    except (subprocess.TimeoutExpired, RuntimeError) as error:
                        print(f"gave up {tool} at {shape} {n} {what}: {str(error)[:300]}", file=sys.stderr)
                        del folders[tool]
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("make")
    one.add_argument("shape", choices=["independent", "chain", "layered"])
    one.add_argument("n", type=int)
    one.add_argument("tool", choices=sorted(WRITERS))
    one.add_argument("folder", type=Path)
    many = commands.add_parser("run")
    many.add_argument("--sizes", default="100,1000,10000")
    many.add_argument("--shapes", default="independent,chain,layered")
    many.add_argument("--tools", default=",".join(WRITERS))
    many.add_argument("--repeat", type=int, default=5)
    many.add_argument("--limit", type=float, default=600, help="seconds after which a peer is given up")
    many.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "make":
        project(arguments.tool, arguments.shape, arguments.n, arguments.folder)
        return
    rows = []
    print("| shape | stages | tool | full build | nothing to do | touched | changed | memory, nothing to do |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in arguments.shapes.split(","):
        for n in map(int, arguments.sizes.split(",")):
            tools = [tool for tool in arguments.tools.split(",") if shutil.which(COMMANDS[tool][0])]
            results = measure(tools, shape, n, arguments.repeat, arguments.limit)
            for tool in tools:
                cells = []
                for what in ("full", "nothing", "touched", "changed"):
                    runs = results.get((tool, what))
                    middle = statistics.median(seconds for seconds, _ in runs) if runs else None
                    rows.append({"shape": shape, "n": n, "tool": tool, "what": what, "median": middle, "runs": runs})
                    cells.append(f"{middle:.3f} s" if runs else "–")
                memory = results.get((tool, "nothing"))
                cells.append(f"{max(kilobytes for _, kilobytes in memory) / 1024:.0f} MB" if memory else "–")
                print(f"| {shape} | {n:,} | {tool} | {' | '.join(cells)} |", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
