// 3DTilesRendererJS and three.js in node: every tile of every layer is loaded as the renderer loads it, ids are read by
// its metadata plugin (of instances from their attribute), positions are compared with the records.
import { TilesRenderer } from '3d-tiles-renderer';
import { GLTFExtensionsPlugin } from '3d-tiles-renderer/plugins';
import { Matrix4, PerspectiveCamera, Sphere, Vector3 } from 'three';
import { MeshoptDecoder } from 'three/examples/jsm/libs/meshopt_decoder.module.js';
import { judge, layers, server } from './server.mjs';

// What the renderer expects of a browser.
globalThis.self ??= globalThis;
globalThis.requestAnimationFrame ??= (f) => setTimeout(() => f(performance.now()), 0);
globalThis.cancelAnimationFrame ??= clearTimeout;
globalThis.window ??= globalThis;
globalThis.location ??= new URL('http://127.0.0.1/');
globalThis.document ??= { baseURI: 'http://127.0.0.1/', addEventListener() {}, removeEventListener() {}, visibilityState: 'visible' };
globalThis.ProgressEvent ??= class extends Event {};

async function loaded(url) {
  const tiles = new TilesRenderer(url);
  tiles.registerPlugin(new GLTFExtensionsPlugin({ metadata: true, meshoptDecoder: MeshoptDecoder }));
  // Everything: no tile with an error is good enough, nothing is forgotten.
  tiles.errorTarget = 0;
  Object.assign(tiles.lruCache, { maxSize: Infinity, minSize: 0, maxBytesSize: Infinity, minBytesSize: 0 });
  const camera = new PerspectiveCamera(60, 1, 1, 1e9);
  tiles.setCamera(camera);
  tiles.setResolution(camera, 1000, 1000);
  const scenes = [], failed = [];
  tiles.addEventListener('load-model', ({ scene }) => scenes.push(scene));
  tiles.addEventListener('load-error', ({ error, url: of }) => failed.push(`${of}: ${error.message}`));
  const sphere = new Sphere();
  for (let quiet = 0, rounds = 0; quiet < 8 && rounds < 6000; rounds += 1) {
    if (tiles.getBoundingSphere(sphere)) {
      camera.position.copy(sphere.center).addScaledVector(sphere.center.clone().normalize(), sphere.radius * 3 + 100);
      camera.lookAt(sphere.center);
      camera.updateMatrixWorld();
    }
    tiles.update();
    const busy = tiles.stats.downloading + tiles.stats.parsing + (tiles.stats.queued ?? 0) > 0 || !tiles.root;
    quiet = busy ? 0 : quiet + 1;
    await new Promise((done) => setTimeout(done, busy ? 5 : 1));
  }
  return { tiles, scenes, failed };
}

function features(layer, tiles, scenes) {
  const places = new Map();
  tiles.group.updateMatrixWorld(true);
  for (const scene of scenes) {
    scene.updateMatrixWorld(true);
    scene.traverse((mesh) => {
      if (!mesh.isMesh && !mesh.isLine) return;
      if (layer.ground) return places.set(mesh.uuid, []);
      const table = mesh.userData.structuralMetadata ?? scene.userData.structuralMetadata;
      const column = (row) => String(table.getPropertyTableData(0, row).id);
      const names = new Map();
      const name = (row) => names.get(row) ?? names.set(row, column(row)).get(row);
      const at = (row, v) => {
        const id = name(row);
        if (!places.has(id)) places.set(id, []);
        places.get(id).push(v.toArray());
      };
      const position = mesh.geometry.getAttribute('position');
      const ids = mesh.geometry.getAttribute('_feature_id_0') ?? mesh.geometry.getAttribute('_FEATURE_ID_0');
      const v = new Vector3();
      if (mesh.isInstancedMesh) {
        const own = new Matrix4();
        for (let i = 0; i < mesh.count; i += 1) {
          mesh.getMatrixAt(i, own);
          at(ids.getX(i), v.setFromMatrixPosition(own).applyMatrix4(mesh.matrixWorld));
        }
        return;
      }
      const index = mesh.geometry.index;
      const seen = new Set();
      for (let k = 0; k < index.count; k += 1) {
        const i = index.getX(k);
        if (seen.has(i)) continue;
        seen.add(i);
        at(ids.getX(i), v.fromBufferAttribute(position, i).applyMatrix4(mesh.matrixWorld));
      }
    });
  }
  return places;
}

const { url, close } = await server();
let fine = true;
try {
  for (const layer of await layers(url)) {
    for (const query of ['', '?instancing=expand']) {
      const { tiles, scenes, failed } = await loaded(url + layer.tileset + query);
      failed.forEach((f) => console.log(`3d-tiles-renderer ${layer.id}: ${f}`));
      const good = await judge(`3d-tiles-renderer${query}`, url, layer, features(layer, tiles, scenes));
      fine = fine && good && failed.length === 0;
      tiles.dispose();
    }
  }
} finally {
  close();
}
process.exit(fine ? 0 : 1);
