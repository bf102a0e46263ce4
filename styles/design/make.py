"""Writes the three styles beside this folder: `python3 styles/design/make.py`; with --check it only says whether they
are what it would write. The styles are complete documents that any editor opens; what is to last is changed here.
"""
import json
import sys

import areas
import basemap
import city
import pipes
from kit import ROOT, Sheet, catalog
from palettes import ALL


def drawn(palette, layers):
    """From the ground up. Of labels and icons the later ones have the right of way."""
    s = Sheet(palette, layers)
    s.background(s["ground"])
    basemap.land(s)
    areas.planning(s)
    basemap.water(s)
    basemap.relief(s)
    basemap.roads(s)
    basemap.railways(s)
    basemap.buildings(s)
    basemap.small_lines(s)
    areas.underground_edges(s)
    city.areas_and_lines(s)
    basemap.boundaries(s)
    areas.districts(s)
    areas.grids(s)
    areas.routes(s)
    areas.models(s)
    pipes.networks(s)
    pipes.flow(s)
    city.dots(s)
    pipes.nodes(s)
    basemap.spots(s)
    basemap.low_names(s)
    city.icons(s)
    city.services(s)
    pipes.stations(s)
    pipes.sizes(s)
    areas.operations(s)
    areas.sensors(s)
    basemap.names(s)
    return s.style()


def written(style):
    """JSON with a source and a layer a line: readable, and a change is a line in a comparison."""
    def compact(value):
        return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))

    def line(key, value):
        if key == "sources":
            inner = ",\n".join(f"    {compact(name)}: {compact(source)}" for name, source in value.items())
            return f'  "sources": {{\n{inner}\n  }}'
        if key == "layers":
            return '  "layers": [\n' + ",\n".join(f"    {compact(layer)}" for layer in value) + "\n  ]"
        return f"  {compact(key)}: {compact(value)}"

    return "{\n" + ",\n".join(line(k, v) for k, v in style.items()) + "\n}\n"


def main():
    names = {frozenset(p.colors) for p in ALL}
    assert len(names) == 1, "the palettes name different colours"
    layers, stale = catalog(), []
    for palette in ALL:
        file = ROOT / "styles" / f"{palette.id}.json"
        text = written(drawn(palette, layers))
        if "--check" not in sys.argv:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(f"styles/{file.name}")
    if stale:
        sys.exit(f"{', '.join(stale)}: not what styles/design says; run python3 styles/design/make.py")


if __name__ == "__main__":
    main()
