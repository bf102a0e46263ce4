// A server for the clients: the one named by CHENGTU_URL, or one that is started on CHENGTU_STORE (with CHENGTU_BIN or
// `chengtu`) and ended by its own process id.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

export async function server() {
  if (process.env.CHENGTU_URL) return { url: process.env.CHENGTU_URL, close() {} };
  const store = process.env.CHENGTU_STORE;
  if (!store) throw new Error('name a running server in CHENGTU_URL, or a store in CHENGTU_STORE');
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = ['serve', '--store', store, '--open', '--listen', url.slice(7), '--log', 'error'];
  const child = spawn(process.env.CHENGTU_BIN ?? 'chengtu', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  let ended = null;
  child.on('error', (e) => { ended = e.message; });
  child.on('exit', (code) => { ended ??= `exit code ${code}`; });
  for (let tries = 0; ; tries += 1) {
    if (ended !== null || tries > 600) throw new Error(`the server does not answer: ${ended}`);
    const ready = await fetch(`${url}/ready`).then((r) => r.ok, () => false);
    if (ready) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  return { url, close: () => child.kill() };
}

/** Layers whose tiles are faces of the ground, without features. */
const GROUND = ['cim1_terrain'];

/** Layers with a tileset, smallest first: id, address, number of features, whether it is the ground. */
export async function layers(url) {
  const catalog = await (await fetch(`${url}/catalog`)).json();
  const only = process.env.CHENGTU_LAYERS?.split(',');
  return catalog.layers
    .filter((l) => l.tileset && (!only || only.includes(l.id)))
    .map((l) => ({ id: l.id, tileset: `/3dtiles/${l.id}/tileset.json`, features: l.count, ground: GROUND.includes(l.id) }))
    .sort((a, b) => a.features - b.features);
}

export async function record(url, layer, id) {
  const answer = await fetch(`${url}/collections/${layer}/items/${id}`);
  if (!answer.ok) throw new Error(`${layer}/${id}: ${answer.status}`);
  return answer.json();
}

/** Least and greatest longitude and latitude of a record's geometry, degrees. */
export function bounds(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (c) => {
    if (typeof c[0] !== 'number') return c.forEach(walk);
    box[0] = Math.min(box[0], c[0]); box[1] = Math.min(box[1], c[1]);
    box[2] = Math.max(box[2], c[0]); box[3] = Math.max(box[3], c[1]);
  };
  walk(geometry.coordinates);
  return box;
}

/** Geocentric metres to longitude and latitude in degrees and ellipsoidal height (WGS84, by iteration). */
export function geographic([x, y, z]) {
  const a = 6378137, f = 1 / 298.257223563, e2 = f * (2 - f);
  const p = Math.hypot(x, y);
  let lat = Math.atan2(z, p * (1 - e2)), h = 0;
  for (let i = 0; i < 6; i += 1) {
    const n = a / Math.sqrt(1 - e2 * Math.sin(lat) ** 2);
    h = p / Math.cos(lat) - n;
    lat = Math.atan2(z, p * (1 - e2 * n / (n + h)));
  }
  return [Math.atan2(y, x) * 180 / Math.PI, lat * 180 / Math.PI, h];
}

/** What a client found of a layer, against the server's catalog and records. `places` leads from an id to geocentric places. */
export async function judge(client, url, layer, places) {
  if (layer.ground) {
    console.log(`${places.size > 0 ? '' : 'FAULT '}${client} ${layer.id}: ${places.size} pieces of ground`);
    return places.size > 0;
  }
  const faults = [];
  if (places.size !== layer.features) faults.push(`${places.size} features of ${layer.features}`);
  const ids = [...places.keys()].sort();
  const step = Math.max(1, Math.floor(ids.length / 40));
  let farthest = 0;
  for (let i = 0; i < ids.length; i += step) {
    const { id, geometry } = await record(url, layer.id, ids[i]);
    if (String(id) !== ids[i]) faults.push(`${ids[i]} leads to the record ${id}`);
    const [w, s, e, n] = bounds(geometry);
    for (const place of places.get(ids[i])) {
      const [lon, lat] = geographic(place);
      const east = Math.max(w - lon, lon - e, 0) * 111320 * Math.cos(lat * Math.PI / 180);
      farthest = Math.max(farthest, east, Math.max(s - lat, lat - n, 0) * 110950);
    }
  }
  // What is drawn about a line or point: pipes' and models' widths; roofs over a footprint.
  if (farthest > Number(process.env.CHENGTU_REACH_M ?? 6)) faults.push(`${farthest.toFixed(1)} m off its record`);
  console.log(`${client} ${layer.id}: ${places.size} features, ${farthest.toFixed(3)} m beyond their records at most${faults.length ? ` FAULTS ${faults.join('; ')}` : ''}`);
  return faults.length === 0;
}
