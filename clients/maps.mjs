// MapLibre GL JS, OpenLayers (in both tile grids) and deck.gl with loaders.gl in Chromium: polygons, lines and points of a
// small city are drawn, and what is in the picture is compared with its records. The pictures are for looking at.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { opened } from './browser.mjs';
import { bounds, record, server } from './server.mjs';

/** Of each kind the first of these that the city has. */
const WANTED = {
  polygon: ['bm_building_footprint', 'cim2_building'],
  line: ['bm_road_centerline', 'pl_sewage', 'pl_water'],
  point: ['cp_street_light'],
};
const ZOOM = 16;

const { url, close } = await server();
let fine = true;
const say = (good, line) => { fine = fine && good; console.log(good ? line : `FAULT ${line}`); };

/** How far what was found lies outside of its records' boxes at most, metres; and ids that lead to no record. */
async function compared(found) {
  const wrong = [];
  let farthest = 0;
  for (const [layer, features] of Object.entries(found)) {
    const ids = Object.keys(features);
    for (const id of ids.filter((_, i) => i % Math.ceil(ids.length / 10) === 0)) {
      const own = await record(url, layer, id).catch(() => null);
      if (String(own?.id) !== id) { wrong.push(`${layer}/${id}`); continue; }
      const [w, s, e, n] = bounds(own.geometry);
      const [lon, lat] = features[id];
      farthest = Math.max(farthest, Math.max(w - lon, lon - e) * 91300, Math.max(s - lat, lat - n) * 110950);
    }
  }
  return { wrong, farthest };
}

try {
  const { layers: all } = await (await fetch(`${url}/catalog`)).json();
  const layers = Object.entries(WANTED).flatMap(([kind, ids]) => {
    const id = ids.find((wanted) => all.some((l) => l.id === wanted && l.tiles && l.count > 0));
    return id ? [{ id, kind }] : [];
  });
  const { features: [first] } = await (await fetch(`${url}/collections/${layers.at(-1).id}/items?limit=1`)).json();
  const center = first.geometry.coordinates.slice(0, 2);
  const runs = [
    ['maplibre', 'maplibre', {}],
    ['maplibre', 'maplibre-standard', { style: `${url}/styles/standard.json` }],
    ['openlayers', 'openlayers-WebMercatorQuad', { grid: 'WebMercatorQuad' }],
    ['openlayers', 'openlayers-CGCS2000Quad', { grid: 'CGCS2000Quad' }],
    ['deck', 'deck', {}],
  ];
  const only = process.env.CHENGTU_MAPS?.split(',');
  for (const [client, name, more] of runs.filter(([kind]) => !only || only.includes(kind))) {
    const tab = await opened('map.html', '.', { width: 960, height: 640 });
    try {
      const shown = await tab.page.evaluate(([c, asked]) => globalThis.show(c, asked), [client, { url, layers, center, zoom: ZOOM, ...more }]);
      await writeFile(join(tab.pictures, `${name}.png`), await tab.page.screenshot({ timeout: 180_000 }));
      const { wrong, farthest } = await compared(shown.found);
      const counts = layers.map((l) => Object.keys(shown.found[l.id] ?? {}).length);
      // A style decides for itself what it shows.
      const there = more.style ? counts.some((n) => n > 0) : counts.every((n) => n > 0);
      // A vertex in a tile of z16 stands within 0.15 m of its own place; beyond a tile's edge lines and areas are cut.
      const good = there && wrong.length === 0 && farthest < 1 && shown.failed.length === 0 && tab.errors.length === 0;
      const counted = layers.map((l, i) => `${counts[i]} of ${l.id}`).join(', ');
      say(good, `${name} ${shown.version}: ${counted}; ${farthest.toFixed(2)} m off their records at most ${JSON.stringify([...wrong, ...shown.failed, ...tab.errors])}; ${tab.pictures}/${name}.png`);
    } catch (e) {
      say(false, `${name}: ${e.message}`);
    } finally {
      await tab.close();
    }
  }
} finally {
  close();
}
process.exit(fine ? 0 : 1);
