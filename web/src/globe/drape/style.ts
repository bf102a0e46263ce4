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

/** The served layer that a layer of the style draws, its shapes or its names (`id/label`). */
function served(layer: LayerSpecification): string | undefined {
  return 'source-layer' in layer ? layer['source-layer']?.replace(/\/label$/, '') : undefined;
}

/** `/tiles/a,b,c.json` → a, b, c. */
export function idsOf(url: string): string[] {
  const file = url.split(/[?#]/)[0]!.split('/').pop() ?? '';
  return decodeURIComponent(file).replace(/\.json$/, '').split(',').filter(Boolean);
}

/** The style's part that `wanted` says of. The page's own choice of what is visible goes before the style's. */
export function drawn(style: StyleSpecification, wanted: (id: string) => boolean, kind: keyof typeof KINDS = 'ground'): Drawn {
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

/** A tile of the grid. */
export interface Tile { z: number; x: number; y: number }

/** The tile that holds a tile, at a zoom that is not below it. */
export function holding({ z, x, y }: Tile, above: number): Tile {
  const up = Math.max(0, z - above);
  return { z: z - up, x: x >> up, y: y >> up };
}

/**
 * Lists of served layers to ask for at a tile's zoom, by source: those that something of is drawn at the style's `zoom`; and
 * the zoom to ask at, which is that of the source's last tiles where it has none as deep.
 */
export function asked(what: Drawn, zooms: Record<string, Zooms>, tile: number, zoom: number): { name: string; ids: string[]; z: number }[] {
  const seen = (id: string) => what.layers.some((l) => served(l) === id && isSeen(l, zoom));
  const there = (id: string, z: number) => zooms[id] !== undefined && z >= zooms[id].min && z <= zooms[id].max;
  return what.sources
    .map(({ name, ids }) => {
      const z = Math.min(tile, Math.max(...ids.map((id) => zooms[id]?.max ?? 0)));
      return { name, z, ids: ids.filter((id) => there(id, z) && seen(id)) };
    })
    .filter(({ ids }) => ids.length > 0);
}

export function isSeen(layer: LayerSpecification, zoom: number): boolean {
  return zoom >= (layer.minzoom ?? 0) && zoom < (layer.maxzoom ?? 25);
}
