"""Runs the demonstration study's own SQL on patents over synthetic patents of any number, and measures seconds, memory and disk.

    cargo build
    python3 tests/benchmarks/patents.py [--patents 20000000] [--memory 2G] [--set counting=full …] [--keep]

The patents are made by a stage (a query over `generate_series`, written by key in blocks, so their number is not bounded by memory):
1.5 citations each to older patents, two applicants in a quarter of them, three in one of twenty, 284 cities, 1,200 subclasses,
seventeen years, and a fourth as many firms as patents, five million at most. `--input csv` writes the same patents as CSV files of a million rows each, which the
study's layout reads. The stages are copied from `pipeline.yaml` with their files; every one runs in a process of its own, with `limits: {memory: …}`.
"Peak" is the largest resident set of that process, which holds more than the limit counts: what is read and written, and the program itself.
"""

import argparse
import csv
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
INGESTED = ["cities", "names", "postcodes", "applicant_types"]
STAGES = [
    "patent_records", "transfer_records", "patent_localities", "locality_cities", "patent_ambiguous", "patent_places",
    "patent_applicants", "applicant_names", "applicants", "joint_patents", "patent_cities", "city_patents", "technology",
    "citations", "citation_means", "citation_cities", "diffusion", "patent_transfers", "patent_links",
]

# Numbers by chance: a multiplication modulo a prime for each purpose.
PLACES = """
  places:
    kind: sql
    query: >-
      select row_number() over (order by cities.code) - 1 as place, cities.code, cities.name, cities.province,
      min(postcodes.prefix) as prefix from cities join postcodes on postcodes.code = cities.code where cities.in_study
      group by cities.code, cities.name, cities.province
    key: [place]
"""
DRAWN = """
      with drawn as (select value as n, (value * 48271 + 11) % 2147483647 as a, (value * 69621 + 5) % 2147483647 as b,
      (value * 39373 + 7) % 2147483647 as c, (value * 62089911 + 3) % 2147483647 as d from generate_series(1, PATENTS)),
      dated as (select *, 12418 + n * 6100 / PATENTS as day, a % 284 as i, b % 284 as j, c % 284 as k from drawn)
"""
COLUMNS = """
      select cast(200000000000 + n as varchar) as patent, cast(extract(year from arrow_cast(cast(day + 500 as int), 'Date32')) as bigint) as year,
      arrow_cast(cast(day as int), 'Date32') as applied, arrow_cast(cast(day + 300 as int), 'Date32') as published,
      arrow_cast(cast(day + 500 as int), 'Date32') as granted,
      case d % 10 when 0 then '外观设计' when 1 then '实用新型' when 2 then '实用新型' when 3 then '实用新型' else '发明' end as kind,
      substr('ABCDEFGH', b % 8 + 1, 1) || lpad(cast(c % 30 + 1 as varchar), 2, '0') || substr('BCDFG', a % 5 + 1, 1)
      || cast(c % 99 + 1 as varchar) || '/' || lpad(cast(b % 90 as varchar), 2, '0') as classification,
      case when a % 5 < 2 then substr('ABCDEFGH', c % 8 + 1, 1) || lpad(cast(d % 30 + 1 as varchar), 2, '0') || 'B1/00' end as further_classes,
      replace(first.name, '市', '') || cast(a % FIRMS as varchar) || case b % 10 when 0 then '大学' when 1 then '研究所' else '科技有限公司' end
      || case when c % 4 = 0 then ';' || replace(second.name, '市', '') || cast(b % FIRMS as varchar) || '有限公司' else '' end
      || case when c % 20 = 0 then ';' || replace(third.name, '市', '') || cast(d % FIRMS as varchar) || '研究院' else '' end
      || case when c % 50 = 0 then ';张伟' else '' end as applicants,
      case when d % 300 > 0 then first.prefix || lpad(cast(b % 100 as varchar), 2, '0') || ' ' else '' end
      || case when first.province = first.name then '' else first.province end || first.name || '人民路' || cast(c % 999 as varchar) || '号' as address,
      case when a % 4 = 0 or n < 10 then null else cast(200000000001 + b % (n - 1) as varchar)
      || case when a % 4 > 1 then ';' || cast(200000000001 + c % (n - 1) as varchar) else '' end
      || case when a % 4 > 2 then ';' || cast(200000000001 + d % (n - 1) as varchar) else '' end end as cited
      from places as third right join (places as second right join (places as first right join dated on dated.i = first.place)
      on second.place = dated.j) on third.place = dated.k
"""
TRANSFERS = """
      select distinct cast(200000000000 + 1 + (value * 48271 % 2147483647) % PATENTS as varchar) as patent,
      arrow_cast(cast(19000 - value % 900 as int), 'Date32') as effective, '甲有限公司' as owner_before,
      places.name || cast(value % 1000 as varchar) || '有限公司' as owner_after, places.province || places.name as address_after
      from places right join (select value from generate_series(1, PATENTS / 40)) on places.place = value % 284
"""


