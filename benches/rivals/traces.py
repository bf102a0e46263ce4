"""Which tiles are asked for: those that have something in them, in an order of chance that is the same in every run."""

import math
import random


def at(lon, lat, z):
    """The Web Mercator tile of a place."""
    n = 1 << z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return z, min(n - 1, int((lon + 180) / 360 * n)), min(n - 1, max(0, int(y * n)))


def somewhere(geometry):
    """A vertex of a geometry."""
    place = geometry["coordinates"] if geometry else None
    while place and isinstance(place[0], list):
        place = place[0]
    return place and place[:2]


def filled(places, z, most, seed=1):
    """Up to so many distinct tiles of a zoom that hold one of the places."""
    tiles = sorted({at(lon, lat, z) for lon, lat in places})
    random.Random(seed).shuffle(tiles)
    return tiles[:most]


def session(places, steps, seed=2):
    """One who looks at the city: jumps to a place, looks around in a window of 5 x 3 tiles, pans, zooms in and out. Tiles in
    the order in which a client asks for them; those on the screen already are not asked for again."""
    rng = random.Random(seed)
    tiles, seen = [], set()
    lon, lat, z = *rng.choice(places), 13
    for _ in range(steps):
        move = rng.random()
        if move < 0.15:
            lon, lat, z = *rng.choice(places), rng.choice([12, 13, 14])
        elif move < 0.5:
            z = max(11, min(17, z + rng.choice([-1, 1, 1])))
        else:
            lon += rng.choice([-2, -1, 1, 2]) * 360 / (1 << z)
            lat += rng.choice([-1, 1]) * 300 / (1 << z)
        _, x, y = at(lon, lat, z)
        window = [(z, x + dx, y + dy) for dy in (0, -1, 1) for dx in (0, -1, 1, -2, 2)]
        tiles += [t for t in window if t not in seen]
        seen = set(window)
    return tiles
