"""Tiles as a PMTiles archive, by the package pmtiles."""


def write_pmtiles(path, tiles):
    """`tiles`: (z, x, y) to gzip bytes."""
    from pmtiles.tile import Compression, TileType, zxy_to_tileid
    from pmtiles.writer import Writer

    zooms = [z for z, _, _ in tiles]
    with open(path, "wb") as out:
        writer = Writer(out)
        for tile, body in sorted(tiles.items(), key=lambda t: zxy_to_tileid(*t[0])):
            if body:
                writer.write_tile(zxy_to_tileid(*tile), body)
        header = {
            "tile_type": TileType.MVT,
            "tile_compression": Compression.GZIP,
            "min_zoom": min(zooms),
            "max_zoom": max(zooms),
            "min_lon_e7": -1800000000,
            "min_lat_e7": -850000000,
            "max_lon_e7": 1800000000,
            "max_lat_e7": 850000000,
            "center_zoom": min(zooms),
            "center_lon_e7": 0,
            "center_lat_e7": 0,
        }
        writer.finalize(header, {"vector_layers": []})
