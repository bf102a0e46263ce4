// The buttons on the map: zoom, north, whole city, 2D and 3D, underground, measuring, style, link, language, signing in.

import { attribute, fill, h, svg } from '../dom';
import { known, language, switchLanguage, t } from '../i18n';
import { ICONS } from '../icons';
import type { CityMap, StyleEntry } from '../map/citymap';
import type { Store } from '../state';
import type { Measure } from './measure';

export interface Doings {
  zoom(by: number): void;
  north(): void;
  whole(): void;
  measure(mode: Measure): void;
  /** Null where the server shows everybody the same. */
  sign: { text: string; isIn: boolean; open(): void } | null;
}

export function tools(store: Store, map: CityMap, styles: StyleEntry[], doings: Doings): HTMLElement {
  const button = (icon: string, label: string, work: () => void, kind = ''): HTMLButtonElement =>
    h('button', { class: `tool ${kind}`, title: label, attrs: { 'aria-label': label }, on: { click: work } }, svg(icon));

  const dimension = h('button', { class: 'tool wide', on: { click: () => store.set({ mode: store.get().mode === '3d' ? '2d' : '3d' }) } });
  const below = button(ICONS.below, t('map.below'), () => store.set({ underground: !store.get().underground }));
  const north = button(ICONS.north, t('map.north'), doings.north, 'north');
  const styleMenu = menu(ICONS.palette, t('map.style'), styles.map((s) => ({ label: styleTitle(s), chosen: () => store.get().style === s.id, take: () => store.set({ style: s.id }) })));
  const measures: Measure[] = ['distance', 'area', 'height'];
  const measureMenu = menu(ICONS.ruler, t('map.measure'), measures.map((m) => ({ label: t(`map.${m}`), chosen: () => false, take: () => doings.measure(m), hidden: () => m === 'height' && store.get().mode === '2d' })));
  const share = button(ICONS.share, t('map.share'), () => {
    void navigator.clipboard?.writeText(location.href);
    share.classList.add('done');
    share.title = t('map.copied');
    setTimeout(() => share.classList.remove('done'), 1200);
  });
  const other = button(ICONS.language, t('map.language'), switchLanguage);
  other.lang = language === 'zh' ? 'en' : 'zh-CN';

  const { sign } = doings;
  const person = sign && button(ICONS.person, sign.text, () => sign.open());
  if (sign?.isIn) person?.classList.add('is-in');

  const mark = (): void => {
    const { mode, underground } = store.get();
    const label = t(mode === '3d' ? 'map.2d' : 'map.3d');
    fill(dimension, svg(mode === '3d' ? ICONS.flat : ICONS.cube), h('span', { text: label }));
    below.hidden = mode === '2d';
    attribute(below, 'aria-pressed', String(underground));
  };
  store.watch(['mode', 'underground'], mark);
  mark();
  map.map.on('rotate', () => north.style.setProperty('--turn', `${-map.map.getBearing()}deg`));

  return h('div', { class: 'tools', attrs: { role: 'toolbar', 'aria-label': t('map.tools'), 'aria-orientation': 'vertical' } },
    h('div', { class: 'stack' }, dimension, below),
    h('div', { class: 'stack' }, styleMenu, measureMenu, share, other, person),
    h('div', { class: 'stack zooming' }, button(ICONS.plus, t('map.zoomIn'), () => doings.zoom(1)), button(ICONS.minus, t('map.zoomOut'), () => doings.zoom(-1)), north, button(ICONS.city, t('map.locate'), doings.whole)));
}

function styleTitle(style: StyleEntry): string {
  const own = language === 'zh' ? style.title?.zh : style.title?.en;
  return own ?? (known(`style.${style.id}`) ? t(`style.${style.id}` as 'style.dark') : style.id);
}

interface Choice { label: string; chosen: () => boolean; take: () => void; hidden?: () => boolean }

/** A button that opens a few choices beside it. */
function menu(icon: string, label: string, choices: Choice[]): HTMLElement {
  const list = h('ul', { class: 'menu', attrs: { role: 'menu', 'aria-label': label, hidden: true } });
  const close = (): void => {
    list.hidden = true;
    opener.setAttribute('aria-expanded', 'false');
  };
  const open = (): void => {
    const shown = choices.filter((c) => !c.hidden?.());
    fill(list, ...shown.map((c) => h('li', { attrs: { role: 'none' } },
      h('button', { text: c.label, attrs: { role: 'menuitemradio', 'aria-checked': String(c.chosen()) }, on: { click: () => { close(); c.take(); } } }))));
    list.hidden = false;
    opener.setAttribute('aria-expanded', 'true');
    list.querySelector('button')?.focus();
  };
  const opener = h('button', { class: 'tool', title: label, attrs: { 'aria-label': label, 'aria-haspopup': 'menu', 'aria-expanded': 'false' }, on: { click: () => (list.hidden ? open() : close()) } }, svg(icon));
  const whole = h('div', { class: 'opens', on: {
    keydown: (e) => {
      const buttons = [...list.querySelectorAll('button')];
      const at = buttons.indexOf(e.target as HTMLButtonElement);
      if (e.key === 'Escape' && !list.hidden) { close(); opener.focus(); e.stopPropagation(); }
      else if (e.key === 'ArrowDown') buttons[(at + 1) % buttons.length]?.focus();
      else if (e.key === 'ArrowUp') buttons[(at - 1 + buttons.length) % buttons.length]?.focus();
      else return;
      e.preventDefault();
    },
  } }, opener, list);
  document.addEventListener('pointerdown', (e) => { if (!whole.contains(e.target as Node)) close(); });
  return whole;
}
