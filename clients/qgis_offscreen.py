#!/usr/bin/env python3
"""QGIS without a screen: a vector tile layer and an OGC API Features layer of a running server, opened by the addresses that a
person would paste, compared with the catalog and drawn. Prints what it found; exit code 1 where something is wrong."""

import json
import os
import sys
import urllib.request

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFillSymbol,
    QgsLineSymbol,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsMarkerSymbol,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize  # noqa: E402
from qgis.PyQt.QtGui import QColor  # noqa: E402

URL = sys.argv[1].rstrip("/")
PICTURES = os.environ.get("CHENGTU_PICTURES", "/tmp")
FINE = True


def say(good, line):
    global FINE
    FINE = FINE and good
    print(line if good else f"FAULT {line}", flush=True)


def get(path):
    with urllib.request.urlopen(URL + path) as answer:
        return json.load(answer)


def drawn(layers, extent, crs, name):
    """Draws layers; the share of pixels that are not the background."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(crs)
    settings.setExtent(extent)
    settings.setOutputSize(QSize(960, 640))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(os.path.join(PICTURES, f"{name}.png"))
    seen = [image.pixelColor(x, y) != QColor("white") for x in range(0, 960, 6) for y in range(0, 640, 6)]
    return sum(seen) / len(seen), [str(e.message) for e in job.errors()]


def main():
    application = QgsApplication([], False)
    application.initQgis()
    catalog = {layer["id"]: layer for layer in get("/catalog")["layers"]}
    wanted = [("bm_building_footprint", "cim2_building"), ("bm_road_centerline", "pl_sewage"), ("cp_street_light",)]
    chosen = [next((i for i in ids if i in catalog and catalog[i]["count"]), None) for ids in wanted]
    chosen = [layer for layer in chosen if layer]
    lamp = get(f"/collections/{chosen[-1]}/items?limit=1")["features"][0]["geometry"]["coordinates"]
    mercator = QgsCoordinateReferenceSystem("EPSG:3857")
    to_mercator = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), mercator, QgsProject.instance())
    middle = to_mercator.transform(QgsPointXY(lamp[0], lamp[1]))
    extent = QgsRectangle(middle.x() - 1200, middle.y() - 800, middle.x() + 1200, middle.y() + 800)

    address = f"type=xyz&url={URL}/tiles/{','.join(chosen)}/%7Bz%7D/%7Bx%7D/%7By%7D.mvt&zmin=10&zmax=16"
    tiles = QgsVectorTileLayer(address, "tiles")
    share, errors = drawn([tiles], extent, mercator, "qgis-tiles")
    say(tiles.isValid() and share > 0.05 and not errors, f"QGIS vector tiles: {share:.0%} of the picture drawn {errors}")

    symbols = [QgsFillSymbol, QgsLineSymbol, QgsMarkerSymbol]
    records = []
    for name, symbol, colour in zip(chosen, symbols, ["#c9b99a", "#3a7ca5", "#c8452d"]):
        layer = QgsVectorLayer(f"typename='{name}' url='{URL}' restrictToRequestBBOX=1 pagesize=1000", name, "OAPIF")
        say(layer.isValid(), f"QGIS OGC API Features: {name} opened")
        if not layer.isValid():
            continue
        layer.setRenderer(QgsSingleSymbolRenderer(symbol.createSimple({"color": colour})))
        count = layer.dataProvider().featureCount()
        first = next(layer.getFeatures(), None)
        key = layer.fields().names()[0]
        same = first is not None and any(
            str(f["properties"].get(key)) == str(first[key]) or f["properties"].get(key) is None
            for f in get(f"/collections/{name}/items?limit=1000")["features"]
        )
        say(count in (-1, catalog[name]["count"]) and same, f"QGIS {name}: {count} of {catalog[name]['count']} records")
        records.insert(0, layer)
    share, errors = drawn(records, extent, mercator, "qgis-records")
    say(share > 0.05 and not errors, f"QGIS records: {share:.0%} of the picture drawn {errors}; {PICTURES}")
    return 0 if FINE else 1


CODE = main()
sys.stdout.flush()
# Its libraries are taken down in an order that ends in a fault; what was found is said.
os._exit(CODE)
