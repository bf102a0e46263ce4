// The page: opens the catalog, the style and the map, puts the panels in their places, and keeps the address in step.

import './style/page.css';
import './style/map.css';
import './style/panels.css';
import './style/owner.css';
import './style/phone.css';
import { Refusal, ask, ofCredential, onRefusedCredential, words } from './api';
import { Catalog, shownBy } from './catalog';
import { attribute, debounced, fill, h, svg } from './dom';
import { language, number, t } from './i18n';
import { ICONS } from './icons';
import { type Box, CityMap, type StyleEntry } from './map/citymap';
import { GlobeView } from './map/globeview';
import { DispatchPanel } from './panels/dispatch';
import { type Measure, MeasureTool } from './panels/measure';
import { PlacePanel } from './panels/place';
import { type Result, SearchBox } from './panels/search';
import { Sheet } from './panels/sheet';
import { tools } from './panels/tools';
import { LayerTree } from './panels/tree';
import { WhoPanel } from './panels/who';
import { credential } from './session';
import { type Panel, Store, read, write } from './state';

const TABS: [Exclude<Panel, null>, string][] = [['layers', ICONS.layers], ['who', ICONS.who], ['dispatch', ICONS.dispatch]];
/** Shown unasked, where the server has it. */
const FIRST_STYLE = 'standard';
const NEWER_EVERY_MS = 60_000;
const HINT_MS = 15_000;
/** Pictures that fail do not say why: the server is asked for it, not more often than this. */
const ASKS_WHY_MS = 10_000;

async function open(app: HTMLElement): Promise<void> {
  fill(app, h('div', { class: 'opening', attrs: { role: 'status' } }, h('span', { class: 'spinner' }), t('app.loading')));
  if (!document.createElement('canvas').getContext('webgl2')) throw new Error(t('app.webgl'));
  const [catalog, { styles }] = await Promise.all([Catalog.load(), ask<{ styles: StyleEntry[] }>('styles')]);
  const store = new Store(read(location.hash));
  const ground = h('div', { class: 'map', attrs: { id: 'map' } });
  const globe = h('div', { class: 'globe', attrs: { id: 'globe', hidden: true } });
  fill(app, ground, globe);
  const map = new CityMap(ground, catalog, store);
  map.map.getCanvas().setAttribute('aria-label', t('map.label'));
  const start = furnish(app, globe, catalog, store, map, styles);
  const chosen = styles.find((s) => s.id === store.get().style) ?? styles.find((s) => s.id === FIRST_STYLE) ?? styles[0];
  // Whatever the address says, this is the first style that is put on.
  store.set({ style: null });
  store.set({ style: chosen?.id ?? null });
  start();
}

