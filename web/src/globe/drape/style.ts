// Which of a MapLibre style is drawn on the ground: its layers of what is visible and has no body in 3D, in the style's order,
// and what is asked from which source for a tile. Pure functions.

import type { LayerSpecification, StyleSpecification } from '@maplibre/maplibre-gl-style-spec';

export interface Drawn {
  /** The style's layers, from the bottom. */
  layers: LayerSpecification[];
  /** Served layers of each source, as the style lists them. */
  sources: { name: string; ids: string[] }[];
}

/** Zooms of a served layer's tiles. */
export interface Zooms { min: number; max: number }

/** What is drawn in the plane of the ground, and what stands upright on it. */
const KINDS = { ground: new Set(['background', 'fill', 'line', 'circle']), letters: new Set(['symbol']) };

/** `/tiles/a,b,c.json` → a, b, c. */
export function idsOf(url: string): string[] {
  const file = url.split(/[?#]/)[0]!.split('/').pop() ?? '';
  return decodeURIComponent(file).replace(/\.json$/, '').split(',').filter(Boolean);
}

/** The style's part that `wanted` says of. The page's own choice of what is visible goes before the style's. */
export function drawn(style: StyleSpecification, wanted: (id: string) => boolean, kind: keyof typeof KINDS = 'ground'): Drawn {
  const served = (layer: LayerSpecification) => ('source-layer' in layer ? layer['source-layer'] : undefined);
  const layers = style.layers.filter((layer) => {
    if (!KINDS[kind].has(layer.type)) return false;
    if (layer.type === 'symbol' && !layer.layout?.['text-field']) return false;
    const id = served(layer);
    return layer.type === 'background' || (id !== undefined && wanted(id));
  });
  const used = new Set(layers.map(served));
  const sources = Object.entries(style.sources).flatMap(([name, source]) => {
    const ids = source.type === 'vector' && source.url ? idsOf(source.url).filter((id) => used.has(id)) : [];
    return ids.length ? [{ name, ids }] : [];
  });
  return { layers, sources };
}

/** Lists of served layers to ask for at a tile's zoom, by source: those that something of is drawn at the style's `zoom`. */
export function asked(what: Drawn, zooms: Record<string, Zooms>, tile: number, zoom: number): { name: string; ids: string[] }[] {
  const seen = (id: string) => what.layers.some((l) => 'source-layer' in l && l['source-layer'] === id && isSeen(l, zoom));
  const there = (id: string) => zooms[id] !== undefined && tile >= zooms[id].min && tile <= zooms[id].max;
  return what.sources
    .map(({ name, ids }) => ({ name, ids: ids.filter((id) => there(id) && seen(id)) }))
    .filter(({ ids }) => ids.length > 0);
}

export function isSeen(layer: LayerSpecification, zoom: number): boolean {
  return zoom >= (layer.minzoom ?? 0) && zoom < (layer.maxzoom ?? 25);
}
