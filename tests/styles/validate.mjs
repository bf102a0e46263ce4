// Judges every *.json of a folder by the MapLibre style specification: `node validate.mjs FOLDER PACKAGES`. Those named
// *.faulty.json must have findings, the others none.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [folder, packages] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), "package.json"));
const { validateStyleMin } = require("@maplibre/maplibre-gl-style-spec");
let wrong = 0;
for (const name of readdirSync(folder).filter((n) => n.endsWith(".json"))) {
  const found = validateStyleMin(JSON.parse(readFileSync(join(folder, name), "utf8")));
  const faulty = name.endsWith(".faulty.json");
  if (faulty === found.length > 0) continue;
  wrong++;
  console.log(faulty ? `${name}: the validator found nothing` : found.map((f) => `${name}: ${f.message}`).join("\n"));
}
process.exit(wrong ? 1 : 0);
