// A served style made the page's own: its sources are cut by the last zoom of their layers (so that what ends early is
// drawn on beyond its end), and remembered by layer, so that tiles can be asked for with the visible layers alone.

import type { FilterSpecification, LayerSpecification, StyleSpecification, VectorSourceSpecification } from 'maplibre-gl';
import { type Catalog, type Layer, shownBy } from '../catalog';
import { address } from '../api';

export interface Drawing {
  spec: StyleSpecification;
  /** Style layers of a layer of the catalog, in drawing order. */
  byLayer: Map<string, LayerSpecification[]>;
  /** By style layer: the zoom it may begin at when its layer is switched on by hand. */
  earliest: Map<string, number>;
  /** Layers that the style shows unasked. */
  defaults: Set<string>;
  /** Layers of a source, in the style's order. */
  bySource: Map<string, string[]>;
  dark: boolean;
}

/** What style layers say beside their type. */
interface Sourced { source?: string; 'source-layer'?: string; filter?: FilterSpecification }

/** Scheme of tile addresses that `TileAddresses` makes real. */
export const TILES = 'city-tiles:';

export function prepare(raw: StyleSpecification, catalog: Catalog): Drawing {
  const bySource = new Map<string, string[]>();
  const sources: StyleSpecification['sources'] = {};
  const home = new Map<string, string>();
  for (const [name, source] of Object.entries(raw.sources)) {
    const ids = source.type === 'vector' ? listed(source) : null;
    if (!ids) {
      sources[name] = source;
      continue;
    }
    for (const [max, layers] of byLastZoom(ids, catalog)) {
      const own = `${name}@${max}`;
      sources[own] = tiled(own, layers, max);
      bySource.set(own, layers.map((l) => l.id));
      layers.forEach((l) => home.set(`${name}/${l.id}`, own));
    }
  }
  const layers: LayerSpecification[] = [];
  const byLayer = new Map<string, LayerSpecification[]>();
  const defaults = new Set<string>();
  for (const layer of raw.layers) {
    const { source, 'source-layer': shown } = layer as Sourced;
    const id = shown && shownBy(shown);
    if (!source || !id || raw.sources[source]?.type !== 'vector') {
      layers.push(layer);
      continue;
    }
    const own = home.get(`${source}/${id}`);
    if (!own) continue;
    const moved = { ...layer, source: own } as LayerSpecification;
    layers.push(moved);
    byLayer.set(id, [...(byLayer.get(id) ?? []), moved]);
    if (layer.layout?.visibility !== 'none') defaults.add(id);
  }
  const spec: StyleSpecification = { ...raw, sources, layers };
  return { spec, byLayer, earliest: earliest(byLayer), defaults, bySource, dark: isDark(raw) };
}

/** Points may begin with their tiles (`chengtu:minzoom`, docs/styles.md), each standing for several: else a layer that was
 * switched on would show nothing. Lines and areas below their full zoom would be crumbs. */
function earliest(byLayer: Map<string, LayerSpecification[]>): Map<string, number> {
  const found = new Map<string, number>();
  for (const layers of byLayer.values()) {
    const told = layers.map((l) => (l.metadata as Record<string, unknown> | undefined)?.['chengtu:minzoom']).find((z) => typeof z === 'number');
    const first = Math.min(...layers.map((l) => l.minzoom ?? 0));
    if (typeof told !== 'number' || told >= first) continue;
    for (const l of layers) if (l.type === 'circle' && (l.minzoom ?? 0) === first) found.set(l.id, told);
  }
  return found;
}

/** The layers that a source's address lists: `/tiles/{a,b,c}.json`. */
function listed(source: VectorSourceSpecification): string[] | null {
  const found = /\/tiles\/([^/]+)\.json$/.exec(source.url ?? '');
  return found?.[1] ? decodeURIComponent(found[1]).split(',') : null;
}

function byLastZoom(ids: string[], catalog: Catalog): Map<number, Layer[]> {
  const groups = new Map<number, Layer[]>();
  for (const layer of ids.map((id) => catalog.layer(id))) {
    if (!layer?.tiles) continue;
    groups.set(layer.maxzoom, [...(groups.get(layer.maxzoom) ?? []), layer]);
  }
  return groups;
}

function tiled(name: string, layers: Layer[], maxzoom: number): VectorSourceSpecification {
  const boxes = layers.flatMap((l) => (l.bounds ? [l.bounds] : []));
  const box = (i: 0 | 1 | 2 | 3): number => (i < 2 ? Math.min : Math.max)(...boxes.map((b) => b[i]));
  const bounds: [number, number, number, number] | null = boxes.length ? [box(0), box(1), box(2), box(3)] : null;
  const minzoom = Math.min(...layers.map((l) => l.minzoom));
  // An empty box would be no box: what holds nothing is not asked for at any zoom.
  return { type: 'vector', tiles: [template(name, 0)], minzoom, maxzoom, ...(bounds ? { bounds } : { bounds: [0, 0, 1e-9, 1e-9] }) };
}

/** `turn` makes the map ask again. */
export function template(source: string, turn: number): string {
  return `${TILES}//${source}/{z}/{x}/{y}?${turn}`;
}

function isDark(raw: StyleSpecification): boolean {
  const told = (raw.metadata as Record<string, unknown> | undefined)?.['chengtu:dark'];
  if (typeof told === 'boolean') return told;
  const background = raw.layers.find((l) => l.type === 'background');
  const colour = background?.type === 'background' ? background.paint?.['background-color'] : undefined;
  const channels = typeof colour === 'string' ? /^#(..)(..)(..)/.exec(colour) : null;
  return channels ? [1, 2, 3].every((i) => parseInt(channels[i] ?? 'ff', 16) < 0x60) : false;
}

/**
 * Real addresses of tiles: of each source the layers that are visible and drawn at that zoom, and no others.
 */
export class TileAddresses {
  private turns = new Map<string, number>();

  constructor(private readonly drawing: Drawing, private readonly catalog: Catalog, private readonly visible: (id: string) => boolean, private readonly begins: (layer: LayerSpecification) => number) {}

  /** For `transformRequest`; null where the address is not of this scheme. */
  real(url: string): string | null {
    const found = url.startsWith(TILES) ? /\/\/(.+?)\/(\d+)\/(\d+)\/(\d+)\?/.exec(url) : null;
    if (!found) return null;
    const [, source = '', z = '', x = '', y = ''] = found;
    const layers = this.wanted(source, Number(z));
    return layers.length ? address(`tiles/${layers.join(',')}/${z}/${x}/${y}.mvt`) : 'data:application/x-protobuf;base64,';
  }

  private wanted(source: string, z: number): string[] {
    return (this.drawing.bySource.get(source) ?? []).filter((id) => {
      const layer = this.catalog.layer(id);
      if (!layer || !this.visible(id) || z < layer.minzoom || z > layer.maxzoom) return false;
      // The last zoom's tiles are used for all that follow.
      const until = z === layer.maxzoom ? Infinity : z + 1;
      return (this.drawing.byLayer.get(id) ?? []).some((l) => this.begins(l) < until && (l.maxzoom ?? 24) > z);
    });
  }

  /** New addresses of the sources that have a layer among those that have become visible. */
  outdated(shown: Iterable<string>): [string, string][] {
    const sources = new Set<string>();
    for (const id of shown) {
      for (const [source, ids] of this.drawing.bySource) {
        if (ids.includes(id)) sources.add(source);
      }
    }
    return [...sources].map((source) => {
      const turn = (this.turns.get(source) ?? 0) + 1;
      this.turns.set(source, turn);
      return [source, template(source, turn)];
    });
  }
}
