// Legends drawn from the style: what a layer looks like on the map, small, and what its colours mean.

import type { LayerSpecification, Map as MapLibre } from 'maplibre-gl';
import { h } from '../dom';
import { language } from '../i18n';

const NS = 'http://www.w3.org/2000/svg';
const WIDTH = 22, HEIGHT = 16;

export interface Category { label: string; swatch: Element }

/** One value that an expression can come out as: the largest zoom's, the first class's. */
export function sample(value: unknown): string | number | undefined {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (!Array.isArray(value)) return undefined;
  const last = value.length - 1;
  switch (value[0]) {
    case 'interpolate': case 'interpolate-hcl': case 'interpolate-lab': case 'step': case 'let':
      return sample(value[last]);
    case 'match': return sample(value[3]);
    case 'case': return sample(value[2]) ?? sample(value[last]);
    case 'coalesce': return value.slice(1).map(sample).find((v) => v !== undefined);
    case 'image': case 'to-color': case 'string': case 'number': return sample(value[1]);
    case 'rgb': return `rgb(${value.slice(1).join(',')})`;
    case 'rgba': return `rgba(${value.slice(1).join(',')})`;
    case 'get': case 'concat': case 'literal': return undefined;
    default: return undefined;
  }
}

/** What a style says itself of how a layer is drawn (`metadata.chengtu:legend`, docs/styles.md). */
interface Told { shape: 'fill' | 'line' | 'dot' | 'icon' | 'text' | 'ramp'; color?: string; colors?: string[]; stroke?: string; width?: number; dash?: number[]; icon?: string; label?: { zh?: string; en?: string } }

function told(layers: LayerSpecification[]): Told[] {
  return layers.flatMap((layer) => ((layer.metadata as Record<string, unknown> | undefined)?.['chengtu:legend'] as Told[] | undefined) ?? []);
}

/** What a layer looks like: as the style tells, else its style layers over each other. */
export function swatch(layers: LayerSpecification[], map: MapLibre): Element {
  const [first] = told(layers);
  if (first) return toldSwatch(first, map);
  const picture = layers.map((layer) => iconOf(layer, map)).find((p) => p !== null);
  if (picture) return picture;
  return drawing(layers.flatMap((layer) => marks(layer, {})));
}

/** The classes that a style tells apart: as it says, else by a colour's `match` on a field; none where all are alike. */
export function categories(layers: LayerSpecification[], map: MapLibre): Category[] | null {
  const rows = told(layers).map((entry) => ({ label: (language === 'zh' ? entry.label?.zh : entry.label?.en) ?? '', swatch: toldSwatch(entry, map) }));
  if (rows.length > 1) return rows;
  for (const layer of layers) {
    for (const [property, value] of Object.entries(layer.paint ?? {})) {
      if (property.endsWith('-color') && Array.isArray(value) && value[0] === 'match' && Array.isArray(value[1]) && value[1][0] === 'get') return matched(layer, property, value);
    }
  }
  return null;
}

function matched(layer: LayerSpecification, property: string, value: unknown[]): Category[] {
  const rows: Category[] = [];
  for (let i = 2; i + 1 < value.length; i += 2) {
    const labels = Array.isArray(value[i]) ? (value[i] as unknown[]) : [value[i]];
    rows.push({ label: labels.join('、'), swatch: drawing(marks(layer, { [property]: value[i + 1] })) });
  }
  return rows;
}

function toldSwatch(entry: Told, map: MapLibre): Element {
  const picture = entry.icon === undefined ? null : pictureOf(entry.icon, entry.color, map);
  if (picture && entry.shape !== 'line') return picture;
  const [colour, stroke] = [entry.color ?? 'none', entry.stroke];
  if (entry.shape === 'fill') return drawing([element('rect', { x: 1.5, y: 1.5, width: WIDTH - 3, height: HEIGHT - 3, rx: 2, fill: colour, 'fill-opacity': stroke === colour ? 0.25 : 1, stroke: stroke ?? 'none' })]);
  if (entry.shape === 'line') {
    const width = Math.min(entry.width ?? 2, 6);
    const dash: Record<string, string> = entry.dash ? { 'stroke-dasharray': entry.dash.map((d) => d * Math.max(width, 1) * 0.7).join(' ') } : {};
    return drawing([...(stroke ? [curve(stroke, width + 2, {})] : []), curve(colour, width, dash)]);
  }
  if (entry.shape === 'text') return drawing([letter(colour)]);
  if (entry.shape === 'ramp') return drawing(ramp(entry.colors ?? [colour]));
  return drawing([element('circle', { cx: WIDTH / 2, cy: HEIGHT / 2, r: 4.5, fill: colour, stroke: stroke ?? 'none', 'stroke-width': 1.5 })]);
}

