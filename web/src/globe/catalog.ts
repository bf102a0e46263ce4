// What the server holds, as the globe needs it: which layers have bodies, which of them lie below the ground, which are levels
// of the same buildings, and which is the ground. Told by properties and answers, never by a layer's name.

import { got } from './pages';

interface Field { name: string; datum: string | null; unit: string | null }
interface Layer {
  id: string; theme: string; geometry: string; count: number; minzoom: number; maxzoom: number;
  bounds: [number, number, number, number] | null; fields: Field[]; tiles: string | null; tileset: string | null;
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

/** Depths below the ground, or a floor's height: what has them lies below. */
export function isBelow(layer: Pick<Layer, 'fields'>): boolean {
  const depth = (f: Field) => f.unit === 'm' && f.datum === 'ground' && /depth/.test(f.name);
  const floor = (f: Field) => f.datum === '1985' && /bottom/.test(f.name);
  return layer.fields.some((f) => depth(f) || floor(f));
}

/** Of a pipe: where its ends lie. */
export function isPipe(layer: Pick<Layer, 'fields'>): boolean {
  return ['start_depth_m', 'end_depth_m'].every((name) => layer.fields.some((f) => f.name === name));
}

export async function catalog(server: string): Promise<Catalog> {
  const document = await (await got(`${server}/catalog`)).json() as { layers: Layer[] };
  const layers = new Map(document.layers.map((l) => [l.id, l]));
  const served = document.layers.filter((l) => l.tileset);
  const ground = await theGround(server, served);
  const bodies = new Set(served.map((l) => l.id).filter((id) => id !== ground));
  const list = [...bodies].join(',');
  const scene = list ? await (await got(`${server}/3dtiles/${list}/tileset.json`)).json() as { root: Tile } : undefined;
  return { layers, bodies, ground, families: scene ? families(scene.root) : [] };
}

interface Tile { content?: { uri: string }; children?: Tile[] }

/** `../{snapshot}/{a,b,c}/0.json` names the layers of one tileset. */
export function families(root: Tile): string[][] {
  const found = new Set<string>();
  const walk = (tile: Tile) => {
    const parts = (tile.content?.uri ?? '').split('?')[0]!.split('/');
    const name = parts[0] === '..' ? parts[2] : undefined;
    if (name) found.add(decodeURIComponent(name));
    tile.children?.forEach(walk);
  };
  walk(root);
  return [...found].map((name) => name.split(','));
}

/** The ground has faces and no features: its contents have no property table. Asked of what has no vector tiles, largest first. */
async function theGround(server: string, served: Layer[]): Promise<string | undefined> {
  const extent = ({ bounds: b }: Layer) => (b ? (b[2] - b[0]) * (b[3] - b[1]) : 0);
  const areas = served.filter((l) => !l.tiles && l.geometry === 'polygon').sort((a, b) => extent(b) - extent(a));
  for (const { id } of areas) {
    const url = `${server}/3dtiles/${id}/tileset.json`;
    const tileset = await got(url).then((a) => a.json() as Promise<{ root: Tile }>, () => undefined);
    const first = tileset && firstContent(tileset.root);
    if (!first) continue;
    const answer = await got(new URL(first, new URL(url, globalThis.location?.href)).href).catch(() => undefined);
    if (answer && !hasTable(await answer.arrayBuffer())) return id;
  }
  return undefined;
}

function firstContent(tile: Tile): string | undefined {
  if (tile.content && /\.glb(\?|$)/.test(tile.content.uri)) return tile.content.uri;
  for (const child of tile.children ?? []) {
    const found = firstContent(child);
    if (found) return found;
  }
  return undefined;
}

export function hasTable(glb: ArrayBuffer): boolean {
  const words = new DataView(glb);
  if (glb.byteLength < 20 || words.getUint32(0, true) !== 0x46546c67) return true;
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, words.getUint32(12, true)))) as { extensionsUsed?: string[] };
  return json.extensionsUsed?.includes('EXT_structural_metadata') ?? false;
}
