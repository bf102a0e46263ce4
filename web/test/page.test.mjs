// The page in a real browser before a small city: it opens, every theme can be shown, a click tells what is there and
// whose it is, search and dispatching answer what the server answers, three dimensions keep the place; nothing goes wrong
// in the console, nothing is asked of anybody else, and axe finds nothing serious.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { browser, drawn, lineOf, missing, open, server } from './browser.mjs';

const options = missing ? { skip: missing } : { timeout: 300_000 };
if (missing) console.error(`SKIPPED: the page in a browser: ${missing}`);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let chengtu, desk, catalog, lamp;
before(async () => {
  if (missing) return;
  chengtu = await server();
  desk = await browser();
  catalog = await json('/catalog');
  lamp = await component();
}, { timeout: 180_000 });
after(async () => {
  await desk?.close();
  chengtu?.close();
});

const json = async (path) => (await fetch(chengtu.url + path)).json();

/** A component with a unit, a point, on which nothing else stands. */
async function component() {
  const layers = catalog.layers.filter((l) => l.roles.includes('component') && l.geometry === 'point' && l.count > 0);
  for (const layer of layers.sort((a, b) => b.count - a.count)) {
    const { features } = await json(`/collections/${layer.id}/items?limit=40`);
    for (const f of features) {
      const [lon, lat] = f.geometry.coordinates;
      const code = f.properties[layer.fields.find((x) => x.key).name];
      const near = await json(`/identify?lon=${lon}&lat=${lat}&radius_m=3`);
      const alone = near.features.filter((n) => n.geometry.type.endsWith('Point')).length === 1;
      const answer = alone && (await json(`/owner?lon=${lon}&lat=${lat}&component=${code}`));
      if (answer?.subject) return { layer: layer.id, id: f.id, lon, lat, code, unit: answer.subject.name };
    }
  }
  throw new Error('no component with a unit in this city');
}

const at = (zoom, more = '') => `#${zoom}/${lamp.lat}/${lamp.lon}&on=${lamp.layer}${more}`;
const text = (page, selector) => page.locator(selector).first().innerText();

