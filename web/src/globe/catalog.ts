// What the server holds, as the globe needs it: which layers have bodies, which of them lie below the ground, which are levels
// of the same buildings, and which is the ground. The server's catalog says so of each layer (`scene`).

import { got } from './pages';

interface Layer {
  id: string; theme: string; geometry: string; count: number; minzoom: number; maxzoom: number;
  bounds: [number, number, number, number] | null; tiles: string | null; tileset: string | null;
  /** `kind` in the words of the declarations. */
  scene: { kind: string; below_ground: boolean; family: string[] } | null;
}

export interface Catalog {
  layers: Map<string, Layer>;
  /** Layers with a tileset of bodies. */
  bodies: Set<string>;
  /** The layer whose tileset is the ground. */
  ground: string | undefined;
  /** Levels of the same things, coarsest first; a layer that has none is alone. */
  families: string[][];
}

/** What lies below the ground. */
export function isBelow(layer: Pick<Layer, 'scene'>): boolean {
  return layer.scene?.below_ground ?? false;
}

export function isPipe(layer: Pick<Layer, 'scene'>): boolean {
  return layer.scene?.kind === 'tube';
}

export async function catalog(server: string): Promise<Catalog> {
  const document = await (await got(`${server}/catalog`)).json() as { layers: Layer[] };
  return sorted(document.layers);
}

export function sorted(all: Layer[]): Catalog {
  const served = all.filter((l) => l.tileset && l.scene);
  const ground = served.find((l) => l.scene?.kind === 'terrain')?.id;
  const bodies = new Set(served.map((l) => l.id).filter((id) => id !== ground));
  const families = new Map(served.flatMap(({ scene }) => (scene && scene.family.length > 1 ? [[scene.family.join(','), scene.family]] : [])));
  return { layers: new Map(all.map((l) => [l.id, l])), bodies, ground, families: [...families.values()] };
}
