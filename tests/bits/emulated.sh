#!/usr/bin/env bash
# Makes the study on this processor and on an emulated one without AVX, FMA and BMI, and compares the digests of all tables.
# Needs the binary (`cargo build`) and qemu-user (Debian: apt-get install qemu-user). Takes a few minutes.
#
#   tests/bits/emulated.sh [PATH OF restudy]
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${1:-target/debug/restudy}
processor=${PROCESSOR:-Nehalem}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for kind in here emulated; do
    mkdir "$folder/$kind"
    cp -r pipeline.yaml stages data "$folder/$kind/"
done

program=$(realpath "$program")
digests() { python3 -c '
import json, sys
for stage in json.load(sys.stdin)["stages"]:
    for table in stage["tables"]:
        print(table["digest"], table["name"])'; }

(cd "$folder/here" && "$program" run && "$program" status --json | digests > ../here.txt)
(cd "$folder/emulated" && time qemu-x86_64 -cpu "$processor" "$program" run)
# Read by the program that was not emulated: the tables are what is compared, not how they are listed.
(cd "$folder/emulated" && "$program" status --json | digests > ../emulated.txt)

diff "$folder/here.txt" "$folder/emulated.txt"
echo "the same: $(wc -l < "$folder/here.txt") tables, here and on $processor"
