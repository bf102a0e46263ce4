// Builds the page: src/ → dist/. ES modules, split, minified; every name but index.html's carries a digest of its
// content, so that all but the entry can be kept for ever. Compressed twins (.br, .gz) stand beside.
// dist/files.json tells the tests what there is. `dev.mjs` builds the same readable and without compression.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { globeAssets } from './src/globe/assets.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const COMPRESSIBLE = new Set(['.js', '.mjs', '.css', '.html', '.json', '.svg', '.wasm', '.xml']);

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 10);

/** Copies a file under a name with its digest; the name. */
async function hashed(from, out, name) {
  const bytes = await readFile(from);
  const file = `${name}-${digest(bytes)}${extname(from) === '.mjs' ? '.js' : extname(from)}`;
  await writeFile(join(out, file), bytes);
  return file;
}

async function compress(out) {
  const files = (await readdir(out, { recursive: true, withFileTypes: true })).filter((f) => f.isFile());
  const br = promisify(brotliCompress), gz = promisify(gzip);
  await Promise.all(files.filter((f) => COMPRESSIBLE.has(extname(f.name))).map(async (f) => {
    const path = join(f.parentPath ?? f.path, f.name), bytes = await readFile(path);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    const twins = [['.br', await br(bytes, { params })], ['.gz', await gz(bytes, { level: 9 })]];
    for (const [ending, twin] of twins) if (twin.length < bytes.length * 0.95) await writeFile(path + ending, twin);
  }));
}

/** What the entry needs before anything is asked for: its static imports, however deep. */
function initial(outputs, entry) {
  const needed = new Set(), left = [entry];
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (needed.has(file)) continue;
    needed.add(file);
    left.push(...outputs[file].imports.filter((i) => i.kind === 'import-statement').map((i) => i.path));
  }
  return [...needed];
}

export async function page({ out = join(here, 'dist'), dev = false } = {}) {
  await mkdir(out, { recursive: true });
  const old = (await readdir(out)).filter((name) => name !== '.gitignore');
  await Promise.all(old.map((name) => rm(join(out, name), { recursive: true, force: true })));
  const worker = await hashed(join(here, 'node_modules/maplibre-gl/dist/maplibre-gl-worker.mjs'), out, 'map-worker');
  const globe = await globeAssets({ outdir: out, publicPath: 'web/', minify: !dev });
  const made = await build({
    absWorkingDir: here,
    entryPoints: { page: 'src/main.ts' },
    outdir: out,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    minify: !dev,
    sourcemap: dev ? 'inline' : false,
    entryNames: dev ? '[name]' : '[name]-[hash]',
    chunkNames: dev ? 'part-[name]-[hash]' : 'part-[hash]',
    assetNames: '[name]-[hash]',
    legalComments: 'none',
    metafile: true,
    loader: { '.svg': 'text' },
    define: { MAP_WORKER: JSON.stringify(worker), ...globe.define },
    logLevel: 'warning',
  });
  const name = (path) => relative(out, join(here, path));
  const outputs = Object.fromEntries(Object.entries(made.metafile.outputs).map(([path, o]) => [
    name(path), { ...o, imports: o.imports.filter((i) => !i.external).map((i) => ({ ...i, path: name(i.path) })) },
  ]));
  const entry = Object.keys(outputs).find((file) => outputs[file].entryPoint === 'src/main.ts');
  const needed = initial(outputs, entry);
  const css = needed.map((file) => outputs[file].cssBundle).filter(Boolean).map(name);
  const preload = needed.filter((file) => file !== entry);
  const template = await readFile(join(here, 'src/index.html'), 'utf8');
  const links = [
    ...css.map((file) => `<link rel="stylesheet" href="web/${file}">`),
    ...preload.map((file) => `<link rel="modulepreload" href="web/${file}">`),
    `<script type="module" src="web/${entry}"></script>`,
  ];
  await writeFile(join(out, 'index.html'), template.replace('<!-- files -->', links.join('\n')));
  await writeFile(join(out, 'files.json'), JSON.stringify({ entry, initial: ['index.html', ...css, ...needed, worker] }, null, 1));
  if (!dev) await compress(out);
  return { entry };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = Date.now();
  await page();
  const files = JSON.parse(await readFile(join(here, 'dist/files.json'), 'utf8'));
  const size = async (file) => (await readFile(join(here, 'dist', `${file}.br`)).catch(() => readFile(join(here, 'dist', file)))).length;
  const sizes = await Promise.all(files.initial.map(size));
  console.log(`page: ${files.initial.map((f, i) => `${f} ${(sizes[i] / 1000).toFixed(1)}`).join(', ')} = ${(sizes.reduce((a, b) => a + b, 0) / 1000).toFixed(1)} kB (brotli), ${Date.now() - started} ms`);
}
