// Records of the server, as the globe needs them: geometry with its heights, and properties.

import type { Point } from './measuring';
import { got } from './pages';

export interface GeoRecord {
  id: number | string;
  geometry: { type: string; coordinates: unknown } | null;
  properties: Record<string, unknown>;
}

export async function record(server: string, layer: string, id: string): Promise<GeoRecord> {
  return await (await got(`${server}/collections/${layer}/items/${encodeURIComponent(id)}`)).json() as GeoRecord;
}

/** Some records of a layer that touch a box, degrees. */
export async function within(server: string, layer: string, [w, s, e, n]: [number, number, number, number], limit: number): Promise<GeoRecord[]> {
  const box = [w, s, e, n].map((v) => v.toFixed(6)).join(',');
  const answer = await (await got(`${server}/collections/${layer}/items?bbox=${box}&limit=${limit}`)).json() as { features: GeoRecord[] };
  return answer.features;
}

/** Vertices of the first part of a geometry; `height_m` is the record's, NaN where it has none. */
export function vertices(geometry: GeoRecord['geometry']): Point[] {
  let part = geometry?.coordinates as unknown[] | undefined;
  if (!part) return [];
  if (typeof part[0] === 'number') part = [part];
  while (Array.isArray((part[0] as unknown[])?.[0])) part = part[0] as unknown[];
  return (part as number[][]).map(([lon, lat, height]) => ({ lon: lon!, lat: lat!, height_m: height ?? NaN }));
}

export function middle(points: Point[]): Point | undefined {
  if (points.length === 0) return undefined;
  const mean = (k: keyof Point) => points.reduce((sum, p) => sum + p[k], 0) / points.length;
  return { lon: mean('lon'), lat: mean('lat'), height_m: mean('height_m') };
}