/** The panels and what ties them together. Returns what opens what the address names, for when a style is on its way. */
function furnish(app: HTMLElement, globeElement: HTMLElement, catalog: Catalog, store: Store, map: CityMap, styles: StyleEntry[]): () => void {
  const toast = toaster();
  const left = new Sheet('left', t('tree.label')), right = new Sheet('right', t('place.title'));
  const place = new PlacePanel(catalog, map, store, (shown) => {
    right.show(shown ? place.element : null);
    app.classList.toggle('has-place', shown);
  }, (box) => fly(box));
  const tree = new LayerTree(catalog, map, store);
  const who = new WhoPanel(catalog, map, store);
  const dispatch = new DispatchPanel(map, store);
  const panels = { layers: tree.element, who: who.element, dispatch: dispatch.element };
  const globe = new GlobeView(globeElement, map, catalog, store, { pick: (at, meant) => void (store.get().panel === 'dispatch' ? dispatch.ask(at) : place.open(at, meant)), say: (text) => { toast.say(text); askWhy(); }, busy: (is) => { progress.hidden = !is; } });
  const fly = (box: Box): void => (store.get().mode === '3d' ? globe.goTo(box) : map.goTo(box));
  const measure = new MeasureTool(map, () => globe.measure('off', () => {}));
  const startMeasure = (mode: Measure): void => {
    measure.stop();
    if (store.get().mode === '3d') globe.measure(mode, (text) => measure.say(text));
    else measure.start(mode);
  };
  // What is at a place depends on how near one looks: it is asked when the flight is over.
  const landed = (work: () => void): void => void (store.get().mode === '3d' ? work() : map.map.once('moveend', work));
  const near = (): { lon: number; lat: number } => map.view();
  const search = new SearchBox(near, (result) => goTo(result, fly, landed, place));
  const bar = tools(store, map, styles, {
    zoom: (by) => (store.get().mode === '3d' ? globe.zoom(by) : map.map.zoomTo(map.map.getZoom() + by)),
    north: () => (store.get().mode === '3d' ? globe.north() : map.map.easeTo({ bearing: 0, pitch: 0 })),
    whole: () => whole(catalog, map, globe, store),
    measure: startMeasure,
    sign: catalog.access && { text: catalog.access.role ? t('sign.as', { role: catalog.access.role }) : t('sign.title'), isIn: catalog.access.role !== null, open: () => sign() },
  });
  const sign = (why = ''): void => void import('./panels/sign').then(({ openSign }) => openSign(catalog.access, why));
  onRefusedCredential((error) => { if (credential.isThere()) toast.stay(words(error), t('sign.again'), () => sign(words(error))); });
  const progress = h('div', { class: 'progress', attrs: { role: 'progressbar', 'aria-label': t('progress.loading'), hidden: true } });
  const header = h('header', { class: 'top' }, h('h1', { class: 'sr', text: t('app.name') }), search.element, tabs(store));
  app.append(progress, header, left.element, right.element, bar, measure.element, toast.element);
  if (!store.get().selected && !store.get().place && store.get().panel === null) hint(app, map);

  const showPanel = (): void => {
    const { panel } = store.get();
    left.show(panel ? panels[panel] : null);
    left.element.setAttribute('aria-label', panel ? t(`tab.${panel}`) : '');
    app.classList.toggle('has-panel', panel !== null);
  };
  store.watch(['panel'], showPanel);
  const showMode = (): void => void app.classList.toggle('in-3d', store.get().mode === '3d');
  store.watch(['mode'], showMode);
  showMode();
  store.watch(['panel'], (now) => { if (now.panel === 'dispatch') place.close(); });
  showPanel();

  store.watch(['style'], ({ style }) => {
    if (!style) return;
    map.useStyle(style).then(() => {
      document.documentElement.classList.toggle('dark', map.drawing?.dark ?? false);
      tree.restyle();
      globe.restyle();
      // Icons of the sprite are there when the map has drawn once.
      map.map.once('idle', () => tree.restyle());
    }).catch((error: unknown) => toast.say(words(error)));
  });
  const pointed = (screen: { x: number; y: number }): void => {
    if (measure.active) return;
    const { lng, lat } = map.map.unproject([screen.x, screen.y]);
    const at = { lon: lng, lat };
    if (store.get().panel === 'dispatch') return void dispatch.ask(at);
    const [top] = map.drawnAt(screen);
    const meant = top?.id !== undefined && top.sourceLayer ? { layer: shownBy(top.sourceLayer), id: String(top.id) } : null;
    void place.open(at, meant);
  };
  map.map.on('click', (e) => pointed(e.point));
  // With the keyboard the middle of the map is what one points at.
  map.map.getCanvas().addEventListener('keydown', (e) => {
    if (e.key === 'Enter') pointed({ x: map.container.clientWidth / 2, y: map.container.clientHeight / 2 });
  });
  // The globe says itself when its picture is whole.
  const isFlat = (): boolean => store.get().mode === '2d';
  map.map.on('dataloading', () => { if (isFlat()) progress.hidden = false; });
  map.map.on('idle', () => { if (isFlat()) progress.hidden = true; });
  map.map.on('error', ({ error }) => {
    if (/abort/i.test(error?.message ?? '')) return;
    const { status } = error as { status?: number };
    toast.say(t(status === 429 ? 'error.much' : 'error.tiles'));
    if (status === 401 || status === 403) askWhy();
  });
  keys(store, search, measure, place, right);
  keepAddress(store);
  watchSnapshot(catalog, () => toast.stay(t('app.newer'), t('app.reload'), () => location.reload()));
  return () => {
    const { selected, place: at, mode, panel, view } = store.get();
    if (selected) void place.openRecord(selected, at, !view);
    else if (at && panel === 'dispatch') void dispatch.ask(at);
    else if (at) void map.styled().then(() => place.open(at));
    if (mode === '3d') void globe.enter();
  };
}

/** Has the server refuse the credential in words, if that is why something failed. */
let askedWhy_ms = -Infinity;
function askWhy(): void {
  if (!credential.isThere() || performance.now() - askedWhy_ms < ASKS_WHY_MS) return;
  askedWhy_ms = performance.now();
  ask('catalog').catch(() => {});
}

/** Says what can be done, until it is done or has stood there long enough. */
function hint(app: HTMLElement, map: CityMap): void {
  const element = h('p', { class: 'toast hint-first', text: t('map.hint') });
  const go = (): void => element.remove();
  app.append(element);
  for (const event of ['click', 'dragstart'] as const) map.map.once(event, go);
  document.addEventListener('pointerdown', go, { once: true });
  setTimeout(go, HINT_MS);
}

function tabs(store: Store): HTMLElement {
  const buttons = TABS.map(([panel, icon]) =>
    h('button', { class: 'tab', attrs: { 'data-panel': panel }, on: { click: () => store.set({ panel: store.get().panel === panel ? null : panel }) } }, svg(icon), h('span', { text: t(`tab.${panel}`) })));
  const mark = (): void => buttons.forEach((b, i) => attribute(b, 'aria-pressed', String(store.get().panel === TABS[i]?.[0])));
  store.watch(['panel'], mark);
  mark();
  return h('nav', { class: 'tabs', attrs: { 'aria-label': t('app.name') } }, ...buttons);
}

