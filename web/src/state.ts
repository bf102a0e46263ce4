// What the page shows, in one place, and in the address, so that a view can be sent to a colleague. Layers are kept as
// differences from the style's own choice: a shared view stays small, and another style brings its own choice.

export interface View { lon: number; lat: number; zoom: number; bearing: number; pitch: number }
export interface Selection { layer: string; id: string }
export interface Place { lon: number; lat: number }
export type Panel = 'layers' | 'who' | 'dispatch' | null;
export type Who = 'district' | 'street' | 'community' | 'body' | 'duty_grid';

export interface State {
  view: View | null;
  style: string | null;
  mode: '2d' | '3d';
  underground: boolean;
  on: ReadonlySet<string>;
  off: ReadonlySet<string>;
  opacity: ReadonlyMap<string, number>;
  selected: Selection | null;
  place: Place | null;
  panel: Panel;
  who: Who;
  /** `scheme:kind:code` of the dispatcher's question. */
  class: string | null;
}

const start: State = {
  view: null, style: null, mode: '2d', underground: false, on: new Set(), off: new Set(), opacity: new Map(), selected: null, place: null,
  panel: null, who: 'district', class: null,
};

type Listener = (state: State, before: State) => void;

export class Store {
  private listeners: { keys: (keyof State)[]; work: Listener }[] = [];
  constructor(private current: State) {}

  get(): State {
    return this.current;
  }

  set(change: Partial<State>): void {
    const before = this.current;
    this.current = { ...before, ...change };
    for (const { keys, work } of [...this.listeners]) {
      if (keys.some((key) => this.current[key] !== before[key])) work(this.current, before);
    }
  }

  /** Calls `work` whenever one of the keys has another value. */
  watch(keys: (keyof State)[], work: Listener): void {
    this.listeners.push({ keys, work });
  }
}

/** `#zoom/lat/lon/bearing/pitch&style=…&on=a,b&off=c&opacity=a:0.5&sel=layer/id&at=lon,lat&…` */
export function write(state: State): string {
  const parts: string[] = [];
  if (state.view) {
    const { zoom, lat, lon, bearing, pitch } = state.view;
    const turned = bearing !== 0 || pitch !== 0 ? `/${round(bearing, 1)}/${round(pitch, 1)}` : '';
    parts.push(`${round(zoom, 2)}/${round(lat, 6)}/${round(lon, 6)}${turned}`);
  }
  const put = (name: string, value: string | null | undefined): void => {
    if (value) parts.push(`${name}=${encodeURIComponent(value).replace(/%2C/g, ',').replace(/%3A/g, ':').replace(/%2F/g, '/')}`);
  };
  put('style', state.style);
  put('mode', state.mode === '3d' ? '3d' : null);
  put('below', state.underground ? '1' : null);
  put('on', [...state.on].join(','));
  put('off', [...state.off].join(','));
  put('opacity', [...state.opacity].map(([id, value]) => `${id}:${round(value, 2)}`).join(','));
  put('sel', state.selected && `${state.selected.layer}/${state.selected.id}`);
  put('at', state.place && `${round(state.place.lon, 7)},${round(state.place.lat, 7)}`);
  put('panel', state.panel);
  put('who', state.panel === 'who' ? state.who : null);
  put('class', state.panel === 'dispatch' ? state.class : null);
  return `#${parts.join('&')}`;
}

const PANELS: Panel[] = ['layers', 'who', 'dispatch'];
export const WHO: Who[] = ['district', 'street', 'community', 'body', 'duty_grid'];

/** What an address says; what it says wrongly is left out. */
export function read(hash: string): State {
  const state: State = { ...start };
  for (const part of hash.replace(/^#/, '').split('&')) {
    const [name = '', text = ''] = part.includes('=') ? [part.slice(0, part.indexOf('=')), decode(part.slice(part.indexOf('=') + 1))] : ['', part];
    const list = text.split(',').filter((item) => item !== '');
    if (name === '') state.view = readView(text) ?? state.view;
    else if (name === 'style') state.style = /^[\w-]{1,64}$/.test(text) ? text : null;
    else if (name === 'mode') state.mode = text === '3d' ? '3d' : '2d';
    else if (name === 'below') state.underground = text === '1';
    else if (name === 'on') state.on = new Set(list);
    else if (name === 'off') state.off = new Set(list);
    else if (name === 'opacity') state.opacity = readOpacity(list);
    else if (name === 'sel') state.selected = readSelection(text);
    else if (name === 'at') state.place = readPlace(list);
    else if (name === 'panel') state.panel = PANELS.find((p) => p === text) ?? null;
    else if (name === 'who') state.who = WHO.find((w) => w === text) ?? start.who;
    else if (name === 'class') state.class = text;
  }
  return state;
}

function readView(text: string): View | null {
  const [zoom, lat, lon, bearing = 0, pitch = 0] = text.split('/').map(Number);
  if (zoom === undefined || lat === undefined || lon === undefined) return null;
  const fine = zoom >= 0 && zoom <= 24 && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && Number.isFinite(bearing) && pitch >= 0 && pitch <= 90;
  return fine ? { zoom, lat, lon, bearing, pitch } : null;
}

function readOpacity(list: string[]): Map<string, number> {
  const pairs = list.map((item) => item.split(':')).map(([id = '', value]) => [id, Number(value)] as const);
  return new Map(pairs.filter(([id, value]) => id !== '' && value >= 0 && value <= 1));
}

function readSelection(text: string): Selection | null {
  const found = /^([a-z0-9_]{1,64})\/(\d{1,16})$/.exec(text);
  return found ? { layer: found[1] ?? '', id: found[2] ?? '' } : null;
}

function readPlace(list: string[]): Place | null {
  const [lon, lat] = list.map(Number);
  return lon !== undefined && lat !== undefined && Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? { lon, lat } : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
