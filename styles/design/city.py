"""Components of the city (CJ/T 214-2007) and convenience points: dots from afar, icons near by."""
import csv

from kit import COUNT, REGULAR, ROOT, entry, get, is_in, match, zoom
from palettes import BRIGHT, HUES

# Layer → hue, zoom of dots, zoom of icons, icon of what has no icon of its own, {subclass: icon}.
POINTS = {
    "cp_advertising": ("advert", 16.5, 17.5, "billboard", {"0306": "light-box"}),
    "cp_extension": ("other", 16.5, 17.5, "bollard", {
        "2101": "transformer", "2102": "lighting-box", "2103": "pump", "2104": "charger", "2105": "bus-stop", "2107": "bin",
        "2108": "speed-bump", "2109": "tactile", "2110": "manhole-garden", "2111": "bicycle"}),
    "cp_manhole_other": ("other", 16.5, 17.5, "manhole-special", {
        "0112": "manhole-police", "0114": "manhole-ownerless", "0128": "manhole-bus"}),
    "cp_manhole_telecom": ("telecom", 16.5, 17.5, "manhole-telecom", {"0108": "manhole-tv", "0109": "manhole-net"}),
    "cp_manhole_power_light": ("power", 16.5, 17.5, "manhole-power", {"0106": "manhole-light"}),
    "cp_manhole_heat_gas": ("heat", 16.5, 17.5, "manhole-heat", {"0111": "manhole-gas", "0129": "manhole-oil"}),
    "cp_rain_grate": ("drain", 16.5, 17.5, "grate", {}),
    "cp_manhole_water_drain": ("water", 16, 17.2, "manhole-sewage", {
        "0101": "manhole-water", "0103": "manhole-storm", "0127": "manhole-reclaimed"}),
    "cp_pole_tower": ("other", 16, 17.2, "pole", {"0133": "pylon"}),
    "cp_garden_facility": ("green", 16, 17, "bench", {
        "0404": "flower-bed", "0406": "sculpture", "0409": "sprinkler", "0410": "fountain"}),
    "cp_tree": ("green", 15.5, 16.8, "tree", {"0401": "old-tree", "0403": "tree-guard"}),
    "cp_power_telecom_box": ("telecom", 16, 17, "telecom-box", {"0116": "power-facility", "0134": "transformer"}),
    "cp_street_light": ("light", 15.3, 16.5, "street-light", {"0119": "ground-light", "0120": "landscape-light"}),
    "cp_traffic_sign_signal": ("traffic", 16, 16.8, "traffic-sign", {
        "0210": "traffic-light", "0213": "road-name", "0214": "signal-box", "0215": "display", "0217": "traffic-booth"}),
    "cp_camera": ("other", 15.5, 16.8, "camera", {}),
    "cp_sanitation": ("sanitation", 15.5, 16.5, "bin", {
        "0301": "toilet", "0302": "septic", "0303": "toilet-sign", "0304": "garbage-house", "0308": "air-station",
        "0309": "weather", "0310": "outfall-monitor", "0311": "noise"}),
    "cp_house_land": ("house", 16, 16.8, "notice-board", {"0502": "shelter", "0503": "basement"}),
    "cp_street_kiosk": ("public", 15.5, 16.5, "shop-kiosk", {
        "0121": "news-kiosk", "0122": "phone", "0123": "postbox", "0124": "info", "0125": "vending", "0126": "fitness",
        "0138": "police-booth"}),
    "cp_utility_device": ("danger", 15.5, 16.5, "hydrant", {"0131": "well", "0132": "water-tap", "0135": "gas-regulator"}),
    "cp_other_facility": ("water", 14, 15.5, "waterside", {"0601": "hazard", "0602": "crane", "0605": "anchor"}),
    "cp_transit_parking": ("traffic", 14, 15.2, "bus-stop", {"0202": "parking-meter", "0204": "taxi", "0212": "bicycle"}),
}
# Subclasses that are drawn as lines.
LINES = ("0408", "0604", "0606", "2108", "2109")
# Layers that hold more than points.
MIXED = ("cp_garden_facility", "cp_other_facility", "cp_extension")
SERVICES = {
    "公厕": "cv-toilet", "便利店": "cv-shop", "药店": "cv-pharmacy", "充电桩": "cv-charger", "洗车点": "cv-car-wash",
    "治安岗亭": "cv-police", "菜市场": "cv-market", "社区服务中心": "cv-community", "银行网点": "cv-bank",
}
SERVICES_EN = dict(zip(SERVICES, (
    "Toilets", "Shops", "Pharmacies", "Chargers", "Car washes", "Police booths", "Markets", "Community centres", "Banks")))


def hue(s, name):
    return (BRIGHT if s.palette.dark else HUES)[name]