async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`);
}

test('it opens on the city, and every theme can be shown', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url);
  await page.click('[data-panel=layers]');
  const groups = page.locator('.group');
  assert.equal(await groups.count(), new Set(catalog.layers.map((l) => l.theme)).size);
  for (let i = 0; i < await groups.count(); i += 1) {
    const check = groups.nth(i).locator('> .row .check');
    for (let clicks = 0; clicks < 2 && (await groups.nth(i).getAttribute('aria-checked')) !== 'true'; clicks += 1) await check.click();
    assert.equal(await groups.nth(i).getAttribute('aria-checked'), 'true');
    await drawn(page);
  }
  assert.equal(await page.locator('.leaf').count(), catalog.layers.length);
  await groups.first().locator('> .row').click();
  await groups.first().locator('.more').first().click({ force: true });
  assert.deepEqual(await serious(page), []);
  await page.fill('.filter', catalog.layers[0].name_zh);
  assert.ok(await page.locator(`[data-layer="${catalog.layers[0].id}"]`).isVisible());
  assert.deepEqual(faults, []);
  await page.close();
});

test('the tree is worked with the keyboard', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url, '#panel=layers');
  await page.locator('[role=treeitem]').first().focus();
  for (const key of ['ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
  const focused = () => page.evaluate(() => [document.activeElement.dataset.layer ?? '', document.activeElement.getAttribute('aria-checked')]);
  const [layer, checked] = await focused();
  assert.ok(catalog.layers.some((l) => l.id === layer));
  await page.keyboard.press('Space');
  assert.deepEqual(await focused(), [layer, checked === 'true' ? 'false' : 'true']);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false');
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('.left').isVisible());
  assert.deepEqual(faults, []);
  await page.close();
});

test('a click tells what is there and whose it is', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url, at(18));
  await page.mouse.click(640, 400);
  await page.waitForSelector('.record');
  await page.waitForFunction((unit) => document.querySelector('.unit')?.textContent === unit, lamp.unit);
  assert.ok((await text(page, '.record')).includes(lamp.code));
  assert.ok((await text(page, '.why')).length > 4);
  assert.ok((await page.locator('.step').count()) > 3);
  await page.waitForFunction((part) => location.hash.includes(part), `sel=${lamp.layer}/${lamp.id}`);
  assert.deepEqual(await serious(page), []);
  // What stands in the address opens the same again.
  const again = await open(desk.context, chengtu.url, await page.evaluate(() => location.hash));
  await again.page.waitForFunction((unit) => document.querySelector('.unit')?.textContent === unit, lamp.unit);
  assert.deepEqual([...faults, ...again.faults], []);
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('.right').isVisible());
  await again.page.close();
  await page.close();
});

test('a code and a coordinate fly there', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url);
  await page.keyboard.press('/');
  await page.keyboard.type(lamp.code);
  await page.waitForSelector('.results li');
  await page.keyboard.press('Enter');
  await page.waitForFunction((unit) => document.querySelector('.unit')?.textContent === unit, lamp.unit);
  await page.keyboard.press('/');
  await page.keyboard.type(`${lamp.lon},${lamp.lat}`);
  await page.waitForFunction(() => document.querySelector('.results li .muted')?.textContent === '坐标');
  await page.keyboard.press('Enter');
  await page.waitForFunction(([lon, lat]) => {
    const [, y, x] = location.hash.slice(1).split('&')[0].split('/').map(Number);
    return Math.abs(x - lon) < 1e-3 && Math.abs(y - lat) < 1e-3;
  }, [lamp.lon, lamp.lat]);
  assert.deepEqual(faults, []);
  await page.close();
});

test('records of one name are shown together', options, async () => {
  const roads = catalog.layers.find((l) => l.roles.includes('road_centerline'));
  const { features } = await json(`/collections/${roads.id}/items?limit=400`);
  const counts = new Map();
  for (const { properties: { road_name: name } } of features) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  const [name] = [...counts].sort((a, b) => b[1] - a[1])[0];
  const { results } = await json(`/search?q=${encodeURIComponent(name)}&layers=${roads.id}`);
  const { count } = results.find((r) => r.title === name);
  assert.ok(count > 1 && count <= 500, `${count} of ${name}`);
  const { page, faults } = await open(desk.context, chengtu.url);
  await page.click('.search input');
  await page.keyboard.type(name);
  await page.locator('.results li', { hasText: `${count} 处` }).first().click();
  await page.waitForSelector('.group-card li');
  assert.equal(await page.locator('.hint-first').count(), 0);
  assert.equal(await page.locator('.group-card li').count(), Math.min(count, 100));
  assert.ok((await text(page, '.group-card')).includes(`${count}`));
  await page.locator('.group-card li button').first().click();
  await page.waitForFunction((part) => location.hash.includes(part), `sel=${roads.id}/`);
  await page.click('.back');
  await page.waitForSelector('.group-card li');
  assert.deepEqual(await serious(page), []);
  assert.deepEqual(faults, []);
  await page.close();
});

test('the dispatcher points and is answered', options, async () => {
  const { schemes } = await json('/owner/classes');
  const [scheme] = schemes;
  const [first] = scheme.classes;
  const { page, faults } = await open(desk.context, chengtu.url, at(17, '&panel=dispatch'));
  await page.click('.field input');
  await page.keyboard.type(first.code);
  await page.keyboard.press('Enter');
  await page.mouse.click(640, 400);
  await page.waitForSelector('.dispatch .unit');
  const place = /at=([^&,]+),([^&]+)/.exec(await page.waitForFunction(() => /at=/.test(location.hash) && location.hash).then((v) => v.jsonValue()));
  const answer = await json(`/owner?lon=${place[1]}&lat=${place[2]}&class=${scheme.id}:${first.kind}:${first.code}`);
  assert.equal(await text(page, '.dispatch .unit'), answer.subject.name);
  assert.deepEqual(await serious(page), []);
  assert.deepEqual(faults, []);
  await page.close();
});

test('who looks after what is coloured and named', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url, '#panel=who');
  await page.waitForSelector('.legend li');
  const [layer] = catalog.layers.filter((l) => l.roles.includes('district'));
  const names = new Set((await json(`/collections/${layer.id}/items?limit=100`)).features.map((f) => f.properties.name_zh));
  for (const name of await page.locator('.legend li').allInnerTexts()) assert.ok(names.has(name), name);
  assert.deepEqual(await serious(page), []);
  assert.deepEqual(faults, []);
  await page.close();
});

test('styles change and keep what is shown', options, async () => {
  const { styles } = await json('/styles');
  const { page, faults } = await open(desk.context, chengtu.url, at(16));
  for (const style of styles) {
    await page.click('[aria-haspopup=menu] >> nth=0');
    await page.click(`[role=menuitemradio] >> nth=${styles.indexOf(style)}`);
    await drawn(page);
    await page.waitForFunction((parts) => parts.every((part) => location.hash.includes(part)), [`style=${style.id}`, `on=${lamp.layer}`]);
    assert.deepEqual(await serious(page), [], style.id);
  }
  assert.deepEqual(faults, []);
  await page.close();
});

test('measuring tells lengths', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url, at(17));
  await page.click('[aria-haspopup=menu] >> nth=1');
  await page.click('[role=menuitemradio] >> nth=0');
  await page.mouse.click(500, 400);
  await page.mouse.click(700, 400);
  await page.keyboard.press('Enter');
  const pixel = (40_075_016.686 * Math.cos((lamp.lat * Math.PI) / 180)) / 512 / 2 ** 17;
  const metres = Number((await text(page, '.measure strong')).replace(/[^\d.]/g, ''));
  assert.ok(Math.abs(metres / (200 * pixel) - 1) < 0.01, `${metres} m for ${200 * pixel} m`);
  await page.keyboard.press('Escape');
  assert.ok(!await page.locator('.measure').isVisible());
  assert.deepEqual(faults, []);
  await page.close();
});

test('three dimensions and back keep the place', options, async () => {
  const { page, faults } = await open(desk.context, chengtu.url, at(17));
  const view = () => page.evaluate(() => location.hash.slice(1).split('&')[0].split('/').map(Number));
  await page.click('.tool.wide');
  await page.waitForSelector('.globe canvas', { timeout: 120_000 });
  await page.waitForFunction(() => /mode=3d/.test(location.hash));
  const [zoom, lat, lon] = await view();
  assert.ok(Math.abs(lon - lamp.lon) < 1e-4 && Math.abs(lat - lamp.lat) < 1e-4 && Math.abs(zoom - 17) < 0.05, `${zoom}/${lat}/${lon}`);
  await page.waitForFunction(() => document.querySelector('.globe').getAttribute('aria-busy') === 'false', null, { timeout: 180_000 });
  await page.click('.tool.wide');
  await page.waitForFunction(() => !/mode=3d/.test(location.hash));
  await drawn(page);
  const [flatZoom, flatLat, flatLon] = await view();
  assert.ok(Math.abs(flatLon - lamp.lon) < 1e-4 && Math.abs(flatLat - lamp.lat) < 1e-4 && Math.abs(flatZoom - 17) < 0.05, `${flatZoom}/${flatLat}/${flatLon}`);
  assert.deepEqual(faults, []);
  await page.close();
});

test('on a phone and in English', options, async () => {
  const phone = await browser({ width: 390, height: 780, locale: 'en-GB' });
  try {
    const { page, faults } = await open(phone.context, chengtu.url, at(18));
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
    await page.touchscreen.tap(195, 390);
    await page.waitForFunction((unit) => document.querySelector('.unit')?.textContent === unit, lamp.unit);
    assert.deepEqual(await serious(page), []);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `${wide} px wide`);
    await page.waitForSelector('.record');
    // What was tapped does not disappear below the sheet that tells of it.
    await page.waitForFunction(() => !document.querySelector('.sheet.right [aria-busy=true]'));
    await page.waitForTimeout(1500);
    const [line, sheet] = [await lineOf(page, lamp), await page.locator('.sheet.right').boundingBox()];
    assert.ok(line > 60 && line < sheet.y, `${line} px from the top, the sheet at ${sheet.y}`);
    assert.deepEqual(faults, []);
  } finally {
    await phone.close();
  }
});
