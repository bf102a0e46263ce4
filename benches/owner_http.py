#!/usr/bin/env python3
"""Lookups over HTTP on loopback, client and server on the same cores: single lookups against the server's own /health,
batches of 10,000 points as CSV, and the latency of single lookups while tile requests saturate the server.

    benches/owner_http.py CHENGTU STORE

Needs wrk. The store holds the full sample city. Every load ends by itself.
"""

import csv
import http.client
import io
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

SECONDS = 8
BATCH = 10_000
BATCHES = 40
CORE = (114.27, 34.73, 114.41, 34.85)
CLASSES = ["0101", "0104", "0107", "0118", "0402", "0403"]

OWNER_LUA = """
math.randomseed(7)
local classes = {%s}
request = function()
  local lon = %f + math.random() * %f
  local lat = %f + math.random() * %f
  local class = classes[math.random(#classes)]
  return wrk.format("GET", string.format("/owner?lon=%%.7f&lat=%%.7f&class=cjt214-2007:component:%%s&trail=false", lon, lat, class))
end
"""
TILE_LUA = """
math.randomseed(11)
request = function()
  local z = 16
  local n = 65536
  local lon = %f + math.random() * %f
  local lat = %f + math.random() * %f
  local x = math.floor((lon + 180) / 360 * n)
  local r = math.rad(lat)
  local y = math.floor((1 - math.log(math.tan(r) + 1 / math.cos(r)) / math.pi) / 2 * n)
  return wrk.format("GET", string.format("/tiles/%%s/%%d/%%d/%%d.mvt", layers[math.random(#layers)], z, x, y))
end
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wrk(script, base, path, connections, seconds=SECONDS):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if script:
        command += ["-s", script]
    out = subprocess.run([*command, base + path], check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    millis = float(p99.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[p99.group(2)]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return rate, millis, int(errors.group(1)) if errors else 0


def batches(port):
    rng = random.Random(3)
    west, south, east, north = CORE
    bodies = []
    for _ in range(4):
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(["id", "lon", "lat", "class"])
        for i in range(BATCH):
            lon, lat = rng.uniform(west, east), rng.uniform(south, north)
            rows.writerow([i, f"{lon:.7f}", f"{lat:.7f}", f"cjt214-2007:component:{rng.choice(CLASSES)}"])
        bodies.append(out.getvalue().encode())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.monotonic()
    for i in range(BATCHES):
        connection.request("POST", "/owner?trail=false", bodies[i % 4], {"Content-Type": "text/csv"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or body.count(b"\r\n") != BATCH + 1:
            sys.exit(f"a batch was not answered: {answer.status} {body[:200]!r}")
    return BATCH * BATCHES / (time.monotonic() - started)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    program, store = sys.argv[1:]
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    server = subprocess.Popen([program, "serve", "--store", store, "--open", "--listen", f"127.0.0.1:{port}", "--log", "warn"])
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/catalog")
                catalog = json.load(connection.getresponse())
                break
            except OSError:
                time.sleep(0.02)
        print(f"start to ready: {time.monotonic() - started:.2f} s")
        west, south, east, north = CORE
        box = (west, east - west, south, north - south)
        layers = [layer["id"] for layer in catalog["layers"] if layer["tiles"] and layer["minzoom"] <= 16 <= layer["maxzoom"]]
        with tempfile.TemporaryDirectory() as folder:
            owner, tile = os.path.join(folder, "owner.lua"), os.path.join(folder, "tile.lua")
            with open(owner, "w", encoding="utf-8") as f:
                f.write(OWNER_LUA % (", ".join(f'"{c}"' for c in CLASSES), *box))
            with open(tile, "w", encoding="utf-8") as f:
                f.write("local layers = {" + ", ".join(f'"{name}"' for name in layers) + "}\n" + TILE_LUA % box)
            health, _, _ = wrk(None, base, "/health", 16)
            single, p99, errors = wrk(owner, base, "/", 16)
            print(f"/health {health:.0f} a second, single lookups {single:.0f} a second (p99 {p99:.2f} ms, {errors} errors): {single / health:.0%}")
            print(f"batches of {BATCH} points, CSV in and out: {batches(port):.0f} points a second")
            load = subprocess.Popen(["wrk", "-t1", "-c16", f"-d{SECONDS + 4}s", "-s", tile, base + "/"], stdout=subprocess.PIPE, text=True)
            time.sleep(2)
            rate, p99, errors = wrk(owner, base, "/", 2)
            tiles = re.search(r"Requests/sec:\s+([\d.]+)", load.communicate()[0]).group(1)
            print(f"under tile load ({tiles} tiles a second): lookups {rate:.0f} a second, p99 {p99:.2f} ms, {errors} errors")
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
