// Names that stand on the ground: what the style writes at points, along lines, and at the points that stand for areas, as
// texts with their places. Texts within areas (storeys) and bare numbers are left to the 2D map. Pure; which of them are shown is the caller's matter.

import type { Feature } from '@maplibre/maplibre-gl-style-spec';
import type { VectorTileFeature } from '@mapbox/vector-tile';
import { type Brush, type Tiles, TYPES, css } from './paint';
import { type Tile, isSeen } from './style';

export interface Letters {
  text: string; lon: number; lat: number; size_px: number; colour: string; halo: string;
  /** Of two that cover each other the higher is shown: the style's later layer. */
  rank: number;
}

export function letters(list: Brush[], tiles: Tiles, zoom: number): Letters[] {
  return list.flatMap((b, rank) => {
    const { source, 'source-layer': name } = b.layer as { source: string; 'source-layer': string };
    const found = isSeen(b.layer, zoom) ? tiles.get(source) : undefined;
    const layer = found?.tile.layers[name];
    return Array.from({ length: layer?.length ?? 0 }, (_, i) => one(b, layer!.feature(i), found!, zoom, rank)).flat();
  });
}

function one(b: Brush, feature: VectorTileFeature, at: Tile, zoom: number, rank: number): Letters[] {
  const asked: Feature = { type: TYPES[feature.type], properties: feature.properties };
  if (feature.type === 3 || !b.passes(asked, zoom)) return [];
  const text = String(b.value('text-field', zoom, asked) ?? '').trim();
  if (!/\p{L}/u.test(text)) return [];
  const place = middle(feature);
  // In the buffer of a tile stands what belongs to its neighbour.
  if (!place || place.x < 0 || place.y < 0 || place.x >= feature.extent || place.y >= feature.extent) return [];
  const [u, v] = [(at.x + place.x / feature.extent) / 2 ** at.z, (at.y + place.y / feature.extent) / 2 ** at.z];
  return [{
    text, rank, lon: u * 360 - 180, lat: Math.atan(Math.sinh(Math.PI * (1 - 2 * v))) * 180 / Math.PI,
    size_px: b.value<number>('text-size', zoom, asked) ?? 12,
    colour: css(b.value('text-color', zoom, asked)), halo: css(b.value('text-halo-color', zoom, asked)),
  }];
}

/** A point, or the middle vertex of the longest line. */
function middle(feature: VectorTileFeature): { x: number; y: number } | undefined {
  const parts = feature.loadGeometry();
  const longest = parts.reduce((a, b) => (b.length > a.length ? b : a), parts[0] ?? []);
  if (feature.type === 1 || longest.length !== 2) return longest[Math.floor(longest.length / 2)] ?? longest[0];
  const [a, b] = [longest[0]!, longest[1]!];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
