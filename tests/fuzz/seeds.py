"""Makes the seeds of the fuzz targets from the fixtures of the readers: `python3 seeds.py FOLDER`."""

import pathlib
import shutil
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parents[1] / "src/readers/fixtures"
SPLIT = b"\n=====PART "

folder = pathlib.Path(sys.argv[1])
for target in ("container", "csv", "dta", "jsonl", "text", "workbook"):
    (folder / target).mkdir(parents=True, exist_ok=True)
for path in sorted(FIXTURES.iterdir()):
    if path.suffix == ".dta":
        shutil.copy(path, folder / "dta" / path.name)
    if path.suffix in (".xls", ".xlsx", ".xlsb", ".ods", ".xz"):
        shutil.copy(path, folder / "container" / path.name)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            parts = [SPLIT + name.encode() + b"\n" + archive.read(name) for name in archive.namelist()]
        (folder / "workbook" / path.name).write_bytes(b"".join(parts))

TABLE = "city,year,gdp,date,flag\n北京,2011,\"1,500.5\",2011-03-01,是\n\"襄阳\n市\",2012,—,2012年3月1日,0\n合计,２０１３,1e5,40603,n\n"
for name, encoding in (("utf8", "utf-8"), ("bom", "utf-8-sig"), ("gb", "gb18030"), ("big5", "big5"), ("utf16", "utf-16")):
    table = TABLE if name != "big5" else TABLE.replace("阳", "陽").replace("计", "計").replace("，", ",")
    (folder / "csv" / name).write_bytes(table.encode(encoding, "replace"))
    (folder / "text" / name).write_bytes(table.encode(encoding, "replace"))
(folder / "jsonl" / "lines").write_bytes(
    '{"city": "北京", "year": 2011, "gdp": 1.5e3, "date": "2011-03-01", "flag": true}\n'
    '{"city": "\\u8944\\ud83d\\ude00", "year": "2012", "gdp": null, "date": 40603, "flag": 0}\n'.encode()
)
