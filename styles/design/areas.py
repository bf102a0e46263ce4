"""Who is responsible where, what is being done, what is measured, and models: grids, operations, sensors, CIM."""
from city import hue
from kit import COUNT, REGULAR, entry, get, has_text, is_in, match, zoom


def planning(s):
    """Areas under roads and buildings."""
    s.draw("op_construction_site", "fill", minzoom=12, paint={"fill-color": s["site"], "fill-opacity": 0.22},
           legend=[entry("在建工地", "Construction sites", "fill", s["site"], stroke=s["site"], icon="site")])
    s.draw("op_construction_site", "line", "edge", minzoom=12, paint={
        "line-color": s["site"], "line-width": zoom(12, 0.6, 17, 2), "line-dasharray": [4, 2]})
    s.draw("gr_special_duty", "fill", minzoom=11, paint={"fill-color": s["special"], "fill-opacity": 0.02},
           legend=[entry("分片包区", "Special-responsibility areas", "fill", s["special"], stroke=s["special"])])
    s.draw("cim_underground_space", "fill", minzoom=14, paint={"fill-color": s["underground"], "fill-opacity": 0.28},
           legend=[entry("地下空间", "Underground space", "fill", s["underground"], stroke=s["underground"])])


def underground_edges(s):
    s.draw("cim_underground_space", "line", "edge", minzoom=14, paint={
        "line-color": s["underground"], "line-width": 1.2, "line-dasharray": [4, 2]})
    s.label("cim_underground_space", "space_name", 10.5, s["underground"], minzoom=17, text_max_width=8)


def models(s):
    """Building blocks: flat from above, high when the map is tilted."""
    height = ["coalesce", get("height_m"), ["*", 3, ["coalesce", get("floors_above"), 1]]]
    s.draw("cim2_building", "fill-extrusion", minzoom=14.5, paint={
        "fill-extrusion-color": ["interpolate", ["linear"], height, 0, s["building"], 60, s["model"]],
        "fill-extrusion-height": height, "fill-extrusion-opacity": zoom(14.5, 0, 15.5, 0.72),
        "fill-extrusion-vertical-gradient": True},
        legend=[entry("建筑体块", "Building blocks", "fill", s["model"])])


def grids(s):
    outlines = [
        ("gr_unit_grid", s["grid"], 14, [1, 0], (0.3, 1.4), "unit_grid_code", 17),
        ("gr_base_grid", s["base_grid"], 13, [3, 2], (0.4, 1.4), "grid_name", 15.5),
        ("gr_special_duty", s["special"], 11, [5, 2, 1, 2], (0.6, 1.8), "area_name", 15),
        ("gr_evaluation_grid", s["evaluation"], 9, [2, 2], (0.6, 1.8), "eval_grid_name", 13.5),
        ("gr_duty_grid", s["duty"], 10, [6, 3], (0.7, 2.2), "duty_grid_name", 12),
        ("op_patrol_area", s["patrol"], 10, [3, 3], (0.7, 2), "name", 13.5),
    ]
    for layer, color, start, dash, (thin, thick), name, label_from in outlines:
        title = s.catalog[layer]["name"]
        drawn = "edge" if layer == "gr_special_duty" else None
        paint = {"line-color": color, "line-width": zoom(start, thin, 17, thick), "line-opacity": 0.85}
        if dash != [1, 0]:
            paint["line-dasharray"] = dash
        s.draw(layer, "line", drawn, minzoom=start, layout={"line-join": "round"}, paint=paint,
               legend=None if drawn else [entry(title["zh"], title["en"], "line", color, width=2, **({"dash": dash} if dash != [1, 0] else {}))])
        s.label(layer, name, zoom(label_from, 10, 18, 12.5), color, minzoom=label_from, text_max_width=8, text_padding=20)


