// Lengths, areas, pipes' depths, looks and keys: what is computed, against what is known.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './testing.mjs';

const { measuring, pipe, look, style, geodesy } = await load('measuring', 'pipe', 'look', 'drape/style', 'geodesy');
const near = (a, b, by) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b} ± ${by}`);

test('distances are those of the ellipsoid', () => {
  const at = (lon, lat, height_m = 0) => ({ lon, lat, height_m });
  // A degree of the meridian about 45° and of the equator (WGS84, published to the metre).
  near(measuring.level(at(0, 44.5), at(0, 45.5)), 111_132, 1);
  near(measuring.level(at(0, 0), at(1, 0)), 111_319.49, 0.05);
  near(measuring.slope(at(114, 34, 0), at(114, 34, 12.5)), 12.5, 1e-6);
  // Higher up the same arc is longer.
  near(measuring.level(at(0, 0, 1000), at(1, 0, 1000)) / measuring.level(at(0, 0), at(1, 0)), 1 + 1000 / geodesy.A_M, 1e-9);
});

test('the area of a square of 100 m, in any turn and on a slope', () => {
  const { across_m, along_m } = geodesy.radii(34.79);
  const [dx, dy] = [100 / across_m / Math.cos(34.79 * geodesy.RAD) / geodesy.RAD, 100 / along_m / geodesy.RAD];
  const ring = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => ({ lon: 114.35 + x * dx, lat: 34.79 + y * dy, height_m: 5 * x }));
  near(measuring.area(ring), 10_000, 1);
  near(measuring.area(ring.reverse()), 10_000, 1);
  assert.equal(measuring.area(ring.slice(0, 2)), 0);
});

test('numbers are written for people', () => {
  assert.deepEqual([0.417, 12.34, 845.4, 1240, 23_456].map(measuring.metres), ['0.42 m', '12.3 m', '845 m', '1.24 km', '23.5 km']);
  assert.deepEqual([12.34, 1234.5, 2_500_000].map(measuring.squareMetres), ['12.3 m²', '1,235 m²', '2.50 km²']);
});

test('a pipe lies by what its depth is measured to', () => {
  const record = { start_depth_m: 2, end_depth_m: 2.5, section_size_mm: 'd300', material: 'PE' };
  const top = pipe.withDepths({ ...record, elevation_ref: 'outer_top' });
  assert.deepEqual([top._start_top_m, top._start_bottom_m, top._end_top_m, top._end_bottom_m, top._outer_mm], [2, 2.3, 2.5, 2.8, 300]);
  const bottom = pipe.withDepths({ ...record, elevation_ref: 'inner_bottom' });
  assert.deepEqual([bottom._start_top_m, bottom._start_bottom_m], [1.7, 2]);
  const duct = pipe.withDepths({ ...record, section_size_mm: '1000×800', elevation_ref: 'inner_bottom' });
  assert.deepEqual([duct._outer_mm, duct._start_top_m, duct.material], [1000, 1.2, 'PE']);
  assert.deepEqual(pipe.withDepths({ a: 1 }), { a: 1 });
  assert.equal(pipe.section('无'), undefined);
});

test('a look colours the chosen one, then layers, then the rest', () => {
  const whole = { ids: ['a'], opacity: () => 1, chosen: null };
  assert.equal(look.style(whole), undefined);
  assert.deepEqual(look.style({ ...whole, opacity: () => 0.5 }).color.conditions, [['true', "color('white', 0.500)"]]);
  const both = look.style({ ids: ['a', 'b'], opacity: (id) => (id === 'b' ? 0.2 : 1), chosen: { layer: 'a', id: '7' } }).color.conditions;
  assert.deepEqual(both.map(([c]) => c), ["${id} === '7' && ${_layer} === 'a'", "${_layer} === 'b'", 'true']);
  assert.equal(look.style({ ...whole, chosen: { layer: 'a', id: "' || true || '" } }), undefined);
});

test('of a style what is wanted is drawn, and only that is asked for', () => {
  const map = {
    version: 8,
    sources: { one: { type: 'vector', url: '/tiles/a,b,c.json' }, two: { type: 'vector', url: 'http://x/p/tiles/d.json?v=1' } },
    layers: [
      { id: 'ground', type: 'background' },
      { id: 'a', type: 'fill', source: 'one', 'source-layer': 'a' },
      { id: 'b', type: 'line', source: 'one', 'source-layer': 'b', minzoom: 14 },
      { id: 'b/name', type: 'symbol', source: 'one', 'source-layer': 'b' },
      { id: 'd', type: 'circle', source: 'two', 'source-layer': 'd' },
    ],
  };
  const what = style.drawn(map, (id) => id !== 'd');
  assert.deepEqual(what.layers.map((l) => l.id), ['ground', 'a', 'b']);
  assert.deepEqual(what.sources, [{ name: 'one', ids: ['a', 'b'] }]);
  const zooms = { a: { min: 5, max: 18 }, b: { min: 5, max: 18 } };
  assert.deepEqual(style.asked(what, zooms, 12, 12), [{ name: 'one', ids: ['a'], z: 12 }]);
  assert.deepEqual(style.asked(what, zooms, 15, 15), [{ name: 'one', ids: ['a', 'b'], z: 15 }]);
  assert.deepEqual(style.asked(what, zooms, 20, 20), [{ name: 'one', ids: ['a', 'b'], z: 18 }], 'beyond its last tiles a source is asked for these');
  assert.deepEqual(style.holding({ z: 20, x: 13, y: 7 }, 18), { z: 18, x: 3, y: 1 });
  assert.deepEqual(style.asked(what, zooms, 4, 4), []);
  assert.deepEqual(style.drawn(map, () => true).sources[1], { name: 'two', ids: ['d'] });
});
