// QGIS without a screen (qgis_offscreen.py), where its Python is installed; says so where it is not.
import { execFile, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { server } from './server.mjs';

const python = process.env.PYTHON_QGIS ?? '/usr/bin/python3';
const there = await promisify(execFile)(python, ['-c', 'import qgis.core']).then(() => true, () => false);
if (!there) {
  console.log('QGIS is not installed (Debian: python3-qgis): SKIPPED');
  process.exit(0);
}
const { url, close } = await server();
const script = join(dirname(fileURLToPath(import.meta.url)), 'qgis_offscreen.py');
const child = spawn(python, [script, url], { stdio: 'inherit' });
child.on('exit', (code) => {
  close();
  process.exit(code ?? 1);
});
