// CesiumJS in Chromium with software rendering: every layer is loaded and drawn, a feature is picked from the picture and
// its id leads to its record; one picture of buildings and pipes, in which the buildings are above.
import { createServer } from 'node:http';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { layers, record, server } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const library = join(here, 'node_modules/cesium/Build/Cesium');
const kinds = { '.js': 'text/javascript', '.json': 'application/json', '.css': 'text/css', '.html': 'text/html', '.wasm': 'application/wasm' };

/** Cesium's files and the page. */
async function pages() {
  const files = createServer(async (request, response) => {
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    const file = path === '/' ? join(here, 'globe.html') : join(library, path);
    const body = file.startsWith(here) ? await readFile(file).catch(() => null) : null;
    response.writeHead(body ? 200 : 404, { 'content-type': kinds[extname(file)] ?? 'application/octet-stream' });
    response.end(body ?? '');
  });
  await new Promise((done) => files.listen(0, '127.0.0.1', done));
  return { address: `http://127.0.0.1:${files.address().port}/`, close: () => files.close() };
}

const { url, close } = await server();
const site = await pages();
const pictures = process.env.CHENGTU_PICTURES ?? await mkdtemp(join(tmpdir(), 'pictures-'));
await mkdir(pictures, { recursive: true });
const profile = await mkdtemp(join(tmpdir(), 'profile-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  viewport: { width: 640, height: 480 },
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
});
let fine = true;
const say = (good, line) => { fine = fine && good; console.log(good ? line : `FAULT ${line}`); };
try {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (e) => errors.push(e.message));
  page.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
  await page.goto(site.address);
  await page.waitForFunction(() => globalThis.ready === true, null, { timeout: 60000 });
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
    if (!good) await writeFile(join(pictures, `${layer.id}.png`), await page.screenshot());
  }
  const there = (ids) => ids.filter((id) => all.some((l) => l.id === id));
  const above = there(['cim3_building']), below = there(['pl_water', 'pl_sewage', 'pl_storm', 'pl_gas', 'pl_heat']);
  if (above.length && below.length && eye) {
    const scene = await page.evaluate(([at, a, b, m]) => globalThis.section(at, a, b, m), [`${url}/3dtiles/`, above, below, eye]);
    await writeFile(join(pictures, 'above-and-below.png'), await page.screenshot());
    say(scene.above.count > 20 && scene.below.count > 5 && scene.above.mean < 240 && scene.below.mean > 240,
      `CesiumJS scene: buildings at rows ${JSON.stringify(scene.above)}, pipes at rows ${JSON.stringify(scene.below)} (0 is the top); ${pictures}/above-and-below.png`);
  }
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
  site.close();
  close();
}
process.exit(fine ? 0 : 1);
