// What is at a place: the owner first, then the record of what was meant, then everything else that is there.

import { aborted, ask, words } from '../api';
import { type Catalog, type Layer, recordCode, recordTitle, titleOf } from '../catalog';
import { fill, h, svg, type Child } from '../dom';
import { number, t } from '../i18n';
import { ICONS } from '../icons';
import { type Box, CLICK_PX, type CityMap } from '../map/citymap';
import type { Place, Selection, Store } from '../state';
import { type Answer, ownerCard, whose } from './owner';
import { type Group, groupCard, members, shapeOf } from './group';
import { type Item, box, record, recordCard } from './record';

/** A record and the layer that it is of. */
interface Found { layer: Layer; item: Item }

const MOST_RADIUS_M = 60, LEAST_RADIUS_M = 0.5;

export class PlacePanel {
  readonly element = h('div', { class: 'place' });
  private found: Found[] = [];
  private chosen: Found | null = null;
  private asking = new AbortController();
  private readonly owner = h('div', { attrs: { 'aria-busy': 'false' } });
  private readonly above = h('div', { class: 'above' });
  private readonly things = h('div');

  constructor(private readonly catalog: Catalog, private readonly map: CityMap, private readonly store: Store, private readonly shown: (open: boolean) => void, private readonly fly: (box: Box) => void) {}

  close(): void {
    this.asking.abort();
    this.map.setData('page-selection', null);
    this.store.set({ selected: null, place: null });
    this.shown(false);
  }

  /** What is about a place; `meant` is what was drawn or picked there. */
  async open(place: Place, meant: Selection | null = null): Promise<void> {
    const signal = this.begin(place);
    this.map.reveal(place);
    const { drags } = this.map;
    this.store.set({ place, selected: meant });
    const identified = this.identify(place, signal);
    // The owner of the place is known long before all records are: it is shown at once, and asked again for a component.
    void this.showOwner(place, null, signal);
    try {
      this.found = await identified;
      if (meant && !this.found.some((f) => is(f, meant))) this.found.unshift(...(await this.fetch(meant, signal)));
    } catch (error) {
      if (!aborted(error)) fill(this.things, h('p', { class: 'fault', text: words(error) }));
      return;
    }
    const drawn = this.found.find((f) => meant && is(f, meant)) ?? this.found[0] ?? null;
    await this.choose(drawn, place, signal);
    // By now the panel is as large as it gets.
    if (!signal.aborted && this.map.drags === drags) this.map.reveal(place);
  }

  /** Several records of one name. */
  async openGroup(group: Group): Promise<void> {
    const signal = this.begin(null);
    this.store.set({ selected: null, place: null });
    fill(this.owner);
    fill(this.things, skeleton());
    const layer = this.catalog.layer(group.layer);
    if (!layer) return;
    try {
      const { lon, lat } = this.map.view();
      const list = await members(group, { lon, lat }, signal);
      this.map.setData('page-selection', shapeOf(list));
      const open = (item: Item): void => {
        const back = h('button', { class: 'link back', text: t('group.back', { name: group.title }), on: { click: () => void this.openGroup(group) } });
        void this.openRecord({ layer: layer.id, id: String(item.id) }, null, true, back);
      };
      fill(this.things, groupCard(group, layer, list, open, () => this.fly(group.bbox)));
    } catch (error) {
      if (!aborted(error)) fill(this.things, h('p', { class: 'fault', text: words(error) }));
    }
  }

  /** A record by its id, wherever it is; `above` it stands what is to be known of it. */
  async openRecord(selected: Selection, place: Place | null, fly: boolean, above: Child = null): Promise<void> {
    const signal = this.begin(place);
    fill(this.above, above);
    this.store.set({ selected, place });
    try {
      const [found] = await this.fetch(selected, signal);
      if (!found) return;
      const at = place ?? middle(found.item);
      this.found = [found];
      this.head(at);
      if (fly) this.centre(found);
      this.store.set({ place: at });
      await this.choose(found, at, signal);
    } catch (error) {
      if (!aborted(error)) fill(this.things, h('p', { class: 'fault', text: words(error) }));
    }
  }

  private begin(place: Place | null): AbortSignal {
    this.asking.abort();
    this.asking = new AbortController();
    this.map.setData('page-selection', place && { type: 'Point', coordinates: [place.lon, place.lat] });
    fill(this.owner, skeleton());
    fill(this.above);
    fill(this.things);
    this.found = [];
    this.chosen = null;
    this.head(place);
    this.shown(true);
    return this.asking.signal;
  }

  private head(place: Place | null): void {
    const text = place ? `${place.lon.toFixed(6)}, ${place.lat.toFixed(6)}` : '';
    const copy = h('button', { class: 'coordinate', text, title: t('place.copy'), on: { click: () => void navigator.clipboard?.writeText(text) } });
    const close = h('button', { class: 'round close', title: t('panel.close'), attrs: { 'aria-label': t('panel.close') }, on: { click: () => this.close() } }, svg(ICONS.close));
    fill(this.element, h('div', { class: 'bar' }, place ? copy : h('span'), close), this.above, this.owner, this.things);
  }

