#!/usr/bin/env python3
"""Unit-grid lookups a second: chengtu's territory index against PostGIS ST_Covers with a GiST index, same grids, same
points, one run.

    benches/owner_vs_postgis.py OWNER-BENCH STORE

OWNER-BENCH is the program of benches/owner. Needs PostgreSQL with PostGIS (Debian: postgresql-15-postgis-3); as root the
database runs as the user postgres. The database is made in a temporary folder, listens on a Unix socket alone and is
stopped at the end.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

from rivals.postgis import Database

ROUNDS = 3
SQL_LOAD = """
CREATE EXTENSION postgis;
CREATE TABLE grids (id int, wkt text);
COPY grids FROM '{dir}/grids.csv' (DELIMITER '|');
ALTER TABLE grids ADD geom geometry(Polygon, 4490);
UPDATE grids SET geom = ST_SetSRID(wkt::geometry, 4490);
CREATE INDEX ON grids USING gist (geom);
CREATE TABLE points (x float8, y float8);
COPY points FROM '{dir}/points.csv' (FORMAT csv);
ALTER TABLE points ADD geom geometry(Point, 4490);
UPDATE points SET geom = ST_SetSRID(ST_MakePoint(x, y), 4490);
VACUUM ANALYZE grids; VACUUM ANALYZE points;
"""
SQL_JOIN = "SET max_parallel_workers_per_gather = 0; SELECT count(*) FROM points p JOIN grids g ON ST_Covers(g.geom, p.geom);"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, store = (os.path.abspath(a) for a in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        ours = subprocess.run([program, store, folder], check=True, capture_output=True, text=True).stdout
        print(ours, end="")
        rate = float(re.search(r"territory index: (\d+) a second", ours).group(1))
        database = Database(folder)
        database.start()
        try:
            database.psql(SQL_LOAD.format(dir=folder))
            best = None
            for _ in range(ROUNDS):
                started = time.monotonic()
                found = int(database.psql(SQL_JOIN).strip().splitlines()[-1])
                took = time.monotonic() - started
                best = took if best is None else min(best, took)
            points = sum(1 for _ in open(os.path.join(folder, "points.csv"), encoding="ascii"))
        finally:
            database.stop()
        theirs = points / best
        print(f"PostGIS ST_Covers with GiST, one join of {points} points ({found} pairs): {theirs:.0f} a second: ratio {rate / theirs:.0f}")


if __name__ == "__main__":
    main()
