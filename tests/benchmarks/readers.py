"""Times the reading of large files as a stage of a study, and in programs that do part of the same.

    cargo build
    python3 -m venv peers && peers/bin/pip install duckdb polars python-calamine openpyxl xlsxwriter      # anywhere
    peers/bin/python tests/benchmarks/readers.py [--pairs 3] [--megabytes 1000] [--rows 100000] [csv shuffled jsonl xlsx yearbook]

`csv`: a GB18030 file of patents, in the order of its key, to Parquet. restudy decodes, checks every value and the key, keeps the
origin of every row and digests every column. DuckDB and Polars cannot read the encoding: `iconv` makes UTF-8 of it first, then they
copy it to Parquet with the types given, without order and without checks. `shuffled`: the same rows in no order, which DuckDB and
Polars are asked to sort. `jsonl`: the same rows as JSON lines in UTF-8, which need no transcoding.
`xlsx`: a sheet of numbers and texts with 20 columns; `yearbook` (with `--yearbook FILE…`): files given. The others read the values only.

Whole processes, in turn, all with as many threads as there are processors; restudy in a fresh store each time. Prints medians of
seconds, of processor seconds, and of the largest memory of a process, and the ratio restudy / other of each round.
"""

import argparse
import json
import os
import pathlib
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

PIPELINE = """restudy: 1
study: {{name: readers, title: {{en: readers}}, seed: 1}}
sources:
  raw: {{path: {path}, licence: none, citation: none}}
stages:
  rows: {{kind: ingest, from: raw, layout: layout.yaml, key: {key}}}
"""

PATENTS = [
    ("patent", "申请号", "text", "VARCHAR", "String"),
    ("applied", "申请日", "date", "DATE", "Date"),
    ("granted", "授权日", "date", "DATE", "Date"),
    ("kind", "专利类型", "text", "VARCHAR", "String"),
    ("classification", "主分类号", "text", "VARCHAR", "String"),
    ("applicants", "申请人", "text", "VARCHAR", "String"),
    ("address", "地址", "text", "VARCHAR", "String"),
    ("claims", "权利要求数", "int", "BIGINT", "Int64"),
    ("cited", "被引次数", "int", "BIGINT", "Int64"),
    ("value", "评估价值", "float", "DOUBLE", "Float64"),
]

DUCKDB_CSV = """
import sys, duckdb
c = duckdb.connect()
c.execute(f"set threads={sys.argv[1]}")
c.execute(f"copy (select * from read_csv('{sys.argv[2]}', header=true, columns={sys.argv[4]}) {sys.argv[5]}) to '{sys.argv[3]}' (format parquet)")
"""

DUCKDB_JSON = """
import sys, duckdb
c = duckdb.connect()
c.execute(f"set threads={sys.argv[1]}")
c.execute(f"copy (select * from read_json('{sys.argv[2]}', format='newline_delimited', columns={sys.argv[4]}) {sys.argv[5]}) to '{sys.argv[3]}' (format parquet)")
"""

POLARS_CSV = """
import sys, json, polars as pl
schema = {name: getattr(pl, kind) for name, kind in json.loads(sys.argv[3]).items()}
rows = pl.scan_csv(sys.argv[1], schema=schema)
if sys.argv[4]:
    rows = rows.sort(sys.argv[4])
rows.sink_parquet(sys.argv[2])
"""

POLARS_JSON = """
import sys, json, polars as pl
schema = {name: getattr(pl, kind) for name, kind in json.loads(sys.argv[3]).items()}
text = {name: pl.String if kind == pl.Date else kind for name, kind in schema.items()}
rows = pl.scan_ndjson(sys.argv[1], schema=text).with_columns(pl.col([n for n, k in schema.items() if k == pl.Date]).str.to_date())
rows.sink_parquet(sys.argv[2])
"""

CALAMINE = """
import sys
from python_calamine import CalamineWorkbook
for path in sys.argv[1:]:
    book = CalamineWorkbook.from_path(path)
    print(sum(len(row) for row in book.get_sheet_by_index(0).to_python()))
"""

OPENPYXL = """
import sys, openpyxl
for path in sys.argv[1:]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    print(sum(len(row) for row in book.worksheets[0].iter_rows(values_only=True)))
"""

