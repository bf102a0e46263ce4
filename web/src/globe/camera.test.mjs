// The camera's mapping, bundled by esbuild and asked as the globe asks it. Run by `node --test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './testing.mjs';

const { camera, geodesy } = await load('camera', 'geodesy');
const frame = { height_px: 900, ground_m: 72.5 };
const views = [];
for (const lat of [0, 20.0, 34.79, -45, 53]) {
  for (const zoom of [4, 10, 14.25, 17, 20]) {
    for (const [bearing, pitch] of [[0, 0], [30, 45], [-120, 60], [179, 80]]) views.push({ lon: 114.35, lat, zoom, bearing, pitch });
  }
}

/** Where a place is in the picture of a camera, pixels right of and above its middle. */
function seen(pose, { height_px }, place) {
  const { sub, dot, cross } = geodesy;
  const from = sub(place, pose.position);
  const right = cross(pose.direction, pose.up);
  const per = height_px / 2 / Math.tan(camera.FOV_Y / 2) / dot(from, pose.direction);
  return [dot(from, right) * per, dot(from, pose.up) * per];
}

test('a view comes back from its camera', () => {
  for (const view of views) {
    // On the whole earth's curve a flat look meets the ground elsewhere: only where the ground is nearly flat.
    if (view.zoom < 10 && view.pitch > 60) continue;
    const back = camera.view(camera.pose(view, frame), frame);
    const px = camera.metresPerPixel(view.zoom, view.lat);
    const off = geodesy.length(geodesy.sub(geodesy.geocentric(view.lon, view.lat, 0), geodesy.geocentric(back.lon, back.lat, 0)));
    assert.ok(off < px, `${JSON.stringify(view)}: ${off / px} px off`);
    assert.ok(Math.abs(back.zoom - view.zoom) < 0.005, `${JSON.stringify(view)} zoom ${back.zoom}`);
    assert.ok(Math.abs(back.pitch - view.pitch) < 0.05, `${JSON.stringify(view)} pitch ${back.pitch}`);
    const turned = ((back.bearing - view.bearing + 540) % 360) - 180;
    assert.ok(Math.abs(turned) < 0.05, `${JSON.stringify(view)} bearing ${back.bearing}`);
  }
});

test('a pixel at the centre is as much ground as in MapLibre, within 1 %', () => {
  for (const view of views.filter((v) => v.pitch === 0 && v.zoom >= 10)) {
    // Web Mercator, 512 px at zoom 0: ten pixels right and ten up of the centre.
    const world = 512 * 2 ** view.zoom;
    const mercator = (lat) => Math.log(Math.tan(Math.PI / 4 + lat * geodesy.RAD / 2));
    const lon = view.lon + 3600 / world;
    const lat = (2 * Math.atan(Math.exp(mercator(view.lat) + 20 * Math.PI / world)) - Math.PI / 2) / geodesy.RAD;
    const pose = camera.pose(view, frame);
    const [right] = seen(pose, frame, geodesy.geocentric(lon, view.lat, frame.ground_m));
    const [, up] = seen(pose, frame, geodesy.geocentric(view.lon, lat, frame.ground_m));
    assert.ok(Math.abs(right - 10) < 0.1, `${JSON.stringify(view)}: ${right} for 10 px east`);
    assert.ok(Math.abs(up - 10) < 0.1, `${JSON.stringify(view)}: ${up} for 10 px north`);
  }
});

test('bearing is what is up, pitch tips the picture back', () => {
  const view = { lon: 114.35, lat: 34.79, zoom: 16, bearing: 90, pitch: 0 };
  const east = geodesy.geocentric(view.lon + 1e-4, view.lat, frame.ground_m);
  const [right, up] = seen(camera.pose(view, frame), frame, east);
  assert.ok(up > 1 && Math.abs(right) < 0.01, `east is up: ${right}, ${up}`);
  const tipped = camera.pose({ ...view, bearing: 0, pitch: 60 }, frame);
  const north = geodesy.geocentric(view.lon, view.lat + 1e-4, frame.ground_m);
  const south = geodesy.geocentric(view.lon, view.lat - 1e-4, frame.ground_m);
  assert.ok(seen(tipped, frame, north)[1] < -seen(tipped, frame, south)[1], 'what is ahead is farther and smaller');
  assert.ok(Math.abs(tipped.direction.reduce((s, v, i) => s + v * tipped.up[i], 0)) < 1e-12);
});

test('a camera that looks at the sky or from below the ground still has a view', () => {
  const flat = camera.pose({ lon: 114.35, lat: 34.79, zoom: 17, bearing: 40, pitch: 60 }, frame);
  const { north, up } = geodesy.axes(114.35, 34.79);
  const skyward = camera.view({ ...flat, direction: north, up }, frame);
  assert.ok(Math.abs(skyward.bearing) < 0.1 && skyward.lat > 34.78 && skyward.lat < 34.9 && skyward.pitch <= 85, JSON.stringify(skyward));
  const below = { position: geodesy.geocentric(114.35, 34.79, frame.ground_m - 4), direction: north, up };
  const back = camera.view(below, frame);
  assert.ok(Math.abs(back.lat - 34.79) < 0.001 && back.zoom > 17 && Number.isFinite(back.zoom), JSON.stringify(back));
});

test('the field of view is the vertical one whatever the window', () => {
  for (const [w, h] of [[1600, 900], [390, 844], [700, 700]]) {
    const fov = camera.fieldOfView(w, h);
    const vertical = w > h ? 2 * Math.atan(Math.tan(fov / 2) * h / w) : fov;
    assert.ok(Math.abs(vertical - camera.FOV_Y) < 1e-12);
  }
});
