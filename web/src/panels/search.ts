// The box for codes, names and coordinates: a combobox (WAI-ARIA) over `/search`; a coordinate flies there at once.

import { aborted, ask, words } from '../api';
import { debounced, fill, h, svg } from '../dom';
import { language, number, t } from '../i18n';
import { ICONS } from '../icons';

export interface Result {
  kind?: string;
  layer?: string;
  layer_title?: { zh?: string; en?: string };
  id?: number | string;
  title?: string;
  field_title?: { zh?: string; en?: string } | string;
  lon: number;
  lat: number;
  bbox?: [number, number, number, number] | null;
  count?: number;
  /** Address of all of them. */
  items?: string;
}
interface Results { results: Result[]; truncated?: boolean }

const PAUSE_MS = 160, MOST = 12;

export class SearchBox {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly list = h('ul', { class: 'results', attrs: { role: 'listbox', id: 'results', 'aria-label': t('search.label'), hidden: true } });
  private readonly said = h('p', { class: 'said', attrs: { role: 'status', hidden: true } });
  private readonly clear: HTMLButtonElement;
  private results: Result[] = [];
  private active = -1;
  private asking = new AbortController();

  /** `near`: what is nearer to the middle of the map comes first. */
  constructor(private readonly near: () => { lon: number; lat: number }, private readonly go: (result: Result) => void) {
    const look = debounced(PAUSE_MS, () => void this.look());
    this.input = h('input', {
      attrs: { type: 'text', role: 'combobox', placeholder: t('search.placeholder'), 'aria-label': t('search.placeholder'), 'aria-expanded': 'false', 'aria-controls': 'results', 'aria-autocomplete': 'list', autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'search', maxlength: 64 },
      on: { input: look, keydown: (e) => this.key(e), focus: () => this.results.length && this.open(true) },
    });
    this.clear = h('button', { class: 'round', title: t('search.clear'), attrs: { 'aria-label': t('search.clear'), hidden: true }, on: { click: () => this.reset() } }, svg(ICONS.close));
    this.element = h('div', { class: 'search', attrs: { role: 'search' } },
      h('div', { class: 'box' }, h('span', { class: 'brand', attrs: { 'aria-hidden': 'true' } }, svg(ICONS.search)), this.input, this.clear, h('kbd', { text: '/', title: t('search.hint') })), this.list, this.said);
    document.addEventListener('pointerdown', (e) => { if (!this.element.contains(e.target as Node)) this.open(false); });
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  private reset(): void {
    this.asking.abort();
    this.input.value = '';
    this.show([], '');
    this.input.focus();
  }

  private async look(): Promise<Result[]> {
    const text = this.input.value.trim();
    this.clear.hidden = text === '';
    this.asking.abort();
    if (text === '') {
      this.show([], '');
      return [];
    }
    const { signal } = (this.asking = new AbortController());
    const { lon, lat } = this.near();
    try {
      const { results, truncated } = await ask<Results>(`search?q=${encodeURIComponent(text)}&limit=${MOST}&near=${lon.toFixed(5)},${lat.toFixed(5)}`, signal);
      this.show(results, results.length ? (truncated ? t('search.more') : '') : t('search.none', { q: text }));
      return results;
    } catch (error) {
      if (!aborted(error)) this.show([], words(error));
      return [];
    }
  }

  private show(results: Result[], said: string): void {
    this.results = results;
    this.active = -1;
    fill(this.list, ...results.map((r, i) => this.row(r, i)));
    this.said.textContent = said;
    this.said.hidden = said === '';
    this.open(results.length > 0 || said !== '');
  }

  private row(r: Result, i: number): HTMLElement {
    const where = r.kind === 'coordinate' ? t('search.coordinate') : of(r.layer_title);
    const many = r.count && r.count > 1 ? t('search.times', { n: number(r.count) }) : '';
    return h('li', { attrs: { role: 'option', id: `result-${i}`, 'aria-selected': 'false' }, on: { click: () => this.take(r), pointermove: () => this.mark(i) } },
      svg(r.kind === 'coordinate' ? ICONS.target : ICONS.pin), h('span', { class: 'name', text: r.title ?? `${r.lon.toFixed(6)}, ${r.lat.toFixed(6)}` }), h('span', { class: 'muted', text: [where, many].filter(Boolean).join(' · ') }));
  }

  private take(result: Result): void {
    this.open(false);
    this.input.blur();
    this.go(result);
  }

  private open(open: boolean): void {
    this.list.hidden = !open || this.results.length === 0;
    if (!open) this.said.hidden = true;
    this.input.setAttribute('aria-expanded', String(!this.list.hidden));
  }

  private mark(i: number): void {
    this.active = i;
    [...this.list.children].forEach((row, at) => row.setAttribute('aria-selected', String(at === i)));
    if (i >= 0) this.input.setAttribute('aria-activedescendant', `result-${i}`);
    else this.input.removeAttribute('aria-activedescendant');
    this.list.children[i]?.scrollIntoView({ block: 'nearest' });
  }

  private key(event: KeyboardEvent): void {
    const count = this.results.length;
    if (event.key === 'ArrowDown' && count) this.mark((this.active + 1) % count);
    else if (event.key === 'ArrowUp' && count) this.mark(this.active <= 0 ? count - 1 : this.active - 1);
    else if (event.key === 'Enter') void this.enter();
    else if (event.key === 'Escape') {
      event.stopPropagation();
      if (this.list.hidden && this.said.hidden) this.input.blur();
      this.open(false);
    } else return;
    event.preventDefault();
  }

  /** What is marked, else the first of what is found. */
  private async enter(): Promise<void> {
    const marked = this.results[this.active] ?? (await this.look())[0];
    if (marked) this.take(marked);
  }
}

const of = (title: { zh?: string; en?: string } | undefined): string => (language === 'zh' ? title?.zh : title?.en) ?? title?.zh ?? '';