/** Things of one name are shown together up to so many; of more the nearest is. */
const GROUP = 500;

/** To what was found; of several things under one name to the box that holds them all. */
function goTo(result: Result, fly: (box: Box) => void, after: (work: () => void) => void, place: PlacePanel): void {
  const at = { lon: result.lon, lat: result.lat };
  const there: Box = [at.lon, at.lat, at.lon, at.lat];
  const { layer, id, count = 1, items, bbox } = result;
  if (layer === undefined || id === undefined) {
    after(() => void place.open(at));
    return fly(there);
  }
  const isGroup = items !== undefined && count > 1;
  if (isGroup && count <= GROUP) void place.openGroup({ layer, title: result.title ?? '', items, count, bbox: bbox ?? there });
  else void place.openRecord({ layer, id: String(id) }, at, false, isGroup ? t('group.nearest', { n: number(count) }) : '');
  fly((isGroup && count > GROUP ? null : bbox) ?? there);
}

function whole(catalog: Catalog, map: CityMap, globe: GlobeView, store: Store): void {
  if (store.get().mode === '3d') globe.goTo(catalog.bounds());
  else map.goTo(catalog.bounds());
}

/** `/` searches; Esc leaves what is on top. */
function keys(store: Store, search: SearchBox, measure: MeasureTool, place: PlacePanel, right: Sheet): void {
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
    if (!typing && measure.key(event)) event.preventDefault();
    else if (event.key === '/' && !typing) {
      event.preventDefault();
      search.focus();
    } else if (event.key === 'Escape' && !right.element.hidden) place.close();
    else if (event.key === 'Escape' && store.get().panel) store.set({ panel: null });
  });
}

function keepAddress(store: Store): void {
  const put = debounced(250, () => history.replaceState(null, '', `${write(store.get())}&lang=${language}`));
  store.watch(['view', 'style', 'mode', 'underground', 'on', 'off', 'opacity', 'selected', 'place', 'panel', 'who', 'class'], put);
  // An address pasted into an open page opens what it says.
  addEventListener('hashchange', () => location.reload());
}

/** Says when a newer city has been published; what is open stays as it is. */
function watchSnapshot(catalog: Catalog, newer: () => void): void {
  const timer = setInterval(() => {
    if (document.hidden) return;
    ask<{ snapshot?: string }>('ready').then(({ snapshot }) => {
      if (!snapshot || snapshot === catalog.snapshot) return;
      clearInterval(timer);
      newer();
    }).catch(() => {});
  }, NEWER_EVERY_MS);
}

/** `say`s for a while; what is to `stay` comes back after that until somebody does it. */
function toaster(): { element: HTMLElement; say: (text: string) => void; stay: (text: string, what: string, work: () => void) => void } {
  const element = h('div', { class: 'toast', attrs: { role: 'alert', hidden: true } });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let staying: { text: string; button: HTMLElement } | null = null;
  const rest = (): void => {
    if (staying) fill(element, staying.text, staying.button);
    element.hidden = staying === null;
  };
  const say = (text: string): void => {
    clearTimeout(timer);
    fill(element, text);
    element.hidden = text === '';
    timer = setTimeout(rest, 6000);
  };
  const stay = (text: string, what: string, work: () => void): void => {
    clearTimeout(timer);
    const done = (): void => { staying = null; rest(); work(); };
    staying = { text, button: h('button', { class: 'link', text: what, on: { click: done } }) };
    rest();
  };
  return { element, say, stay };
}

const app = document.getElementById('app');
if (app) {
  document.title = language === 'zh' ? '城图' : 'Chengtu';
  open(app).catch((error: unknown) => void failed(app, error));
}

/** Why there is no map, and what can be done about it: with a credential that is refused, to sign in again or go on without. */
async function failed(app: HTMLElement, error: unknown): Promise<void> {
  const isSignedIn = credential.isThere() && error instanceof Refusal && error.status > 0;
  const without = h('button', { class: 'link', text: t('sign.without'), attrs: { type: 'button' }, on: { click: () => { credential.forget(); location.reload(); } } });
  if (isSignedIn && (ofCredential(error) || error.status === 403)) {
    const { form } = await import('./panels/sign');
    return fill(app, h('div', { class: 'opening' }, h('div', { class: 'sign card' }, form(words(error), without))));
  }
  const text = error instanceof Error && !('status' in error) ? error.message : words(error);
  const retry = h('button', { class: 'primary', text: t('app.retry'), on: { click: () => location.reload() } });
  fill(app, h('div', { class: 'opening', attrs: { role: 'alert' } }, h('h1', { text: t('app.failed') }), h('p', { text }), retry, isSignedIn && without));
}

