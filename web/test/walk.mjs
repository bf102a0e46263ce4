// A walk through the page before a whole city, as somebody would take it who judges it: pictures of every style and of three
// dimensions, every theme, clicks and their owners, under the ground, on a phone, in English, and how soon somebody who has
// never seen it learns whose a street lamp is. Says what it found as JSON; pictures and report go to the folder WALK_OUT.
//   CHENGTU_URL=http://127.0.0.1:8080 WALK_OUT=/tmp/walk node test/walk.mjs [part of a step's name …]
import { createRequire } from 'node:module';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { browser, drawn, lineOf, missing, open, server } from './browser.mjs';

const out = process.env.WALK_OUT;
if (missing || !out) throw new Error(missing ?? 'no folder for the pictures: WALK_OUT');
await mkdir(out, { recursive: true });
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const only = process.argv.slice(2);
const GLOBE_MS = 300_000;
/** Where processors draw, and others use them too, a city takes its time. */
const SETTLES_MS = 900_000, PICTURE_MS = 180_000;

const chengtu = await server();
const json = async (path) => (await fetch(chengtu.url + path)).json();
const catalog = await json('/catalog');
const { styles } = await json('/styles');
const steps = [];

/** One step on a fresh page: what went wrong in it is its own. */
async function step(name, { hash = '', phone = false, locale = 'zh-CN' }, work) {
  if (only.length && !only.some((part) => name.includes(part))) return;
  const desk = await browser({ ...(phone ? { width: 390, height: 780 } : {}), locale });
  const told = { step: name, wrong: [] };
  const begun = performance.now();
  try {
    const { page, faults } = await open(desk.context, chengtu.url, hash);
    told.opened_s = seconds(begun);
    const shot = (of) => page.screenshot({ path: join(out, `${of}.png`), animations: 'disabled', timeout: PICTURE_MS });
    const expect = (is, what) => { if (!is) told.wrong.push(what); };
    Object.assign(told, await work({ page, shot, expect }));
    told.wrong.push(...faults, ...(await serious(page)));
  } catch (e) {
    told.wrong.push(e instanceof Error ? e.message.split('\n')[0] : String(e));
  } finally {
    await desk.close();
  }
  told.took_s = seconds(begun);
  steps.push(told);
  console.log(JSON.stringify(told));
}

const seconds = (since) => Math.round((performance.now() - since) / 100) / 10;

async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `axe ${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`);
}

/** Until the globe has nothing under way, for a while. */
async function settled(page) {
  const calm = () => document.querySelector('.globe').getAttribute('aria-busy') === 'false' && !document.querySelector('.opening-globe');
  const until = performance.now() + SETTLES_MS;
  for (let quiet = 0; quiet < 4; ) {
    if (performance.now() > until) throw new Error(`the picture is not whole after ${SETTLES_MS / 1000} s`);
    quiet = (await page.evaluate(calm)) ? quiet + 1 : 0;
    await page.waitForTimeout(500);
  }
}

const viewOf = (page) => page.evaluate(() => location.hash.slice(1).split('&')[0].split('/').map(Number));
const unit = (page) => page.waitForFunction(() => document.querySelector('.unit')?.textContent, null, { timeout: 30_000 }).then((v) => v.jsonValue());

/** Components in the middle of the city that have a unit: where one looks. */
async function place() {
  const layers = catalog.layers.filter((l) => l.roles.includes('component') && l.geometry === 'point' && l.count > 0).sort((a, b) => b.count - a.count);
  const boxes = layers.map((l) => l.bounds);
  const middle = [0, 1].map((k) => boxes.reduce((sum, b) => sum + (b[k] + b[k + 2]) / 2, 0) / boxes.length);
  for (let reach = 0.002; reach < 0.1; reach *= 2) {
    const bbox = [middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach].join(',');
    for (const layer of layers.slice(0, 8)) {
      const { features } = await json(`/collections/${layer.id}/items?limit=20&bbox=${bbox}`);
      for (const f of features) {
        const [lon, lat] = f.geometry.coordinates;
        const code = f.properties[layer.fields.find((x) => x.key).name];
        const near = await json(`/identify?lon=${lon}&lat=${lat}&radius_m=3`);
        const answer = near.features.filter((n) => n.geometry.type.endsWith('Point')).length === 1 && (await json(`/owner?lon=${lon}&lat=${lat}&component=${code}`));
        if (answer?.subject) return { layer: layer.id, id: String(f.id), lon, lat, code, unit: answer.subject.name };
      }
    }
  }
  throw new Error('no component with a unit in the middle of this city');
}

