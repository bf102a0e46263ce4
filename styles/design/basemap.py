"""The ground: land, water, relief, roads, railways, buildings, boundaries and their names, after GB/T 20257.1-2017."""
from kit import BOLD, entry, get, has_text, is_in, match, zoom

TOP, MAIN, MID = ("高速公路", "国道", "快速路"), ("主干路", "省道"), ("次干路", "县道")


def land(s):
    kinds = {("草地",): s["vegetation"], ("林地", "行树"): s["wood"], ("灌木林",): s["vegetation"]}
    s.draw("bm_vegetation_area", "fill", minzoom=12, paint={
        "fill-color": match("vegetation_type", kinds, s["vegetation"]), "fill-antialias": False},
        legend=[entry("草地", "Grass", "fill", s["vegetation"], icon="grass"),
                entry("林地、行树", "Woods, rows of trees", "fill", s["wood"], icon="wood"),
                entry("灌木林", "Shrubs", "fill", s["vegetation"], icon="shrub"),
                entry("花圃", "Flower beds", "fill", s["vegetation"], icon="flower")])
    parks = match("green_type", {"公园绿地": s["park"]}, s["verge"])
    s.draw("cp_green_area", "fill", minzoom=10, paint={"fill-color": parks, "fill-opacity": zoom(10, 0.5, 13, 1)},
           legend=[entry("公园绿地", "Parks", "fill", s["park"]), entry("其他绿地", "Other green areas", "fill", s["verge"])])
    patterns = {"草地": "grass", "林地": "wood", "行树": "tree-row", "灌木林": "shrub", "花圃": "flower"}
    s.draw("bm_vegetation_area", "fill", "pattern", minzoom=16, paint={
        "fill-pattern": match("vegetation_type", patterns, "grass"), "fill-opacity": zoom(16, 0, 16.7, 0.9)})


def water(s):
    s.draw("bm_water_area", "fill", paint={"fill-color": s["water"]},
           legend=[entry("水面", "Water", "fill", s["water"], stroke=s["water_edge"])])
    s.draw("bm_water_area", "line", "shore", minzoom=12, paint={
        "line-color": s["water_edge"], "line-width": zoom(12, 0.3, 16, 0.9, 19, 1.4)})
    width = zoom(9, 0.5, 13, match("water_type", {("河流", "运河"): 1.8}, 0.8), 18, match("water_type", {("河流", "运河"): 5}, 2))
    s.draw("bm_water_line", "line", filter=["any", [">=", ["zoom"], 12], ["!", is_in("water_type", "沟渠")]], layout={"line-cap": "round", "line-join": "round"}, paint={
        "line-color": s["water_edge"], "line-width": width},
        legend=[entry("河流、运河", "Rivers, canals", "line", s["water_edge"], width=3),
                entry("沟渠", "Ditches", "line", s["water_edge"], width=1)])


def relief(s):
    lines = is_in("landform_type", "首曲线", "计曲线", "间曲线", "其他")
    s.draw("bm_landform_line", "line", filter=lines, layout={"line-join": "round"}, paint={
        "line-color": s["relief"], "line-opacity": zoom(14, 0.3, 15.5, 0.75),
        "line-width": match("landform_type", {"计曲线": 1.3}, 0.6)},
        legend=[entry("等高线", "Contours", "line", s["relief"], width=1),
                entry("陡坎", "Scarps", "line", s["relief"], icon="scarp"),
                entry("斜坡", "Slopes", "line", s["relief"], icon="slope")])
    s.draw("bm_landform_line", "line", "edge", minzoom=15, filter=is_in("landform_type", "陡坎", "陡崖", "斜坡"), paint={
        "line-pattern": match("landform_type", {"斜坡": "slope"}, "scarp"), "line-width": zoom(15, 4, 18, 8)})


def _road(s, part, low, mid, main, top):
    return match("road_class", {TOP: s[f"road_top{part}"], MAIN: s[f"road_main{part}"], MID: s[f"road_mid{part}"]},
                 s[f"road_low{part}"])


