// What a first visit costs before the globe is asked for, as a browser that takes brotli gets it; and that it stays offline.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../dist');
const MOST_BYTES = 400_000;
const built = existsSync(join(dist, 'files.json'));

test('the page weighs 400 kB at most', { skip: built ? false : 'the page is not built (make web)' }, async () => {
  const { initial, entry } = JSON.parse(await readFile(join(dist, 'files.json'), 'utf8'));
  const sizes = await Promise.all(initial.map(async (name) => (await stat(join(dist, `${name}.br`)).catch(() => stat(join(dist, name)))).size));
  const sum = sizes.reduce((a, b) => a + b, 0);
  assert.ok(sum <= MOST_BYTES, `${initial.map((n, i) => `${n} ${sizes[i]}`).join(', ')}: ${sum} bytes`);
  const html = await readFile(join(dist, 'index.html'), 'utf8');
  assert.ok(html.includes(`web/${entry}`));
  // The worker and the globe come later; all else that a page needs first is in its head.
  for (const name of initial.filter((n) => n !== 'index.html' && !n.startsWith('map-worker'))) assert.ok(html.includes(`web/${name}`), name);
  assert.ok(!initial.some((n) => n.startsWith('cesium')));
  assert.doesNotMatch(html, /(src|href)="(https?:)?\/\//);
});
