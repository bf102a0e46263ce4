"""The servers under measurement: started on a free port of the loopback, ended by themselves. Tiles of both have the
address `tile(layers, z, x, y)`."""

import http.client
import json
import os
import pathlib
import socket
import subprocess
import time

from . import load


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process that answers on 127.0.0.1."""

    def __init__(self, command, port, ready, log):
        self.port = port
        self.host = f"127.0.0.1:{port}"
        with open(log, "wb") as out:
            started = time.monotonic()
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        while self.status(ready) != 200:
            if self.process.poll() is not None or time.monotonic() - started > 60:
                raise SystemExit(f"{command[0]} did not start:\n{pathlib.Path(log).read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        self.start_seconds = time.monotonic() - started

    def get(self, path, coding="identity"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path, headers={"Accept-Encoding": coding})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def status(self, path):
        try:
            return self.get(path)[0]
        except OSError:
            return 0

    def json(self, path):
        status, body = self.get(path)
        if status != 200:
            raise SystemExit(f"{path}: {status} {body[:300]!r}")
        return json.loads(body)

    def resident_mib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) / 1024

    def settle(self):
        """Waits until the server has nothing to do: pictures and pools are made in the first seconds."""
        seconds = 0
        while seconds < 20 and self.busy(0.5) > 0.02:
            seconds += 0.5

    def busy(self, seconds):
        """The share of a core that it takes."""
        before = self.cpu_seconds()
        time.sleep(seconds)
        return (self.cpu_seconds() - before) / seconds

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Ceiling(Server):
    """A server of the load generator's that only copies; see benches/load/src/ceiling.rs."""

    def __init__(self, sizes, folder):
        self.process = subprocess.Popen([load.PROGRAM, "ceiling", *map(str, sizes)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.host = f"127.0.0.1:{self.port}"


class Chengtu(Server):
    def __init__(self, program, store, folder, *options):
        port = free_port()
        command = [program, "serve", "--store", store, "--open", "--listen", f"127.0.0.1:{port}", "--log", "warn"]
        super().__init__([*command, *options], port, "/ready", os.path.join(folder, "chengtu.log"))

    def tile(self, layers, z, x, y):
        return f"/tiles/{','.join(layers)}/{z}/{x}/{y}.mvt"

    def metric(self, name):
        """What /metrics says of a number without labels."""
        lines = self.get("/metrics")[1].decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(name + " "))

    def layers(self):
        """The layers that have tiles, with the fields that a whole tile carries."""
        layers = []
        for layer in self.json("/catalog")["layers"]:
            if self.status(f"/tiles/{layer['id']}.json") == 200:
                in_tiles = self.json(f"/tiles/{layer['id']}.json")["vector_layers"][0]["fields"]
                layers.append({**layer, "tile_fields": [f for f in layer["fields"] if f["name"] in in_tiles]})
        return layers

    def features(self, layer):
        """All records of a layer, a page at a time."""
        path = f"/collections/{layer}/items?limit=10000"
        while path:
            page = self.json(path)
            yield from page["features"]
            links = [link["href"] for link in page["links"] if link["rel"] == "next"]
            path = "/" + links[0].split("/", 3)[3] if links else None


class Martin(Server):
    def __init__(self, program, config, folder):
        port = free_port()
        path = os.path.join(folder, "martin.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump({"listen_addresses": f"127.0.0.1:{port}", "worker_processes": os.cpu_count(), **config}, out)
        super().__init__([program, "--config", path], port, "/health", os.path.join(folder, "martin.log"))

    def tile(self, layers, z, x, y):
        return f"/{','.join(layers)}/{z}/{x}/{y}"


def martin_tables(database, layers):
    """Martin over PostGIS: tables with the ids and fields that our tiles carry."""
    kinds = {"int": "int8", "float": "float8", "bool": "bool"}
    tables = {
        layer["id"]: {
            "schema": "public",
            "table": layer["id"],
            "srid": 3857,
            "geometry_column": "geom",
            "id_column": "id",
            "minzoom": 0,
            "maxzoom": 22,
            "extent": 4096,
            "buffer": round(layer["buffer_px"] * 16),
            "clip_geom": True,
            "geometry_type": "GEOMETRY",
            "properties": {f["name"]: kinds.get(f["type"], "text") for f in layer["tile_fields"]},
        }
        for layer in layers
    }
    return {
        "cache_size_mb": 0,
        "postgres": {"connection_string": database.url, "pool_size": 20, "auto_publish": False, "tables": tables},
    }
