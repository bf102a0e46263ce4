"""What the drawings of all themes are made of: expressions, and a sheet that collects a style's layers.

Knows the catalog (`layers/*/*.toml`) and a palette; draws nothing itself.
"""
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REGULAR = ["Noto Sans CJK SC Regular"]
BOLD = ["Noto Sans CJK SC Bold", "Noto Sans CJK SC Regular"]
COUNT = ["coalesce", ["get", "_count"], 1]


def catalog():
    """id → declaration, with its theme: the folder it lies in."""
    layers = {}
    for file in sorted(ROOT.glob("layers/*/*.toml")):
        layer = tomllib.loads(file.read_text(encoding="utf-8"))
        layers[layer["id"]] = layer | {"theme": file.parent.name}
    return layers


def get(field):
    return ["get", field]


def zoom(*stops, base=1):
    """Between zooms: zoom, value, zoom, value …"""
    return ["interpolate", ["linear"] if base == 1 else ["exponential", base], ["zoom"], *stops]


def match(field, cases, otherwise):
    """One value by a field's text: {text or tuple of texts: value}."""
    flat = []
    for labels, value in cases.items():
        flat += [list(labels) if isinstance(labels, tuple) else labels, value]
    return ["match", get(field), *flat, otherwise]


def is_in(field, *values):
    return ["match", get(field), list(values), True, False]


def has_text(field):
    return ["!=", ["coalesce", get(field), ""], ""]


def text(field, size, color, halo, *, font=None, **layout):
    """Layout and paint of a label; `_` in further keys stands for `-`."""
    own = {key.replace("_", "-"): value for key, value in layout.items()}
    field = get(field) if isinstance(field, str) else field
    return {
        "layout": {"text-field": field, "text-font": font or REGULAR, "text-size": size, "text-padding": 4} | own,
        "paint": {"text-color": color, "text-halo-color": halo, "text-halo-width": 1.4},
    }


def entry(zh, en, shape, color, **more):
    """One line of a legend."""
    return {"label": {"zh": zh, "en": en}, "shape": shape, "color": color} | more


def source(layer):
    """What is shown alike and ends at the same zoom is one source: so clients draw each on beyond its last tiles."""
    return f"{layer['theme']}-{layer['sensitivity']}-z{layer['zoom']['max']}"


class Sheet:
    """A style's layers in the order of drawing, and the sources they need."""

    def __init__(self, palette, layers):
        self.palette, self.catalog, self.layers = palette, layers, []

    def __getitem__(self, name):
        return self.palette.colors[name]

    def background(self, color):
        self.layers.append({"id": "background", "type": "background", "paint": {"background-color": color}})

    def draw(self, of, kind, part=None, *, minzoom=None, maxzoom=None, filter=None, layout=None, paint=None, legend=None, names=False):
        """One layer of the style. The first that is drawn of a served layer stands for it: it has the legend and says
        from which zoom on there are tiles. With `names` it draws the points that stand for the names of areas."""
        layer = self.catalog[of]
        first = all(known.get("source-layer", "").removesuffix("/label") != of for known in self.layers)
        metadata = {"chengtu:theme": layer["theme"], "chengtu:title": layer["name"]}
        if first:
            metadata["chengtu:minzoom"] = layer["zoom"]["min"]
        if legend:
            metadata["chengtu:legend"] = legend
        drawn = {
            "id": f"{of}/{part}" if part else of,
            "type": kind,
            "metadata": metadata,
            "source": source(layer),
            "source-layer": f"{of}/label" if names else of,
            "minzoom": max(layer["zoom"]["min"], minzoom or 0),
        }
        if maxzoom:
            drawn["maxzoom"] = maxzoom
        if filter:
            drawn["filter"] = filter
        layout = dict(layout or {})
        if not self.palette.shows(of):
            layout["visibility"] = "none"
        if layout:
            drawn["layout"] = layout
        drawn["paint"] = paint or {}
        self.layers.append(drawn)

    def label(self, of, field, size, color, *, part="label", minzoom=None, maxzoom=None, filter=None, font=None, halo=None,
              legend=None, **layout):
        made = text(field, size, color, halo or self["halo"], font=font, **layout)
        if filter is None and isinstance(field, str):
            filter = has_text(field)
        names = "label" in self.catalog[of] and layout.get("symbol_placement") != "line"
        self.draw(of, "symbol", part, minzoom=minzoom, maxzoom=maxzoom, filter=filter, legend=legend, names=names, **made)

    def style(self):
        sources = {}
        for layer in self.layers:
            if "source" in layer:
                sources.setdefault(layer["source"], set()).add(layer["source-layer"].removesuffix("/label"))
        urls = {name: {"type": "vector", "url": f"/tiles/{','.join(sorted(ids))}.json"} for name, ids in sorted(sources.items())}
        p = self.palette
        return {
            "version": 8,
            "name": p.title["zh"],
            "metadata": {
                "chengtu:title": p.title,
                "chengtu:dark": p.dark,
                "chengtu:standards": "GB/T 20257.1-2017; CJJ 61-2017",
                "chengtu:sprite": p.sprite,
            },
            "center": [114.35, 34.79],
            "zoom": 12,
            "sprite": f"/sprites/{p.id}",
            "glyphs": "/fonts/{fontstack}/{range}.pbf",
            "sources": urls,
            "layers": self.layers,
        }
