// GDAL's command line: every tiled layer of two themes by its MVT driver at the zoom where it is whole, and by its OGC API
// Features driver. Counts, keys and places are compared with the server's catalog and records.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bounds, record, server } from './server.mjs';

const run = promisify(execFile);
const most = { maxBuffer: 1 << 28 };

/** Rows of a layer as GeoJSON features, in longitude and latitude. */
async function read(source, layer, options) {
  const all = ['-f', 'GeoJSONSeq', '-t_srs', 'EPSG:4326', '/vsistdout/', source, layer, ...options];
  const { stdout } = await run('ogr2ogr', all, most);
  return stdout.split('\n').filter((line) => line.trim()).map((line) => JSON.parse(line));
}

const { url, close } = await server();
let fine = true;
const say = (good, line) => { fine = fine && good; console.log(good ? line : `FAULT ${line}`); };
try {
  const { layers } = await (await fetch(`${url}/catalog`)).json();
  const { stdout: listed } = await run('ogrinfo', ['-ro', '-q', `OAPIF:${url}`], most);
  const missing = layers.filter((l) => !listed.includes(`: ${l.id} (`)).map((l) => l.id);
  say(missing.length === 0, `GDAL OAPIF: ${layers.length} collections listed, missing ${JSON.stringify(missing)}`);
  const filled = layers.filter((l) => l.count > 0 && l.count < Number(process.env.CHENGTU_MOST ?? 4000));
  for (const layer of filled.filter((l) => l.tiles)) {
    const { minzoom, maxzoom, vector_layers: [{ fields }] } = await (await fetch(layer.tiles)).json();
    const [west, south, east, north] = layer.bounds;
    const wide = Math.max(east - west, north - south);
    // So deep that about 8 × 8 tiles hold the layer.
    const zoom = Math.min(maxzoom, Math.max(minzoom, Math.floor(Math.log2(360 / wide)) + 3));
    const tiles = ['-oo', 'TILE_EXTENSION=mvt', '-oo', `METADATA_FILE=${layer.tiles}`];
    const drawn = await read(`MVT:${url}/tiles/${layer.id}/${zoom}`, layer.id, tiles);
    const unknown = [...new Set(drawn.flatMap((f) => Object.keys(f.properties)))].filter((k) => k !== 'mvt_id' && !(k in fields));
    const ids = new Set(drawn.map((f) => f.properties.mvt_id));
    let beyond = 0;
    for (const f of drawn.filter((_, i) => i % Math.ceil(drawn.length / 10) === 0)) {
      const [w, s, e, n] = bounds((await record(url, layer.id, f.properties.mvt_id)).geometry);
      const [x, y, xx, yy] = bounds(f.geometry);
      beyond = Math.max(beyond, w - x, s - y, xx - e, yy - n);
    }
    // Half a unit of 4096, and what is drawn larger than it is.
    const degrees = 360 / 2 ** zoom / 4096 * 4;
    say(ids.size > 0 && ids.size <= layer.count && unknown.length === 0 && beyond < degrees,
      `GDAL MVT ${layer.id} z${zoom}: ${ids.size} of ${layer.count} features, ${(beyond * 111320).toFixed(2)} m beyond their records at most ${JSON.stringify(unknown)}`);
  }
  for (const layer of filled.slice(0, 12)) {
    const records = await read(`OAPIF:${url}`, layer.id, ['-oo', 'PAGE_SIZE=1000']);
    // Its rows keep no ids: the server's first record is among them by its place.
    const [own] = (await (await fetch(`${url}/collections/${layer.id}/items?limit=1`)).json()).features;
    const place = bounds(own.geometry);
    const off = Math.min(...records.map((r) => Math.max(...bounds(r.geometry).map((v, i) => Math.abs(v - place[i])))));
    say(records.length === layer.count && off < 1e-6, `GDAL OAPIF ${layer.id}: ${records.length} of ${layer.count} records`);
  }
} finally {
  close();
}
process.exit(fine ? 0 : 1);