const curve = (stroke: string, width: number, more: Record<string, string>): SVGElement =>
  element('path', { d: `M1 ${HEIGHT - 4}C7 ${HEIGHT - 15} 13 ${HEIGHT} ${WIDTH - 1} 4`, fill: 'none', stroke, 'stroke-width': width, ...more });

function letter(colour: string): SVGElement {
  const text = element('text', { x: WIDTH / 2, y: HEIGHT - 3.5, 'text-anchor': 'middle', 'font-size': 12, 'font-weight': 600, fill: colour });
  text.textContent = language === 'zh' ? '字' : 'A';
  return text;
}

/** From little to much. */
function ramp(colours: string[]): SVGElement[] {
  const step = (WIDTH - 2) / colours.length;
  return colours.map((fill, i) => element('rect', { x: 1 + i * step, y: 3, width: step + 0.3, height: HEIGHT - 6, fill }));
}

function drawing(marks: SVGElement[]): SVGSVGElement {
  const picture = element('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, class: 'swatch', 'aria-hidden': 'true' }) as SVGSVGElement;
  picture.append(...marks);
  return picture;
}

function marks(layer: LayerSpecification, instead: Record<string, unknown>): SVGElement[] {
  const paint: Record<string, unknown> = { ...layer.paint, ...instead };
  const colour = (name: string): string | undefined => sample(paint[name]) as string | undefined;
  const amount = (name: string, otherwise: number): number => Number(sample(paint[name]) ?? otherwise);
  if (layer.type === 'fill' || layer.type === 'fill-extrusion') {
    const edge = colour('fill-outline-color');
    // Faint fills would not be seen at this size.
    const opacity = Math.max(amount(`${layer.type}-opacity`, 1), 0.25);
    return [element('rect', { x: 1.5, y: 1.5, width: WIDTH - 3, height: HEIGHT - 3, rx: 2, fill: colour(`${layer.type}-color`) ?? '#000', 'fill-opacity': opacity, ...(edge ? { stroke: edge } : {}) })];
  }
  if (layer.type === 'line') {
    const width = Math.min(Math.max(amount('line-width', 1), 1), 7);
    const dashes = paint['line-dasharray'];
    const dash: Record<string, string> = Array.isArray(dashes) && dashes.every((d) => typeof d === 'number') ? { 'stroke-dasharray': dashes.map((d) => d * width).join(' ') } : {};
    return [curve(colour('line-color') ?? '#000', width, dash)];
  }
  if (layer.type === 'circle') {
    const radius = Math.min(Math.max(amount('circle-radius', 5), 3), 6);
    return [element('circle', { cx: WIDTH / 2, cy: HEIGHT / 2, r: radius, fill: colour('circle-color') ?? '#000', 'fill-opacity': Math.max(amount('circle-opacity', 1), 0.4), stroke: colour('circle-stroke-color') ?? 'none', 'stroke-width': Math.min(amount('circle-stroke-width', 0), 2) })];
  }
  if (layer.type === 'symbol' && layer.layout?.['text-field'] !== undefined && layer.layout['icon-image'] === undefined) {
    return [letter(colour('text-color') ?? '#000')];
  }
  return [];
}

function iconOf(layer: LayerSpecification, map: MapLibre): Element | null {
  const name = layer.type === 'symbol' && layer.layout?.['symbol-placement'] !== 'line' ? sample(layer.layout?.['icon-image']) : undefined;
  return typeof name === 'string' && layer.type === 'symbol' ? pictureOf(name, sample(layer.paint?.['icon-color']) as string | undefined, map) : null;
}

/** A picture of the sprite, tinted where it is a distance field; null while the sprite is not there. */
function pictureOf(name: string, colour: string | undefined, map: MapLibre): HTMLCanvasElement | null {
  const image = map.getImage(name);
  if (!image?.data?.data) return null;
  const { width, height, data } = image.data;
  const canvas = h('canvas', { class: 'swatch', attrs: { width, height, 'aria-hidden': 'true' } });
  const pixels = new ImageData(new Uint8ClampedArray(data), width, height);
  if (image.sdf) tint(pixels, colour ?? '#000');
  canvas.getContext('2d')?.putImageData(pixels, 0, 0);
  const scale = Math.min(20 / width, 20 / height, 1 / image.pixelRatio);
  canvas.style.setProperty('width', `${width * scale}px`);
  canvas.style.setProperty('height', `${height * scale}px`);
  return canvas;
}

/** A distance field's edge is at three quarters. */
function tint(pixels: ImageData, colour: string): void {
  const context = new OffscreenCanvas(1, 1).getContext('2d');
  if (!context) return;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0] = context.getImageData(0, 0, 1, 1).data;
  for (let i = 0; i < pixels.data.length; i += 4) {
    const inside = Math.min(Math.max(((pixels.data[i + 3] ?? 0) - 180) / 24, 0), 1);
    pixels.data.set([r, g, b, 255 * inside], i);
  }
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(NS, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  return made;
}
