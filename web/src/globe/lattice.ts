// The lattice that the server keeps heights of the ground on, and Cesium's geographic tiles: the same squares, one level
// apart and counted from the other end. Pure functions. (Lattice: src/geo/lattice.rs, tiles of 64 cells, 360° / 2^level
// wide, from 180° west, 90° south. Cesium: 180° / 2^level wide, from 180° west, 90° north.)

export const CELLS = 64;
export const NODES = CELLS + 1;
const DEEPEST = 24;

/** A tile in Cesium's counting. */
export interface At { level: number; x: number; y: number }

export const key = (at: At): string => `${at.level}/${at.x}/${at.y}`;

export function width(level: number): number {
  return 180 / 2 ** level;
}

/** West, south, degrees. */
export function corner(at: At): [number, number] {
  const w = width(at.level);
  return [at.x * w - 180, 90 - (at.y + 1) * w];
}

export function parent(at: At): At {
  return { level: at.level - 1, x: at.x >> 1, y: at.y >> 1 };
}

/** The tile of a level that a place is in, degrees. */
export function tileOf(level: number, lon: number, lat: number): At {
  const w = width(level);
  const last = 2 ** level;
  const within = (n: number, count: number) => Math.min(Math.max(Math.floor(n), 0), count - 1);
  return { level, x: within((lon + 180) / w, 2 * last), y: within((90 - lat) / w, last) };
}

/** Is `at` the tile `over` or within it? */
export function isWithin(at: At, over: At): boolean {
  const down = at.level - over.level;
  return down >= 0 && Math.floor(at.x / 2 ** down) === over.x && Math.floor(at.y / 2 ** down) === over.y;
}

/**
 * The tile whose middle a place is, degrees; undefined when it is no tile's to a tenth of a millimetre of arc. A tile's middle
 * is an odd multiple of half its width, of no other level's.
 */
export function tileWithMiddle(lon: number, lat: number): At | undefined {
  for (let level = 0; level < DEEPEST; level += 1) {
    const half = width(level) / 2;
    const [i, j] = [(lon + 180) / half, (90 - lat) / half];
    const [ri, rj] = [Math.round(i), Math.round(j)];
    const near = Math.abs(i - ri) * half < 2e-9 && Math.abs(j - rj) * half < 2e-9;
    if (near && ri % 2 === 1 && rj % 2 === 1) return { level, x: (ri - 1) / 2, y: (rj - 1) / 2 };
  }
  return undefined;
}

/**
 * Heights of a tile's nodes, row by row from the north, each from the west, as Cesium wants them; nodes without a height have
 * that of the nearest that has one. `undefined` where no node has one.
 */
export function filled(heights: Float32Array): Float32Array | undefined {
  const out = heights.slice();
  let front: number[] = [];
  for (let k = 0; k < out.length; k += 1) if (!Number.isNaN(out[k]!)) front.push(k);
  if (front.length === 0) return undefined;
  while (front.length > 0 && front.length < out.length) {
    const next: number[] = [];
    for (const k of front) {
      const [i, j] = [k % NODES, Math.floor(k / NODES)];
      for (const [di, dj] of [[-1, 0], [1, 0], [0, -1], [0, 1]] as const) {
        const [p, q] = [i + di, j + dj];
        if (p < 0 || q < 0 || p >= NODES || q >= NODES) continue;
        const n = q * NODES + p;
        if (Number.isNaN(out[n]!)) { out[n] = out[k]!; next.push(n); }
      }
    }
    front = next;
  }
  return out;
}

/** Height at a place of a tile, bilinear between its nodes; `heights` as in `filled`. Places outside are those of its edge. */
export function heightIn(at: At, heights: Float32Array, lon: number, lat: number): number {
  const [west, south] = corner(at);
  const step = width(at.level) / CELLS;
  const clamp = (v: number) => Math.min(Math.max(v, 0), CELLS);
  const [x, y] = [clamp((lon - west) / step), clamp(CELLS - (lat - south) / step)];
  const [i, j] = [Math.min(Math.floor(x), CELLS - 1), Math.min(Math.floor(y), CELLS - 1)];
  const [u, v] = [x - i, y - j];
  const h = (p: number, q: number) => heights[q * NODES + p]!;
  return (h(i, j) * (1 - u) + h(i + 1, j) * u) * (1 - v) + (h(i, j + 1) * (1 - u) + h(i + 1, j + 1) * u) * v;
}
