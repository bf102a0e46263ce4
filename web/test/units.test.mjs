// The page's pure parts: what stands in the address, fading, measuring, words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from './modules.mjs';

const { state, opacity, geodesy, words, session } = await load('state', 'map/opacity', 'map/geodesy', 'words', 'session');

test('what the page shows comes back from its address', () => {
  const shown = {
    ...state.read(''),
    view: { lon: 114.35, lat: 34.79, zoom: 16.5, bearing: -20, pitch: 45 },
    style: 'dark', mode: '3d', underground: true, on: new Set(['a_b', 'c']), off: new Set(['d']), opacity: new Map([['a_b', 0.5]]),
    selected: { layer: 'a_b', id: '9007199254740991' }, place: { lon: 114.3512345, lat: 34.79 }, panel: 'dispatch', class: 'cjt214-2007:component:0118',
  };
  assert.deepEqual(state.read(state.write(shown)), shown);
  assert.deepEqual(state.read(state.write(state.read(''))), state.read(''));
});

test('what an address says wrongly is left out', () => {
  const nothing = state.read('');
  for (const hash of ['#16/95/114', '#16/34/999', '#x/y/z', '#30/34/114', '#sel=../x/1', '#sel=a/1e9', '#at=1', '#at=999,0', '#panel=none', '#style=../../x', '#opacity=a:7,b:x', '#%E0%A4%A', '#who=me', '#=&=&&']) {
    assert.deepEqual(state.read(hash), nothing, hash);
  }
  assert.equal(state.read('#class=%E0%A4%A').class, '');
});

test('watchers hear of their own keys alone', () => {
  const store = new state.Store(state.read(''));
  const heard = [];
  store.watch(['mode'], (now, before) => heard.push([now.mode, before.mode]));
  store.set({ panel: 'who' });
  store.set({ mode: '3d' });
  store.set({ mode: '3d' });
  assert.deepEqual(heard, [['3d', '2d']]);
});

test('an opacity is scaled where its numbers come out', () => {
  const zoom = ['zoom'], get = ['get', 'x'];
  const cases = [
    [1, 0.5],
    [['interpolate', ['linear'], zoom, 9, 0.4, 13, 1], ['interpolate', ['linear'], zoom, 9, 0.2, 13, 0.5]],
    [['step', zoom, 0.2, 10, 0.8], ['step', zoom, 0.1, 10, 0.4]],
    [['match', get, 'a', 0.2, ['b', 'c'], 0.6, 1], ['match', get, 'a', 0.1, ['b', 'c'], 0.3, 0.5]],
    [['case', ['==', get, 1], 0.2, 1], ['case', ['==', get, 1], 0.1, 0.5]],
    [['interpolate', ['linear'], zoom, 9, ['match', get, 1, 0.4, 0.6], 13, get], ['interpolate', ['linear'], zoom, 9, ['match', get, 1, 0.2, 0.3], 13, ['*', 0.5, get]]],
    [{ stops: [[9, 0.4], [13, 1]] }, { stops: [[9, 0.2], [13, 0.5]] }],
  ];
  for (const [before, after] of cases) {
    assert.deepEqual(opacity.scaled(before, 0.5), after);
    assert.deepEqual(opacity.scaled(before, 1), before);
  }
  assert.deepEqual(opacity.faded('circle', {}, 0.3), [['circle-opacity', 0.3], ['circle-stroke-opacity', 0.3]]);
  assert.deepEqual(opacity.faded('background', {}, 0.3), []);
});

test('lengths and areas are those of the ellipsoid', () => {
  // Arcs of 1° of the meridian and of the parallel at 35° N on GRS 80 (series of the textbooks, 0.1 m).
  assert.ok(Math.abs(geodesy.distance([114, 34.5], [114, 35.5]) - 110_940.9) < 1);
  assert.ok(Math.abs(geodesy.distance([114, 35], [114.01, 35]) - 912.878) < 0.01);
  const line = [[114, 35], [114.001, 35], [114.001, 35.001]];
  assert.ok(Math.abs(geodesy.length(line) - geodesy.distance(line[0], line[1]) - geodesy.distance(line[1], line[2])) < 1e-9);
  const square = [[114, 35], [114.001, 35], [114.001, 35.001], [114, 35.001]];
  const sides = geodesy.distance(square[0], square[1]) * geodesy.distance(square[1], square[2]);
  assert.ok(Math.abs(geodesy.area(square) / sides - 1) < 2e-5);
  assert.equal(geodesy.area([...square].reverse()), geodesy.area(square));
  assert.equal(geodesy.area(square.slice(0, 2)), 0);
});

