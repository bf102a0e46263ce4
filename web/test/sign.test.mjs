// Signing in, in a real browser before a small city whose layers are not for everybody (docs/access.md): what is there follows
// the role, the credential goes in a header with every request and stands in no address, and what is refused is told in words.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browser, drawn, missing, open, server } from './browser.mjs';
import { load } from './modules.mjs';

const why = missing ?? (process.env.CHENGTU_URL ? 'the server of CHENGTU_URL has its own roles' : null);
const options = why ? { skip: why } : { timeout: 400_000 };
if (why) console.error(`SKIPPED: signing in: ${why}`);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const { zh } = (await load('words')).words;

const ROLES = `open = false
[access]
keys_file = "keys.toml"
[access.roles.engineer]
clearance = "restricted"
`;

let chengtu, desk, folder, key, entry;
before(async () => {
  if (why) return;
  folder = await mkdtemp(join(tmpdir(), 'sign-'));
  const told = execFileSync(process.env.CHENGTU_BIN ?? 'chengtu', ['key', 'tester', '--role', 'engineer'], { encoding: 'utf8' });
  [key] = /ck_[0-9a-f]{64}/.exec(told);
  entry = told.slice(told.indexOf('[[access.keys]]')).replace('[[access.keys]]', '[[keys]]');
  await writeFile(join(folder, 'chengtu.toml'), ROLES);
  await writeFile(join(folder, 'keys.toml'), entry);
  chengtu = await server(['--config', join(folder, 'chengtu.toml')]);
  desk = await browser();
}, { timeout: 180_000 });
after(async () => {
  await desk?.close();
  chengtu?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const catalogFor = async (headers) => (await fetch(`${chengtu.url}/catalog`, { headers })).json();
const shown = (page) => page.locator('.leaf').count();
const door = (page) => page.locator('.tools button').filter({ has: page.locator('circle[cy="7"]') });

async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(' ')}`);
}

/** Requests to the server with what they carry. */
function listen(page) {
  const asked = [];
  page.on('request', (r) => { if (r.url().startsWith(chengtu.url)) asked.push(r.allHeaders().then((all) => [new URL(r.url()).pathname, r.url(), all['x-api-key']], () => null)); });
  return async () => (await Promise.all(asked)).filter(Boolean);
}

async function signIn(page, text) {
  await door(page).click();
  await page.fill('#credential', text);
  await page.keyboard.press('Enter');
}

test('who signs in sees what the role sees, until he signs out', options, async () => {
  const [everybody, engineer] = [await catalogFor({}), await catalogFor({ 'x-api-key': key })];
  assert.ok(engineer.layers.length > everybody.layers.length);
  const { page, faults } = await open(desk.context, chengtu.url, '#panel=layers');
  assert.equal(await shown(page), everybody.layers.length);
  await door(page).click();
  assert.deepEqual(await serious(page), []);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog').count(), 0);
  assert.deepEqual(faults, []);

  // The middle of a pipe: tiles, pictures, letters, records, the owner, three dimensions.
  const pipes = engineer.layers.find((l) => l.scene?.kind === 'tube' && l.count > 0);
  const { features: [pipe] } = await (await fetch(`${chengtu.url}/collections/${pipes.id}/items?limit=1`, { headers: { 'x-api-key': key } })).json();
  const [lon, lat] = pipe.geometry.coordinates.flat(5);
  await page.goto(`${chengtu.url}/#18/${lat}/${lon}&on=${pipes.id}&panel=layers`);
  await drawn(page);
  const asked = listen(page);
  await signIn(page, `Bearer ${key}\n`);
  await page.waitForFunction((n) => document.querySelectorAll('.leaf').length === n, engineer.layers.length);
  await drawn(page);
  await page.mouse.click(640, 400);
  await page.waitForSelector('.record');
  await page.waitForSelector('.unit');
  const [whole] = await Promise.all([desk.context.waitForEvent('page'), page.click('.record footer a')]);
  await whole.waitForLoadState();
  assert.ok((await whole.textContent('body')).includes('"geometry"'));
  await whole.close();
  await page.click('.tool.wide');
  await page.waitForSelector('.globe canvas', { timeout: 120_000 });
  await page.waitForFunction(() => document.querySelector('.globe').getAttribute('aria-busy') === 'false' && !document.querySelector('.opening-globe'), null, { timeout: 240_000 });
  await page.click('.tool.wide');
  await drawn(page);

  // From the answer of the sign-in on everything came with the key, but for the page itself.
  const all = await asked();
  const since = all.findIndex(([path]) => path === '/');
  const bare = all.slice(since).filter(([path, , sent]) => path !== '/' && !path.startsWith('/web/') && sent !== key);
  // What the page loads ahead carries nothing; what it uses does.
  assert.deepEqual(bare.filter(([path]) => path !== '/catalog'), []);
  for (const part of ['tiles', 'sprites', 'styles', 'collections', 'identify', 'owner', '3dtiles']) {
    assert.ok(all.some(([path, , sent]) => path.startsWith(`/${part}`) && sent === key), `nothing was asked of /${part}`);
  }
  assert.ok(all.some(([path]) => path.includes(`/tiles/`) && path.includes(pipes.id)), 'no tile of the pipes was asked for');
  for (const [, url] of all) assert.ok(!url.includes(key.slice(3, 20)), url);
  assert.ok(!(await page.evaluate(() => location.href)).includes(key.slice(3, 20)));
  assert.deepEqual(faults, []);

  await door(page).click();
  assert.ok((await page.locator('dialog').innerText()).includes('engineer'));
  await page.click('dialog .primary');
  await page.waitForFunction((n) => document.querySelectorAll('.leaf').length === n, everybody.layers.length);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.close();
});

