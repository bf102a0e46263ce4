// A folder's page before a running server: the page's files from the folder, under the headers that the server gives to its own
// (the policy first of all), everything else from the server.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { extname, join } from 'node:path';

const KINDS = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8', '.json': 'application/json', '.wasm': 'application/wasm', '.png': 'image/png', '.jpg': 'image/jpeg' };
const POLICY = ['content-security-policy', 'referrer-policy', 'cross-origin-opener-policy', 'permissions-policy', 'x-content-type-options'];

/** `{ port, close }`; port 0 takes a free one. */
export async function proxy({ upstream, folder, port = 0 }) {
  const { hostname, port: upPort, host } = new URL(upstream);
  const pass = (incoming, answer) => {
    const out = request({ hostname, port: upPort, path: incoming.url, method: incoming.method, headers: { ...incoming.headers, host } }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    out.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on('close', () => out.destroy());
    incoming.pipe(out);
  };
  const own = async (name, answer) => {
    const file = join(folder, name);
    if (name.includes('..') || !existsSync(file)) return answer.writeHead(404).end();
    const policy = await fetch(upstream).then(({ headers }) => POLICY.map((h) => [h, headers.get(h)]), () => []);
    const kind = KINDS[extname(file)] ?? 'application/octet-stream';
    answer.writeHead(200, { ...Object.fromEntries(policy.filter(([, value]) => value)), 'content-type': kind, 'cache-control': 'no-store' });
    answer.end(await readFile(file));
  };
  const server = createServer((incoming, answer) => {
    const { pathname } = new URL(incoming.url, 'http://x');
    if (pathname === '/') void own('index.html', answer);
    else if (pathname.startsWith('/web/')) void own(pathname.slice(5), answer);
    else pass(incoming, answer);
  });
  await new Promise((done, failed) => server.once('error', failed).listen(port, '127.0.0.1', done));
  return { port: server.address().port, close: () => { server.closeAllConnections(); server.close(); } };
}
