// The map on the ground: what of a tile is painted how, and which names stand on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../testing.mjs';

const { paint, letters } = await load('drape/paint', 'drape/letters');

/** A tile's layer as the library hands it out. */
function layer(features) {
  return { length: features.length, feature: (i) => ({ extent: 4096, id: i, loadGeometry: () => features[i].rings, ...features[i] }) };
}
const point = (x, y) => ({ x, y });
const square = (x, y, side) => [point(x, y), point(x + side, y), point(x + side, y + side), point(x, y + side)];

/** A canvas that writes down what it is told. */
function canvas() {
  const told = [];
  const target = { told };
  return new Proxy(target, {
    get: (_, name) => (name === 'told' ? told : (...values) => { told.push([name, ...values]); }),
    set: (_, name, value) => { told.push([name, value]); return true; },
  });
}

test('shapes of one look are one path, in the colours that their values have', () => {
  const { brushes, faults } = paint.brushes([
    { id: 'ground', type: 'background', paint: { 'background-color': '#ffffff' } },
    { id: 'a', type: 'fill', source: 's', 'source-layer': 'a', paint: { 'fill-color': ['match', ['get', 'kind'], 'x', '#ff0000', '#0000ff'] }, filter: ['!=', ['get', 'kind'], 'no'] },
    { id: 'l', type: 'line', source: 's', 'source-layer': 'l', minzoom: 15, paint: { 'line-width': ['interpolate', ['linear'], ['zoom'], 14, 2, 16, 6], 'line-dasharray': [2, 1] } },
    { id: 'wall', type: 'line', source: 's', 'source-layer': 'l', paint: { 'line-pattern': ['match', ['get', 'kind'], 'x', 'wall', 'fence'], 'line-width': 9 } },
    { id: 'broken', type: 'fill', source: 's', 'source-layer': 'a', paint: { 'fill-color': ['interpolate'] } },
  ], { l: 0.5 });
  assert.equal(brushes.length, 4);
  assert.equal(faults.length, 1);
  assert.match(faults[0], /^broken/);
  const tiles = new Map([['s', { z: 15, x: 2, y: 2, tile: { layers: {
    a: layer([{ type: 3, rings: [square(0, 0, 10)], properties: { kind: 'x' } }, { type: 3, rings: [square(20, 0, 10)], properties: { kind: 'y' } },
      { type: 3, rings: [square(40, 0, 10)], properties: { kind: 'x' } }, { type: 3, rings: [square(60, 0, 10)], properties: { kind: 'no' } }]),
    l: layer([{ type: 2, rings: [[point(0, 0), point(4096, 4096)]], properties: {} }]),
  } } }]]);
  const c = canvas();
  paint.paint(c, brushes, tiles, { z: 15, x: 2, y: 2, side: 512 }, 15, 2);
  const values = (name) => c.told.filter(([n]) => n === name).map((t) => t.slice(1));
  assert.equal(values('fill').length, 2, 'two looks of four shapes, one of which is filtered away');
  assert.deepEqual(values('fillStyle').slice(1).flat().map((s) => s.replace(/\s/g, '')), ['rgba(255,0,0,1)', 'rgba(0,0,255,1)']);
  assert.equal(values('closePath').length, 3);
  assert.ok(!values('lineWidth').flat().includes(18), 'what is painted with pictures is left out, not painted black');
  assert.deepEqual(values('lineWidth').at(-1), [8], 'four pixels between zoom 14 and 16, two canvas pixels each');
  assert.deepEqual(values('setLineDash').at(-1), [[16, 8]]);
  assert.deepEqual(values('globalAlpha').at(-1), [0.5], 'the layer is half as opaque as its style says');
  assert.deepEqual(values('lineTo').at(-1), [512, 512]);
  const far = canvas();
  paint.paint(far, brushes, tiles, { z: 15, x: 2, y: 2, side: 512 }, 14, 1);
  assert.equal(far.told.filter(([n]) => n === 'setLineDash').length, 2, 'below its zoom the line is not there');
  const near = canvas();
  paint.paint(near, brushes, tiles, { z: 17, x: 9, y: 8, side: 512 }, 17, 1);
  assert.deepEqual(near.told.filter(([n]) => n === 'lineTo').at(-1), ['lineTo', 1536, 2048], 'beyond the last tiles their second part of four is drawn larger');
});

test('names stand at points and along lines; numbers and areas have none', () => {
  const { brushes, faults } = paint.brushes([
    { id: 'n', type: 'symbol', source: 's', 'source-layer': 'n', layout: { 'text-field': ['get', 'name'], 'text-size': 13 }, paint: { 'text-color': '#112233' } },
  ], {});
  assert.deepEqual(faults, []);
  const z = 14;
  const [x, y] = [13394, 6503];
  const tiles = new Map([['s', { z, x, y, tile: { layers: { n: layer([
    { type: 1, rings: [[point(2048, 2048)]], properties: { name: '龙亭' } },
    { type: 1, rings: [[point(5000, 100)]], properties: { name: '邻块' } },
    { type: 1, rings: [[point(10, 10)]], properties: { name: '72.5' } },
    { type: 2, rings: [[point(0, 0), point(4000, 2000)]], properties: { name: '中山路' } },
    { type: 3, rings: [square(0, 0, 100)], properties: { name: '砼5' } },
  ]) } } }]]);
  const found = letters.letters(brushes, tiles, z);
  assert.deepEqual(found.map((f) => f.text), ['龙亭', '中山路']);
  assert.equal(found[0].size_px, 13);
  // The middle of a tile of Web Mercator.
  assert.ok(Math.abs(found[0].lon - ((x + 0.5) / 2 ** z * 360 - 180)) < 1e-9);
  assert.ok(Math.abs(Math.asinh(Math.tan(found[0].lat * Math.PI / 180)) / Math.PI - (1 - 2 * (y + 0.5) / 2 ** z)) < 1e-9);
});
