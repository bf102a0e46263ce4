// Lengths and areas on the CGCS2000 ellipsoid by its radii of curvature at the middle latitude: right to a millimetre a
// kilometre within a city, which is what is measured here. Longitude, latitude in degrees; metres.

const A = 6_378_137, F = 1 / 298.257222101, E2 = F * (2 - F);
const RAD = Math.PI / 180;

type Point = readonly [number, number];

/** Of the meridian and of the prime vertical. */
function radii(latitude: number): [number, number] {
  const w = 1 - E2 * Math.sin(latitude * RAD) ** 2;
  return [(A * (1 - E2)) / w ** 1.5, A / Math.sqrt(w)];
}

export function distance(a: Point, b: Point): number {
  const latitude = (a[1] + b[1]) / 2;
  const [m, n] = radii(latitude);
  return Math.hypot((b[0] - a[0]) * RAD * n * Math.cos(latitude * RAD), (b[1] - a[1]) * RAD * m);
}

export function length(line: readonly Point[]): number {
  return line.slice(1).reduce((sum, b, i) => sum + distance(line[i] ?? b, b), 0);
}

/** Of a simple ring, whichever way it turns; it need not be closed. */
export function area(ring: readonly Point[]): number {
  const first = ring[0];
  if (!first || ring.length < 3) return 0;
  const latitude = ring.reduce((sum, p) => sum + p[1], 0) / ring.length;
  const [m, n] = radii(latitude);
  const plane = ring.map(([lon, lat]): Point => [(lon - first[0]) * RAD * n * Math.cos(latitude * RAD), (lat - first[1]) * RAD * m]);
  const doubled = plane.reduce((sum, [x, y], i) => {
    const [u, v] = plane[(i + 1) % plane.length] ?? [x, y];
    return sum + x * v - u * y;
  }, 0);
  return Math.abs(doubled) / 2;
}
