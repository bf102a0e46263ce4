"""The works that are compared, each a function from the city to rows of the table."""

import gzip
import os
import statistics

from . import traces
from .fresh import fresh
from .load import load
from .pmtiles import write_pmtiles
from .servers import Ceiling, Chengtu, Martin, martin_tables

CONNECTIONS = 8
ZOOMS = (13, 14, 15, 16, 17)
MOST = {13: 200, 14: 400, 15: 800, 16: 1500, 17: 3000}
ROUNDS = 3


class City:
    """One city, in our store and in their database."""

    def __init__(self, program, store, folder, martin):
        self.program, self.store, self.folder, self.martin = program, store, folder, martin
        self.database = None

    def look(self, theme, wanted):
        """The compared layers, their places, and all layers with tiles."""
        with self.ours() as ours:
            self.all = ours.layers()
            points = [l for l in self.all if l["geometry"] == "point" and l["theme"] == theme]
            points.sort(key=lambda l: -l["count"])
            self.layers = [l for l in self.all if l["id"] in wanted] if wanted else points[:6]
            self.places = {}
            for layer in self.layers:
                features = ours.features(layer["id"])
                self.places[layer["id"]] = [p for p in (traces.somewhere(f["geometry"]) for f in features) if p]
        self.ids = [l["id"] for l in self.layers]
        self.every_place = [p for places in self.places.values() for p in places]

    def fill(self, database):
        self.database = database
        database.psql("CREATE EXTENSION postgis")
        with self.ours() as ours:
            for layer in self.layers:
                database.load(layer, ours.features(layer["id"]))

    def has_martin(self, database):
        """Whether there are both, Martin and a PostGIS for it."""
        if not self.martin:
            print("# no martin at hand: its columns stay empty (cargo install martin)")
        elif not database.bin:
            print("# no PostgreSQL at hand: Martin serves PMTiles alone")
        return bool(self.martin and database.bin)

    def ours(self, *options):
        return Started(lambda: Chengtu(self.program, self.store, self.folder, *options))

    def theirs(self):
        return Started(lambda: Martin(self.martin, martin_tables(self.database, self.layers), self.folder))

    def both(self):
        """Each server by itself, one after the other."""
        yield "ours", self.ours
        if self.database:
            yield "theirs", self.theirs


class Started:
    """A server for the length of a `with`."""

    def __init__(self, start):
        self.start = start

    def __enter__(self):
        self.server = self.start()
        return self.server

    def __exit__(self, *_):
        self.server.stop()


def cold(city):
    """One pass over distinct tiles of one layer; each server's own product."""
    layer = max(city.layers, key=lambda l: l["count"])["id"]
    return [
        row(f"cold tiles of `{layer}` ({len(city.places[layer])}), z{z}", "≥ 20 ×" if z < 16 else "≥ 10 ×", *passes(city, [layer], [z]))
        for z in ZOOMS
    ]


def composite(city):
    """The same of six layers in one tile."""
    return [row(f"cold composite of {len(city.ids)} layers, z15–17", "≥ 20 ×", *passes(city, city.ids, [15, 16, 17]))]


def passes(city, layers, zooms):
    """Tiles a second of each server over the same distinct tiles, and what they weigh."""
    places = [p for layer in layers for p in city.places[layer]]
    tiles = [t for z in zooms for t in traces.filled(places, z, MOST[z])]
    found = {}
    for who, server in city.both():
        with server() as s:
            s.settle()
            paths = ["gzip " + s.tile(layers, *t) for t in tiles]
            answer = load("once", s, paths, CONNECTIONS)
            found[who] = (answer["rate"], f"{answer['rate']:,.0f}/s, {answer['bytes'] / len(paths) / 1e3:.0f} kB each")
    return found.get("ours"), found.get("theirs")


def row(work, goal, ours, theirs):
    """Ours and theirs: a number to divide and its text."""
    ratio = f"**{ours[0] / theirs[0]:.1f}**" if theirs else "–"
    return [work, goal, ours[1], theirs[1] if theirs else "–", ratio]


def warm(city):
    """Mixed zooms from a full cache, gzip: Martin serves the same tiles from PMTiles, its cache on."""
    tiles = [t for z in (12, 13, 14, 15, 16) for t in traces.filled(city.every_place, z, 60)]
    small, rates, healths, sizes = [], {}, {}, {}
    with city.ours() as ours:
        bodies = {t: ours.get(ours.tile(city.ids, *t), "gzip")[1] for t in tiles}
        small = [t for t, body in bodies.items() if 0 < len(body) <= 10_000]
        rates["ours"], healths["ours"] = loops(ours, [ours.tile(city.ids, *t) for t in tiles])
        # As they were sent in the loop: what is asked for again is packed better than at first.
        bodies = {t: ours.get(ours.tile(city.ids, *t), "gzip")[1] for t in tiles}
        rates["small"], healths["small"] = loops(ours, [ours.tile(city.ids, *t) for t in small or tiles])
    sizes["ours"] = sum(map(len, bodies.values())) / len(tiles) / 1e3
    rows = []
    if city.martin:
        path = os.path.join(city.folder, "city.pmtiles")
        write_pmtiles(path, {t: gzip.compress(gzip.decompress(b)) if b else b for t, b in bodies.items()})
        config = {"cache_size_mb": 512, "pmtiles": {"sources": {"city": path}}}
        with Started(lambda: Martin(city.martin, config, city.folder)) as theirs:
            rates["theirs"], healths["theirs"] = loops(theirs, [theirs.tile(["city"], *t) for t in tiles])
        said = lambda who: (rates[who], f"{rates[who]:,.0f}/s, `/health` {healths[who]:,.0f}/s")
        rows.append(row(f"warm tiles z12–16, {sizes['ours']:.0f} kB mean, gzip, beside Martin + PMTiles", "≥ 2 ×", said("ours"), said("theirs")))
    physical = ceiling(city, [len(body) for body in bodies.values()], rates["ours"])
    share = rates["small"] / healths["small"]
    rows.append([f"warm tiles of ≤ 10 kB ({len(small)}) against own `/health`", "≥ 60 %", f"{rates['small']:,.0f}/s", f"{healths['small']:,.0f}/s", f"**{share:.0%}**"])
    return [*rows, physical]


