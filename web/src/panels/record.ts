// A record as people read it: field names of the catalog, units, what is blank left out and counted.

import { address, ask, words } from '../api';
import { type Field, type Layer, fieldTitle, recordTitle, titleOf } from '../catalog';
import { h, type Child } from '../dom';
import { number, t } from '../i18n';
import { credential } from '../session';

export interface Item { id: number | string; collection?: string; geometry: GeoJSON.Geometry | null; properties: Record<string, unknown>; distance_m?: number }

export function record(layer: string, id: string, signal?: AbortSignal): Promise<Item> {
  return ask<Item>(`collections/${layer}/items/${id}`, signal);
}

export function recordCard(layer: Layer, item: Item, centre: () => void): HTMLElement {
  const filled = layer.fields.filter((f) => !blank(item.properties[f.name]));
  const empty = layer.fields.filter((f) => f.name in item.properties).length - filled.length;
  const rows = filled.flatMap((f) => [h('dt', { text: fieldTitle(f) }), h('dd', { class: isCode(f) ? 'code' : '' , text: shown(f, item.properties[f.name]) })]);
  const title = recordTitle(layer, item.properties);
  return h('section', { class: 'record', attrs: { 'aria-label': title } },
    h('header', {}, title !== titleOf(layer) && h('div', { class: 'eyebrow', text: titleOf(layer) }), h('h3', { text: title })),
    h('dl', {}, ...rows),
    footer(layer, item, empty, centre));
}

function footer(layer: Layer, item: Item, empty: number, centre: () => void): Child {
  const path = `collections/${layer.id}/items/${item.id}`;
  const whole = h('a', { class: 'link', text: t('record.json'), attrs: { href: address(path), target: '_blank', rel: 'noopener' } });
  // A link carries no credential.
  whole.addEventListener('click', (event) => {
    if (!credential.isThere()) return;
    event.preventDefault();
    import('./sign').then(({ openDocument }) => openDocument(path)).catch((error: unknown) => { whole.textContent = words(error); });
  });
  return h('footer', {},
    empty > 0 && h('span', { class: 'muted', text: t('record.empty', { n: empty }) }),
    h('button', { class: 'link', text: t('record.zoom'), on: { click: centre } }),
    whole);
}

const blank = (value: unknown): boolean => value === null || value === undefined || value === '';
const isCode = (f: Field): boolean => f.key || /(_code|_no|_id)$/.test(f.name);

const UNITS: Record<string, string> = { m2: 'm²', m3: 'm³', deg: '°' };

function shown(field: Field, value: unknown): string {
  const unit = field.unit ? `\u2009${UNITS[field.unit] ?? field.unit}` : '';
  if (typeof value === 'boolean') return t(value ? 'record.yes' : 'record.no');
  if (typeof value === 'number') return (field.type === 'float' || Math.abs(value) >= 10000 ? number(value, 3) : String(value)) + unit;
  return String(value) + unit;
}

/** Least box of a geometry: west, south, east, north. */
export function box(geometry: GeoJSON.Geometry): [number, number, number, number] {
  const all: [number, number, number, number] = [180, 90, -180, -90];
  const walk = (c: unknown): void => {
    if (!Array.isArray(c)) return;
    if (typeof c[0] !== 'number') return c.forEach(walk);
    const [lon, lat] = c as [number, number];
    [all[0], all[1], all[2], all[3]] = [Math.min(all[0], lon), Math.min(all[1], lat), Math.max(all[2], lon), Math.max(all[3], lat)];
  };
  if (geometry.type === 'GeometryCollection') geometry.geometries.forEach((g) => 'coordinates' in g && walk(g.coordinates));
  else walk(geometry.coordinates);
  return all;
}
