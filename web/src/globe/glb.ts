// Reads the nodes of a tile of the ground out of its glb. No general glTF reader: one mesh, positions and a node's placement,
// meshopt or plain, as src/scene/terrain.rs writes them.

import { MeshoptDecoder } from 'meshoptimizer/decoder';
import { geographic, type Vec } from './geodesy';
import { type At, CELLS, NODES, corner, width } from './lattice';

/** Column-major 4 × 4, as tilesets write it: from a tile's axes (z up) to geocentric metres. */
export type Matrix = readonly number[];

export const IDENTITY: Matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

export function times(a: Matrix, b: Matrix): Matrix {
  const cell = (k: number) => {
    const [column, row] = [Math.floor(k / 4), k % 4];
    return [0, 1, 2, 3].reduce((sum, i) => sum + a[i * 4 + row]! * b[column * 4 + i]!, 0);
  };
  return Array.from({ length: 16 }, (_, k) => cell(k));
}

export function moved(m: Matrix, [x, y, z]: Vec): Vec {
  const row = (r: number) => m[r]! * x + m[4 + r]! * y + m[8 + r]! * z + m[12 + r]!;
  return [row(0), row(1), row(2)];
}

interface View {
  buffer: number; byteOffset?: number; byteLength: number; byteStride?: number;
  extensions?: { EXT_meshopt_compression?: { buffer: number; byteOffset?: number; byteLength: number; byteStride: number; count: number; mode: string; filter?: string } };
}
interface Document {
  accessors: { bufferView: number; byteOffset?: number; componentType: number; count: number }[];
  bufferViews: View[];
  meshes: { primitives: { attributes: Record<string, number> }[] }[];
  nodes: { mesh?: number; translation?: Vec; scale?: Vec }[];
}

/**
 * Ellipsoidal heights of a tile's nodes, row by row from the north, NaN where there is none. Where several vertices stand at
 * a node (the foot of the skirt), the highest is the ground.
 */
export async function nodeHeights(glb: ArrayBuffer, to: Matrix, at: At): Promise<Float32Array> {
  const heights = new Float32Array(NODES * NODES).fill(NaN);
  const [west, south] = corner(at);
  const step = width(at.level) / CELLS;
  for (const place of await places(glb)) {
    // glTF has y up, a tile has z up.
    const { lon, lat, height_m } = geographic(moved(to, [place[0], -place[2], place[1]]));
    const [i, j] = [Math.round((lon - west) / step), CELLS - Math.round((lat - south) / step)];
    if (i < 0 || j < 0 || i > CELLS || j > CELLS) continue;
    const known = heights[j * NODES + i]!;
    if (Number.isNaN(known) || height_m > known) heights[j * NODES + i] = height_m;
  }
  return heights;
}

async function places(glb: ArrayBuffer): Promise<Vec[]> {
  const words = new DataView(glb);
  if (words.getUint32(0, true) !== 0x46546c67) throw new Error('no glb');
  const length = words.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(new Uint8Array(glb, 20, length))) as Document;
  const body = new Uint8Array(glb, 20 + length + 8);
  const out: Vec[] = [];
  for (const { mesh, translation: t = [0, 0, 0], scale: s = [1, 1, 1] } of json.nodes) {
    for (const primitive of mesh === undefined ? [] : json.meshes[mesh]?.primitives ?? []) {
      const accessor = json.accessors[primitive.attributes.POSITION ?? -1];
      if (!accessor) continue;
      const { bytes, stride } = await viewed(json.bufferViews[accessor.bufferView]!, body);
      const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const short = accessor.componentType === 5123;
      const [scale, shift] = [s as Vec, t as Vec];
      for (let n = 0; n < accessor.count; n += 1) {
        const from = (accessor.byteOffset ?? 0) + n * (stride ?? (short ? 6 : 12));
        const value = (k: number) => (short ? data.getUint16(from + 2 * k, true) : data.getFloat32(from + 4 * k, true));
        out.push([value(0) * scale[0] + shift[0], value(1) * scale[1] + shift[1], value(2) * scale[2] + shift[2]]);
      }
    }
  }
  return out;
}

async function viewed(view: View, body: Uint8Array): Promise<{ bytes: Uint8Array; stride: number | undefined }> {
  const packed = view.extensions?.EXT_meshopt_compression;
  if (!packed) {
    const from = view.byteOffset ?? 0;
    return { bytes: body.subarray(from, from + view.byteLength), stride: view.byteStride };
  }
  await MeshoptDecoder.ready;
  const bytes = new Uint8Array(packed.count * packed.byteStride);
  const from = packed.byteOffset ?? 0;
  const source = body.subarray(from, from + packed.byteLength);
  MeshoptDecoder.decodeGltfBuffer(bytes, packed.count, packed.byteStride, source, packed.mode, packed.filter);
  return { bytes, stride: packed.byteStride };
}
