"""Underground networks in the colours of CJJ 61-2017, their nodes, plants and stations."""
from kit import COUNT, REGULAR, entry, get, has_text, is_in, match, zoom

# Layer → letters of its colour, dash (none: drawn through). Rain and sewage share a colour in the standard and are told
# apart by their dashes.
NETWORKS = {
    "pl_unknown": ("BM", [2, 2]), "pl_utility_tunnel": ("ZH", None), "pl_industry": ("GY", [7, 2, 2, 2]),
    "pl_combined": ("PS", [8, 2, 2, 2]), "pl_sewage": ("PS", [8, 2.5]), "pl_storm": ("PS", None),
    "pl_light_signal": ("DL", [3, 1.5]), "pl_telecom": ("TX", None), "pl_power": ("DL", None),
    "pl_heat": ("RL", None), "pl_reclaimed": ("JS", [4, 1.5]), "pl_water": ("JS", None), "pl_gas": ("RQ", None),
}
NODES = {
    "pn_drain": "PS", "pn_water": "JS", "pn_heat": "RL", "pn_gas": "RQ", "pn_power_telecom": "TX",
}
ACCESSORIES = {
    ("阀门", "阀门井", "阀门孔", "闸门井"): "node-valve",
    ("窨井", "检修井", "检查井", "雨水井", "水表井", "凝水缸"): "node-well",
    ("污水井", "化粪池", "隔油池"): "node-cross",
    ("雨水箅", "污水箅"): "node-grate",
    ("消防栓",): "node-hydrant",
    ("水表",): "node-meter",
    ("人孔", "手孔", "接线箱", "环网柜", "变压器", "交接箱", "调压箱", "调压站"): "node-box",
}


def _width(s, more=0.0):
    """Pixels by diameter and zoom; at z20 a pipe is about as wide as it is."""
    grow = 1.25 if s.palette.pipes_first else 1

    def by_size(small, large):
        size = ["coalesce", get("section_width_mm"), 200]
        return ["interpolate", ["linear"], size, 100, round(small * grow + more, 2), 1000, round(large * grow + more, 2)]

    stops = [(12, 0.5, 1.3), (13, 0.7, 1.6), (15, 1.1, 2.6), (17, 1.8, 4.6), (18, 2.4, 7), (20, 4, 18)]
    return zoom(*(x for z, a, b in stops for x in (z, by_size(a, b))), base=1.2)


# From afar the mains alone.
MAINS = ["any", [">=", ["zoom"], 14], [">=", ["coalesce", get("section_width_mm"), 0], 200]]


def networks(s):
    join = {"line-join": "round", "line-cap": "butt"}
    for layer, (letters, dash) in NETWORKS.items():
        color = s.palette.pipes[letters]
        used = match("status", {"废弃": s["abandoned"]}, color)
        title = s.catalog[layer]["name"]
        # Below its full zoom a network is thinned to single segments: crumbs that join nothing.
        whole = s.catalog[layer]["zoom"]["full"]
        legend = [entry(title["zh"], title["en"], "line", color, stroke=s["pipe_case"], width=3, **({"dash": dash} if dash else {}))]
        if s.palette.glow:
            s.draw(layer, "line", "glow", minzoom=whole, layout=join, paint={
                "line-color": color, "line-opacity": zoom(13, 0.1, 16, 0.22), "line-blur": zoom(13, 2, 18, 6),
                "line-width": _width(s, 5)})
        elif letters in ("JS", "TX", "RQ"):
            # Light colours need an edge on a light ground.
            s.draw(layer, "line", "casing", minzoom=whole, layout=join, paint={
                "line-color": s["pipe_case"], "line-opacity": zoom(13, 0, 14.5, 0.55), "line-width": _width(s, 1.1)})
        paint = {"line-color": used, "line-width": _width(s), "line-opacity": zoom(12, 0.5, 13, 0.7, 14, 1)}
        if dash:
            # From afar dashes are noise.
            paint["line-dasharray"] = ["step", ["zoom"], ["literal", [1, 0]], 15, ["literal", dash]]
        own = None if all(known.get("source-layer") != layer for known in s.layers) else "pipe"
        s.draw(layer, "line", own, minzoom=whole, filter=MAINS, layout=join, paint=paint, legend=legend)


def _edge(s, letters):
    """What sets a sign of this colour off."""
    return s["halo"] if letters in ("PS", "GY", "ZH", "BM") else s["pipe_case"]


