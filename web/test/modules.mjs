// Bundles modules of the page for the tests that ask them without a browser.
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = join(dirname(fileURLToPath(import.meta.url)), '../src');

/** `const { state } = await load('state')`: each module under the last part of its name. */
export async function load(...names) {
  const contents = names.map((n) => `export * as ${n.split('/').pop()} from './${n}.ts';`).join('\n');
  const { outputFiles } = await build({ stdin: { contents, resolveDir: source, loader: 'ts' }, bundle: true, write: false, format: 'esm', platform: 'node', logLevel: 'error' });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}
