// The ground's squares: the server's lattice and Cesium's tiles are the same ones.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './testing.mjs';

const { lattice, glb, catalog } = await load('lattice', 'glb', 'catalog');

test('a tile is found by its middle, at every level', () => {
  for (let level = 0; level < 22; level += 1) {
    const at = lattice.tileOf(level, 114.35, 34.79);
    const [west, south] = lattice.corner(at);
    const w = lattice.width(level);
    assert.ok(west <= 114.35 && 114.35 < west + w && south <= 34.79 && 34.79 <= south + w);
    // The server's middle after a millimetre's rounding.
    assert.deepEqual(lattice.tileWithMiddle(west + w / 2 + 1e-10, south + w / 2 - 1e-10), at);
    if (level > 0) assert.deepEqual(lattice.parent(at), lattice.tileOf(level - 1, 114.35, 34.79));
  }
  assert.equal(lattice.tileWithMiddle(114.35, 34.79), undefined);
});

test('what is within a tile', () => {
  const at = lattice.tileOf(12, 114.35, 34.79);
  assert.ok(lattice.isWithin(lattice.tileOf(17, 114.35, 34.79), at));
  assert.ok(!lattice.isWithin(lattice.tileOf(17, 114.5, 34.79), at));
  assert.ok(!lattice.isWithin(lattice.parent(at), at));
});

test('unknown nodes take the nearest known height; a plane is read back between its nodes', () => {
  const at = lattice.tileOf(14, 114.35, 34.79);
  const { NODES, CELLS } = lattice;
  const plane = (i, j) => 50 + i - 2 * j;
  const heights = Float32Array.from({ length: NODES * NODES }, (_, k) => plane(k % NODES, Math.floor(k / NODES)));
  const [west, south] = lattice.corner(at);
  const step = lattice.width(at.level) / CELLS;
  const read = lattice.heightIn(at, heights, west + 10.25 * step, south + (CELLS - 20.5) * step);
  assert.ok(Math.abs(read - plane(10.25, 20.5)) < 1e-4, String(read));
  const holes = heights.map((h, k) => (k % NODES < 30 ? h : NaN));
  const full = lattice.filled(holes);
  assert.equal(full[5 * NODES + 64], plane(29, 5));
  assert.equal(lattice.filled(new Float32Array(NODES * NODES).fill(NaN)), undefined);
});

test('matrices multiply and move as tilesets mean them: column by column', () => {
  const shift = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 10, 20, 30, 1];
  const turn = [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  assert.deepEqual(glb.moved(glb.times(shift, turn), [1, 0, 0]), [10, 21, 30]);
});

test('the catalog tells bodies from the ground, and levels of one building from layers that are alone', () => {
  const layer = (id, kind, more = {}) => ({ id, tileset: `/3dtiles/${id}/tileset.json`, scene: { kind, below_ground: false, family: [], ...more } });
  const found = catalog.sorted([
    layer('hills', 'terrain'), layer('mains', 'tube', { below_ground: true }), layer('blocks', 'extrude', { family: ['blocks', 'roofs'] }),
    layer('roofs', 'surface', { family: ['blocks', 'roofs'] }), { id: 'flat', tileset: null, scene: null },
  ]);
  assert.equal(found.ground, 'hills');
  assert.deepEqual([...found.bodies], ['mains', 'blocks', 'roofs']);
  assert.deepEqual(found.families, [['blocks', 'roofs']]);
  assert.deepEqual([...found.layers.values()].map((l) => [catalog.isBelow(l), catalog.isPipe(l)]), [[false, false], [true, true], [false, false], [false, false], [false, false]]);
});
