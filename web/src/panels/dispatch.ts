// The dispatcher's question: a class of case and a point, answered at once. Hovering tells the unit beside the crosshair.

import { aborted, ask, words } from '../api';
import { debounced, fill, h } from '../dom';
import { t } from '../i18n';
import type { CityMap } from '../map/citymap';
import type { Place, Store } from '../state';
import { headline, ownerCard, whose } from './owner';

interface Class { kind: 'component' | 'matter'; code: string; name: string }
interface Scheme { id: string; classes: Class[] }
interface Choice { key: string; name: string; code: string; kind: Class['kind']; scheme: string }

const MOST = 60;

export class DispatchPanel {
  readonly element: HTMLElement;
  private readonly answer = h('div', { class: 'answer' });
  private readonly input: HTMLInputElement;
  private readonly list = h('ul', { class: 'choices', attrs: { role: 'listbox', id: 'classes', 'aria-label': t('dispatch.class'), hidden: true } });
  private readonly tip = h('div', { class: 'tip', attrs: { hidden: true, 'aria-hidden': 'true' } });
  private choices: Choice[] = [];
  private shown: (Choice | null)[] = [];
  private active = -1;
  private point: Place | null = null;
  private urgent = false;
  private asking = new AbortController();
  private hovering = new AbortController();

  constructor(private readonly map: CityMap, private readonly store: Store) {
    this.input = h('input', {
      attrs: { type: 'text', role: 'combobox', placeholder: t('dispatch.find'), 'aria-label': t('dispatch.class'), 'aria-controls': 'classes', 'aria-expanded': 'false', 'aria-autocomplete': 'list', autocomplete: 'off' },
      on: { input: () => this.suggest(this.input.value), focus: () => { this.input.select(); this.suggest(''); }, blur: () => setTimeout(() => this.fold(), 150), keydown: (e) => this.key(e) },
    });
    const urgent = h('input', { attrs: { type: 'checkbox' }, on: { change: () => { this.urgent = urgent.checked; this.again(); } } });
    const centre = h('button', { class: 'link', text: t('dispatch.centre'), on: { click: () => this.ask(this.centre()) } });
    this.element = h('div', { class: 'dispatch' },
      h('label', { class: 'field' }, h('span', { text: t('dispatch.class') }), this.input), this.list,
      h('div', { class: 'bar small' }, h('label', { class: 'tick' }, urgent, t('dispatch.urgent')), centre), this.answer);
    map.container.append(this.tip);
    map.map.on('mousemove', (e) => this.hover({ lon: e.lngLat.lng, lat: e.lngLat.lat }, e.point));
    map.map.on('mouseout', () => { this.tip.hidden = true; });
    store.watch(['class'], () => { this.label(); this.again(); });
    store.watch(['panel'], () => this.open());
    this.open();
  }

  private open(): void {
    const here = this.store.get().panel === 'dispatch';
    this.map.container.classList.toggle('pointing', here);
    if (!here) {
      this.tip.hidden = true;
      if (this.point) this.map.setData('page-selection', null);
      this.point = null;
      return;
    }
    if (!this.choices.length) void this.load();
    fill(this.answer, h('p', { class: 'hint', text: t('dispatch.help') }));
  }

  private async load(): Promise<void> {
    try {
      const { schemes } = await ask<{ schemes: Scheme[] }>('owner/classes');
      this.choices = schemes.flatMap((s) => s.classes.map((c) => ({ key: `${s.id}:${c.kind}:${c.code}`, name: c.name || c.code, code: c.code, kind: c.kind, scheme: s.id })));
      this.label();
    } catch (error) {
      fill(this.answer, h('p', { class: 'fault', text: words(error) }));
    }
  }

  private label(): void {
    const chosen = this.choices.find((c) => c.key === this.store.get().class);
    this.input.value = chosen ? `${chosen.name}  ${chosen.code}` : t('dispatch.any');
  }

  private suggest(text: string): void {
    const wanted = text.trim().toLowerCase();
    const found = this.choices.filter((c) => c.name.toLowerCase().includes(wanted) || c.code.startsWith(wanted)).slice(0, MOST);
    this.shown = wanted ? found : [null, ...found];
    this.active = -1;
    fill(this.list, ...this.shown.map((c, i) => h('li', { attrs: { role: 'option', id: `class-${i}`, 'aria-selected': 'false' }, on: { pointerdown: (e) => { e.preventDefault(); this.take(c); } } },
      h('span', { class: 'name', text: c?.name ?? t('dispatch.any') }), c && h('span', { class: 'muted', text: `${t(`dispatch.${c.kind}`)} ${c.code} · ${c.scheme}` }))));
    if (!this.shown.length) fill(this.list, h('li', { class: 'muted', text: t('dispatch.none'), attrs: { role: 'option', 'aria-selected': 'false' } }));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
  }

  private fold(): void {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
    this.label();
  }

  private take(choice: Choice | null): void {
    this.store.set({ class: choice?.key ?? null });
    this.fold();
    this.input.blur();
  }

  private key(event: KeyboardEvent): void {
    const count = this.shown.length;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.active = count ? (this.active + step + count) % count : -1;
      [...this.list.children].forEach((row, i) => row.setAttribute('aria-selected', String(i === this.active)));
      this.list.children[this.active]?.scrollIntoView({ block: 'nearest' });
      if (this.active >= 0) this.input.setAttribute('aria-activedescendant', `class-${this.active}`);
    } else if (event.key === 'Enter') {
      const choice = this.shown[Math.max(this.active, 0)];
      if (choice !== undefined) this.take(choice);
    } else if (event.key === 'Escape') {
      this.fold();
      this.input.blur();
      event.stopPropagation();
    } else return;
    event.preventDefault();
  }

  private centre(): Place {
    const { lng, lat } = this.map.map.getCenter();
    return { lon: lng, lat };
  }

  private again(): void {
    if (this.point) void this.ask(this.point);
  }

  /** Asks for a point and shows the answer. */
  async ask(point: Place): Promise<void> {
    this.point = point;
    this.store.set({ place: point });
    this.map.setData('page-selection', { type: 'Point', coordinates: [point.lon, point.lat] });
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    try {
      const answer = await whose({ ...point, class: this.store.get().class, urgent: this.urgent }, signal);
      if (!signal.aborted) fill(this.answer, ownerCard(answer, t('owner.title')));
    } catch (error) {
      if (!aborted(error)) fill(this.answer, h('p', { class: 'fault', text: words(error) }));
    }
  }

  private readonly tell = debounced(30, async (place: Place) => {
    this.hovering.abort();
    const { signal } = (this.hovering = new AbortController());
    const answer = await whose({ ...place, class: this.store.get().class, trail: false }, signal).catch(() => null);
    if (answer && !signal.aborted && this.store.get().panel === 'dispatch') {
      this.tip.textContent = headline(answer);
      this.tip.hidden = false;
    }
  });

  private hover(place: Place, at: { x: number; y: number }): void {
    if (this.store.get().panel !== 'dispatch') return;
    this.tip.style.setProperty('transform', `translate(${at.x + 16}px, ${at.y + 12}px)`);
    this.tell(place);
  }
}
