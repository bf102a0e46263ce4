// What the globe needs besides its own chunk: Cesium's workers, decoders and tables, and the worker that paints the ground.
// Called by the page's build; builds no page itself.
//
//   const { define } = await globeAssets({ outdir: 'dist', publicPath: '/web/', minify: true });
//   // then: esbuild.build({ …, define: { ...define } }) for what imports src/globe/index.ts
//
// Files go to `{outdir}/cesium-{hash}/…` (addresses never change their bytes: they may be cached for ever); the hash is of
// the names and bytes of all of them. `define` tells the bundle where that is.

import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const engine = dirname(createRequire(import.meta.url).resolve('@cesium/engine/package.json'));

/** Workers that what is drawn here can ask for: the ground and picking on it, Draco and KTX2 of tilesets made elsewhere. */
const WORKERS = ['createVerticesFromHeightmap', 'incrementallyBuildTerrainPicker', 'decodeDraco', 'transcodeKTX2', 'transferTypedArrayTest'];
/** Files that are loaded by name, where the package has them. */
const FILES = [
  ['Source/ThirdParty', 'ThirdParty', /^(draco_decoder|basis_transcoder)\.wasm$/],
  // The sun's place at the one hour that light.ts has: the table's part that this day is in.
  ['Source/Assets/IAU2006_XYS', 'Assets/IAU2006_XYS', /^IAU2006_XYS_18\.json$/],
];

/** `outdir`: folder of the bundle; `publicPath`: its address, with a slash at the end. Returns what esbuild is to define. */
export async function globeAssets({ outdir, publicPath, minify = true }) {
  const files = new Map();
  for (const [name, bytes] of [...await workers(minify), ...await copied()]) files.set(name, bytes);
  const hash = createHash('sha256');
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(name).update(bytes);
  const folder = `cesium-${hash.digest('hex').slice(0, 10)}`;
  for (const [name, bytes] of files) {
    const path = join(outdir, folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
  }
  return {
    define: { CHENGTU_GLOBE_BASE: JSON.stringify(`${publicPath}${folder}/`) },
    folder,
    files: [...files.keys()].map((name) => `${folder}/${name}`),
  };
}

async function workers(minify) {
  const source = join(engine, 'Source/Workers');
  const there = new Set(await readdir(source));
  const entries = Object.fromEntries(WORKERS.filter((w) => there.has(`${w}.js`)).map((w) => [`Workers/${w}`, join(source, `${w}.js`)]));
  const { outputFiles } = await build({
    entryPoints: { ...entries, drape: join(here, 'drape/worker.ts') },
    bundle: true, splitting: true, format: 'esm', target: 'es2022', minify, write: false, outdir: '/', chunkNames: 'Workers/[name]-[hash]',
    external: ['node:*', 'http', 'https', 'url', 'zlib', 'fs', 'path'], logLevel: 'error', legalComments: 'none',
  });
  return outputFiles.map((f) => [f.path.replace(/^\//, ''), f.contents]);
}

async function copied() {
  const found = [];
  for (const [from, to, names] of FILES) {
    const folder = join(engine, from);
    for (const name of await readdir(folder).catch(() => [])) {
      if (names.test(name)) found.push([`${to}/${name}`, await readFile(join(folder, name))]);
    }
  }
  return found;
}
