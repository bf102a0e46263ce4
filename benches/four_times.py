#!/usr/bin/env python3
"""The components of a sample city four times over, as four deliveries whose codes differ: for weighing the import.

benches/four_times.py DELIVERIES OUT   writes OUT/components.toml and its tables from DELIVERIES; then
/usr/bin/time -v chengtu import --store STORE OUT/components.toml   (its figure is the largest process, children too)
"""
import re
import shutil
import sys
from pathlib import Path

source, out = Path(sys.argv[1]), Path(sys.argv[2])
manifest = (source / "components.toml").read_text(encoding="utf-8")
head, *sources = manifest.split("[[source]]")
table = next(s for s in sources if "encoding" in s)
path = re.search(r'^path = "(.*)"', table, re.M).group(1)
folder = out / Path(path).parent
folder.mkdir(parents=True, exist_ok=True)
for extra in (source / path).parent.glob("*.csv"):
    if extra.name != Path(path).name:
        shutil.copy(extra, folder)
# Bytes as they are: a census has some that no encoding has.
written = head
for copy in "1234":
    name = path.replace(".csv", f"-{copy}.csv")
    with open(source / path, encoding="latin-1", newline="") as rows, \
            open(out / name, "w", encoding="latin-1", newline="") as copied:
        columns = next(rows)
        copied.write(columns)
        key = columns.split(",").index("部件标识码".encode("gb18030").decode("latin-1"))
        for row in rows:
            cells = row.split(",")
            # The last ten digits count the components of a class: the first of them is free.
            code = cells[key]
            cells[key] = code if len(code) != 16 else f"{code[:10]}{copy}{code[11:]}"
            copied.write(",".join(cells))
    id_of_copy = re.sub(r'^id = "(.*)"', rf'id = "\1-{copy}"', table, flags=re.M)
    written += "[[source]]" + id_of_copy.replace(path, name)
(out / "components.toml").write_text(written, encoding="utf-8")
