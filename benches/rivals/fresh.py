"""From a changed delivery to the first new tile, on a copy of the store: whose files are linked, so that nothing is copied."""

import csv
import http.client
import os
import shutil
import subprocess
import time

from . import traces
from .servers import Chengtu

SOURCE = """id = "bench"
[[source]]
id = "bench/points"
path = "points.csv"
crs = "EPSG:4490"
encoding = "UTF-8"
xy = {{ x = "bench_lon", y = "bench_lat" }}
layer = "{layer}"
{key}
"""


class Delivery:
    """A layer's points as a second census would bring them, beside the first: its keys are others."""

    def __init__(self, folder, layer, features):
        self.folder, self.layer, self.features = folder, layer, features
        self.manifest = os.path.join(folder, "bench.toml")
        self.keys = [f["name"] for f in layer["fields"] if f["key"]]
        with open(self.manifest, "w", encoding="utf-8") as out:
            out.write(SOURCE.format(layer=layer["id"], key=f"key = {self.keys}" if self.keys else ""))

    def write(self, moved):
        """Every point moved by so many degrees to the north."""
        names = [f["name"] for f in self.layer["fields"] if f["type"] != "bool"]
        with open(os.path.join(self.folder, "points.csv"), "w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["bench_lon", "bench_lat", *names])
            for feature in self.features:
                lon, lat = feature["geometry"]["coordinates"][:2]
                own = {**feature["properties"], **{key: f"second-{feature['id']}" for key in self.keys}}
                rows.writerow([lon, round(lat + moved, 9), *("" if own.get(name) is None else own[name] for name in names)])


class Validator:
    """Asks for tiles with the entity tags that were sent before."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.tags = {}

    def ask(self, path):
        """The status."""
        headers = {"Accept-Encoding": "gzip"}
        if path in self.tags:
            headers["If-None-Match"] = self.tags[path]
        self.connection.request("GET", path, headers=headers)
        answer = self.connection.getresponse()
        answer.read()
        self.tags[path] = answer.getheader("ETag")
        return answer.status


def fresh(city):
    """A row of the table: seconds until a tile has changed, and how many of the other layers' are still answered 304."""
    points = [l for l in city.all if l["geometry"] == "point"]
    layer = min(points, key=lambda l: abs(l["count"] - 50_000))
    store = os.path.join(city.folder, "fresh")
    shutil.copytree(city.store, store, copy_function=os.link)
    with city.ours() as ours:
        features = [f for f in ours.features(layer["id"]) if f["geometry"] and f["geometry"]["type"] == "Point"]
    delivery = Delivery(city.folder, layer, features)
    delivery.write(0)
    deliver(city.program, store, delivery)
    server = Chengtu(city.program, store, city.folder)
    try:
        server.settle()
        client = Validator(server)
        place = [features[len(features) // 2]["geometry"]["coordinates"]]
        own = server.tile([layer["id"]], *traces.at(*place[0][:2], layer["maxzoom"]))
        others = [l for l in city.ids if l != layer["id"]]
        tiles = [t for z in (14, 16) for t in traces.filled(city.every_place, z, 100)]
        unchanged = [server.tile([other], *t) for other in others for t in tiles]
        for path in [own, *unchanged]:
            client.ask(path)
        delivery.write(1e-5)
        begun = time.monotonic()
        deliver(city.program, store, delivery)
        imported = time.monotonic() - begun
        while client.ask(own) != 200:
            time.sleep(0.01)
            if time.monotonic() - begun > 60:
                raise SystemExit("no new tile in a minute")
        seconds = time.monotonic() - begun
        kept = sum(client.ask(path) == 304 for path in unchanged)
    finally:
        server.stop()
        shutil.rmtree(store)
    said = f"{seconds:.1f} s (import {imported:.1f}), {kept} of {len(unchanged)} tiles of other layers 304"
    return [[f"changed delivery of {len(features)} `{layer['id']}`, which has as many from another → first new tile", "≤ 5 s, others 304", said, "–", "–"]]


def deliver(program, store, delivery):
    done = subprocess.run([program, "import", "--store", store, delivery.manifest], capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SystemExit(f"import failed:\n{done.stderr[-2000:]}")
