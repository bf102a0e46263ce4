"""How cost grows with the city: the components once, four and sixteen times, side by side, and the same questions about one of them.

    cd benches && python3 -m rivals.growth CHENGTU DELIVERIES [COPIES,…]

Cold tiles of the largest layer over the first city, and /identify at its places: a tile costs what is in it, not what is
around. Needs some 15 GB below the temporary folder (TMPDIR) for 16 times; all is removed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from times import times

from . import load as generator
from . import traces
from .load import load
from .servers import Chengtu

METRES = 40_000
ZOOMS = (13, 15, 17)
LAYER = "cp_tree"


def questions(server, places):
    """Paths of tiles by zoom, and of questions what is there."""
    asked = {f"z{z}": ["gzip " + server.tile([LAYER], *t) for t in traces.filled(places, z, 600)] for z in ZOOMS}
    asked["identify"] = [f"/identify?lon={lon}&lat={lat}&radius_m=30" for lon, lat in places[:: max(1, len(places) // 600)]]
    return asked


def city(program, deliveries, copies, folder, asked):
    """Seconds to import, features, rates by question. The smallest city says what is asked of all."""
    subprocess.run([program, "import", "--store", f"{folder}/store", times(deliveries, f"{folder}/in", copies, METRES)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(f"{folder}/in")
    server = Chengtu(program, f"{folder}/store", folder)
    try:
        server.settle()
        features = sum(l["count"] for l in server.json("/catalog")["layers"])
        if not asked:
            asked.update(questions(server, [traces.somewhere(f["geometry"]) for f in server.features(LAYER)]))
            server.stop()
            server = Chengtu(program, f"{folder}/store", folder)
            server.settle()
        return features, {what: load("once", server, paths, 8)["rate"] for what, paths in asked.items()}
    finally:
        server.stop()
        shutil.rmtree(f"{folder}/store")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    program, deliveries = os.path.abspath(sys.argv[1]), sys.argv[2]
    generator.build()
    asked = {}
    for copies in map(int, (sys.argv[3] if len(sys.argv) == 4 else "1,4,16").split(",")):
        with tempfile.TemporaryDirectory() as folder:
            features, rates = city(program, deliveries, copies, folder, asked)
        print(f"{copies:2} × {features:>10,} features: " + ", ".join(f"{what} {rate:,.0f}/s" for what, rate in rates.items()), flush=True)


if __name__ == "__main__":
    main()