const thing = await place();
const at = (zoom, more = '', tail = '') => `#${zoom}/${thing.lat}/${thing.lon}${tail}${more}`;
console.log(JSON.stringify({ thing, layers: catalog.layers.length, records: catalog.layers.reduce((n, l) => n + l.count, 0) }));

for (const { id } of styles) {
  for (const zoom of [10, 11.5, 14, 15.5, 17, 18.5]) {
    await step(`flat ${id} z${zoom}`, { hash: at(zoom, `&style=${id}`) }, async ({ shot }) => { await shot(`flat-${id}-z${zoom}`); });
  }
}

const themes = [...new Set(catalog.layers.map((l) => l.theme))];
for (const theme of themes) {
  const ids = catalog.layers.filter((l) => l.theme === theme).map((l) => l.id);
  await step(`theme ${theme}`, { hash: at(16, `&on=${ids.join(',')}&panel=layers`) }, async ({ page, shot, expect }) => {
    const shown = await page.locator('.group[aria-checked=true]').count();
    expect(shown >= 1, `the tree does not say that all of ${theme} is shown`);
    for (const z of [12, 16]) {
      await page.evaluate((zoom) => { location.hash = location.hash.replace(/^#[^/]+/, `#${zoom}`); }, z);
      await page.waitForTimeout(1500);
      await drawn(page);
      await shot(`theme-${theme}-z${z}`);
    }
    await page.mouse.click(800, 420);
    const owner = await unit(page);
    await page.waitForSelector('.place .record, .place .muted.pad');
    await shot(`theme-${theme}-clicked`);
    return { owner };
  });
}

await step('click', { hash: at(18.5, `&on=${thing.layer}`) }, async ({ page, shot, expect }) => {
  await page.mouse.click(640, 400);
  await page.waitForSelector('.record');
  await page.waitForFunction((u) => document.querySelector('.unit')?.textContent === u, thing.unit, { timeout: 30_000 });
  expect((await page.locator('.record').innerText()).includes(thing.code), 'the record is not the one that was clicked');
  await page.click('.trail summary');
  await shot('clicked');
});

// Somebody who has never seen the page is to find a street lamp's owner: by looking, and by asking.
await step('lamp by search', {}, async ({ page, shot, expect }) => {
  const begun = performance.now();
  await page.click('.search input');
  await page.keyboard.type('路灯');
  await page.waitForSelector('.results li');
  await shot('lamp-results');
  await page.keyboard.press('Enter');
  const owner = await unit(page);
  await drawn(page);
  await shot('lamp-found');
  expect((await page.locator('.record').innerText()).includes('路灯'), 'what opens is no lamp');
  return { actions: 3, seconds: seconds(begun), owner };
});

await step('group', {}, async ({ page, shot, expect }) => {
  const streets = catalog.layers.find((l) => l.roles.includes('road_centerline'));
  const name = streets.fields.find((f) => f.role === 'name')?.name ?? 'road_name';
  const { features } = await json(`/collections/${streets.id}/items?limit=300&bbox=${thing.lon - 0.02},${thing.lat - 0.02},${thing.lon + 0.02},${thing.lat + 0.02}`);
  const counts = new Map();
  for (const { properties } of features) if (properties[name]) counts.set(properties[name], (counts.get(properties[name]) ?? 0) + 1);
  const [road] = [...counts].sort((a, b) => b[1] - a[1])[0];
  await page.click('.search input');
  await page.keyboard.type(road);
  await page.locator('.results li', { hasText: /\d 处/ }).first().click();
  await page.waitForSelector('.group-card li');
  await page.waitForTimeout(1500);
  await drawn(page);
  await shot('group');
  const listed = await page.locator('.group-card li').count();
  await page.click('.group-card li button');
  await page.waitForSelector('.record dl');
  expect(await page.locator('.back').isVisible(), 'no way back to the group');
  return { road, listed };
});

for (const who of ['district', 'street', 'body']) {
  await step(`who ${who}`, { hash: at(who === 'body' ? 15 : 11, `&panel=who&who=${who}`) }, async ({ page, shot }) => {
    await page.waitForSelector('.legend li');
    await drawn(page);
    await shot(`who-${who}`);
    return { named: await page.locator('.legend li').count() };
  });
}

await step('dispatch', { hash: at(17, '&panel=dispatch') }, async ({ page, shot }) => {
  await page.mouse.click(700, 420);
  await page.waitForSelector('.dispatch .unit');
  await shot('dispatch');
});

// Three dimensions: the city, a street, under the ground; and back to the same place.
const views = [['city', 14.6, '/20/60', ''], ['street', 18.4, '/20/68', ''], ['underground', 18.2, '/20/55', '&below=1'], ['night', 16, '/20/60', '&style=dark'], ['quarter', 16.5, '/20/45', '&style=planner']];
for (const [name, zoom, tail, more] of views) {
  await step(`globe ${name}`, { hash: at(zoom, `&mode=3d${more}`, tail) }, async ({ page, shot, expect }) => {
    await page.waitForSelector('.globe canvas', { timeout: GLOBE_MS });
    await page.waitForTimeout(2000);
    await shot(`globe-${name}-loading`);
    const begun = performance.now();
    await settled(page);
    const whole_s = seconds(begun);
    await shot(`globe-${name}`);
    const [z, lat, lon] = await viewOf(page);
    expect(Math.abs(z - zoom) < 0.05 && Math.abs(lat - thing.lat) < 1e-4 && Math.abs(lon - thing.lon) < 1e-4, `3D is at ${z}/${lat}/${lon}`);
    if (name === 'underground') expect(await pipesAreSeen(page), 'the pipes make no difference to the picture');
    await page.click('.tool.wide');
    await page.waitForFunction(() => !/mode=3d/.test(location.hash));
    await drawn(page);
    const [flatZ, flatLat, flatLon] = await viewOf(page);
    expect(Math.abs(flatZ - zoom) < 0.05 && Math.abs(flatLat - thing.lat) < 1e-4 && Math.abs(flatLon - thing.lon) < 1e-4, `back in 2D at ${flatZ}/${flatLat}/${flatLon}`);
    return { whole_s };
  });
}

/** Whether the picture changes where pipes are taken out of it: by the share of pixels that differ. */
async function pipesAreSeen(page) {
  const before = await page.locator('.globe canvas').screenshot();
  await page.click('[data-panel=layers]');
  await page.evaluate((ids) => {
    for (const id of ids) document.querySelector(`[data-layer="${id}"][aria-checked=true] > .row`)?.click();
  }, catalog.layers.filter((l) => l.scene?.kind === 'tube').map((l) => l.id));
  await page.click('[data-panel=layers]');
  await settled(page);
  const after = await page.locator('.globe canvas').screenshot();
  const share = await page.evaluate(async ([a, b]) => {
    const pixels = async (base64) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
      const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
      context.drawImage(image, 0, 0);
      return context.getImageData(0, 0, image.width, image.height).data;
    };
    const [x, y] = await Promise.all([pixels(a), pixels(b)]);
    let differ = 0;
    for (let i = 0; i < x.length; i += 4) if (Math.abs(x[i] - y[i]) + Math.abs(x[i + 1] - y[i + 1]) + Math.abs(x[i + 2] - y[i + 2]) > 40) differ += 1;
    return differ / (x.length / 4);
  }, [before.toString('base64'), after.toString('base64')]);
  console.log(JSON.stringify({ pipes_share: share }));
  return share > 0.01;
}

for (const [name, options] of [['phone', { phone: true }], ['phone English', { phone: true, locale: 'en-GB' }], ['English', { locale: 'en-GB' }]]) {
  const file = name.replace(' ', '-').toLowerCase();
  await step(name, { ...options, hash: at(17.5, `&on=${thing.layer}`) }, async ({ page, shot, expect }) => {
    await shot(file);
    await page.click('[data-panel=layers]');
    await page.waitForTimeout(400);
    await shot(`${file}-layers`);
    await page.click('[data-panel=layers]');
    const [x, y] = options.phone ? [195, 390] : [640, 400];
    await (options.phone ? page.touchscreen.tap(x, y) : page.mouse.click(x, y));
    await page.waitForFunction((u) => document.querySelector('.unit')?.textContent === u, thing.unit, { timeout: 30_000 });
    await page.waitForSelector('.record');
    await page.waitForTimeout(1500);
    await shot(`${file}-clicked`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide <= page.viewportSize().width, `${wide} px wide`);
    if (options.phone) expect((await lineOf(page, thing)) < (await page.locator('.sheet.right').boundingBox()).y, 'the place lies below the sheet');
  });
}

chengtu.close();
await writeFile(join(out, 'report.json'), JSON.stringify({ snapshot: catalog.snapshot, thing, steps }, null, 1));
const wrong = steps.filter((s) => s.wrong.length);
console.log(`${steps.length} steps, ${wrong.length} with something wrong${wrong.map((s) => `\n  ${s.step}: ${s.wrong.join('; ')}`).join('')}`);
process.exitCode = wrong.length ? 1 : 0;
