// The layer tree: themes and their layers, each with what it looks like, how many it holds and whether it is shown.
// Follows the tree pattern of WAI-ARIA: one stop for Tab, arrows inside, Space shows and hides, Enter unfolds.

import { type Catalog, type Layer, titleOf } from '../catalog';
import { attribute, fill, h, svg } from '../dom';
import { compact, known, number, t } from '../i18n';
import { ICONS } from '../icons';
import type { CityMap } from '../map/citymap';
import { categories, swatch } from '../map/legend';
import type { Store } from '../state';

interface Row { layer: Layer; item: HTMLLIElement; swatch: HTMLElement; note: HTMLElement; details: HTMLElement }
interface Group { theme: string; item: HTMLLIElement; count: HTMLElement; note: HTMLElement; rows: Row[] }

export class LayerTree {
  readonly element: HTMLElement;
  private readonly tree: HTMLUListElement;
  private readonly groups: Group[];
  private readonly rows = new Map<string, Row>();
  private readonly total: HTMLElement;
  private readonly nothing: HTMLElement;

  constructor(private readonly catalog: Catalog, private readonly map: CityMap, private readonly store: Store) {
    this.groups = catalog.themes().map(({ id, layers }) => this.group(id, layers));
    this.tree = h('ul', { class: 'tree', attrs: { role: 'tree', 'aria-label': t('tree.label'), 'aria-multiselectable': 'true' }, on: { keydown: (e) => this.key(e) } }, ...this.groups.map((g) => g.item));
    this.groups[0]?.item.setAttribute('tabindex', '0');
    const filter = h('input', { class: 'filter', attrs: { type: 'search', placeholder: t('tree.filter'), 'aria-label': t('tree.filter') }, on: { input: () => this.filter(filter.value) } });
    this.total = h('span', { class: 'muted', attrs: { 'aria-live': 'polite' } });
    this.nothing = h('p', { class: 'muted pad', text: t('tree.none'), attrs: { hidden: true } });
    const reset = h('button', { class: 'link', text: t('tree.reset'), on: { click: () => store.set({ on: new Set(), off: new Set(), opacity: new Map() }) } });
    this.element = h('div', { class: 'layers' }, h('div', { class: 'bar' }, filter), h('div', { class: 'bar small' }, this.total, reset), this.nothing, this.tree);
    store.watch(['on', 'off', 'mode', 'underground'], () => { this.mark(); this.notes(); });
    map.map.on('zoomend', () => this.notes());
  }

  /** After a style has come: its looks, and what it shows unasked. */
  restyle(): void {
    for (const row of this.rows.values()) {
      const layers = this.map.drawing?.byLayer.get(row.layer.id) ?? [];
      fill(row.swatch, layers.length ? swatch(layers, this.map.map) : null);
      if (row.item.getAttribute('aria-expanded') === 'true') this.unfold(row);
    }
    this.mark();
    this.notes();
  }

  private group(theme: string, layers: Layer[]): Group {
    const title = known(`theme.${theme}`) ? t(`theme.${theme}` as 'theme.pipes') : theme;
    const rows = layers.map((layer) => this.row(layer));
    const count = h('span', { class: 'count' }), note = h('span', { class: 'note' });
    const item = h('li', { class: 'group', attrs: { role: 'treeitem', 'aria-expanded': 'false', 'aria-checked': 'false', 'aria-level': 1, tabindex: -1 } });
    const check = h('span', { class: 'check', on: { click: (e) => { e.stopPropagation(); this.toggleGroup(group); } } });
    const head = h('div', { class: 'row', on: { click: () => { this.focus(item); this.expand(item, item.getAttribute('aria-expanded') !== 'true'); } } },
      h('span', { class: 'twist' }, svg(ICONS.down)), h('span', { class: 'name' }, title, note), count, check);
    item.append(head, h('ul', { attrs: { role: 'group' } }, ...rows.map((r) => r.item)));
    const group: Group = { theme, item, count, note, rows };
    return group;
  }

