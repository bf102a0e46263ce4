// MapLibre's view ⇄ a camera in space, so that going from 2D to 3D and back keeps place, scale, bearing and pitch. Pure
// functions. What keeps the scale: at the centre of the picture a CSS pixel is as many degrees of longitude as in MapLibre,
// and both cameras have the same vertical field of view.

import { A_M, RAD, type Vec, add, axes, cross, dot, geocentric, geographic, length, meets, radii, scaled, sub, unit } from './geodesy';
import type { View } from './interface';

/** MapLibre's field of view, in its transform: 36.87°, vertical. */
export const FOV_Y = 36.86989764584402 * RAD;
/** Pixels round the world at zoom 0. */
const WORLD_PX = 512;
/** Looking flatter than this, the middle of the picture may be sky. */
const FLATTEST = 85;

/** Geocentric: where the camera is, where it looks (unit), which way is up in its picture (unit). */
export interface Pose { position: Vec; direction: Vec; up: Vec }

/** What the picture is like: its height in CSS pixels; ellipsoidal height of the ground in its middle, metres. */
export interface Frame { height_px: number; ground_m: number }

/** Metres of a CSS pixel at the centre, mean of east and north (in Mercator both are the same number of pixels). */
export function metresPerPixel(zoom: number, lat: number): number {
  const degree = 360 / (WORLD_PX * 2 ** zoom);
  const { across_m, along_m } = radii(lat);
  return degree * RAD * Math.cos(lat * RAD) * Math.sqrt(across_m * along_m);
}

export function zoomFor(metres_px: number, lat: number): number {
  return Math.log2(metresPerPixel(0, lat) / metres_px);
}

/** Metres from the camera to the middle of the picture. */
function range(height_px: number, metres_px: number): number {
  return height_px / 2 / Math.tan(FOV_Y / 2) * metres_px;
}

export function pose(view: View, frame: Frame): Pose {
  const centre = geocentric(view.lon, view.lat, frame.ground_m);
  const { east, north, up } = axes(view.lon, view.lat);
  const [b, p] = [view.bearing * RAD, view.pitch * RAD];
  const ahead = add(scaled(north, Math.cos(b)), east, Math.sin(b));
  const direction = add(scaled(ahead, Math.sin(p)), up, -Math.cos(p));
  const above = add(scaled(ahead, Math.cos(p)), up, Math.sin(p));
  const metres = range(frame.height_px, metresPerPixel(view.zoom, view.lat));
  return { position: add(centre, direction, -metres), direction, up: above };
}

/**
 * The view of a camera. `centre` is what is seen in the middle, where the caller knows it better than the smooth surface at
 * the ground's height does (a slope, a roof). A camera that looks over the horizon or up is taken to look as far ahead as
 * one that looks just below it.
 */
export function view(camera: Pose, frame: Frame, centre?: Vec): View {
  const middle = centre ?? lookedAt(camera, frame.ground_m);
  const { lon, lat } = geographic(middle);
  const { east, north, up } = axes(lon, lat);
  const metres = Math.max(length(sub(middle, camera.position)), 1);
  const pitch = Math.acos(Math.min(1, Math.max(-1, -dot(camera.direction, up)))) / RAD;
  // Straight down there is no ahead but that of the picture's top.
  const ahead = pitch < 0.01 ? camera.up : add(camera.direction, camera.up, pitch > 90 ? -1 : 1e-9);
  const bearing = Math.atan2(dot(ahead, east), dot(ahead, north)) / RAD;
  const metres_px = metres / range(frame.height_px, 1);
  return { lon, lat, zoom: zoomFor(metres_px, lat), bearing, pitch: Math.min(pitch, FLATTEST) };
}

function lookedAt(camera: Pose, ground_m: number): Vec {
  const here = geographic(camera.position);
  const { up } = axes(here.lon, here.lat);
  const down = -dot(camera.direction, up);
  const flattest = Math.cos(FLATTEST * RAD);
  // From below the ground everything in the middle is behind it: the place above is meant, at arm's length.
  const above_m = Math.max(here.height_m - ground_m, 2);
  if (here.height_m > ground_m + 2 && down >= flattest) {
    const hit = meets(camera.position, camera.direction, ground_m);
    if (hit) return hit;
  }
  const level = add(camera.direction, up, down);
  const forward = length(level) > 1e-9 ? unit(level) : unit(cross(up, cross(camera.up, up)));
  const reach = above_m * Math.tan(FLATTEST * RAD);
  const foot = geographic(add(camera.position, forward, Math.min(reach, A_M / 10)));
  return geocentric(foot.lon, foot.lat, ground_m);
}

/** Cesium's field of view is that of the longer side of the picture; radians. */
export function fieldOfView(width_px: number, height_px: number): number {
  const aspect = width_px / height_px;
  return aspect > 1 ? 2 * Math.atan(aspect * Math.tan(FOV_Y / 2)) : FOV_Y;
}
