// The layers that exist for whoever opened the page, as `/catalog` tells them. No layer is named here: roles, themes and
// field names come with the data.

import { ask, learnServer } from './api';
import { language } from './i18n';
import { credential } from './session';

/** How the server knows the asker: by the role that a credential brought, or not at all. */
export interface Access { role: string | null }

export interface Field {
  name: string;
  type: 'text' | 'enum' | 'date' | 'int' | 'float' | 'bool';
  name_zh: string;
  name_en: string | null;
  unit: string | null;
  datum: string | null;
  key: boolean;
  role?: string | null;
  values?: string[];
  /** First zoom whose tiles carry it. */
  from_zoom?: number;
}

/** How a layer stands in 3D, in the words of the declarations. */
export interface Scene {
  kind: 'extrude' | 'tube' | 'node' | 'instance' | 'surface' | 'terrain' | 'mesh';
  level: number | null;
  below_ground: boolean;
  /** Layers with models of the same things, coarsest first; empty where it is alone. */
  family: string[];
  made_elsewhere: boolean;
}

export interface Layer {
  id: string;
  name_zh: string;
  name_en: string;
  theme: string;
  geometry: string;
  count: number;
  bounds: [number, number, number, number] | null;
  minzoom: number;
  maxzoom: number;
  roles?: string[];
  fields: Field[];
  tiles: string | null;
  tileset: string | null;
  scene: Scene | null;
}

export class Catalog {
  readonly layers: Layer[];
  readonly snapshot: string;
  /** Null where credentials are not looked at. */
  readonly access: Access | null;
  private readonly byId: Map<string, Layer>;

  constructor(document: { snapshot: string; access?: Access | null; layers: Layer[] }) {
    this.layers = document.layers;
    this.snapshot = document.snapshot;
    this.access = document.access ?? null;
    credential.learn(this.access !== null);
    this.byId = new Map(document.layers.map((layer) => [layer.id, layer]));
    for (const layer of document.layers) {
      if (layer.tiles) learnServer(layer.tiles, `/tiles/${layer.id}.json`);
    }
  }

  static async load(): Promise<Catalog> {
    return new Catalog(await ask('catalog'));
  }

  layer(id: string): Layer | undefined {
    return this.byId.get(id);
  }

  /** Layers whose bodies are what one looks for below the ground: pipes, tunnels, rooms; not the many nodes of pipes. */
  buried(): Layer[] {
    return this.layers.filter((layer) => layer.scene?.below_ground && layer.scene.kind !== 'node');
  }

  withRole(role: string): Layer[] {
    return this.layers.filter((layer) => layer.roles?.includes(role));
  }

  /** Themes in the order of the map's use, each with its layers that hold something or can. */
  themes(): { id: string; layers: Layer[] }[] {
    const themes = new Map<string, Layer[]>();
    for (const layer of this.layers) {
      const of = themes.get(layer.theme);
      if (of) of.push(layer);
      else themes.set(layer.theme, [layer]);
    }
    return [...themes].map(([id, layers]) => ({ id, layers })).sort((a, b) => rank(a.id) - rank(b.id));
  }

  /** The built city, degrees: what holds its components; else all that is there; the whole Earth where nothing is. */
  bounds(): [number, number, number, number] {
    const all: [number, number, number, number] = [180, 90, -180, -90];
    const components = this.withRole('component').filter((l) => l.bounds);
    for (const { bounds: b } of components.length ? components : this.layers) {
      if (!b) continue;
      [all[0], all[1]] = [Math.min(all[0], b[0]), Math.min(all[1], b[1])];
      [all[2], all[3]] = [Math.max(all[2], b[2]), Math.max(all[3], b[3])];
    }
    return all[0] > all[2] ? [-180, -60, 180, 75] : all;
  }
}

/** A layer of a tile shows a layer of the catalog, or the points that stand for its names: `id/label`. */
export const shownBy = (tileLayer: string): string => tileLayer.replace(/\/label$/, '');

const ORDER = ['components', 'pipes', 'grids', 'operations', 'iot', 'convenience', 'cim', 'basemap'];
const rank = (theme: string): number => (ORDER.indexOf(theme) + ORDER.length + 1) % (ORDER.length + 1);

export const titleOf = (layer: Layer): string => (language === 'zh' ? layer.name_zh : layer.name_en);
export const fieldTitle = (field: Field): string => (language === 'zh' ? field.name_zh : (field.name_en ?? field.name_zh));

/** What a record is called: its name, else a field that is called one, else its code, else what its layer is called. */
export function recordTitle(layer: Layer, properties: Record<string, unknown>): string {
  const called = (f: Field): boolean => /^(feature_)?name(_zh)?$/.test(f.name);
  const named = [(f: Field) => f.role === 'name', called, (f: Field) => f.key].flatMap((is) => layer.fields.filter(is));
  for (const field of named) {
    const value = properties[field.name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return titleOf(layer);
}

export function recordCode(layer: Layer, properties: Record<string, unknown>): string | null {
  const key = layer.fields.find((f) => f.key);
  const value = key && properties[key.name];
  return typeof value === 'string' && value !== '' ? value : null;
}