def block(text, name):
    """The lines of a stage or source of the pipeline."""
    found = re.search(rf"^  {name}:\n(?:    .*\n|\n)+", text, re.M)
    if not found:
        sys.exit(f"`pipeline.yaml` has no `{name}`")
    return re.sub(r"    check:\n(?:      .*\n)+", "", found.group(0)).rstrip("\n") + "\n"


def pipeline(options, ingest):
    """The study's stages on patents, below those that are made here; without the files of patents until these are written."""
    study = (ROOT / "pipeline.yaml").read_text()
    head, stages = study.split("\nstages:\n")
    params = re.search(r"^params:\n(?:  .*\n)+", head, re.M).group(0)
    text = "restudy: 1\nstudy: {name: patents, title: {en: patents}, seed: 1}\n" + params + "sources:\n"
    text += "".join(block(head + "\n", name) for name in INGESTED)
    if ingest:
        text += block(head + "\n", "patents")
    text += "stages:\n" + "".join(block(stages, name) for name in INGESTED) + PLACES
    firms = max(1, min(options.patents // 4, 5_000_000) // 284)
    fill = lambda query: query.replace("PATENTS", str(options.patents)).replace("FIRMS", str(firms)).strip("\n")
    limit = f"    limits: {{memory: {options.memory}}}\n" if options.memory else ""
    made = "made" if options.input == "csv" else "patents"
    text += f"  {made}:\n    kind: sql\n    query: >-\n{fill(DRAWN + COLUMNS)}\n    key: [patent]\n{limit}"
    if ingest:
        text += block(stages, "patents")
    elif options.input == "csv":
        return text
    text += f"  transfers:\n    kind: sql\n    query: >-\n{fill(TRANSFERS)}\n    key: [patent, effective, owner_after]\n{limit}"
    text += "  city_years:\n    kind: sql\n    query: select cities.code as city, value as year from cities cross join generate_series(2007, 2020) where cities.in_study\n    key: [city, year]\n"
    return text + "".join(block(stages, name) + limit for name in STAGES)


def timed(command, folder):
    """Seconds, processor seconds and the largest resident set in GB of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    talk = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)}: {talk}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def write_csv(restudy, folder, total):
    """The made patents as files of a million rows, encoded and named as the study's layout expects them."""
    header = ["申请号", "申请日", "公开日", "授权日", "专利类型", "主分类号", "副分类号", "申请人", "地址", "引用专利"]
    (folder / "data/patents").mkdir(parents=True)
    for chunk, first in enumerate(range(1, total + 1, 1_000_000)):
        last = min(first + 999_999, total)
        where = f"patent between '{200000000000 + first}' and '{200000000000 + last}'"
        command = [restudy, "show", "made", "--where", where, "--limit", str(last - first + 1), "--format", "csv"]
        rows = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
        # The year stands in the file's name; it is that of the first row, and only `patent_year` counts.
        with open(folder / f"data/patents/patents_{2004 + chunk}.csv", "w", encoding="gb18030", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            for row in csv.reader(rows[1:]):
                writer.writerow([row[0], *row[2:]])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("stages", nargs="*", default=STAGES)
    parser.add_argument("--patents", type=int, default=20_000_000)
    parser.add_argument("--memory", default="2G", help="limit of every stage, such as 1G; empty for none")
    parser.add_argument("--input", choices=["sql", "csv"], default="sql")
    parser.add_argument("--set", action="append", default=[], help="a parameter of the study, NAME=VALUE")
    parser.add_argument("--folder", help="an empty folder to work in; by default one for temporary files")
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    parser.add_argument("--restudy", default=str(ROOT / "target/debug/restudy"))
    options = parser.parse_args()

    folder = pathlib.Path(options.folder or tempfile.mkdtemp(prefix="patents"))
    for part in ["stages", "data/admin", "data/dictionaries"]:
        shutil.copytree(ROOT / part, folder / part, dirs_exist_ok=True)
    (folder / "pipeline.yaml").write_text(pipeline(options, ingest=False))
    settings = [argument for value in options.set for argument in ("--set", value)]
    print("| stage | seconds | processor seconds | peak, GB |\n|---|---|---|---|", flush=True)
    before = ["made", "patents"] if options.input == "csv" else ["patents"]
    most = total = 0
    for stage in before + ["transfers"] + options.stages:
        seconds, used, peak = timed([options.restudy, "run", stage, "-j", "1", *settings], folder)
        print(f"| `{stage}` | {seconds:.1f} | {used:.1f} | {peak:.2f} |", flush=True)
        total, most = total + seconds, max(most, peak)
        if stage == "made":
            write_csv(options.restudy, folder, options.patents)
            (folder / "pipeline.yaml").write_text(pipeline(options, ingest=True))
    store = sum(file.stat().st_size for file in (folder / ".restudy").rglob("*") if file.is_file())
    print(f"| together | {total:.1f} | | {most:.2f} |\n\n{store / 1e9:.2f} GB on disk")
    if not options.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