test('a wrong key and an expired one are told in words', options, async () => {
  const everybody = await catalogFor({});
  const { page } = await open(desk.context, chengtu.url, '#panel=layers');
  const said = () => page.locator('#sign-said').innerText();
  await signIn(page, '密钥');
  assert.equal(await said(), zh['sign.none']);
  await page.fill('#credential', `ck_${'0'.repeat(64)}`);
  await page.keyboard.press('Enter');
  await page.waitForFunction((text) => document.querySelector('#sign-said').textContent === text, zh['sign.invalid']);
  await page.fill('#credential', key);
  await page.keyboard.press('Enter');
  await page.waitForFunction((n) => document.querySelectorAll('.leaf').length > n, everybody.layers.length);
  await drawn(page);

  // The key runs out while somebody works.
  await writeFile(join(folder, 'keys.toml'), `${entry}expires = "2020-01-01"\n`);
  for (let tries = 0; (await fetch(`${chengtu.url}/catalog`, { headers: { 'x-api-key': key } })).status !== 401; tries += 1) {
    assert.ok(tries < 300, 'the file of keys is not read again');
    await page.waitForTimeout(100);
  }
  await page.click('.search input');
  await page.keyboard.type('路');
  await page.waitForSelector('.toast .link');
  assert.ok((await page.locator('.toast[role=alert]').innerText()).includes(zh['sign.expired']));
  await page.click('.toast .link');
  assert.equal(await said(), zh['sign.expired']);
  assert.deepEqual(await serious(page), []);

  // Whoever opens the page anew with it is told too, and may go on without.
  await page.reload();
  await page.waitForSelector('.opening form');
  assert.equal(await said(), zh['sign.expired']);
  assert.deepEqual(await serious(page), []);
  await page.click('.opening .link');
  await page.waitForFunction((n) => document.querySelectorAll('.leaf').length === n, everybody.layers.length);
  await page.close();
});

test('nobody is asked to sign in where everybody sees the same', options, async () => {
  const closed = await server([]);
  try {
    const { page, faults } = await open(desk.context, closed.url, '#panel=layers');
    assert.equal(await door(page).count(), 0);
    assert.equal(await shown(page), (await (await fetch(`${closed.url}/catalog`)).json()).layers.length);
    assert.deepEqual(faults, []);
    await page.close();
  } finally {
    closed.close();
  }
});
