// Bundles pure modules of the globe for the tests, so that they are asked as the browser gets them.
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The modules, by name, in the order asked: `const { camera } = await load('camera')`. */
export async function load(...names) {
  const stem = (name) => name.split('/').pop();
  const contents = names.map((n) => `export * as ${stem(n)} from './${n}.ts';`).join('\n');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here, loader: 'ts' }, bundle: true, write: false, format: 'esm', platform: 'node', logLevel: 'error',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}
