// Sun and sky: one hour of the day for the whole city, so that a picture sent to a colleague looks the same there. No shadows
// move, nothing depends on the clock.

import { Cartesian3, Color, DirectionalLight, type Globe, JulianDate, type Scene, SkyAtmosphere } from '@cesium/engine';
import type { Light } from './bodies';
import { RAD, type Vec, add, axes, scaled, unit } from './geodesy';

/** A forenoon in June, for what of the sky depends on it. */
export const HOUR = JulianDate.fromIso8601('2026-06-21T02:30:00Z');
/** The sun stands in the south-east: walls to the south are bright, to the west in shade. Degrees. */
const AZIMUTH = 140;
const ELEVATION = 48;

export function light(dark: boolean): Light {
  const c = (r: number, g: number, b: number) => new Cartesian3(r, g, b);
  const none = () => c(0, 0, 0);
  // Bands 0 and 1: light from everywhere, more of it from above. The rest is nothing.
  const ambient = dark
    ? [c(0.36, 0.4, 0.5), none(), c(0.1, 0.12, 0.16), none(), none(), none(), none(), none(), none()]
    : [c(0.78, 0.8, 0.84), none(), c(0.2, 0.21, 0.23), none(), none(), none(), none(), none(), none()];
  return { sun: dark ? c(1.0, 1.06, 1.2) : c(2.1, 2.05, 1.95), ambient };
}

/** Sets the sun for a place and the sky for bright or dark; `isPlain`: without haze. */
export function illuminate(scene: Scene, globe: Globe, lon: number, lat: number, dark: boolean, isPlain: boolean): void {
  const { east, north, up } = axes(lon, lat);
  const [a, e] = [AZIMUTH * RAD, ELEVATION * RAD];
  const level: Vec = add(scaled(north, Math.cos(a)), east, Math.sin(a));
  const sun = unit(add(scaled(level, Math.cos(e)), up, Math.sin(e)));
  scene.light = new DirectionalLight({ direction: Cartesian3.fromArray(scaled(sun, -1)), intensity: 1 });
  scene.skyAtmosphere ??= new SkyAtmosphere();
  Object.assign(scene.skyAtmosphere, dark
    ? { saturationShift: -0.6, brightnessShift: -0.75, hueShift: 0 }
    : { saturationShift: -0.25, brightnessShift: 0.12, hueShift: 0 });
  scene.backgroundColor = Color.fromCssColorString(dark ? '#0b1017' : '#dfe9f2');
  // Haze costs a computed picture half its time.
  scene.fog.enabled = !isPlain;
  globe.showGroundAtmosphere = !isPlain;
  scene.fog.renderable = true;
  scene.fog.density = 0.0001;
  Object.assign(globe, { atmosphereSaturationShift: dark ? -0.8 : -0.3, atmosphereBrightnessShift: dark ? -0.6 : 0.05 });
}
