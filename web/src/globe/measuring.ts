// Lengths, areas and height differences between places of the city, and how they are written. Pure functions; metres.

import { type Vec, axes, dot, geocentric, length, radii, RAD, sub } from './geodesy';

/** Degrees and ellipsoidal metres. */
export interface Point { lon: number; lat: number; height_m: number }

const vector = (p: Point): Vec => geocentric(p.lon, p.lat, p.height_m);

/** Straight through space. */
export function slope(a: Point, b: Point): number {
  return length(sub(vector(b), vector(a)));
}

/**
 * Along the ellipsoid at the mean height of both: the chord there, lengthened to its arc. Within 1 mm of the geodesic for
 * distances of a city (Euler's radius of curvature changes by less than 1 in 300 along 50 km).
 */
export function level(a: Point, b: Point): number {
  const height_m = (a.height_m + b.height_m) / 2;
  const chord = slope({ ...a, height_m }, { ...b, height_m });
  const lat = (a.lat + b.lat) / 2;
  const { across_m, along_m } = radii(lat);
  const [east, north] = [(b.lon - a.lon) * Math.cos(lat * RAD) * across_m, (b.lat - a.lat) * along_m];
  const s2 = east * east + north * north;
  const radius = s2 > 0 ? 1 / ((north * north / along_m + east * east / across_m) / s2) + height_m : across_m + height_m;
  return 2 * radius * Math.asin(Math.min(1, chord / 2 / radius));
}

export function along(points: Point[], step: (a: Point, b: Point) => number): number {
  return points.slice(1).reduce((sum, p, i) => sum + step(points[i]!, p), 0);
}

/** Of the polygon's shadow on the level plane through its middle, square metres. Sides may be in any turn. */
export function area(points: Point[]): number {
  if (points.length < 3) return 0;
  const mean = (k: keyof Point) => points.reduce((s, p) => s + p[k], 0) / points.length;
  const middle = { lon: mean('lon'), lat: mean('lat'), height_m: mean('height_m') };
  const { east, north } = axes(middle.lon, middle.lat);
  const origin = vector(middle);
  const flat = points.map((p) => {
    const from = sub(vector({ ...p, height_m: middle.height_m }), origin);
    return [dot(from, east), dot(from, north)] as const;
  });
  const twice = flat.reduce((sum, [x, y], i) => {
    const [u, v] = flat[(i + 1) % flat.length]!;
    return sum + x * v - u * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** 0.42 m, 12.3 m, 845 m, 1.24 km. */
export function metres(m: number): string {
  const size = Math.abs(m);
  if (size < 10) return `${m.toFixed(2)} m`;
  if (size < 100) return `${m.toFixed(1)} m`;
  return size < 1000 ? `${m.toFixed(0)} m` : `${(m / 1000).toFixed(size < 1e4 ? 2 : 1)} km`;
}

export function squareMetres(m2: number): string {
  if (m2 < 100) return `${m2.toFixed(1)} m²`;
  return m2 < 1e6 ? `${Math.round(m2).toLocaleString('en')} m²` : `${(m2 / 1e6).toFixed(2)} km²`;
}
