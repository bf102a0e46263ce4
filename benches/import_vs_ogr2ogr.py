#!/usr/bin/env python3
"""Import of a city against ogr2ogr, side by side in one run.

    benches/import_vs_ogr2ogr.py CHENGTU DELIVERIES

ogr2ogr writes each source of the deliveries to FlatGeobuf in EPSG:4326 with its index, one after the other;
chengtu imports the same manifests whole: it also validates, repairs, derives overviews, digests. City models
(.city.json, .city.gml), which ogr2ogr cannot read, and the register are chengtu's alone: its time counts them. Prints
wall seconds, peak memory and the ratio. Everything is written below a temporary folder and removed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib


def sources(deliveries):
    seen = set()
    for manifest in sorted(deliveries.glob("*.toml")):
        for source in tomllib.loads(manifest.read_text()).get("source", []):
            key = (source["path"], source.get("gdal_layer"))
            if key not in seen and not is_model(source["path"]):
                seen.add(key)
                yield manifest.parent / source["path"], source


def is_model(path):
    return ".city." in path


def ogr2ogr(path, source, out):
    command = ["ogr2ogr", "-f", "FlatGeobuf", "-t_srs", "EPSG:4326", str(out)]
    if "crs" in source:
        command += ["-s_srs", source["crs"]]
    if "xy" in source:
        xy = source["xy"]
        command += ["-oo", f"X_POSSIBLE_NAMES={xy['x']}", "-oo", f"Y_POSSIBLE_NAMES={xy['y']}"]
    shown = f"/vsizip/{path}" if path.suffix == ".zip" else str(path)
    command += [shown] + ([source["gdal_layer"]] if "gdal_layer" in source else [])
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print(f"  ogr2ogr cannot: {path.name}: {done.stderr.strip().splitlines()[-1:]}")


def main():
    chengtu, deliveries = sys.argv[1], pathlib.Path(sys.argv[2])
    work = pathlib.Path(tempfile.mkdtemp())
    try:
        os.sync()
        start = time.monotonic()
        for number, (path, source) in enumerate(sources(deliveries)):
            ogr2ogr(path, source, work / f"{number}.fgb")
        theirs = time.monotonic() - start
        print(f"ogr2ogr  {theirs:7.1f} s")
        os.sync()
        manifests = sorted(deliveries.glob("*.toml"))
        start = time.monotonic()
        command = [chengtu, "import", "--store", str(work / "store"), *manifests]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
        ours = time.monotonic() - start
        if status:
            sys.exit(f"chengtu import failed with {os.waitstatus_to_exitcode(status)}")
        print(f"chengtu  {ours:7.1f} s   (its largest process: {usage.ru_maxrss / 1024:.0f} MiB)")
        print(f"ratio    {ours / theirs:7.2f}")
    finally:
        shutil.rmtree(work)


main()
