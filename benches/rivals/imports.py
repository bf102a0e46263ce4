"""Import of a city against ogr2ogr, side by side in one run.

    cd benches && python3 -m rivals.imports CHENGTU DELIVERIES

ogr2ogr writes each source of the deliveries to FlatGeobuf in EPSG:4326 with its index, one after the other, and to PostGIS with
COPY and GiST indexes where PostgreSQL is at hand (a table with bytes that no encoding has is mended for it first, which is not
counted); chengtu imports the same manifests whole: it also validates, repairs,
derives overviews, digests. City models (.city.json, .city.gml), which ogr2ogr cannot read, and the register are chengtu's alone:
its time counts them. Rasters are read by chengtu alone too. Prints wall seconds, the largest process and ratios. Everything is
written below a temporary folder and removed.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

from .postgis import Database


def sources(deliveries):
    seen = set()
    for manifest in sorted(deliveries.glob("*.toml")):
        for source in tomllib.loads(manifest.read_text()).get("source", []):
            key = (source["path"], source.get("gdal_layer"))
            if key not in seen and not is_alien(source["path"]):
                seen.add(key)
                yield manifest.parent / source["path"], source


def is_alien(path):
    """What ogr2ogr has no reader for."""
    return ".city." in path or path.endswith(".tif")


def client_encoding(path):
    """What PostgreSQL is told that GDAL sends: GDAL turns GBK into UTF-8 only where the file says that it is GBK."""
    table = path.with_suffix(".dbf") if path.suffix == ".shp" else path
    if table.suffix not in (".dbf", ".csv"):
        return {}
    head = table.read_bytes()[: 1 << 20]
    said = table.suffix == ".dbf" and (head[29] != 0 or path.with_suffix(".cpg").exists())
    try:
        head[:-4].decode("utf-8")
        told = True
    except UnicodeDecodeError as e:
        told = e.start > len(head) - 16
    return {} if said or told else {"PGCLIENTENCODING": "GB18030"}


def ogr2ogr(path, source, target, env=None):
    """One source to `target`: the arguments that say where and as what."""
    command = ["ogr2ogr", "-t_srs", "EPSG:4326", *target]
    if "crs" in source:
        command += ["-s_srs", source["crs"]]
    if "xy" in source:
        xy = source["xy"]
        command += ["-oo", f"X_POSSIBLE_NAMES={xy['x']}", "-oo", f"Y_POSSIBLE_NAMES={xy['y']}"]
    shown = f"/vsizip/{path}" if path.suffix == ".zip" else str(path)
    command += [shown] + ([source["gdal_layer"]] if "gdal_layer" in source else [])
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", env={**os.environ, **(env or {})}
    )
    if done.returncode:
        print(f"  ogr2ogr cannot: {path.name}: {done.stderr.strip().splitlines()[-1:]}")


def timed(work):
    os.sync()
    start = time.monotonic()
    work()
    return time.monotonic() - start


def to_flatgeobuf(deliveries, folder):
    for number, (path, source) in enumerate(sources(deliveries)):
        ogr2ogr(path, source, ["-f", "FlatGeobuf", f"{folder}/{number}.fgb"])


def readable(path, folder):
    """The file, or a copy of a table in UTF-8 without the bytes that no encoding has: COPY refuses a whole file for one of them."""
    if path.suffix != ".csv":
        return path, client_encoding(path)
    try:
        path.read_bytes().decode("gb18030" if client_encoding(path) else "utf-8")
        return path, client_encoding(path)
    except UnicodeDecodeError:
        copy = pathlib.Path(folder) / path.name
        copy.write_text(path.read_bytes().decode("gb18030", errors="replace"), encoding="utf-8")
        return copy, {}


def to_postgis(tables, database):
    for number, (source, (path, env)) in enumerate(tables):
        name = ["-nln", f"t{number}", "-lco", "SPATIAL_INDEX=GIST", "-lco", "UNLOGGED=ON", "-nlt", "GEOMETRY"]
        connection = f"PG:host={database.folder} user={database.user} dbname=postgres"
        ogr2ogr(path, source, ["--config", "PG_USE_COPY", "YES", "-f", "PostgreSQL", connection, *name], env)


def chengtu_import(program, deliveries, folder):
    """MiB of its largest process."""
    command = [program, "import", "--store", f"{folder}/store", *sorted(deliveries.glob("*.toml"))]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(run.pid, 0)
    if status:
        sys.exit(f"chengtu import failed with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1024


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, deliveries = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        files = timed(lambda: to_flatgeobuf(deliveries, folder))
        print(f"ogr2ogr to FlatGeobuf {files:7.1f} s")
        largest = []
        ours = timed(lambda: largest.append(chengtu_import(program, deliveries, folder)))
        print(f"chengtu               {ours:7.1f} s   (its largest process: {largest[0]:.0f} MiB)")
        print(f"ratio                 {ours / files:7.2f}")
        database = Database(os.path.join(folder, "db"))
        if not database.bin:
            return print("no PostgreSQL at hand: PostGIS is left out")
        os.chmod(folder, 0o755)
        os.mkdir(database.folder)
        database.start()
        try:
            database.psql("CREATE EXTENSION postgis")
            inputs = [(source, readable(path, folder)) for path, source in sources(deliveries)]
            tables = timed(lambda: to_postgis(inputs, database))
        finally:
            database.stop()
        print(f"ogr2ogr to PostGIS    {tables:7.1f} s")
        print(f"ratio                 {ours / tables:7.2f}")


if __name__ == "__main__":
    main()
