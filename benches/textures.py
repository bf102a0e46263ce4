#!/usr/bin/env python3
"""Textures of real city models in their tiles: draw calls, images, bytes and the time of cold contents.

    benches/textures.py CHENGTU FILE[@CRS]...

FILE: CityGML or CityJSON, plain or .gz, of buildings with textures. Their pictures are seldom delivered with them: each
that is named and missing is drawn here, as noise over blocks of colour, which JPEG finds about as hard as photographs.
Places in the pictures, and which face wears which, are the file's. Prints one line a file; keeps the contents in
textures-out/ for a look and for gltf-validator where KEEP is set.
"""

import gzip
import json
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zlib

SIDE = 512
LAYER = "cim3_building"


def picture(name):
    """A PNG of SIDE x SIDE pixels, the same for the same name."""
    r = random.Random(name)
    blocks = [[tuple(r.randrange(40, 216) for _ in range(3)) for _ in range(SIDE // 32)] for _ in range(SIDE // 32)]
    rows = []
    for y in range(SIDE):
        noise = r.randbytes(SIDE)
        row = bytearray(b"\0")
        for x in range(SIDE):
            n = (noise[x] & 31) - 16
            row += bytes(c + n for c in blocks[y // 32][x // 32])
        rows.append(bytes(row))
    part = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"".join(rows), 1)) + part(b"IEND", b"")


def named(text):
    found = re.findall(r"imageURI>\s*([^<\s][^<]*?)\s*<", text) + re.findall(r'"image"\s*:\s*"([^"]+)"', text)
    return sorted(set(found))


def free_port():
    for port in range(8700, 8800):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port
    raise SystemExit("no free port from 8700 to 8799")


def fetch(base, path):
    with urllib.request.urlopen(base + path) as r:
        return r.read()


def contents(base):
    """(milliseconds, bytes) of each content, each asked for the first time."""
    found, pages, seen = [], [f"/3dtiles/{LAYER}/tileset.json"], set()
    while pages:
        path = pages.pop()
        tiles = [json.loads(fetch(base, path))["root"]]
        while tiles:
            tile = tiles.pop()
            tiles += tile.get("children", [])
            uri = tile.get("content", {}).get("uri")
            if not uri:
                continue
            whole = urllib.parse.urljoin(path, uri)
            if whole in seen:
                continue
            seen.add(whole)
            if ".json" in whole:
                pages.append(whole)
                continue
            start = time.perf_counter()
            body = fetch(base, whole)
            found.append(((time.perf_counter() - start) * 1e3, body))
    return found


def measure(chengtu, file, more):
    raw = pathlib.Path(file).read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = folder / pathlib.Path(file).name.removesuffix(".gz")
        model.write_text(text)
        for name in named(text):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(name))
        form = "cityjson" if ".json" in model.name else "citygml"
        manifest = folder / "delivery.toml"
        manifest.write_text(
            f'[[source]]\npath = "{model.name}"\nformat = "{form}"\nlayer = "{LAYER}"\nkey = "id"\n'
            f'fields = {{ building_id = "id" }}\n{more}\n'
        )
        store = folder / "store"
        run = subprocess.run([chengtu, "import", "--store", store, manifest], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        port = free_port()
        server = subprocess.Popen(
            [chengtu, "serve", "--store", store, "--open", "--listen", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL
        )
        try:
            base = f"http://127.0.0.1:{port}"
            for _ in range(100):
                try:
                    fetch(base, "/ready")
                    break
                except OSError:
                    time.sleep(0.05)
            got = contents(base)
        finally:
            server.terminate()
            server.wait()
    calls = images = 0
    for i, (_, glb) in enumerate(got):
        length = struct.unpack_from("<I", glb, 12)[0]
        doc = json.loads(glb[20 : 20 + length])
        calls += sum(len(m["primitives"]) for m in doc.get("meshes", []))
        images += len(doc.get("images", []))
        if os.environ.get("KEEP"):
            out = pathlib.Path("textures-out")
            out.mkdir(exist_ok=True)
            (out / f"{model.name}-{i}.glb").write_bytes(glb)
    times = sorted(t for t, _ in got)
    print(
        f"{model.name:42} {len(named(text)):4} pictures, {len(got):3} contents, {calls:5} draw calls, {images:4} images, "
        f"{sum(len(b) for _, b in got):9} B, largest {max(len(b) for _, b in got):8} B, "
        f"cold p50 {times[len(times) // 2]:.0f} most {times[-1]:.0f} ms"
    )


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    for file in sys.argv[2:]:
        path, _, crs = file.partition("@")
        measure(sys.argv[1], path, f'crs = "{crs}"' if crs else "")


if __name__ == "__main__":
    main()