# Runs a command and prints the largest memory of its process, in kilobytes, after what it used.
MEASURE = """
import json, os, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
import resource
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stderr[-2000:], used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


def timed(*commands, folder):
    """Seconds, processor seconds and the largest memory in MB of commands that run one after the other."""
    seconds, work, memory = 0, 0, 0
    for command in commands:
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", MEASURE, *command], cwd=folder, capture_output=True, text=True)
        code, words, used, kilobytes = json.loads(done.stdout)
        if code != 0:
            sys.exit(f"{command}: {words}")
        seconds += time.perf_counter() - start
        work += used
        memory = max(memory, kilobytes / 1000)
    return seconds, work, memory


def rows(count):
    """Rows of patents, in the order of their numbers."""
    chance = random.Random(1)
    hanzi = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处理世车城县省街号室楼"
    word = lambda least, most: "".join(chance.choices(hanzi, k=chance.randint(least, most)))
    kinds = ["发明专利", "实用新型", "外观设计"]
    applicants = [f"{word(2, 4)}{word(2, 6)}有限公司" for _ in range(20_000)]
    streets = [f"{word(2, 3)}省{word(2, 3)}市{word(2, 3)}区{word(2, 4)}路" for _ in range(20_000)]
    days = [f"{2001 + day // 336}-{1 + day // 28 % 12:02}-{1 + day % 28:02}" for day in range(336 * 20)]
    pick = chance.random
    for number in range(count):
        one = applicants[int(pick() * 20_000)]
        if pick() < 0.2:
            one = f"{one};{applicants[int(pick() * 20_000)]}"
        address = f"{streets[int(pick() * 20_000)]}{int(pick() * 2000)}号"
        odd = pick()
        if odd < 0.1:
            address = f"{address},{int(pick() * 30)}楼"
        elif odd < 0.11:
            address = f'{address}"科技园"'
        day = int(pick() * 6000)
        yield (
            f"CN{100000000 + number}",
            days[day],
            days[day + int(pick() * 700)] if pick() < 0.9 else "",
            kinds[int(pick() * 3)],
            f"{'ABCDEFGH'[int(pick() * 8)]}{int(pick() * 99):02}{'BCDFGHKLMN'[int(pick() * 10)]}{int(pick() * 99)}/{int(pick() * 99):02}",
            one,
            address,
            str(int(pick() * 30)),
            str(int(pick() * pick() * 200)) if pick() < 0.7 else "",
            f"{pick() * 1000:.2f}",
        )


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text


def write_csv(path, megabytes, shuffled):
    header = ",".join(name for _, name, *_ in PATENTS)
    if shuffled:
        lines = [",".join(map(quoted, row)) for row in rows(megabytes * 1_000_000 // 118)]
        random.Random(2).shuffle(lines)
    else:
        lines = (",".join(map(quoted, row)) for row in rows(megabytes * 1_000_000 // 118))
    with open(path, "w", encoding="gb18030", newline="") as file:
        file.write(header + "\r\n")
        for line in lines:
            file.write(line + "\r\n")


def write_jsonl(path, megabytes):
    kinds = [kind for _, _, kind, *_ in PATENTS]
    names = [json.dumps(name) for name, *_ in PATENTS]
    with open(path, "w", encoding="utf-8", newline="") as file:
        for row in rows(megabytes * 1_000_000 // 270):
            members = (
                f"{name}: {'null' if text == '' else text if kind in ('int', 'float') else json.dumps(text, ensure_ascii=False)}"
                for name, kind, text in zip(names, kinds, row)
            )
            file.write("{" + ", ".join(members) + "}\n")


def write_xlsx(path, count):
    import xlsxwriter

    chance = random.Random(3)
    words = ["".join(chance.choices("城市人口生产总值工业农业", k=4)) for _ in range(500)]
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet("Sheet1")
    sheet.write_row(0, 0, [f"列{column:02}" for column in range(20)])
    for row in range(1, count + 1):
        sheet.write_row(row, 0, [row, *chance.choices(words, k=3), *[round(chance.random() * 1e6, 2) for _ in range(16)]])
    book.close()


class Study:
    """A study of one ingest, run in a fresh store."""

    def __init__(self, folder, restudy, name, path, key, layout):
        self.restudy, self.folder = restudy, folder / name
        self.folder.mkdir()
        (self.folder / "data").mkdir()
        for file in path if isinstance(path, list) else [path]:
            (self.folder / "data" / pathlib.Path(file).name).symlink_to(pathlib.Path(file).resolve())
        (self.folder / "pipeline.yaml").write_text(PIPELINE.format(path="data/*", key=json.dumps(key)))
        (self.folder / "layout.yaml").write_text(layout)

    def run(self):
        shutil.rmtree(self.folder / ".restudy", ignore_errors=True)
        return timed([self.restudy, "run", "rows"], folder=self.folder)


def compare(name, pairs, ours, others):
    """Runs all in turn and prints a line for each."""
    results = {"restudy": [], **{other: [] for other in others}}
    for _ in range(pairs):
        results["restudy"].append(ours())
        for other, run in others.items():
            results[other].append(run())
    median = lambda program, at: statistics.median(result[at] for result in results[program])
    for program in results:
        line = f"| {name} | {program} | {median(program, 0):.2f} s | {median(program, 1):.2f} s | {median(program, 2):.0f} MB |"
        if program != "restudy":
            for at in range(2):
                ratios = [mine[at] / other[at] for mine, other in zip(results["restudy"], results[program])]
                line += f" {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        else:
            line += " | |"
        print(line, flush=True)


def patents_layout(head, source):
    lines = [f"  {name}: {{{source}: {name if source == 'field' else chinese}, type: {kind}}}" for name, chinese, kind, *_ in PATENTS]
    return head + "columns:\n" + "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=["csv", "shuffled", "jsonl", "xlsx"])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the text files")
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the sheet")
    parser.add_argument("--yearbook", nargs="*", default=[], help="workbooks of the case `yearbook`")
    parser.add_argument("--yearbook-layout", default=str(ROOT / "stages/ingest/yearbook.yaml"))
    parser.add_argument("--restudy", default=str(ROOT / "target/debug/restudy"))
    parser.add_argument("--only", action="store_true", help="restudy alone")
    parser.add_argument("--folder", help="where files are made and kept for the next time")
    options = parser.parse_args()
    threads = str(os.cpu_count())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="readers", dir=options.folder))
    kept = pathlib.Path(options.folder) if options.folder else folder
    python = sys.executable
    sql = "{" + ", ".join(f"'{name}': '{kind}'" for name, _, _, kind, _ in PATENTS) + "}"
    polars = json.dumps({name: kind for name, *_, kind in PATENTS})
    polars_csv = json.dumps({name: kind for _, name, *_, kind in PATENTS})
    out = str(folder / "peer.parquet")

    def made(name, write, *arguments):
        path = kept / name
        if not path.exists():
            write(path, *arguments)
        return path

    print("| file | program | seconds | processor | memory | ratio of seconds | of processor |\n|---|---|---|---|---|---|---|", flush=True)
    for case in options.cases:
        others = {}
        if case in ("csv", "shuffled"):
            path = made(f"{case}_{options.megabytes}.csv", write_csv, options.megabytes, case == "shuffled")
            layout = patents_layout("format: csv\nencoding: gb18030\nheader: {contains: [申请号]}\n", "header")
            study = Study(folder, options.restudy, case, path, ["patent"], layout)
            plain = str(folder / "utf8.csv")
            recode = ["iconv", "-f", "GB18030", "-t", "UTF-8", "-o", plain, str(path)]
            order = "order by patent" if case == "shuffled" else ""
            duckdb = [python, "-c", DUCKDB_CSV, threads, plain, out, sql, order]
            by = "申请号" if case == "shuffled" else ""
            others["iconv, DuckDB"] = lambda recode=recode, then=duckdb: timed(recode, then, folder=folder)
            sink = [python, "-c", POLARS_CSV, plain, out, polars_csv, by]
            others["iconv, Polars"] = lambda recode=recode, then=sink: timed(recode, then, folder=folder)
        elif case == "jsonl":
            path = made(f"rows_{options.megabytes}.jsonl", write_jsonl, options.megabytes)
            study = Study(folder, options.restudy, case, path, ["patent"], patents_layout("format: jsonl\n", "field"))
            others["DuckDB"] = lambda p=path: timed([python, "-c", DUCKDB_JSON, threads, str(p), out, sql, ""], folder=folder)
            others["Polars"] = lambda p=path: timed([python, "-c", POLARS_JSON, str(p), out, polars], folder=folder)
        elif case == "xlsx":
            path = made(f"sheet_{options.rows}.xlsx", write_xlsx, options.rows)
            columns = ["  id: {header: 列00, type: int}"]
            columns += [f"  t{at}: {{header: 列{at:02}, type: text}}" for at in range(1, 4)]
            columns += [f"  x{at}: {{header: 列{at:02}, type: float}}" for at in range(4, 20)]
            layout = "format: spreadsheet\nheader: {contains: [列00]}\ncolumns:\n" + "\n".join(columns) + "\n"
            study = Study(folder, options.restudy, case, path, ["id"], layout)
            others["python-calamine"] = lambda p=path: timed([python, "-c", CALAMINE, str(p)], folder=folder)
            others["openpyxl"] = lambda p=path: timed([python, "-c", OPENPYXL, str(p)], folder=folder)
        else:
            layout = pathlib.Path(options.yearbook_layout).read_text()
            study = Study(folder, options.restudy, case, options.yearbook, ["city", "year"], layout)
            others["python-calamine"] = lambda: timed([python, "-c", CALAMINE, *options.yearbook], folder=folder)
            others["openpyxl"] = lambda: timed([python, "-c", OPENPYXL, *options.yearbook], folder=folder)
        compare(f"{case}, {sum(os.path.getsize(f) for f in (options.yearbook if case == 'yearbook' else [path])) / 1e6:.0f} MB",
                options.pairs, study.run, {} if options.only else others)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