def districts(s):
    s.draw("gr_community", "line", minzoom=12, paint={
        "line-color": s["boundary_soft"], "line-width": zoom(12, 0.4, 17, 1.2), "line-opacity": 0.7, "line-dasharray": [4, 2]},
        legend=[entry("社区(村)界", "Community boundary", "line", s["boundary_soft"], dash=[4, 2], width=1)])
    s.label("gr_community", "name_zh", zoom(13, 10, 16, 13), s["text_boundary"], minzoom=13, maxzoom=17, text_padding=24)
    s.draw("gr_street", "line", minzoom=9, layout={"line-join": "round"}, paint={
        "line-color": s["boundary_soft"], "line-opacity": 0.8, "line-width": zoom(9, 0.4, 14, 1.4), "line-dasharray": [5, 2, 1, 2]},
        legend=[entry("街道(乡镇)界", "Street boundary", "line", s["boundary_soft"], dash=[5, 2, 1, 2], width=1.5)])
    s.draw("gr_district", "line", "halo", layout={"line-join": "round"}, paint={
        "line-color": s["boundary"], "line-opacity": 0.13, "line-width": zoom(4, 2, 10, 7, 16, 12)},
        legend=[entry("区县界", "District boundary", "line", s["boundary"], dash=[7, 2, 1, 2], width=2)])
    s.draw("gr_district", "line", layout={"line-join": "round"}, paint={
        "line-color": s["boundary"], "line-width": zoom(4, 0.7, 9, 1.4, 14, 2.2), "line-dasharray": [7, 2, 1, 2]})


def routes(s):
    for layer, color, width, dash in (("op_sanitation_route", "route", (0.8, 3.5), None), ("op_muck_truck_route", "muck", (1, 4.5), [4, 1.5])):
        title = s.catalog[layer]["name"]
        paint = {"line-color": s[color], "line-opacity": 0.75, "line-width": zoom(10, width[0], 17, width[1])}
        if s.palette.glow:
            s.draw(layer, "line", "glow", paint={"line-color": s[color], "line-opacity": 0.18, "line-blur": 4,
                                                 "line-width": zoom(10, 4, 17, 12)})
        if dash:
            paint["line-dasharray"] = dash
        s.draw(layer, "line", "route" if s.palette.glow else None, layout={"line-join": "round", "line-cap": "butt"}, paint=paint,
               legend=[entry(title["zh"], title["en"], "line", s[color], width=3, **({"dash": dash} if dash else {}))])


def operations(s):
    few = ["min", 7, ["+", 1.4, ["*", 0.3, ["sqrt", COUNT]]]]
    s.draw("op_outdoor_ad", "circle", minzoom=15, paint={
        "circle-color": s["advert"], "circle-radius": zoom(10, few, 15, 2, 18, 4),
        "circle-stroke-color": s["dot_edge"], "circle-stroke-width": 0.8},
        legend=[entry("户外广告", "Outdoor advertising", "icon", s["advert"], icon="advert")])
    _marked(s, "op_outdoor_ad", "advert", s["advert"], 17)
    s.draw("op_camera_video", "circle", minzoom=13, paint={
        "circle-color": ["case", ["==", get("online"), False], s["offline"], s["video"]],
        "circle-radius": zoom(10, few, 14, 2.4, 16, 6, 19, 9), "circle-stroke-color": s["dot_edge"], "circle-stroke-width": 1},
        legend=[entry("视频监控", "Cameras", "icon", s["video"], icon="video"), entry("离线", "Offline", "dot", s["offline"])])
    _inside(s, "op_camera_video", "video", 15.5)
    s.label("op_construction_site", "project_name", 11, hue(s, "house"), minzoom=15, text_max_width=8)
    cases(s)


def _marked(s, layer, icon, color, start):
    s.draw(layer, "symbol", "icon", minzoom=start, layout={"icon-image": icon, "icon-size": 0.7, "icon-padding": 0},
           paint={"icon-color": color, "icon-halo-color": s["halo"], "icon-halo-width": 1.5})


def _inside(s, layer, icon, start):
    """A white mark on the layer's circles."""
    s.draw(layer, "symbol", "icon", minzoom=start, layout={
        "icon-image": icon, "icon-size": zoom(start, 0.35, 16, 0.42, 19, 0.62), "icon-allow-overlap": True, "icon-ignore-placement": True,
        "icon-padding": 0}, paint={"icon-color": s["sensor_mark"]})


