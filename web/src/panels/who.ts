// Who looks after what, as colours on the map: districts, street offices, communities, responsible bodies, duty grids.
// Layers are found by their roles; colours are given to codes as they come into view and stay theirs.

import type { ExpressionSpecification, MapGeoJSONFeature } from 'maplibre-gl';
import { ask } from '../api';
import type { Catalog, Layer } from '../catalog';
import { debounced, fill, h } from '../dom';
import { t } from '../i18n';
import type { CityMap } from '../map/citymap';
import { WHO, type Store, type Who } from '../state';

/** Twelve hues of like weight that stay apart for colour-blind eyes as far as twelve can. */
const PALETTE = ['#4e79a7', '#f28e2b', '#59a14f', '#e15759', '#76b7b2', '#edc948', '#b07aa1', '#ff9da7', '#9c755f', '#7f9c3b', '#3f8fa8', '#c96f9b'];
const OTHERS = '#9aa3aa';
const SOURCE = 'page-who', FILL = 'page-who/fill', EDGE = 'page-who/edge';
const MOST_IN_LEGEND = 60;

interface Theme { layer: Layer; code: string; name: string | null; from: number }

export class WhoPanel {
  readonly element: HTMLElement;
  private readonly legend = h('div', { class: 'legend', attrs: { 'aria-live': 'polite' } });
  private colours = new Map<string, string>();
  private bodies: Promise<Map<string, string>> | null = null;
  private theme: Theme | null = null;
  private readonly count = debounced(120, () => void this.recount());

  constructor(private readonly catalog: Catalog, private readonly map: CityMap, private readonly store: Store) {
    const now = store.get().who;
    const choices = WHO.filter((who) => this.themeOf(who)).map((who) => {
      const input = h('input', { attrs: { type: 'radio', name: 'who', value: who, checked: who === now }, on: { change: () => store.set({ who }) } });
      return h('label', { class: 'pill' }, input, h('span', { text: t(`who.${who}`) }));
    });
    this.element = h('div', { class: 'who' }, h('div', { class: 'pills', attrs: { role: 'radiogroup', 'aria-label': t('who.title') } }, ...choices), h('p', { class: 'muted pad', text: t('who.help') }), this.legend);
    store.watch(['who', 'panel'], () => this.draw());
    map.map.on('idle', () => this.count());
    map.map.on('style.load', () => this.draw());
  }

  private themeOf(who: Who): Theme | null {
    const [layer] = this.catalog.withRole(who === 'body' ? 'unit_grid' : who);
    const code = layer?.fields.find((f) => (who === 'body' ? f.role === 'responsible_org' : f.key));
    if (!layer?.tiles || !code) return null;
    const name = layer.fields.find((f) => f.role === 'name');
    return { layer, code: code.name, name: who === 'body' ? null : (name?.name ?? null), from: Math.max(layer.minzoom, code.from_zoom ?? 0) };
  }

  /** Draws, draws anew or takes away. */
  private draw(): void {
    const { map } = this.map;
    if (!map.style) return;
    for (const id of [FILL, EDGE]) if (map.getLayer(id)) map.removeLayer(id);
    if (map.getSource(SOURCE)) map.removeSource(SOURCE);
    const { panel, who } = this.store.get();
    const theme = panel === 'who' ? this.themeOf(who) : null;
    if (theme?.layer.id !== this.theme?.layer.id || theme?.code !== this.theme?.code) this.colours = new Map();
    this.theme = theme;
    if (!theme) return;
    const below = map.getStyle().layers.find((l) => l.type === 'symbol' || l.id.startsWith('page-selection'))?.id;
    map.addSource(SOURCE, { type: 'vector', tiles: [this.map.tiles([theme.layer.id])], minzoom: theme.from, maxzoom: theme.layer.maxzoom, ...(theme.layer.bounds ? { bounds: theme.layer.bounds } : {}) });
    const common = { source: SOURCE, 'source-layer': theme.layer.id };
    map.addLayer({ id: FILL, type: 'fill', ...common, paint: { 'fill-color': this.paint(), 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 9, 0.55, 17, 0.34] } }, below);
    map.addLayer({ id: EDGE, type: 'line', ...common, paint: { 'line-color': this.map.drawing?.dark ? '#0d1216' : '#ffffff', 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 0.8, 16, 2], 'line-opacity': 0.8 } }, below);
    this.count();
  }

  private paint(): ExpressionSpecification | string {
    if (!this.theme || this.colours.size === 0) return OTHERS;
    const pairs = [...this.colours].flat();
    return ['match', ['to-string', ['get', this.theme.code]], ...pairs, OTHERS] as unknown as ExpressionSpecification;
  }

  /** Gives colours to the codes in view and lists them. */
  private async recount(): Promise<void> {
    const { theme, map: { map } } = this;
    if (!theme || !map.getLayer(FILL)) return;
    if (map.getZoom() < theme.from) return fill(this.legend, h('p', { class: 'hint', text: t('who.closer', { z: theme.from }) }));
    const seen = new Map<string, MapGeoJSONFeature>();
    let unnamed = false;
    for (const feature of map.queryRenderedFeatures({ layers: [FILL] })) {
      const code = String(feature.properties[theme.code] ?? '');
      if (code && !seen.has(code)) seen.set(code, feature);
      unnamed ||= code === '';
    }
    const fresh = [...seen.keys()].filter((code) => !this.colours.has(code)).sort();
    for (const code of fresh) this.colours.set(code, this.colourFor(code));
    if (fresh.length) map.setPaintProperty(FILL, 'fill-color', this.paint());
    const names = theme.name ? null : await this.names();
    const rows = [...seen].map(([code, f]) => ({ code, name: String((theme.name ? f.properties[theme.name] : names?.get(code)) ?? code) }));
    rows.sort((a, b) => a.code.localeCompare(b.code));
    fill(this.legend, h('h3', { text: t('who.legend', { n: rows.length }) }),
      h('ul', {}, ...rows.slice(0, MOST_IN_LEGEND).map((r) => h('li', { title: r.code }, h('span', { class: 'patch', style: { background: this.colours.get(r.code) ?? OTHERS } }), r.name)),
        unnamed && h('li', { class: 'muted' }, h('span', { class: 'patch', style: { background: OTHERS } }), t('who.unnamed'))));
  }

  /** By the code's own number, or the least used after it: the same code has the same colour on every screen, mostly. */
  private colourFor(code: string): string {
    let sum = 0;
    for (const character of code) sum = (sum * 31 + character.charCodeAt(0)) >>> 0;
    const used = [...this.colours.values()];
    const uses = PALETTE.map((colour) => used.filter((u) => u === colour).length);
    const least = Math.min(...uses);
    for (let i = 0; i < PALETTE.length; i += 1) {
      const at = (sum + i) % PALETTE.length;
      if (uses[at] === least) return PALETTE[at] ?? OTHERS;
    }
    return OTHERS;
  }

  /** Names of the bodies by their codes; none where they may not be seen. */
  private names(): Promise<Map<string, string>> {
    const load = async (): Promise<Map<string, string>> => {
      const { bodies } = await ask<{ bodies: { id: string; name: string }[] }>('owner/bodies');
      return new Map(bodies.map((b) => [b.id, b.name]));
    };
    this.bodies ??= load().catch(() => new Map<string, string>());
    return this.bodies;
  }
}
