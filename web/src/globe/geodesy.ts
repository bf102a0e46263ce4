// Places and directions on the CGCS2000 ellipsoid (WGS84 to 0.1 mm): pure functions, no Cesium. Vectors are geocentric
// metres [x, y, z]; angles are degrees unless a name says otherwise.

export type Vec = [number, number, number];

export const A_M = 6378137;
const F = 1 / 298.257222101;
export const E2 = F * (2 - F);
export const RAD = Math.PI / 180;

export const add = (a: Vec, b: Vec, k = 1): Vec => [a[0] + k * b[0], a[1] + k * b[1], a[2] + k * b[2]];
export const sub = (a: Vec, b: Vec): Vec => add(a, b, -1);
export const dot = (a: Vec, b: Vec): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a: Vec): number => Math.hypot(a[0], a[1], a[2]);
export const scaled = (a: Vec, k: number): Vec => [a[0] * k, a[1] * k, a[2] * k];
export const unit = (a: Vec): Vec => scaled(a, 1 / length(a));
export const cross = (a: Vec, b: Vec): Vec =>
  [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/** Radii of curvature at a latitude: across and along the meridian, metres. */
export function radii(lat: number): { across_m: number; along_m: number } {
  const w = 1 - E2 * Math.sin(lat * RAD) ** 2;
  return { across_m: A_M / Math.sqrt(w), along_m: A_M * (1 - E2) / w ** 1.5 };
}

export function geocentric(lon: number, lat: number, height_m: number): Vec {
  const n = radii(lat).across_m;
  const [sl, cl, sp, cp] = [Math.sin(lon * RAD), Math.cos(lon * RAD), Math.sin(lat * RAD), Math.cos(lat * RAD)];
  return [(n + height_m) * cp * cl, (n + height_m) * cp * sl, (n * (1 - E2) + height_m) * sp];
}

/** Longitude, latitude, ellipsoidal height; by iteration, to less than a micrometre near the ground. */
export function geographic([x, y, z]: Vec): { lon: number; lat: number; height_m: number } {
  const p = Math.hypot(x, y);
  let lat = Math.atan2(z, p * (1 - E2));
  let height_m = 0;
  for (let i = 0; i < 8; i += 1) {
    const n = A_M / Math.sqrt(1 - E2 * Math.sin(lat) ** 2);
    // Near the poles the equator's distance says nothing.
    height_m = p > 1 ? p / Math.cos(lat) - n : Math.abs(z) - n * (1 - E2);
    lat = Math.atan2(z, p * (1 - E2 * n / (n + height_m)));
  }
  return { lon: Math.atan2(y, x) / RAD, lat: lat / RAD, height_m };
}

/** East, north and up at a place. */
export function axes(lon: number, lat: number): { east: Vec; north: Vec; up: Vec } {
  const [sl, cl, sp, cp] = [Math.sin(lon * RAD), Math.cos(lon * RAD), Math.sin(lat * RAD), Math.cos(lat * RAD)];
  return { east: [-sl, cl, 0], north: [-sp * cl, -sp * sl, cp], up: [cp * cl, cp * sl, sp] };
}

/**
 * Where a ray first meets the surface that lies `height_m` above the ellipsoid (its axes longer by so much: within 1 mm of
 * the true one for heights of a city); undefined when it does not. From below the surface: where it leaves it.
 */
export function meets(from: Vec, towards: Vec, height_m: number): Vec | undefined {
  const axis: Vec = [A_M + height_m, A_M + height_m, A_M * (1 - F) + height_m];
  const scale = (v: Vec): Vec => [v[0] / axis[0], v[1] / axis[1], v[2] / axis[2]];
  const [q, d] = [scale(from), scale(towards)];
  const [a, b, c] = [dot(d, d), 2 * dot(q, d), dot(q, q) - 1];
  const inside = b * b - 4 * a * c;
  if (inside < 0) return undefined;
  const root = Math.sqrt(inside);
  // Both without cancellation.
  const k = -(b + Math.sign(b || 1) * root) / 2;
  const hits = [k / a, k === 0 ? 0 : c / k].filter((t) => t >= 0).sort((s, t) => s - t);
  return hits.length ? add(from, towards, hits[0]!) : undefined;
}