def cases(s):
    if s.palette.glow:
        s.draw("op_case_point", "heatmap", "heat", maxzoom=15, paint={
            "heatmap-weight": ["interpolate", ["linear"], ["sqrt", COUNT], 0, 0.15, 30, 1],
            "heatmap-intensity": zoom(10, 0.5, 14, 1.2), "heatmap-radius": zoom(10, 12, 15, 26), "heatmap-opacity": zoom(13, 0.75, 15, 0),
            "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], 0, "rgba(10,17,29,0)", 0.15, "rgba(40,70,140,0.45)",
                              0.4, "#7a3fb0", 0.65, "#e0553d", 0.85, "#ffb347", 1, "#fff3c4"]},
            legend=[entry("案件密度", "Density of cases", "ramp", "#e0553d", colors=["#28468c", "#7a3fb0", "#e0553d", "#ffb347", "#fff3c4"])])
    size = ["min", 12, ["+", 1.6, ["*", 0.35, ["sqrt", COUNT]]]]
    urgent = ["case", ["==", get("urgent"), True], s["urgent"], s["case"]]
    s.draw("op_case_point", "circle", "case" if s.palette.glow else None, minzoom=14.5 if s.palette.glow else 10, paint={
        "circle-color": urgent, "circle-radius": zoom(10, size, 15, 1.8, 18, 4.5), "circle-opacity": zoom(10, 0.5, 15, 0.6, 18, 0.9),
        "circle-stroke-color": s["dot_edge"], "circle-stroke-width": zoom(12, 0, 15, 0, 18, 0.8)},
        legend=[entry("案件", "Cases", "dot", s["case"]), entry("紧急案件", "Urgent cases", "dot", s["urgent"])])
    s.draw("op_case_point", "symbol", "icon", minzoom=17, filter=["==", get("urgent"), True], layout={
        "icon-image": "case-flag", "icon-size": 0.7, "icon-offset": [4, -10], "icon-padding": 0}, paint={
        "icon-color": s["urgent"], "icon-halo-color": s["halo"], "icon-halo-width": 1.5})


SENSORS = {
    "iot_other_sensor": ("sensor-other", "other", 14), "iot_septic_gas": ("sensor-gas", "drain", 13),
    "iot_light_transformer": ("sensor-transformer", "light", 12), "iot_structure_health": ("sensor-structure", "house", 12),
    "iot_restaurant_fume": ("sensor-fume", "public", 12), "iot_site_dust": ("sensor-dust", "advert", 12),
    "iot_temp_pressure": ("sensor-pressure", "heat", 12), "iot_water_quality_flow": ("sensor-quality", "water", 12),
    "iot_pump_level": ("sensor-level", "drain", 11), "iot_heat_station": ("sensor-heat", "heat", 11),
    "iot_water_outlet": ("sensor-water", "water", 10),
}


def sensors(s):
    """Colour says the state, the mark and the rim say what is measured."""
    state = ["case", ["==", ["coalesce", get("online"), True], False], s["offline"],
             ["step", ["coalesce", get("alarm_level"), 0], s["ok"], 1, s["notice"], 2, s["warning"], 3, s["alarm"]]]
    for layer, (icon, rim, start) in SENSORS.items():
        counted = s.catalog[layer].get("thin", {}).get("count")
        far = ["min", 8, ["+", 2.2, ["*", 0.4, ["sqrt", COUNT]]]] if counted else 4
        small = 0.72 if layer == "iot_other_sensor" else 1
        calm = ["all", ["<", ["coalesce", get("alarm_level"), 0], 1], ["!=", get("online"), False]]
        radius = zoom(10, far, 13, ["case", calm, 1.8, 3.6], 15, 6 * small, 18, 9.5 * small)
        if s.palette.glow:
            s.draw(layer, "circle", "glow", minzoom=start, paint={
                "circle-color": state, "circle-opacity": ["case", calm, 0.08, 0.3], "circle-blur": 0.9, "circle-radius": zoom(10, 8, 14, 14 * small, 18, 26 * small)})
        s.draw(layer, "circle", "state" if s.palette.glow else None, minzoom=start, paint={
            "circle-color": state, "circle-radius": radius, "circle-opacity": zoom(13, ["case", calm, 0.5, 1], 15, 1),
            "circle-stroke-color": hue(s, rim), "circle-stroke-width": zoom(12, 0, 14, 0.8, 16, 2)},
            legend=[entry(s.catalog[layer]["name"]["zh"], s.catalog[layer]["name"]["en"], "icon", hue(s, rim), icon=icon)]
            + [entry(zh, en, "dot", s[name]) for zh, en, name in (
                ("正常", "Normal", "ok"), ("一级告警", "Notice", "notice"), ("二级告警", "Warning", "warning"),
                ("三级及以上告警", "Alarm", "alarm"), ("离线", "Offline", "offline"))])
        _inside(s, layer, icon, max(start, 14.5))
        value = ["concat", get("station_name"), "\n", ["to-string", ["coalesce", get("last_value"), "–"]], " ", ["coalesce", get("unit"), ""]]
        s.label(layer, value, 10.5, s["text"], minzoom=16.5, filter=has_text("station_name"), text_anchor="top",
                text_offset=[0, 1.1], text_max_width=10, text_optional=True)
