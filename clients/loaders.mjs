// loaders.gl in node: every page and content of every layer by its Tiles3DLoader, ids from the property table, positions
// compared with the records. It knows no instances: they are asked for as plain faces.
import { load } from '@loaders.gl/core';
import { Tiles3DLoader } from '@loaders.gl/3d-tiles';
import { judge, layers, server } from './server.mjs';

const options = { '3d-tiles': { loadGLTF: true }, worker: false, gltf: { loadBuffers: true, loadImages: true } };

const times = (a, b) => Array.from({ length: 16 }, (_, i) => [0, 1, 2, 3].reduce((s, k) => s + a[k * 4 + i % 4] * b[(i >> 2) * 4 + k], 0));
const moved = (m, [x, y, z]) => [0, 1, 2].map((i) => m[i] * x + m[4 + i] * y + m[8 + i] * z + m[12 + i]);
const ONE = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

async function page(layer, address, matrix, places) {
  const tileset = await load(address, Tiles3DLoader, options);
  const open = [[tileset.root, matrix]];
  while (open.length > 0) {
    const [tile, above] = open.pop();
    const own = times(above, tile.transform ?? ONE);
    for (const child of tile.children ?? []) open.push([child, own]);
    if (!tile.contentUrl) continue;
    if (tile.type === 'json') await page(layer, tile.contentUrl, own, places);
    else await content(layer, tile.contentUrl, own, places);
  }
}

async function content(layer, address, matrix, places) {
  const tile = await load(address, Tiles3DLoader, options);
  const gltf = tile.gltf;
  const json = gltf.json ?? gltf;
  if (layer.ground) return places.set(address, []);
  const metadata = json.extensions?.EXT_structural_metadata;
  const ids = metadata.propertyTables[0].properties.id.data;
  const scenes = gltf.scenes ?? [gltf.scene];
  for (const node of scenes.flatMap((s) => s.nodes)) {
    const [s, t] = [node.scale ?? [1, 1, 1], node.translation ?? [0, 0, 0]];
    for (const primitive of node.mesh?.primitives ?? []) {
      const at = primitive.attributes.POSITION.value;
      const rows = primitive.attributes._FEATURE_ID_0.value;
      for (const i of new Set(primitive.indices.value)) {
        const [x, y, z] = [0, 1, 2].map((k) => at[i * 3 + k] * s[k] + t[k]);
        const id = String(ids[rows[i]]);
        if (!places.has(id)) places.set(id, []);
        // glTF is y up.
        places.get(id).push(moved(matrix, [x, -z, y]));
      }
    }
  }
}

const { url, close } = await server();
let fine = true;
try {
  for (const layer of await layers(url)) {
    const places = new Map();
    await page(layer, `${url}${layer.tileset}?instancing=expand`, ONE, places);
    fine = await judge('loaders.gl', url, layer, places) && fine;
  }
} finally {
  close();
}
process.exit(fine ? 0 : 1);