def flow(s):
    for layer, (letters, _) in NETWORKS.items():
        against = ["==", get("flow_direction"), "-"]
        s.draw(layer, "symbol", "flow", minzoom=16.5, filter=has_text("flow_direction"), layout={
            "symbol-placement": "line", "symbol-spacing": 140, "icon-image": "arrow", "icon-size": zoom(16, 0.4, 19, 0.75),
            "icon-rotate": ["case", against, 180, 0], "icon-rotation-alignment": "map", "icon-padding": 0},
            paint={"icon-color": s.palette.pipes[letters], "icon-halo-color": _edge(s, letters), "icon-halo-width": 0.8})


def nodes(s):
    for layer, letters in NODES.items():
        color = s.palette.pipes[letters]
        title = s.catalog[layer]["name"]
        dots = ["min", 5, ["+", 0.8, ["*", 0.18, ["sqrt", COUNT]]]]
        s.draw(layer, "circle", minzoom=13 if s.palette.pipes_first else 15, paint={
            "circle-color": color, "circle-radius": zoom(11, dots, 15, 1.3, 17, 2.2, 19, 3),
            "circle-stroke-color": _edge(s, letters), "circle-stroke-width": zoom(14, 0, 16, 0.7)},
            legend=[entry(title["zh"], title["en"], "dot", color, stroke=_edge(s, letters))])
        s.draw(layer, "symbol", "icon", minzoom=17, filter=has_text("accessory_type"), layout={
            "icon-image": match("accessory_type", ACCESSORIES, "node-well"), "icon-size": zoom(17, 0.5, 19, 0.85),
            "icon-padding": 0, "icon-allow-overlap": ["step", ["zoom"], False, 19, True]},
            paint={"icon-color": color, "icon-halo-color": _edge(s, letters), "icon-halo-width": 1})


def stations(s):
    icons = {"换热站": "plant-heat", "水厂": "plant-water", "排水泵站": "plant-pump", "燃气调压站": "plant-gas", "污水处理厂": "plant-sewage"}
    s.draw("pf_septic_outfall", "circle", minzoom=14.5, paint={
        "circle-color": s.palette.pipes["PS"], "circle-radius": zoom(11, 1.2, 16, 3, 19, 5),
        "circle-stroke-color": s["dot_edge"], "circle-stroke-width": 1},
        legend=[entry("化粪池、排放口", "Septic tanks, outfalls", "dot", s.palette.pipes["PS"])])
    s.draw("pf_septic_outfall", "symbol", "icon", minzoom=17, layout={
        "icon-image": match("facility_type", {"排放口": "node-outfall"}, "node-box"), "icon-size": 0.7, "icon-padding": 0},
        paint={"icon-color": s.palette.pipes["PS"], "icon-halo-color": s["halo"], "icon-halo-width": 1.2})
    s.draw("pf_plant_station", "circle", minzoom=12, paint={
        "circle-color": s["plant"], "circle-radius": zoom(11, 2, 14, 5, 18, 11),
        "circle-stroke-color": s["dot_edge"], "circle-stroke-width": zoom(11, 0.5, 15, 1.4)},
        legend=[entry(zh, en, "icon", s["plant"], icon=icons[zh]) for zh, en in (
            ("换热站", "Heat stations"), ("水厂", "Waterworks"), ("排水泵站", "Pumping stations"),
            ("燃气调压站", "Gas regulators"), ("污水处理厂", "Sewage works"))])
    s.draw("pf_plant_station", "symbol", "icon", minzoom=13.5, layout={
        "icon-image": match("station_type", icons, "plant-pump"), "icon-size": zoom(13.5, 0.4, 18, 0.75),
        "icon-allow-overlap": True, "icon-padding": 0,
        "text-field": ["step", ["zoom"], "", 15.5, get("station_name")], "text-font": REGULAR, "text-size": 11,
        "text-anchor": "top", "text-offset": [0, 1.1], "text-optional": True},
        paint={"icon-color": s["sensor_mark"], "text-color": s["plant"], "text-halo-color": s["halo"], "text-halo-width": 1.4})


def sizes(s):
    """DN300 PE along the pipe."""
    written = ["concat", get("section_size_mm"), " ", ["coalesce", get("material"), ""]]
    for layer, (letters, _) in NETWORKS.items():
        light = letters in ("JS", "TX", "RQ") and not s.palette.dark
        s.label(layer, written, zoom(17, 9.5, 19, 11.5), s["text"] if light else s.palette.pipes[letters], minzoom=17,
                filter=has_text("section_size_mm"), symbol_placement="line", symbol_spacing=260, text_offset=[0, -0.9],
                text_max_angle=20, text_padding=6)
