// Paints tiles of the map away from the page's thread: asks the server for the vector tiles, paints them, hands back a bitmap.

import { VectorTile } from '@mapbox/vector-tile';
import { PbfReader } from 'pbf';
import { type Letters, letters } from './letters';
import { type Tiles, brushes, paint } from './paint';
import { type Drawn, type Tile, type Zooms, asked, holding } from './style';

export interface Setting { kind: 'style'; what: Drawn; letters: Drawn; zooms: Record<string, Zooms>; opacity: Record<string, number>; server: string; headers: Record<string, string>; side: number; ratio: number }
/** A picture of a tile, or its names. */
export interface Order { kind: 'tile' | 'letters'; number: number; z: number; x: number; y: number }
export interface Done { number: number; image?: ImageBitmap; letters?: Letters[]; error?: string }

let setting: Setting | undefined;
let ready = brushes([], {});
let pens = brushes([], {});

async function vector(url: string, headers: Record<string, string>): Promise<VectorTile | undefined> {
  const answer = await fetch(url, Object.keys(headers).length ? { headers, mode: 'same-origin' } : {});
  // Outside of the layers' bounds or zooms there is nothing, which is no fault.
  if (answer.status === 204 || answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new VectorTile(new PbfReader(new Uint8Array(await answer.arrayBuffer())));
}

/** Of each source the tile, or the deepest above it that the source has. */
async function vectors(what: Drawn, s: Setting, at: Tile, zoom: number): Promise<Tiles> {
  const tiles: Tiles = new Map();
  await Promise.all(asked(what, s.zooms, at.z, zoom).map(async ({ name, ids, z: deepest }) => {
    const there = holding(at, deepest), { z, x, y } = there;
    const tile = await vector(`${s.server}/tiles/${ids.join(',')}/${z}/${x}/${y}.mvt`, s.headers);
    if (tile) tiles.set(name, { tile, ...there });
  }));
  return tiles;
}

async function tile({ z, x, y }: Order, s: Setting): Promise<ImageBitmap> {
  // What is as wide as a CSS pixel at the style's zoom is `ratio` pixels of the picture.
  const zoom = z - Math.log2(s.ratio) + Math.log2(s.side / 512);
  const tiles = await vectors(s.what, s, { z, x, y }, zoom);
  const canvas = new OffscreenCanvas(s.side, s.side);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  // WebGL reads a bitmap from its last row: it is painted head down.
  context.setTransform(1, 0, 0, -1, 0, s.side);
  paint(context, ready.brushes, tiles, { z, x, y, side: s.side }, zoom, s.ratio);
  return canvas.transferToImageBitmap();
}

addEventListener('message', (event: MessageEvent<Setting | Order>) => {
  const asked = event.data;
  if (asked.kind === 'style') {
    setting = asked;
    ready = brushes(asked.what.layers, asked.opacity);
    pens = brushes(asked.letters.layers, asked.opacity);
    for (const fault of ready.faults) console.warn(`style layer not drawn in 3D: ${fault}`);
    return;
  }
  const scope = globalThis as unknown as { postMessage(message: Done, transfer: Transferable[]): void };
  if (!setting) return scope.postMessage({ number: asked.number, error: 'no style' }, []);
  const { number, z, x, y } = asked;
  const done = asked.kind === 'tile'
    ? tile(asked, setting).then((image) => scope.postMessage({ number, image }, [image]))
    : vectors(setting.letters, setting, { z, x, y }, z).then((tiles) => scope.postMessage({ number, letters: letters(pens.brushes, tiles, z) }, []));
  done.catch(
    (e: unknown) => scope.postMessage({ number: asked.number, error: e instanceof Error ? e.message : String(e) }, []),
  );
});
