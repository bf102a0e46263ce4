#!/usr/bin/env python3
"""The components of a sample city several times over, as deliveries whose codes differ: for weighing imports and larger cities.

    benches/times.py DELIVERIES OUT COPIES [METRES]

writes OUT/components.toml and its tables from DELIVERIES, up to 16 copies, each METRES further north than the one before (0: all in one
place); then /usr/bin/time -v chengtu import --store STORE OUT/components.toml
"""
import re
import shutil
import sys
from pathlib import Path

COLUMNS = {"key": "部件标识码", "north": "X坐标"}


def gbk(text):
    """As it stands in the file, byte for character: a census has bytes that no encoding has."""
    return text.encode("gb18030").decode("latin-1")


def copied(source, target, copy, metres):
    """One table with codes and places of its own."""
    with open(source, encoding="latin-1", newline="") as rows, open(target, "w", encoding="latin-1", newline="") as out:
        head = next(rows)
        out.write(head)
        names = head.split(",")
        key, north = (names.index(gbk(COLUMNS[c])) for c in ("key", "north"))
        for row in rows:
            cells = row.split(",")
            # The last six digits count the components of a class in a district: the first of them is free.
            code = cells[key]
            cells[key] = code if len(code) != 16 else f"{code[:10]}{copy:X}{code[11:]}"
            cells[north] = moved(cells[north], copy * metres)
            out.write(",".join(cells))


def moved(text, metres):
    try:
        return f"{float(text) + metres:.3f}" if metres else text
    except ValueError:
        return text


def times(source, out, copies, metres=0):
    """Writes the deliveries; the manifest's path."""
    source, out = Path(source), Path(out)
    head, *sources = (source / "components.toml").read_text(encoding="utf-8").split("[[source]]")
    table = next(s for s in sources if "encoding" in s)
    path = re.search(r'^path = "(.*)"', table, re.M).group(1)
    folder = out / Path(path).parent
    folder.mkdir(parents=True, exist_ok=True)
    for extra in (source / path).parent.glob("*.csv"):
        if extra.name != Path(path).name:
            shutil.copy(extra, folder)
    written = head
    for copy in range(copies):
        name = path.replace(".csv", f"-{copy}.csv")
        copied(source / path, out / name, copy, metres)
        written += "[[source]]" + re.sub(r'^id = "(.*)"', rf'id = "\1-{copy}"', table, flags=re.M).replace(path, name)
    manifest = out / "components.toml"
    manifest.write_text(written, encoding="utf-8")
    return manifest


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    times(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]) if len(sys.argv) == 5 else 0)
