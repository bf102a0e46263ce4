"""chengtu beside Martin over PostGIS and over PMTiles, on one machine in one run: a table of goal, ours, theirs, ratio.

    python3 -m rivals CHENGTU STORE [--martin MARTIN] [--theme THEME | --layers a,b,…] [--only cold,composite,warm,…]

run in benches/ (`make bench` does). STORE is any store; the layers compared are the six largest of points of a theme
(components) unless named.
Needs cargo, Debian's postgresql-15-postgis-3 and Martin (cargo install martin); without them their columns stay empty
and say so. PMTiles are written by the package pmtiles. Ratios count: times are those of a shared machine. Client and
servers share the cores.
"""

import argparse
import os
import platform
import shutil
import tempfile

from . import load as generator
from . import works
from .postgis import Database


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chengtu")
    parser.add_argument("store")
    parser.add_argument("--martin", default=shutil.which("martin"))
    parser.add_argument("--theme", default="components")
    parser.add_argument("--layers")
    parser.add_argument("--only", default=",".join(works.ALL))
    arguments = parser.parse_args()
    generator.build()
    chosen = arguments.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        city = works.City(os.path.abspath(arguments.chengtu), os.path.abspath(arguments.store), folder, arguments.martin)
        city.look(arguments.theme, arguments.layers and arguments.layers.split(","))
        print(f"# {os.cpu_count()} cores, {platform.system()} {platform.machine()}; layers: {', '.join(city.ids)}")
        database = Database(os.path.join(folder, "db"))
        database = database if city.has_martin(database) else None
        if database:
            os.chmod(folder, 0o755)
            os.mkdir(database.folder)
        try:
            if database:
                database.start()
                city.fill(database)
            rows = [row for name in works.ALL if name in chosen for row in works.ALL[name](city)]
        finally:
            if database:
                database.stop()
    print("\n| work | goal | ours | theirs | ratio |\n|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