def _width(*stops):
    """Stops of (zoom, top, main, mid, low) in pixels."""
    flat = []
    for z, top, main, mid, low in stops:
        flat += [z, match("road_class", {TOP: top, MAIN: main, MID: mid}, low)]
    return zoom(*flat, base=1.3)


def roads(s):
    parts = {"机动车道": s["lane"], "路口": s["lane"], "非机动车道": s["cycleway"], "人行道": s["footway"], "分隔带": s["verge"]}
    round_ends = {"line-cap": "round", "line-join": "round"}
    s.draw("cim_tunnel", "fill", paint={"fill-color": s["tunnel"], "fill-opacity": 0.35},
           legend=[entry("隧道", "Tunnels", "fill", s["tunnel"])])
    s.draw("cim_tunnel", "line", "edge", paint={
        "line-color": s["tunnel"], "line-width": 1, "line-dasharray": [4, 3]})
    s.draw("bm_road_centerline", "line", "casing", layout=round_ends, paint={
        "line-color": _road(s, "_case", *range(4)), "line-opacity": zoom(15.5, 1, 16.5, 0),
        "line-width": _width((7, 1.6, 1, 0.6, 0.4), (10, 3, 2, 0.9, 0.5), (13, 6.5, 5, 3.4, 1.6), (15, 12, 10, 7.5, 4), (17, 30, 27, 20, 11))},
        maxzoom=17)
    s.draw("bm_road_centerline", "line", "road", layout=round_ends, maxzoom=17, paint={
        "line-color": _road(s, "", *range(4)), "line-opacity": zoom(15.5, 1, 16.5, 0),
        "line-width": _width((7, 1, 0.6, 0.3, 0.2), (10, 2, 1.2, 0.6, 0.3), (13, 5, 3.6, 2.2, 0.9), (15, 10, 8, 5.8, 2.8), (17, 28, 25, 18, 9.5))},
        legend=[entry("高速、国道、快速路", "Motorways, expressways", "line", s["road_top"], stroke=s["road_top_case"], width=5),
                entry("主干路、省道", "Arterials", "line", s["road_main"], stroke=s["road_main_case"], width=4),
                entry("次干路、县道", "Secondary roads", "line", s["road_mid"], stroke=s["road_mid_case"], width=3),
                entry("支路、街巷", "Streets and lanes", "line", s["road_low"], stroke=s["road_low_case"], width=2)])
    s.draw("bm_road_surface", "fill", minzoom=15, paint={
        "fill-color": match("surface_part", parts, s["lane"]), "fill-opacity": zoom(15, 0, 16, 1)},
        legend=[entry("机动车道", "Carriageway", "fill", s["lane"], stroke=s["lane_edge"]),
                entry("非机动车道", "Cycle lane", "fill", s["cycleway"], stroke=s["lane_edge"]),
                entry("人行道", "Footway", "fill", s["footway"], stroke=s["lane_edge"])])
    s.draw("bm_road_surface", "line", "edge", minzoom=16, paint={
        "line-color": s["lane_edge"], "line-width": zoom(16, 0.3, 19, 1)})
    one_way = ["==", get("one_way"), True]
    s.draw("bm_road_centerline", "symbol", "oneway", minzoom=16, filter=one_way, layout={
        "symbol-placement": "line", "symbol-spacing": 160, "icon-image": "chevron", "icon-size": 0.6,
        "icon-rotation-alignment": "map", "icon-padding": 0}, paint={"icon-color": s["text_soft"], "icon-opacity": 0.7})


def railways(s):
    s.draw("bm_railway", "line", paint={
        "line-color": s["rail"], "line-width": zoom(8, 0.8, 13, 2.4, 18, 5)},
        legend=[entry("铁路", "Railways", "line", s["rail"], width=3)])
    s.draw("bm_railway", "line", "ties", minzoom=11, paint={
        "line-color": s["rail_light"], "line-width": zoom(11, 0.6, 13, 1.4, 18, 3.4), "line-dasharray": [6, 6]})


