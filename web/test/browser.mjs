// A running server and a browser for the tests: the server named by CHENGTU_URL, or one started on CHENGTU_STORE with
// CHENGTU_BIN and ended by its own process id; with CHENGTU_PAGE before it the page of that folder instead of the one that is
// embedded, so that a change of the page needs no new program. `missing` says in words what is not there.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { proxy } from '../proxy.mjs';

const { CHENGTU_URL, CHENGTU_STORE, CHENGTU_BIN = 'chengtu', CHENGTU_PAGE, CHROMIUM = '/usr/bin/chromium' } = process.env;

export const missing = !existsSync(CHROMIUM) ? `no browser at ${CHROMIUM} (CHROMIUM)` : !CHENGTU_URL && !CHENGTU_STORE ? 'no server: CHENGTU_URL, or CHENGTU_STORE and CHENGTU_BIN' : null;

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** `options` of the command beside the store and the address; `--open` unless told otherwise. */
export async function server(options = ['--open']) {
  const own = CHENGTU_URL ? { url: CHENGTU_URL.replace(/\/$/, ''), close() {} } : await started(options);
  if (!CHENGTU_PAGE) return own;
  const front = await proxy({ upstream: own.url, folder: CHENGTU_PAGE });
  return { url: `http://127.0.0.1:${front.port}`, close: () => { front.close(); own.close(); } };
}

async function started(options) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(CHENGTU_BIN, ['serve', '--store', CHENGTU_STORE, ...options, '--listen', url.slice(7), '--log', 'error'], { stdio: ['ignore', 'inherit', 'inherit'] });
  let ended = null;
  child.on('error', (e) => { ended = e.message; });
  child.on('exit', (code) => { ended ??= `exit code ${code}`; });
  for (let tries = 0; !(await fetch(`${url}/ready`).then((r) => r.ok, () => false)); tries += 1) {
    if (ended !== null || tries > 1200) throw new Error(`the server does not answer: ${ended}`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return { url, close: () => child.kill() };
}

/** A machine that others use too, and that draws with its processor, takes its time: no test is about that. */
const PATIENCE_MS = 120_000;

/** A fresh profile; `close` takes it away again. */
export async function browser({ width = 1280, height = 800, locale = 'zh-CN' } = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'page-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, viewport: { width, height }, locale, hasTouch: width < 600,
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  return { context, close: async () => { await context.close(); await rm(profile, { recursive: true, force: true }); } };
}

/** A page that remembers what went wrong in it and what it asked for elsewhere. */
export async function open(context, url, hash = '') {
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (e) => faults.push(e.message));
  page.on('console', (m) => m.type() === 'error' && faults.push(m.text()));
  page.on('request', (r) => /^https?:/.test(r.url()) && !r.url().startsWith(`${url}/`) && faults.push(`asked elsewhere: ${r.url()}`));
  page.on('response', (r) => r.status() >= 400 && faults.push(`${r.status()} ${r.url()}`));
  await page.goto(`${url}/${hash}`);
  // Whoever opens the globe waits for it himself.
  if (!hash.includes('mode=3d')) await drawn(page);
  return { page, faults };
}

/** How far from the top of the window a place lies on the flat map, pixels. */
export async function lineOf(page, { lat }) {
  const { hash, height } = await page.evaluate(() => ({ hash: location.hash, height: innerHeight }));
  const [zoom, middle] = hash.slice(1).split('&')[0].split('/').map(Number);
  const y = (degrees) => (0.5 - Math.asinh(Math.tan((degrees * Math.PI) / 180)) / (2 * Math.PI)) * 512 * 2 ** zoom;
  return height / 2 + y(lat) - y(middle);
}

/** Until the map has drawn all that it has. */
export async function drawn(page) {
  await page.waitForSelector('.progress', { state: 'attached', timeout: 60_000 });
  await page.waitForTimeout(250);
  await page.waitForFunction(() => document.querySelector('.progress').hidden, null, { timeout: 120_000 });
}