test('both languages say everything, with the same gaps', () => {
  const gaps = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  assert.deepEqual(Object.keys(words.zh), Object.keys(words.en));
  for (const key of Object.keys(words.zh)) {
    assert.ok(words.zh[key] !== '' && words.en[key] !== '', key);
    assert.deepEqual(gaps(words.zh[key]), gaps(words.en[key]), key);
  }
});

test('points that are switched on by hand begin with their tiles; lines, areas and what is not of the catalog do not', async () => {
  // What these modules ask of a browser when they are loaded.
  globalThis.document ??= { baseURI: 'http://city.example/', documentElement: {} };
  globalThis.location ??= { hash: '#lang=zh' };
  const { style, catalog } = await load('map/style', 'catalog');
  const layer = (id, more = {}) => ({ id, tiles: `http://city.example/tiles/${id}.json`, bounds: [114, 34, 115, 35], minzoom: 10, maxzoom: 18, fields: [], roles: [], ...more });
  const known = new catalog.Catalog({ snapshot: 's', layers: [layer('lamps'), layer('mains'), layer('wards', { maxzoom: 16 })] });
  const drawn = (id, of, type, more = {}) => ({ id, type, source: 's', 'source-layer': of, metadata: { 'chengtu:minzoom': 10 }, ...more });
  const spec = {
    version: 8, sources: { s: { type: 'vector', url: '/tiles/lamps,mains,wards.json' } },
    layers: [
      drawn('lamps', 'lamps', 'circle', { minzoom: 15 }), drawn('lamps/icon', 'lamps', 'symbol', { minzoom: 16 }), drawn('mains', 'mains', 'line', { minzoom: 13 }),
      drawn('wards', 'wards', 'line'), drawn('wards/label', 'wards/label', 'symbol'), drawn('gone', 'gone', 'circle', { minzoom: 15 }),
    ],
  };
  const made = style.prepare(spec, known);
  assert.deepEqual([...made.earliest], [['lamps', 10]]);
  assert.deepEqual(made.spec.layers.map((l) => [l.id, l.source]), [['lamps', 's@18'], ['lamps/icon', 's@18'], ['mains', 's@18'], ['wards', 's@16'], ['wards/label', 's@16']]);
  assert.deepEqual(made.byLayer.get('wards').map((l) => l.id), ['wards', 'wards/label'], 'names belong to the layer whose areas they name');
  const addresses = (on) => new style.TileAddresses(made, known, () => true, (l) => (on ? made.earliest.get(l.id) : undefined) ?? l.minzoom ?? 0);
  const asked = (on, z) => addresses(on).real(`${style.TILES}//s@18/${z}/1/2?0`);
  assert.match(asked(false, 12), /^data:/, 'nothing is drawn there, and nothing is asked for');
  assert.equal(asked(true, 12), 'http://city.example/tiles/lamps/12/1/2.mvt');
  assert.equal(asked(false, 15), 'http://city.example/tiles/lamps,mains/15/1/2.mvt');
});

test('what was pasted is a credential or none, and goes into the header of its kind', () => {
  for (const [text, bare] of [
    ['ck_0af', 'ck_0af'], ['  ck_0af\n', 'ck_0af'], ['Bearer ck_0af', 'ck_0af'], ['Authorization: bearer a.b.c', 'a.b.c'], ['X-API-Key: ck_0af', 'ck_0af'],
    ['eyJ\nx.y\r\n.z', 'eyJx.y.z'], ['', null], [' \n', null], ['密钥', null], ['a\u0000b', null], ['x'.repeat(8193), null],
  ]) assert.equal(session.pasted(text), bare, JSON.stringify(text));
  assert.deepEqual(session.headersOf(null), {});
  assert.deepEqual(session.headersOf('ck_0af'), { 'X-API-Key': 'ck_0af' });
  assert.deepEqual(session.headersOf('a.b.c'), { Authorization: 'Bearer a.b.c' });
});
