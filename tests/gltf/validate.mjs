// Validates every .glb of a folder with Khronos' gltf-validator and prints a line for each that has an error or a
// warning, or an information other than "this extension is unknown to me". Exit code 1 when there is one.
// Usage: node validate.mjs <folder> <folder that holds node_modules>
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, packages] = process.argv.slice(2);
const validator = createRequire(join(packages, 'package.json'))('gltf-validator');
// Extensions the validator does not know, and objects that only they use.
const allowed = new Set(['UNSUPPORTED_EXTENSION', 'UNUSED_OBJECT']);
let faults = 0;
const names = readdirSync(folder).filter((n) => n.endsWith('.glb')).sort();
for (const name of names) {
  const report = await validator.validateBytes(new Uint8Array(readFileSync(join(folder, name))), { maxIssues: 1000 });
  for (const m of report.issues.messages.filter((m) => m.severity < 2 || !allowed.has(m.code))) {
    faults += 1;
    console.log(`${name}: ${m.code} ${m.pointer ?? ''} ${m.message}`);
  }
}
console.log(`${names.length} files, ${faults} faults`);
process.exit(faults === 0 && names.length > 0 ? 0 : 1);