  private async identify(place: Place, signal: AbortSignal): Promise<Found[]> {
    const layers = this.map.visible().filter((id) => this.map.isDrawn(id));
    if (layers.length === 0) return [];
    const reach = this.map.metres(CLICK_PX + 2, place);
    const radius = Math.min(Math.max(reach, LEAST_RADIUS_M), MOST_RADIUS_M);
    const answer = await ask<{ features: Item[] }>(`identify?lon=${place.lon}&lat=${place.lat}&radius_m=${radius.toFixed(2)}&layers=${layers.join(',')}&limit=60`, signal);
    const found = answer.features.flatMap((item) => {
      const layer = this.catalog.layer(item.collection ?? '');
      return layer ? [{ layer, item }] : [];
    });
    return found.sort((a, b) => rank(a) - rank(b) || (a.item.distance_m ?? 0) - (b.item.distance_m ?? 0));
  }

  private async fetch({ layer, id }: Selection, signal: AbortSignal): Promise<Found[]> {
    const of = this.catalog.layer(layer);
    return of ? [{ layer: of, item: await record(layer, id, signal) }] : [];
  }

  private async choose(found: Found | null, place: Place, signal: AbortSignal): Promise<void> {
    this.chosen = found;
    this.store.set({ selected: found && { layer: found.layer.id, id: String(found.item.id) } });
    this.map.setData('page-selection', found?.item.geometry ?? { type: 'Point', coordinates: [place.lon, place.lat] });
    this.list(place, signal);
    await this.showOwner(place, found, signal);
  }

  private async showOwner(place: Place, found: Found | null, signal: AbortSignal): Promise<void> {
    const code = found && isComponent(found.layer) ? recordCode(found.layer, found.item.properties) : null;
    this.owner.setAttribute('aria-busy', 'true');
    try {
      const answer: Answer = code && /^\d{16,17}$/.test(code) ? await whose({ ...place, component: code }, signal) : await whose(place, signal);
      if (!signal.aborted && this.chosen === found) fill(this.owner, ownerCard(answer, t(code ? 'owner.ofThing' : 'owner.ofPlace')));
    } catch (error) {
      if (!aborted(error)) fill(this.owner, h('p', { class: 'fault', text: words(error) }));
    } finally {
      this.owner.setAttribute('aria-busy', 'false');
    }
  }

  private list(place: Place, signal: AbortSignal): void {
    const { chosen } = this;
    if (!chosen) return fill(this.things, h('p', { class: 'muted pad', text: t('place.nothing') }));
    const others = this.found.filter((f) => f !== chosen);
    fill(this.things,
      recordCard(chosen.layer, chosen.item, () => this.centre(chosen)),
      others.length > 0 && h('section', { class: 'others' }, h('h3', { text: t('place.others', { n: others.length }) }), h('ul', {}, ...others.map((f) => h('li', {}, this.other(f, place, signal))))));
  }

  private other(found: Found, place: Place, signal: AbortSignal): Child {
    const away = found.item.distance_m ?? 0;
    const name = recordTitle(found.layer, found.item.properties);
    return h('button', { class: 'other', on: { click: () => void this.choose(found, place, signal).then(() => this.element.scrollTo({ top: 0 })) } },
      h('span', { text: name }),
      h('span', { class: 'muted', text: [name !== titleOf(found.layer) && titleOf(found.layer), away >= 0.05 && t('place.distance', { m: number(away, 1) })].filter(Boolean).join(' · ') }));
  }

  private centre({ item }: Found): void {
    if (item.geometry) this.fly(box(item.geometry));
  }
}

const is = (found: Found, selected: Selection): boolean => found.layer.id === selected.layer && String(found.item.id) === selected.id;

export const isComponent = (layer: Layer): boolean => (layer.roles ? layer.roles.includes('component') : layer.theme === 'components');

/** Things before ground, ground before territory; points before lines before areas. */
function rank({ layer, item }: Found): number {
  const ground = layer.theme === 'grids' ? 20 : layer.theme === 'basemap' ? 10 : 0;
  const type = item.geometry?.type ?? 'Point';
  return ground + (type.endsWith('Point') ? 0 : type.endsWith('LineString') ? 1 : 2);
}

function middle(item: Item): Place {
  if (!item.geometry) return { lon: 0, lat: 0 };
  const line = item.geometry.type === 'LineString' ? item.geometry.coordinates : null;
  const half = line?.[Math.floor(line.length / 2)];
  if (half) return { lon: half[0] ?? 0, lat: half[1] ?? 0 };
  const [west, south, east, north] = box(item.geometry);
  return { lon: (west + east) / 2, lat: (south + north) / 2 };
}

function skeleton(): HTMLElement {
  return h('div', { class: 'owner skeleton', attrs: { role: 'status', 'aria-label': t('owner.loading') } }, h('span', {}), h('span', {}), h('span', {}));
}