def buildings(s):
    s.draw("cp_bridge_passage_parking", "fill", minzoom=13, paint={
        "fill-color": match("class_code", {"0201": s["parking"]}, s["bridge"]), "fill-opacity": zoom(13, 0.5, 16, 0.9),
        "fill-outline-color": s["lane_edge"]},
        legend=[entry("停车场", "Parking lots", "fill", s["parking"]), entry("桥梁、通道", "Bridges, passages", "fill", s["bridge"])])
    s.draw("cim_bridge", "fill", paint={"fill-color": s["bridge"], "fill-opacity": 0.85},
           legend=[entry("桥梁", "Bridges", "fill", s["bridge"])])
    s.draw("cim_bridge", "line", "edge", minzoom=15, paint={"line-color": s["building_edge"], "line-width": 1})
    s.draw("bm_building_footprint", "fill", paint={
        "fill-color": s["building"], "fill-opacity": zoom(12, 0.55, 14, 1)},
        legend=[entry("房屋", "Buildings", "fill", s["building"], stroke=s["building_edge"])])
    s.draw("bm_building_footprint", "line", "edge", minzoom=14.5, paint={
        "line-color": s["building_edge"], "line-width": zoom(14.5, 0.2, 17, 0.8, 19, 1.2)})


def small_lines(s):
    walls = {"城墙": "city-wall", "围墙": "wall", "篱笆": "hedge", "铁丝网": "wire"}
    s.draw("bm_structure_line", "line", minzoom=16, paint={
        "line-pattern": match("structure_type", walls, "fence"), "line-width": zoom(16, 3, 19, 6)},
        legend=[entry("围墙", "Walls", "line", s["wall"], icon="wall"), entry("栅栏", "Fences", "line", s["wall"], icon="fence"),
                entry("城墙", "City wall", "line", s["wall"], icon="city-wall")])
    s.draw("bm_structure_line", "line", "city", minzoom=12, maxzoom=16, filter=is_in("structure_type", "城墙"), paint={
        "line-color": s["wall"], "line-width": zoom(12, 1.5, 16, 4), "line-dasharray": [2, 0.6]})
    s.draw("bm_road_facility", "line", minzoom=16.5, paint={
        "line-color": s["kerb"], "line-width": match("facility_type", {"隔离带": 1.6}, 0.7)},
        legend=[entry("路缘石、隔离带", "Kerbs, medians", "line", s["kerb"], width=1)])
    s.draw("bm_surface_pipeline", "line", minzoom=15.5, paint={
        "line-color": s["overhead"], "line-opacity": 0.7, "line-width": zoom(15, 0.6, 18, 1.2), "line-dasharray": [8, 3]},
        legend=[entry("架空线", "Overhead lines", "line", s["overhead"], dash=[8, 3], width=1)])


def boundaries(s):
    rank = {"省级": s["boundary"], "地级": s["boundary"], "县级": s["boundary"]}
    major = is_in("boundary_level", "省级", "地级", "县级")
    s.draw("bm_admin_boundary", "line", filter=["!", major], minzoom=12, paint={
        "line-color": s["boundary_soft"], "line-opacity": 0.6, "line-dasharray": [4, 3],
        "line-width": match("boundary_level", {"乡级": 1}, 0.5)},
        legend=[entry("县级界", "County boundary", "line", s["boundary"], dash=[8, 3, 1, 3], width=2),
                entry("乡级、村级界", "Township, village boundary", "line", s["boundary_soft"], dash=[4, 3], width=1)])
    s.draw("bm_admin_boundary", "line", "major", filter=major, layout={"line-join": "round"}, paint={
        "line-color": match("boundary_level", rank, s["boundary"]), "line-opacity": 0.8, "line-dasharray": [8, 3, 1.5, 3],
        "line-width": zoom(6, 0.8, 12, 1.6, 16, 2.4)})


