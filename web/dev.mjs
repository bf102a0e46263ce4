// Development: builds on every change of a source and serves the page; everything else comes from a running chengtu.
//   CHENGTU_URL=http://127.0.0.1:8080 PORT=8090 node dev.mjs
// `--once` builds once and does not look for changes; `--dist` serves what `build.mjs` made.
import { watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { page } from './build.mjs';
import { proxy } from './proxy.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const upstream = process.env.CHENGTU_URL ?? 'http://127.0.0.1:8080';

const folder = process.argv.includes('--dist') ? join(here, 'dist') : join(here, '.dev');
if (!process.argv.includes('--dist')) await page({ out: folder, dev: true });
if (!process.argv.includes('--dist') && !process.argv.includes('--once')) {
  let timer;
  watch(join(here, 'src'), { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(() => page({ out: folder, dev: true }).then(() => console.log('built'), (e) => console.error(e.message)), 120);
  });
}

const { port } = await proxy({ upstream, folder, port: Number(process.env.PORT ?? 8090) });
console.log(`http://127.0.0.1:${port}/ with ${upstream}`);