def subclasses_of(layer):
    """Code, Chinese and English name of each subclass that the layer holds."""
    with open(ROOT / "data/component-classes.csv", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        return [(row["code"], row["name_zh"], row["name_en"]) for row in rows if row["layer_id"] == layer]


def areas_and_lines(s):
    s.draw("cp_other_facility", "fill", "area", minzoom=14, filter=["==", ["geometry-type"], "Polygon"], paint={
        "fill-color": hue(s, "water"), "fill-opacity": 0.15, "fill-outline-color": hue(s, "water")})
    for layer, color in (("cp_other_facility", "water"), ("cp_garden_facility", "green"), ("cp_extension", "light")):
        s.draw(layer, "line", "line", minzoom=15.5, filter=["==", ["geometry-type"], "LineString"],
               layout={"line-cap": "round"}, paint={
                   "line-color": hue(s, color), "line-width": zoom(15, 0.8, 18, 2), "line-opacity": 0.8})
    s.draw("cp_traffic_barrier", "line", minzoom=15.5, layout={"line-cap": "butt"}, paint={
        "line-color": hue(s, "traffic"), "line-width": zoom(15, 0.7, 18, 2), "line-dasharray": [3, 1]},
        legend=[entry("护栏、隔音屏", "Rails, noise barriers", "line", hue(s, "traffic"), dash=[3, 1], width=2)])


def dots(s):
    for layer, (color, dot_from, _, icon, subclasses) in POINTS.items():
        declared = s.catalog[layer]
        counted = declared.get("thin", {}).get("count")
        far = ["min", 6, ["+", 1, ["*", 0.2, ["sqrt", COUNT]]]] if counted else 1.6
        near = zoom(declared["zoom"]["min"], far, 15, 1.7, 17, 2.6, 19, 4)
        bad = is_in("state", "破损", "丢失")
        paint = {
            "circle-color": hue(s, color), "circle-radius": near, "circle-opacity": zoom(14, 0.75, 16.5, 1),
            "circle-stroke-color": ["case", bad, s["damaged"], s["dot_edge"]],
            "circle-stroke-width": zoom(14, ["case", bad, 0.8, 0], 16, ["case", bad, 1.6, 0.7], 18.6, ["case", bad, 2, 0.8],
                                        19, ["case", bad, 7, 0.8]),
        }
        if s.palette.glow:
            paint |= {"circle-blur": zoom(13, 0.7, 17, 0.2)}
        points = ["==", ["geometry-type"], "Point"] if layer in MIXED else None
        part = "point" if layer in MIXED else None
        s.draw(layer, "circle", part, minzoom=dot_from, filter=points, paint=paint,
               legend=[entry(zh, en, "icon", hue(s, color), icon=subclasses.get(code, icon))
                       for code, zh, en in subclasses_of(layer) if code not in LINES])


def icons(s):
    for layer, (_, _, icon_from, icon, subclasses) in POINTS.items():
        image = match("class_code", subclasses, icon) if subclasses else icon
        layout = {"icon-image": image, "icon-size": zoom(15, 0.62, 17, 0.78, 19, 1), "icon-padding": 1,
                  "icon-allow-overlap": ["step", ["zoom"], False, 18.7, True]}
        points = ["==", ["geometry-type"], "Point"] if layer in MIXED else None
        s.draw(layer, "symbol", "icon", minzoom=icon_from, filter=points, layout=layout)
    s.draw("cp_bridge_passage_parking", "symbol", "icon", minzoom=15.5, layout={
        "icon-image": match("class_code", {"0205": "footbridge", "0206": "underpass", "0207": "overpass", "0208": "bridge"}, "parking"),
        "icon-size": 0.8, "icon-padding": 2,
        "text-field": ["step", ["zoom"], "", 17, get("facility_name")], "text-font": REGULAR, "text-size": 10.5,
        "text-anchor": "top", "text-offset": [0, 0.9], "text-optional": True, "text-max-width": 8},
        paint={"text-color": hue(s, "traffic"), "text-halo-color": s["halo"], "text-halo-width": 1.4})
    s.label("cp_transit_parking", "stop_name", 10.5, hue(s, "traffic"), minzoom=16.5,
            filter=["all", is_in("class_code", "0203"), ["has", "stop_name"]], text_anchor="top", text_offset=[0, 0.9])


def services(s):
    s.draw("cv_qr_sign", "circle", minzoom=16, paint={
        "circle-color": s["service"], "circle-radius": zoom(14, 1.2, 18, 3), "circle-stroke-color": s["dot_edge"],
        "circle-stroke-width": 0.8}, legend=[entry("二维码标识牌", "QR-code signs", "icon", s["service"], icon="cv-qr")])
    s.draw("cv_qr_sign", "symbol", "icon", minzoom=17, layout={"icon-image": "cv-qr", "icon-size": 0.75, "icon-padding": 1})
    far = ["min", 5, ["+", 1, ["*", 0.2, ["sqrt", COUNT]]]]
    s.draw("cv_service_point", "circle", minzoom=15, paint={
        "circle-color": s["service"], "circle-radius": zoom(10, far, 15, 1.8, 18, 4), "circle-stroke-color": s["dot_edge"],
        "circle-stroke-width": zoom(15, 0.3, 16, 1)},
        legend=[entry(zh, SERVICES_EN[zh], "icon", s["service"], icon=icon) for zh, icon in SERVICES.items()])
    s.draw("cv_service_point", "symbol", "icon", minzoom=15.7, layout={
        "icon-image": match("category", SERVICES, "cv-point"), "icon-size": zoom(15.7, 0.65, 18, 0.95), "icon-padding": 6,
        "text-field": ["step", ["zoom"], "", 17, get("name_zh")], "text-font": REGULAR, "text-size": 10.5,
        "text-anchor": "top", "text-offset": [0, 1], "text-optional": True, "text-max-width": 8},
        paint={"text-color": s["service"], "text-halo-color": s["halo"], "text-halo-width": 1.4})