def spots(s):
    s.draw("bm_elevation_point", "circle", minzoom=16.5, paint={
        "circle-color": s["relief"], "circle-radius": 1.3, "circle-opacity": 0.8},
        legend=[entry("高程点", "Spot heights", "dot", s["relief"])])
    height = ["number-format", get("elevation_1985"), {"min-fraction-digits": 2, "max-fraction-digits": 2}]
    s.label("bm_elevation_point", height, 9.5, s["text_relief"], minzoom=17.5, filter=["has", "elevation_1985"],
            text_anchor="left", text_offset=[0.5, 0], text_padding=16)
    s.draw("bm_control_point", "symbol", layout={
        "icon-image": "triangle", "icon-size": zoom(14, 0.4, 18, 0.6), "icon-padding": 0,
        "text-field": ["step", ["zoom"], "", 18, get("point_no")], "text-font": ["Noto Sans CJK SC Regular"], "text-size": 10,
        "text-anchor": "left", "text-offset": [0.9, 0], "text-optional": True},
        paint={"icon-color": s["control"], "icon-halo-color": s["halo"], "icon-halo-width": 1, "text-color": s["control"],
               "text-halo-color": s["halo"], "text-halo-width": 1.2},
        legend=[entry("测量控制点", "Control points", "icon", s["control"], icon="triangle")])


def low_names(s):
    s.label("bm_landform_line", ["number-format", get("elevation_1985"), {}], 9, s["text_relief"], minzoom=15,
            filter=["all", is_in("landform_type", "计曲线"), ["has", "elevation_1985"]], symbol_placement="line")
    floors = ["concat", get("structure_type"), ["to-string", ["coalesce", get("floors_above"), ""]]]
    s.label("bm_building_footprint", floors, zoom(17, 9.5, 19, 11), s["text_building"], minzoom=17.2,
            filter=has_text("structure_type"), text_padding=8)
    s.label("bm_place_name", "name_zh", 10.5, s["text_soft"], part="door", minzoom=18, filter=is_in("name_type", "门址"),
            text_max_width=8, legend=[entry("地名、门址", "Place names, addresses", "text", s["text_place"])])


def names(s):
    line = {"symbol_placement": "line", "text_max_angle": 30}
    s.label("bm_water_line", "water_name", zoom(12, 11, 17, 14), s["text_water"], minzoom=12,
            symbol_spacing=420, text_letter_spacing=0.2, **line)
    s.label("bm_water_area", "water_name", zoom(11, 11, 16, 15), s["text_water"], minzoom=11, text_letter_spacing=0.1,
            text_padding=30)
    s.label("cp_green_area", "green_name", zoom(15, 10.5, 18, 12.5), s["text_green"], minzoom=15.5,
            filter=["all", is_in("green_type", "公园绿地"), has_text("green_name")], text_max_width=7, text_padding=24)
    s.label("bm_road_centerline", "road_name", zoom(15, 10.5, 19, 13), s["text_road"], part="name-low", minzoom=15.2,
            filter=["all", ["!", is_in("road_class", *TOP, *MAIN, *MID)], has_text("road_name")], symbol_spacing=320, text_padding=8, **line)
    s.label("bm_road_centerline", "road_name", zoom(13, 10.5, 16, 12.5, 19, 15), s["text_road"], part="name", minzoom=13,
            filter=["all", is_in("road_class", *TOP, *MAIN, *MID), has_text("road_name")], symbol_spacing=380, text_padding=14,
            symbol_sort_key=["-", 0, get("class_rank")], **line)
    s.label("bm_railway", "line_name", 10.5, s["text_soft"], minzoom=13, symbol_spacing=500, **line)
    place = ["all", is_in("name_type", "单位", "湖泊"), has_text("name_zh")]
    s.label("bm_place_name", "name_zh", zoom(13, 10.5, 17, 13), s["text"], part="thing", minzoom=14, filter=place,
            text_max_width=7, text_padding=8)
    s.label("bm_place_name", "name_zh", zoom(11, 10.5, 14, 12.5, 17, 15), s["text_place"], part="community", minzoom=11.5,
            maxzoom=18, filter=is_in("name_type", "行政村", "社区"), text_max_width=8, text_padding=zoom(11, 26, 15, 12))
    s.label("gr_street", "name_zh", zoom(9, 11, 13, 14), s["text_boundary"], minzoom=9.5, maxzoom=13.5,
            text_letter_spacing=0.08, text_padding=zoom(9, 12, 13, 40))
    s.label("gr_district", "name_zh", zoom(5, 11, 9, 15, 12, 18), s["text_boundary"], minzoom=5, maxzoom=11.5, font=BOLD,
            text_letter_spacing=0.15, text_padding=40)
