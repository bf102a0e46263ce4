"""The three styles: what they colour how, and what they show at first. One table a style, the same names in each."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    id: str
    title: dict
    dark: bool
    # Layers (or their beginnings) that are drawn without being asked for.
    shown: tuple
    colors: dict
    # Colours of the classes in the pictures, by family (see docs/styles.md).
    sprite: dict
    # Colours of the networks, by the letters of CJJ 61-2017.
    pipes: dict
    # Lines and points of data shine.
    glow: bool = False
    # Pipes and models stand before all else.
    pipes_first: bool = False

    def shows(self, layer):
        return any(layer.startswith(beginning) for beginning in self.shown)


HUES = {
    "water": "#1f78b4", "drain": "#7a5a3c", "power": "#d7301f", "telecom": "#238b45", "heat": "#e6701a",
    "light": "#e0a100", "traffic": "#2b6cb0", "green": "#3f8f46", "sanitation": "#12867b", "public": "#7b55b5",
    "advert": "#b83280", "house": "#9c5a2e", "danger": "#c62828", "other": "#5f6b76",
}
BRIGHT = {
    "water": "#5cb8ff", "drain": "#c99a68", "power": "#ff6b5c", "telecom": "#5ee08a", "heat": "#ffa04d",
    "light": "#ffd75e", "traffic": "#6fa8ff", "green": "#7fd98a", "sanitation": "#4fd8c8", "public": "#b99aff",
    "advert": "#ff7ac0", "house": "#d99a6a", "danger": "#ff6b6b", "other": "#a5b4c4",
}
# CJJ 61-2017, appendix B: sky blue, brown, pink, orange, red, green, black, black and purple.
CJJ61 = {
    "JS": "#00ffff", "PS": "#4c3926", "RQ": "#ff00ff", "RL": "#ff8000", "DL": "#ff0000", "TX": "#00ff00",
    "GY": "#000000", "ZH": "#000000", "BM": "#6600cc",
}
# The same hues where black and dark brown would be lost on a dark ground.
CJJ61_ON_DARK = CJJ61 | {"PS": "#c08a58", "GY": "#c3ccd6", "ZH": "#e8edf2", "BM": "#a66bff", "DL": "#ff4d4d"}

MAP = ("bm_", "gr_district", "gr_street")

STANDARD = Palette(
    id="standard",
    title={"zh": "标准图", "en": "Standard"},
    dark=False,
    shown=(*MAP, "cp_", "cv_", "cim_bridge", "cim_tunnel", "op_construction_site"),
    colors={
        "ground": "#f5f3ec", "halo": "#fffef9", "text": "#38362f", "text_soft": "#6f6a5f", "text_place": "#2b2a26",
        "vegetation": "#e2edd3", "wood": "#d2e6c1", "park": "#c3e0ad", "verge": "#d7eac8", "text_green": "#3f7a3a",
        "water": "#b5dcf0", "water_edge": "#4ba3d3", "text_water": "#1f79ad",
        "relief": "#b07a45", "text_relief": "#8c5a28",
        "building": "#e3d8c9", "building_edge": "#a8947c", "text_building": "#8b7965",
        "road_top": "#f7b267", "road_top_case": "#c98637", "road_main": "#ffdf8f", "road_main_case": "#d0a94e",
        "road_mid": "#fff3c9", "road_mid_case": "#cfc09a", "road_low": "#ffffff", "road_low_case": "#cbc5b8",
        "lane": "#ffffff", "footway": "#efe8da", "cycleway": "#f5eee2", "lane_edge": "#d3cbbb", "text_road": "#4d473b",
        "rail": "#55524c", "rail_light": "#ffffff", "wall": "#6e5a48", "kerb": "#b5aa98", "overhead": "#c0392b",
        "boundary": "#9b3f7f", "boundary_soft": "#b77aa4", "text_boundary": "#85326b",
        "grid": "#4355b5", "duty": "#00796b", "special": "#6a51a3", "evaluation": "#d9660a", "base_grid": "#6f78a8",
        "model": "#d8cfc1", "bridge": "#cdbfa8", "tunnel": "#8d99ae", "underground": "#8f80b8",
        "site": "#e0b400", "route": "#1f9c8f", "muck": "#8d6e63", "patrol": "#00897b",
        "case": "#ff6d00", "urgent": "#d50000", "video": "#27408b", "advert": "#b83280", "plant": "#00707c",
        "control": "#c0392b", "pipe_case": "#4a4a4a", "abandoned": "#9e9e9e", "damaged": "#e00000", "dot_edge": "#ffffff",
        "ok": "#1fa653", "notice": "#e8b500", "warning": "#f07c00", "alarm": "#d50000", "offline": "#9aa0a6",
        "parking": "#d5dff0", "service": "#00838f", "sensor_mark": "#ffffff",
    },
    sprite={
        "component": {"mark": "#ffffff", "edge": "#ffffff"} | HUES,
        "convenience": {"ground": "#00838f", "mark": "#ffffff", "edge": "#ffffff"},
        "pattern": {"plant": "#8bb874", "flower": "#cf8fae", "relief": "#b07a45", "wall": "#6e5a48"},
    },
    pipes=CJJ61,
)

DARK = Palette(
    id="dark",
    title={"zh": "夜间大屏", "en": "Dark"},
    dark=True,
    shown=(
        "bm_admin", "bm_building", "bm_place", "bm_rail", "bm_road_c", "bm_road_s", "bm_veg", "bm_water",
        "gr_district", "gr_street", "cp_green", "cp_street_light", "cim2_", "cim_bridge", "iot_", "op_case", "op_muck",
        "op_construction",
    ),
    colors={
        "ground": "#0a111d", "halo": "#0a111d", "text": "#a8bad1", "text_soft": "#71839b", "text_place": "#d5e2f2",
        "vegetation": "#0c1820", "wood": "#0d1b22", "park": "#0f2225", "verge": "#0d1c20", "text_green": "#5f9c7a",
        "water": "#0c2740", "water_edge": "#1d5078", "text_water": "#4f95c6",
        "relief": "#33485c", "text_relief": "#62788f",
        "building": "#121d2e", "building_edge": "#24364f", "text_building": "#4c617c",
        "road_top": "#456292", "road_top_case": "#0a111d", "road_main": "#344c73", "road_main_case": "#0a111d",
        "road_mid": "#263956", "road_mid_case": "#0a111d", "road_low": "#1b293f", "road_low_case": "#0a111d",
        "lane": "#1a2840", "footway": "#121c2d", "cycleway": "#152136", "lane_edge": "#24354e", "text_road": "#8296b0",
        "rail": "#3d4d63", "rail_light": "#141d2b", "wall": "#33475e", "kerb": "#22324a", "overhead": "#7a4a4a",
        "boundary": "#7f8fd6", "boundary_soft": "#4c5a8c", "text_boundary": "#a9b6f2",
        "grid": "#6f86ff", "duty": "#3fd1bf", "special": "#b08cff", "evaluation": "#ffa45c", "base_grid": "#5b6fa8",
        "model": "#203a5e", "bridge": "#2c4468", "tunnel": "#5a6b85", "underground": "#7b6bb5",
        "site": "#ffd24d", "route": "#3fd1bf", "muck": "#d9a066", "patrol": "#3fd1bf",
        "case": "#ff9a3d", "urgent": "#ff4d4d", "video": "#7fa8ff", "advert": "#ff7ac0", "plant": "#4fd8e8",
        "control": "#ff7a6b", "pipe_case": "#05090f", "abandoned": "#5f6b78", "damaged": "#ff4d4d", "dot_edge": "#0a111d",
        "ok": "#38e08a", "notice": "#ffd94d", "warning": "#ff9a3d", "alarm": "#ff4d4d", "offline": "#6b7785",
        "parking": "#16263f", "service": "#3fc7d4", "sensor_mark": "#0a111d",
    },
    sprite={
        "component": {"mark": "#0a111d", "edge": "#0a111d"} | BRIGHT,
        "convenience": {"ground": "#3fc7d4", "mark": "#0a111d", "edge": "#0a111d"},
        "pattern": {"plant": "#1b3a36", "flower": "#43304a", "relief": "#33485c", "wall": "#33475e"},
    },
    pipes=CJJ61_ON_DARK,
    glow=True,
)

PLANNER = Palette(
    id="planner",
    title={"zh": "规划管线", "en": "Planner"},
    dark=False,
    shown=(
        "bm_admin", "bm_building", "bm_place", "bm_rail", "bm_road_c", "bm_road_s", "bm_veg", "bm_water",
        "gr_district", "gr_street", "pl_", "pn_", "pf_", "cim2_", "cim_",
    ),
    colors={
        "ground": "#fbfaf8", "halo": "#ffffff", "text": "#6d6f73", "text_soft": "#9b9da1", "text_place": "#55585d",
        "vegetation": "#f1f5ec", "wood": "#edf3e8", "park": "#e8f1e1", "verge": "#f0f5ec", "text_green": "#8aa783",
        "water": "#e0edf5", "water_edge": "#b0cfe2", "text_water": "#7ba6c2",
        "relief": "#dcc9b3", "text_relief": "#b99f80",
        "building": "#eceae7", "building_edge": "#cfcac3", "text_building": "#aaa49b",
        "road_top": "#ffffff", "road_top_case": "#c9c3b8", "road_main": "#ffffff", "road_main_case": "#d2cdc4",
        "road_mid": "#ffffff", "road_mid_case": "#dad6ce", "road_low": "#ffffff", "road_low_case": "#e3e0da",
        "lane": "#ffffff", "footway": "#f5f3ef", "cycleway": "#f8f6f3", "lane_edge": "#e2dfd9", "text_road": "#84868b",
        "rail": "#b5b3af", "rail_light": "#ffffff", "wall": "#c2bbb2", "kerb": "#dcd8d1", "overhead": "#d9a59e",
        "boundary": "#b58aa9", "boundary_soft": "#d3bccd", "text_boundary": "#a5789a",
        "grid": "#8a96d8", "duty": "#5fb0a6", "special": "#a493cb", "evaluation": "#e6a26a", "base_grid": "#a5abc8",
        "model": "#d9dde6", "bridge": "#cfd3db", "tunnel": "#8d99ae", "underground": "#7a67b0",
        "site": "#e0b400", "route": "#1f9c8f", "muck": "#8d6e63", "patrol": "#00897b",
        "case": "#ff6d00", "urgent": "#d50000", "video": "#27408b", "advert": "#b83280", "plant": "#00606b",
        "control": "#c0392b", "pipe_case": "#3c3c3c", "abandoned": "#a8a8a8", "damaged": "#e00000", "dot_edge": "#ffffff",
        "ok": "#1fa653", "notice": "#e8b500", "warning": "#f07c00", "alarm": "#d50000", "offline": "#9aa0a6",
        "parking": "#eaeff7", "service": "#00838f", "sensor_mark": "#ffffff",
    },
    sprite={
        "component": {"mark": "#ffffff", "edge": "#ffffff"} | HUES,
        "convenience": {"ground": "#00838f", "mark": "#ffffff", "edge": "#ffffff"},
        "pattern": {"plant": "#d3e2ca", "flower": "#ecd5e0", "relief": "#dcc9b3", "wall": "#c2bbb2"},
    },
    pipes=CJJ61,
    pipes_first=True,
)

ALL = (STANDARD, DARK, PLANNER)
