// Chromium with software rendering, and the files its pages load: those of this folder and of the installed packages.
import { createServer } from 'node:http';
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const kinds = {
  '.js': 'text/javascript', '.mjs': 'text/javascript', '.json': 'application/json', '.css': 'text/css', '.html': 'text/html',
  '.wasm': 'application/wasm', '.png': 'image/png', '.svg': 'image/svg+xml',
};

/** A server of `page` as `/` and of the folder `library` of the installed packages below it. */
async function site(page, library) {
  const root = join(here, 'node_modules', library);
  const files = createServer(async (request, response) => {
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
    const file = path === '/' ? join(here, page) : join(root, path);
    const body = file.startsWith(here) ? await readFile(file).catch(() => null) : null;
    response.writeHead(body ? 200 : 404, { 'content-type': kinds[extname(file)] ?? 'application/octet-stream' });
    response.end(body ?? '');
  });
  await new Promise((done) => files.listen(0, '127.0.0.1', done));
  return { address: `http://127.0.0.1:${files.address().port}/`, close: () => files.close() };
}

/** A page of this folder in a browser of its own, with the errors that it tells and the folder for its pictures. */
export async function opened(page, library = '.', viewport = { width: 640, height: 480 }) {
  const served = await site(page, library);
  const pictures = process.env.CHENGTU_PICTURES ?? await mkdtemp(join(tmpdir(), 'pictures-'));
  await mkdir(pictures, { recursive: true });
  const profile = await mkdtemp(join(tmpdir(), 'profile-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    viewport,
    args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  });
  const tab = await browser.newPage();
  const errors = [];
  tab.on('pageerror', (e) => errors.push(e.message));
  tab.on('console', (m) => m.type() === 'error' && errors.push(m.text()));
  await tab.goto(served.address);
  await tab.waitForFunction(() => globalThis.ready === true, null, { timeout: 60000 });
  const close = async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
    served.close();
  };
  return { page: tab, errors, pictures, close };
}
