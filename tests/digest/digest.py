#!/usr/bin/env python3
"""The digests of a table, written from docs/digest.md: a second opinion on what restudy keeps.

    digest.py vectors                        recomputes vectors.json beside this file
    digest.py FILE.parquet --key city,year   prints the digests of one file
    digest.py check                          the same for many: lines of JSON on stdin, {"name", "path", "key", "digest"}

Reads the values with pyarrow and turns each into bytes by itself: no buffer of Arrow is hashed. Slow, and meant to be obvious.
"""

import argparse
import json
import struct
import sys
from pathlib import Path

import blake3
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK = 65_536
VECTORS = Path(__file__).with_name("vectors.json")


def text(value):
    data = value.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def bitmap(bits):
    data = bytearray((len(bits) + 7) // 8)
    for i, bit in enumerate(bits):
        if bit:
            data[i // 8] |= 1 << (i % 8)
    return bytes(data)


def float_bits(value):
    if value != value:
        return bytes.fromhex("7ff8000000000000")[::-1]
    return struct.pack("<d", 0.0 if value == 0.0 else value)


def block_of_values(kind, values):
    """The values of one block; `None` is missing. Floats are Python floats, dates are days."""
    if kind == "bool":
        return bitmap([value is True for value in values])
    if kind == "int":
        return b"".join(struct.pack("<q", 0 if value is None else value) for value in values)
    if kind == "float":
        return b"".join(bytes(8) if value is None else float_bits(value) for value in values)
    if kind == "date":
        return b"".join(struct.pack("<i", 0 if value is None else value) for value in values)
    if kind == "text":
        texts = [b"" if value is None else value.encode("utf-8") for value in values]
        return b"".join(struct.pack("<I", len(data)) for data in texts) + b"".join(texts)
    raise ValueError(f"no type {kind}")


def column_digest(kind, values):
    hasher = blake3.blake3(text("restudy column 2") + text(kind))
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        if any(value is None for value in block):
            hasher.update(b"\x01" + bitmap([value is not None for value in block]))
        else:
            hasher.update(b"\x00")
        hasher.update(block_of_values(kind, block))
    hasher.update(struct.pack("<Q", len(values)))
    return hasher.digest()


def table_digests(key, columns, rows):
    """`columns` are names, types and values, in the order of the file."""
    digests = {name: column_digest(kind, values) for name, kind, values in columns}
    hasher = blake3.blake3(text("restudy rows 2") + struct.pack("<Q", len(key)))
    for name in key:
        hasher.update(text(name) + digests[name])
    hasher.update(struct.pack("<Q", rows))
    rows_digest = hasher.hexdigest()
    hasher = blake3.blake3(text("restudy table 2") + struct.pack("<Q", len(key)))
    for name in key:
        hasher.update(text(name))
    hasher.update(text(rows_digest) + struct.pack("<Q", len(columns)))
    for name, kind, _ in columns:
        hasher.update(text(name) + text(kind) + text(digests[name].hex()))
    return {
        "columns": {name: digest.hex() for name, digest in digests.items()},
        "rows_digest": rows_digest,
        "digest": hasher.hexdigest(),
    }


def type_name(data_type):
    if pa.types.is_dictionary(data_type):
        return type_name(data_type.value_type)
    for name, test in {
        "bool": pa.types.is_boolean,
        "int": pa.types.is_int64,
        "float": pa.types.is_float64,
        "date": pa.types.is_date32,
        "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind),
    }.items():
        if test(data_type):
            return name
    raise ValueError(f"{data_type} is no type of a stored table")


def file_digests(path, key):
    # As a file object: pyarrow takes a name without an extension for a folder.
    with open(path, "rb") as file:
        table = pq.read_table(file)
    columns = []
    for field in table.schema:
        kind = type_name(field.type)
        column = table.column(field.name)
        if kind == "date":
            column = column.cast(pa.int32())
        columns.append((field.name, kind, column.to_pylist()))
    return table.num_rows, table_digests(key, columns, table.num_rows)


def made_values(column, rows):
    if "count_from" in column:
        return list(range(column["count_from"], column["count_from"] + rows))
    values = column.get("values") or column.get("repeat") or []
    if column["type"] == "float":
        values = [struct.unpack(">d", bytes.fromhex(value))[0] if isinstance(value, str) else value for value in values]
    if "repeat" in column:
        return [values[row % len(values)] for row in range(rows)]
    return values


def vectors(write):
    tables = json.loads(VECTORS.read_text(encoding="utf-8"))
    wrong = 0
    for table in tables:
        columns = [(one["name"], one["type"], made_values(one, table["rows"])) for one in table["columns"]]
        for name, _, values in columns:
            if len(values) != table["rows"]:
                raise ValueError(f"{table['name']}: `{name}` has {len(values)} values, not {table['rows']}")
        found = table_digests(table["key"], columns, table["rows"])
        if write:
            for one in table["columns"]:
                one["digest"] = found["columns"][one["name"]]
            table.update(rows_digest=found["rows_digest"], digest=found["digest"])
            continue
        for one in table["columns"]:
            wrong += differs(f"{table['name']}: column {one['name']}", one["digest"], found["columns"][one["name"]])
        for what in ("rows_digest", "digest"):
            wrong += differs(f"{table['name']}: {what}", table[what], found[what])
    if write:
        lines = ",\n".join(" " + json.dumps(table, ensure_ascii=False) for table in tables)
        VECTORS.write_text(f"[\n{lines}\n]\n".replace(', {"name"', ',\n   {"name"').replace('[{"name"', '[\n   {"name"'), encoding="utf-8")
        return 0
    print(f"{len(tables)} tables, {wrong} digests differ")
    return wrong


def differs(what, said, found):
    if said != found:
        print(f"{what}: {said} said, {found} found", file=sys.stderr)
    return said != found


def check():
    tables = [json.loads(line) for line in sys.stdin]
    wrong = 0
    for table in tables:
        _, found = file_digests(table["path"], table["key"])
        wrong += differs(table["name"], table["digest"], found["digest"])
    print(f"{len(tables)} tables, {wrong} digests differ")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", help="`vectors`, `check`, or a Parquet file")
    parser.add_argument("--key", default="", help="names of the key columns, separated by commas")
    parser.add_argument("--write", action="store_true", help="with `vectors`: put the digests found into the file")
    arguments = parser.parse_args()
    if arguments.what == "vectors":
        sys.exit(1 if vectors(arguments.write) else 0)
    if arguments.what == "check":
        sys.exit(1 if check() else 0)
    key = [name for name in arguments.key.split(",") if name]
    rows, found = file_digests(arguments.what, key)
    print(f"{found['digest']}  table, {rows} rows, key [{', '.join(key)}]")
    print(f"{found['rows_digest']}  rows")
    for name, digest in found["columns"].items():
        print(f"{digest}  column {name}")


if __name__ == "__main__":
    main()