  private row(layer: Layer): Row {
    const look = h('span', { class: 'look' });
    const note = h('span', { class: 'note' });
    const details = h('div', { class: 'details', attrs: { hidden: true } });
    const item = h('li', { class: 'leaf', attrs: { role: 'treeitem', 'aria-expanded': 'false', 'aria-checked': 'false', 'aria-level': 2, tabindex: -1, 'data-layer': layer.id } });
    const more = h('span', { class: 'more', title: t('tree.details'), on: { click: (e) => { e.stopPropagation(); this.focus(item); this.fold(row); } } }, svg(ICONS.down));
    const head = h('div', { class: 'row', on: { click: () => { this.focus(item); this.toggle(layer.id); } } },
      h('span', { class: 'check' }), look, h('span', { class: 'name' }, titleOf(layer), note), h('span', { class: 'count', text: layer.count ? compact(layer.count) : '–', title: t('tree.features', { n: number(layer.count) }) }), more);
    item.append(head, details);
    const row: Row = { layer, item, swatch: look, note, details };
    this.rows.set(layer.id, row);
    return row;
  }

  private toggle(id: string, show = !this.map.isVisible(id)): void {
    this.show([id], show);
  }

  private toggleGroup(group: Group): void {
    const some = group.rows.some((r) => this.map.isVisible(r.layer.id));
    this.show(group.rows.map((r) => r.layer.id), !some);
  }

  private show(ids: string[], show: boolean): void {
    const state = this.store.get();
    const [on, off] = [new Set(state.on), new Set(state.off)];
    for (const id of ids) {
      const unasked = this.map.isUnasked(id);
      (show ? off : on).delete(id);
      if (show && !unasked) on.add(id);
      if (!show && unasked) off.add(id);
    }
    this.store.set({ on, off });
  }

  private mark(): void {
    let shown = 0;
    for (const group of this.groups) {
      const visible = group.rows.filter((r) => this.map.isVisible(r.layer.id));
      for (const row of group.rows) row.item.setAttribute('aria-checked', String(visible.includes(row)));
      group.item.setAttribute('aria-checked', visible.length === 0 ? 'false' : visible.length === group.rows.length ? 'true' : 'mixed');
      group.count.textContent = `${visible.length}/${group.rows.length}`;
      shown += visible.length;
    }
    this.total.textContent = t('tree.on', { n: shown, all: this.catalog.layers.length });
  }

  /** Says of each layer why it is not to be seen now, and of a theme when that is so of all that is switched on. */
  private notes(): void {
    for (const { layer, note } of this.rows.values()) {
      const from = this.map.from(layer.id);
      note.textContent = layer.count === 0 ? t('tree.empty') : from === null ? t('tree.only3d') : this.isFar(layer, from) ? t('tree.from', { z: Math.ceil(from) }) : '';
    }
    for (const { note, rows } of this.groups) {
      const shown = rows.filter((r) => r.layer.count > 0 && this.map.isVisible(r.layer.id)).map(({ layer }) => ({ layer, from: this.map.from(layer.id) }));
      const far = shown.filter(({ layer, from }) => this.isFar(layer, from));
      const first = Math.min(...far.map(({ from }) => from ?? Infinity));
      note.textContent = far.length > 0 && far.length === shown.length ? t('tree.from', { z: Math.ceil(first) }) : '';
    }
  }

  /** Whether a layer is first drawn at a deeper zoom. */
  private isFar(layer: Layer, from: number | null): boolean {
    const isBody = layer.tileset !== null && this.store.get().mode === '3d';
    return from !== null && this.map.zoom() < from && !isBody;
  }

  private fold(row: Row): void {
    const open = row.item.getAttribute('aria-expanded') !== 'true';
    row.item.setAttribute('aria-expanded', String(open));
    row.details.hidden = !open;
    if (open) this.unfold(row);
  }

