// Several records of one name: what they are, the nearest first, all of them on the map.

import { ask } from '../api';
import { type Layer, titleOf } from '../catalog';
import { h } from '../dom';
import { number, t } from '../i18n';
import type { Box } from '../map/citymap';
import { distance } from '../map/geodesy';
import type { Place } from '../state';
import { type Item, box } from './record';

/** What a search found under one name. */
export interface Group {
  layer: string;
  title: string;
  /** Address of the records. */
  items: string;
  count: number;
  bbox: Box;
}

/** Records that are asked for, and that are listed. */
const MOST = 500, LISTED = 100;

export interface Member { item: Item; away_m: number }

/** The records, the nearest first. */
export async function members(group: Group, near: Place, signal: AbortSignal): Promise<Member[]> {
  const { features } = await ask<{ features: Item[] }>(`${group.items.replace(/^\//, '')}&limit=${MOST}`, signal);
  return features.map((item) => ({ item, away_m: away(item, near) })).sort((a, b) => a.away_m - b.away_m);
}

/** All of them as one shape. */
export function shapeOf(list: Member[]): GeoJSON.GeometryCollection {
  return { type: 'GeometryCollection', geometries: list.flatMap(({ item }) => (item.geometry ? [item.geometry] : [])) };
}

export function groupCard(group: Group, layer: Layer, list: Member[], open: (item: Item) => void, whole: () => void): HTMLElement {
  const shown = list.slice(0, LISTED);
  const told = shown.length < group.count ? t('group.first', { n: number(group.count), some: shown.length }) : t('group.count', { n: number(group.count) });
  const tells = telling(layer, list);
  const row = ({ item, away_m }: Member, i: number): HTMLElement => {
    const value = tells && item.properties[tells];
    const text = value === null || value === undefined || value === '' ? `${titleOf(layer)} ${i + 1}` : String(value);
    return h('li', {}, h('button', { class: 'other', on: { click: () => open(item) } }, h('span', { text }), h('span', { class: 'muted', text: metres(away_m) })));
  };
  return h('section', { class: 'record group-card', attrs: { 'aria-label': group.title } },
    h('header', {}, h('div', { class: 'eyebrow', text: titleOf(layer) }), h('h3', { text: group.title })),
    h('div', { class: 'bar small' }, h('span', { class: 'muted', text: told }), h('button', { class: 'link', text: t('group.whole'), on: { click: whole } })),
    h('ul', {}, ...shown.map(row)));
}

/** The field that tells most of them apart, the key before others; none where most have the same in each. */
function telling(layer: Layer, list: Member[]): string | null {
  const kinds = (name: string): number => new Set(list.map(({ item }) => item.properties[name])).size;
  const texts = layer.fields.filter((f) => f.type === 'text').sort((a, b) => Number(b.key) - Number(a.key));
  const best = texts.map((f) => ({ name: f.name, kinds: kinds(f.name) })).reduce((a, b) => (b.kinds > a.kinds ? b : a), { name: '', kinds: 0 });
  return best.kinds > list.length / 2 ? best.name : null;
}

function away(item: Item, near: Place): number {
  if (!item.geometry) return Infinity;
  const [west, south, east, north] = box(item.geometry);
  return distance([Math.min(Math.max(near.lon, west), east), Math.min(Math.max(near.lat, south), north)], [near.lon, near.lat]);
}

function metres(m: number): string {
  if (!Number.isFinite(m)) return '';
  return m < 1000 ? t('place.distance', { m: number(m, 0) }) : `${number(m / 1000, 1)} km`;
}
