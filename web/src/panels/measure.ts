// Measuring on the flat map: a line or an area, corner by corner, with its size as it grows.

import type { MapMouseEvent } from 'maplibre-gl';
import { fill, h, svg } from '../dom';
import { number, t } from '../i18n';
import { ICONS } from '../icons';
import type { CityMap } from '../map/citymap';
import { area, length } from '../map/geodesy';

export type Measure = 'distance' | 'area' | 'height';
type Corner = [number, number];

export class MeasureTool {
  readonly element = h('div', { class: 'measure card', attrs: { role: 'status', hidden: true } });
  private mode: Measure | null = null;
  private corners: Corner[] = [];
  private pointer: Corner | null = null;
  private done = false;

  constructor(private readonly map: CityMap, private readonly ended: () => void) {
    map.map.on('click', (e) => this.click(e));
    map.map.on('mousemove', (e) => this.move(e));
    map.map.on('dblclick', (e) => this.doubled(e));
  }

  get active(): boolean {
    return this.mode !== null;
  }

  start(mode: Measure): void {
    this.mode = mode;
    this.restart();
    this.map.map.doubleClickZoom.disable();
    this.map.container.classList.add('measuring');
    this.element.hidden = false;
  }

  stop(): void {
    if (!this.mode) return;
    this.mode = null;
    this.map.setData('page-measure', null);
    this.map.map.doubleClickZoom.enable();
    this.map.container.classList.remove('measuring');
    this.element.hidden = true;
    this.ended();
  }

  /** Enter ends, Backspace takes a corner back; whether the key was meant for the tool. */
  key(event: KeyboardEvent): boolean {
    if (!this.active) return false;
    if (event.key === 'Enter') this.finish();
    else if (event.key === 'Backspace') this.undo();
    else if (event.key === 'Escape') this.stop();
    else return false;
    return true;
  }

  /** Text of a measurement made elsewhere (in three dimensions). */
  say(text: string): void {
    this.element.hidden = text === '';
    if (text) fill(this.element, h('strong', { text }), this.button(ICONS.close, t('panel.close'), () => this.ended()));
  }

  private restart(): void {
    [this.corners, this.pointer, this.done] = [[], null, false];
    this.draw();
  }

  private undo(): void {
    this.corners.pop();
    this.done = false;
    this.draw();
  }

  private finish(): void {
    this.pointer = null;
    this.done = true;
    this.draw();
  }

  private click(e: MapMouseEvent): void {
    if (!this.active) return;
    if (this.done) this.restart();
    this.corners.push([e.lngLat.lng, e.lngLat.lat]);
    this.draw();
  }

  private move(e: MapMouseEvent): void {
    if (!this.active || this.done || this.corners.length === 0) return;
    this.pointer = [e.lngLat.lng, e.lngLat.lat];
    this.draw();
  }

  /** Its two clicks have set two corners on one place. */
  private doubled(e: MapMouseEvent): void {
    if (!this.active) return;
    e.preventDefault();
    this.corners.pop();
    this.finish();
  }

  private draw(): void {
    const shown = this.pointer ? [...this.corners, this.pointer] : this.corners;
    const closed = this.mode === 'area' && shown.length > 2;
    const line = closed ? [...shown, shown[0] as Corner] : shown;
    const features: GeoJSON.Feature[] = this.corners.map((c) => feature({ type: 'Point', coordinates: c }));
    if (line.length > 1) features.push(feature({ type: 'LineString', coordinates: line }));
    if (closed) features.push(feature({ type: 'Polygon', coordinates: [line] }));
    this.map.setData('page-measure', { type: 'FeatureCollection', features });
    const parts = shown.length < 2 ? [h('span', { text: t('measure.start') })]
      : this.mode === 'area' ? [h('strong', { text: squareMetres(area(shown)) }), h('span', { class: 'muted', text: `${t('measure.perimeter')} ${metres(length(line))}` })]
        : [h('strong', { text: metres(length(line)) })];
    fill(this.element, ...parts,
      this.corners.length > 0 && this.button(ICONS.undo, t('measure.undo'), () => this.undo()),
      this.button(ICONS.close, t('panel.close'), () => this.stop()));
  }

  private button(icon: string, label: string, work: () => void): HTMLElement {
    return h('button', { class: 'round', title: label, attrs: { 'aria-label': label }, on: { click: work } }, svg(icon));
  }
}

const feature = (geometry: GeoJSON.Geometry): GeoJSON.Feature => ({ type: 'Feature', properties: {}, geometry });

export function metres(value: number): string {
  return value < 1000 ? `${number(value, value < 100 ? 2 : 1)} m` : `${number(value / 1000, 3)} km`;
}

export function squareMetres(value: number): string {
  return value < 100_000 ? `${number(value, 1)} m²` : `${number(value / 1e6, 4)} km²`;
}