  private unfold({ layer, details }: Row): void {
    const layers = this.map.drawing?.byLayer.get(layer.id) ?? [];
    const classes = categories(layers, this.map.map);
    const now = this.store.get().opacity.get(layer.id) ?? 1;
    const slider = h('input', { attrs: { type: 'range', min: 0.1, max: 1, step: 0.05, value: now, 'aria-label': `${titleOf(layer)} ${t('tree.opacity')}` }, on: { input: () => this.fade(layer.id, Number(slider.value)) } });
    const bounds = layer.bounds, from = this.map.from(layer.id);
    fill(details,
      classes && h('ul', { class: 'classes' }, ...classes.map((c) => h('li', {}, c.swatch, c.label))),
      h('label', { class: 'opacity' }, t('tree.opacity'), slider),
      bounds && h('button', { class: 'link', text: t('tree.zoom'), on: { click: () => this.map.goTo(bounds) } }),
      from !== null && this.map.zoom() < from && h('button', { class: 'link', text: t('tree.closer'), on: { click: () => this.map.map.easeTo({ zoom: Math.ceil(from) }) } }));
  }

  private fade(id: string, value: number): void {
    const opacity = new Map(this.store.get().opacity);
    if (value >= 1) opacity.delete(id);
    else opacity.set(id, value);
    this.store.set({ opacity });
  }

  private filter(text: string): void {
    const wanted = text.trim().toLowerCase();
    let any = false;
    for (const group of this.groups) {
      const rows = group.rows.filter(({ layer }) => [layer.name_zh, layer.name_en, layer.id].some((name) => name.toLowerCase().includes(wanted)));
      for (const row of group.rows) row.item.hidden = !rows.includes(row);
      group.item.hidden = rows.length === 0;
      any ||= rows.length > 0;
      if (wanted) this.expand(group.item, rows.length > 0);
    }
    this.nothing.hidden = any;
  }

  private expand(item: HTMLElement, open: boolean): void {
    item.setAttribute('aria-expanded', String(open));
  }

  private focus(item: HTMLElement): void {
    this.tree.querySelectorAll('[tabindex="0"][role="treeitem"]').forEach((e) => e.setAttribute('tabindex', '-1'));
    attribute(item, 'tabindex', 0);
    item.focus({ preventScroll: false });
  }

  /** Items that can be reached by the arrows, from top to bottom. */
  private reachable(): HTMLElement[] {
    return this.groups.filter((g) => !g.item.hidden).flatMap((g) => [g.item, ...(g.item.getAttribute('aria-expanded') === 'true' ? g.rows.filter((r) => !r.item.hidden).map((r) => r.item) : [])]);
  }

  private key(event: KeyboardEvent): void {
    const item = event.target;
    if (!(item instanceof HTMLElement) || item.getAttribute('role') !== 'treeitem') return;
    const items = this.reachable();
    const at = items.indexOf(item);
    const group = this.groups.find((g) => g.item === item);
    const row = [...this.rows.values()].find((r) => r.item === item);
    const open = item.getAttribute('aria-expanded') === 'true';
    const go = (to: HTMLElement | undefined): void => { if (to) this.focus(to); };
    switch (event.key) {
      case 'ArrowDown': go(items[at + 1]); break;
      case 'ArrowUp': go(items[at - 1]); break;
      case 'Home': go(items[0]); break;
      case 'End': go(items.at(-1)); break;
      case 'ArrowRight': if (group && open) go(items[at + 1]); else if (group) this.expand(item, true); else if (row && !open) this.fold(row); break;
      case 'ArrowLeft': if (row && open) this.fold(row); else if (group) this.expand(item, false); else go(this.groups.find((g) => row && g.rows.includes(row))?.item); break;
      case ' ': if (group) this.toggleGroup(group); else if (row) this.toggle(row.layer.id); break;
      case 'Enter': if (group) this.expand(item, !open); else if (row) this.fold(row); break;
      default: return;
    }
    event.preventDefault();
  }
}
