// Development: builds on every change of a source and serves the page; everything else comes from a running chengtu.
//   CHENGTU_URL=http://127.0.0.1:8080 PORT=8090 node dev.mjs
// `--once` builds once and does not look for changes; `--dist` serves what `build.mjs` made.
import { createServer, request } from 'node:http';
import { existsSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { page } from './build.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const upstream = new URL(process.env.CHENGTU_URL ?? 'http://127.0.0.1:8080');
const port = Number(process.env.PORT ?? 8090);
const KINDS = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.json': 'application/json', '.wasm': 'application/wasm', '.png': 'image/png', '.jpg': 'image/jpeg' };

const out = process.argv.includes('--dist') ? join(here, 'dist') : join(here, '.dev');
if (!process.argv.includes('--dist')) await page({ out, dev: true });
if (!process.argv.includes('--dist') && !process.argv.includes('--once')) {
  let timer;
  watch(join(here, 'src'), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => page({ out, dev: true }).then(() => console.log('built'), (e) => console.error(e.message)), 120);
  });
}

function proxy(incoming, answer) {
  const { hostname, port: upPort } = upstream;
  const out = request({ hostname, port: upPort, path: incoming.url, method: incoming.method, headers: { ...incoming.headers, host: upstream.host } }, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  out.on('error', () => answer.headersSent ? answer.destroy() : answer.writeHead(502).end());
  incoming.pipe(out);
}

createServer(async (incoming, answer) => {
  const { pathname } = new URL(incoming.url, 'http://x');
  const name = pathname === '/' ? 'index.html' : pathname.startsWith('/web/') ? pathname.slice(5) : null;
  if (name === null || name.includes('..')) return proxy(incoming, answer);
  const file = join(out, name);
  if (!existsSync(file)) return answer.writeHead(404).end();
  answer.writeHead(200, { 'content-type': KINDS[extname(file)] ?? 'application/octet-stream', 'cache-control': 'no-store' });
  answer.end(await readFile(file));
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/ with ${upstream.href}`));
