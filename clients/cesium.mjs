// CesiumJS in Chromium with software rendering: every layer is loaded and drawn, a feature is picked from the picture and
// its id leads to its record; one picture of buildings and pipes, in which the buildings are above.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { opened } from './browser.mjs';
import { layers, record, server } from './server.mjs';

const { url, close } = await server();
const tab = await opened('globe.html', 'cesium/Build/Cesium');
const { page, errors, pictures } = tab;
let fine = true;
const say = (good, line) => { fine = fine && good; console.log(good ? line : `FAULT ${line}`); };
try {
  const all = await layers(url);
  // Over the first vertex of a sewer, a hand's breadth under the ground.
  let eye = null;
  const corner = ({ coordinates: c }) => (typeof c[0] === 'number' ? c : corner({ coordinates: c[0] }));
  const beside = ({ geometry, properties }) => {
    const c = corner(geometry);
    return [c[0], c[1], (c[2] ?? properties.start_elevation_m) + (properties.start_depth_m ?? 2) - 0.3];
  };
  for (const layer of all) {
    let shown = await page.evaluate((at) => globalThis.show(at), url + layer.tileset);
    if (!shown.id && shown.first) {
      const near = corner((await record(url, layer.id, shown.first)).geometry);
      shown = await page.evaluate(([at, c]) => globalThis.show(at, c), [url + layer.tileset, [near[0], near[1], near[2] ?? 0]]);
    }
    const picked = shown.id ? await record(url, layer.id, shown.id).catch((e) => ({ id: e.message })) : { id: null };
    if (layer.id === 'pl_sewage' && picked.geometry) eye = beside(picked);
    const named = layer.ground || (shown.features > 0 && String(picked.id) === shown.id);
    const good = shown.tiles > 0 && named && shown.failed.length === 0 && errors.length === 0;
    say(good, `CesiumJS ${layer.id}: ${shown.features} of ${layer.features} features in ${shown.tiles} tiles in view, picked ${shown.id} -> record ${picked.id} ${JSON.stringify(shown.failed.concat(errors.splice(0)))}`);
    if (!good) await writeFile(join(pictures, `${layer.id}.png`), await page.screenshot({ timeout: 180_000 }));
  }
  const there = (ids) => ids.filter((id) => all.some((l) => l.id === id));
  const above = there(['cim3_building']), below = there(['pl_water', 'pl_sewage', 'pl_storm', 'pl_gas', 'pl_heat']);
  if (above.length && below.length && eye) {
    const scene = await page.evaluate(([at, a, b, m]) => globalThis.section(at, a, b, m), [`${url}/3dtiles/`, above, below, eye]);
    await writeFile(join(pictures, 'above-and-below.png'), await page.screenshot({ timeout: 180_000 }));
    say(scene.above.count > 20 && scene.below.count > 5 && scene.above.mean < 240 && scene.below.mean > 240,
      `CesiumJS scene: buildings at rows ${JSON.stringify(scene.above)}, pipes at rows ${JSON.stringify(scene.below)} (0 is the top); ${pictures}/above-and-below.png`);
  }
} finally {
  await tab.close();
  close();
}
process.exit(fine ? 0 : 1);