def ceiling(city, sizes, ours):
    """A row: the same bytes from memory by a server that only copies, with the same client."""
    with Started(lambda: Ceiling(sizes, city.folder)) as copier:
        most = statistics.median(load("loop", copier, ["/"], CONNECTIONS, 4)["rate"] for _ in range(ROUNDS))
    return ["the same bytes from memory, by threads that only copy", "–", f"{ours:,.0f}/s", f"{most:,.0f}/s", f"{ours / most:.0%}"]


def loops(server, paths):
    """Rates of the paths, once they are cached, and of /health: medians of rounds in turn."""
    paths = ["gzip " + p for p in paths]
    load("once", server, paths, CONNECTIONS)
    rounds = [
        (load("loop", server, paths, CONNECTIONS, 4)["rate"], load("loop", server, ["/health"], CONNECTIONS, 2)["rate"])
        for _ in range(ROUNDS)
    ]
    return [statistics.median(r) for r in zip(*rounds)]


def tail(city):
    """Latencies while requests come at half the rate that the server can answer, counted from when they were due."""
    everything = [l["id"] for l in city.all]
    trace = traces.session(city.every_place, 400)
    fresh = [t for z in (14, 15, 16, 17) for t in traces.filled(city.every_place, z, 1500, seed=5)]
    works = [
        ("warm session, 6 layers", "≤ 10 ms", city.ids, trace, True),
        ("cold, 6 layers, z14–17", "≤ 60 ms", city.ids, fresh, False),
        (f"cold composite of {len(everything)}, z14–17", "≤ 150 ms", everything, fresh, False),
    ]
    rows = []
    for what, goal, layers, tiles, repeated in works:
        with city.ours() as ours:
            ours.settle()
            paths = ["gzip " + ours.tile(layers, *t) for t in tiles]
            ours.get(paths[0].removeprefix("gzip "))
            if repeated:
                load("once", ours, paths, CONNECTIONS)
                most, rest, seconds = load("loop", ours, paths, CONNECTIONS, 4)["rate"], paths, 8
            else:
                first, rest = paths[: len(paths) // 3], paths[len(paths) // 3 :]
                most = load("once", ours, first, CONNECTIONS)["rate"]
                seconds = min(20, len(rest) / (most / 2))
            answer = load("open", ours, rest, 64, round(seconds, 2), round(most / 2, 1))
        said = f"p50 {answer['p50']:.1f}, p99 {answer['p99']:.1f}, p99.9 {answer['p999']:.1f} ms at {most / 2:,.0f}/s"
        rows.append([f"half load: {what}", goal, said, "–", "–"])
    return rows


def weight(city):
    """Bytes of tiles with equal features, ids and fields, uncompressed and compressed alike; the server itself."""
    layer = max(city.layers, key=lambda l: l["count"])["id"]
    tiles = traces.filled(city.places[layer], 17, 300, seed=9)
    sums = {}
    for who, server in city.both():
        with server() as s:
            bodies = [s.get(s.tile([layer], *t))[1] for t in tiles]
            sums[who] = (sum(map(len, bodies)), sum(len(gzip.compress(b, 6)) for b in bodies))
    said = lambda s: (s[0], f"{s[0] / len(tiles) / 1e3:.1f} kB a tile, {s[1] / len(tiles) / 1e3:.1f} gzip")
    ours, theirs = said(sums["ours"]), said(sums["theirs"]) if "theirs" in sums else None
    return [row(f"bytes of {len(tiles)} tiles of `{layer}`, z17, equal content", "≤ 1", ours, theirs)]


def server(city):
    """Start to ready, and memory with a full cache of 512 MB."""
    with city.ours("--cache-mb", "512") as ours:
        started = ours.start_seconds
        everything = [l["id"] for l in city.all]
        tiles = [t for z in (14, 15, 16) for t in traces.filled(city.every_place, z, 3000, seed=4)]
        # Tiles of many layers in two codings fill it soonest.
        for layers, coding in ((city.ids, "gzip "), (everything, "gzip "), (everything, "")):
            load("once", ours, [coding + ours.tile(layers, *t) for t in tiles], CONNECTIONS)
        resident, held = ours.resident_mib(), ours.metric("chengtu_cache_bytes") / 2**20
    return [
        ["start to ready", "≤ 2 s", f"{started:.1f} s", "–", "–"],
        [f"memory with {held:.0f} of 512 MB of cache taken, by tiles of 6 and of {len(everything)} layers", "≤ 1.2 GiB", f"{resident:,.0f} MiB", "–", "–"],
    ]


ALL = {"cold": cold, "composite": composite, "warm": warm, "tail": tail, "bytes": weight, "server": server, "fresh": fresh}
