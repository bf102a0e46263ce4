// One tile of the map painted on a 2D canvas after a MapLibre style: fills, lines and circles with all their expressions.
// No letters, no icons, no patterns: those do not lie on the ground.

import { type Feature, type LayerSpecification, type StylePropertyExpression, expression, featureFilter, latest } from '@maplibre/maplibre-gl-style-spec';
import type { VectorTile, VectorTileFeature } from '@mapbox/vector-tile';
import { isSeen } from './style';

type Canvas = Pick<OffscreenCanvasRenderingContext2D, 'beginPath' | 'moveTo' | 'lineTo' | 'closePath' | 'arc' | 'fill' | 'stroke' | 'fillRect'
  | 'setLineDash' | 'fillStyle' | 'strokeStyle' | 'globalAlpha' | 'lineWidth' | 'lineCap' | 'lineJoin'>;

/** Where a vector tile lies on the canvas: offset of its corner and length of its side, canvas pixels. */
export interface Placed { x: number; y: number; side: number }

interface Brush {
  layer: LayerSpecification;
  passes: (feature: Feature, zoom: number) => boolean;
  value: <T>(name: string, zoom: number, feature?: Feature) => T | undefined;
}

const TYPES = ['Unknown', 'Point', 'LineString', 'Polygon'] as const;

/** The style's layers made ready; a layer whose expression is not one is told of and left out. */
export function brushes(layers: LayerSpecification[], opacity: Record<string, number>): { brushes: Brush[]; faults: string[] } {
  const out: Brush[] = [];
  const faults: string[] = [];
  for (const layer of layers) {
    try { out.push(brush(layer, opacity)); } catch (e) { faults.push(`${layer.id}: ${e instanceof Error ? e.message : String(e)}`); }
  }
  return { brushes: out, faults };
}

function brush(layer: LayerSpecification, opacity: Record<string, number>): Brush {
  const reference = latest as unknown as Record<string, Record<string, never>>;
  const values = new Map<string, StylePropertyExpression>();
  for (const kind of ['paint', 'layout'] as const) {
    const given = (layer as unknown as Record<string, Record<string, unknown>>)[kind] ?? {};
    for (const [name, specification] of Object.entries(reference[`${kind}_${layer.type}`] ?? {})) {
      const known = specification as { default?: unknown; 'property-type'?: string };
      const value = given[name] ?? known.default;
      if (value !== undefined && known['property-type']) {
        values.set(name, expression.normalizePropertyExpression(value as never, name, specification));
      }
    }
  }
  const filter = featureFilter('filter' in layer ? layer.filter : undefined, 'filter').filter;
  const own = 'source-layer' in layer && layer['source-layer'] ? opacity[layer['source-layer']] ?? 1 : 1;
  return {
    layer,
    passes: (feature, zoom) => filter({ zoom }, feature),
    value: <T>(name: string, zoom: number, feature?: Feature) => {
      const found = values.get(name)?.evaluate({ zoom }, feature as Feature, {}) as T | undefined;
      return name.endsWith('-opacity') && typeof found === 'number' ? (found * own) as T : found;
    },
  };
}

/**
 * Paints a tile, layer over layer. `zoom` is the style's; a CSS pixel is `ratio` canvas pixels. `tiles` by name of the source.
 */
export function paint(canvas: Canvas, list: Brush[], tiles: Map<string, VectorTile>, at: Placed, zoom: number, ratio: number): void {
  for (const b of list) {
    if (!isSeen(b.layer, zoom)) continue;
    if (b.layer.type === 'background') {
      canvas.globalAlpha = b.value<number>('background-opacity', zoom) ?? 1;
      canvas.fillStyle = css(b.value('background-color', zoom));
      canvas.fillRect(0, 0, 1e5, 1e5);
      continue;
    }
    const { source, 'source-layer': name } = b.layer as { source: string; 'source-layer': string };
    const tile = tiles.get(source)?.layers[name];
    for (let i = 0; i < (tile?.length ?? 0); i += 1) {
      const feature = tile!.feature(i);
      const asked: Feature = { type: TYPES[feature.type], properties: feature.properties, ...(feature.id === undefined ? {} : { id: feature.id }) };
      if (!b.passes(asked, zoom)) continue;
      if (b.layer.type === 'fill') fill(canvas, b, feature, asked, at, zoom, ratio);
      if (b.layer.type === 'line') line(canvas, b, feature, asked, at, zoom, ratio);
      if (b.layer.type === 'circle') circle(canvas, b, feature, asked, at, zoom, ratio);
    }
  }
}

function trace(canvas: Canvas, feature: VectorTileFeature, at: Placed): void {
  const k = at.side / feature.extent;
  canvas.beginPath();
  for (const part of feature.loadGeometry()) {
    part.forEach((p, n) => (n === 0 ? canvas.moveTo(at.x + p.x * k, at.y + p.y * k) : canvas.lineTo(at.x + p.x * k, at.y + p.y * k)));
    if (feature.type === 3) canvas.closePath();
  }
}

function fill(canvas: Canvas, b: Brush, feature: VectorTileFeature, asked: Feature, at: Placed, zoom: number, ratio: number): void {
  if (feature.type !== 3 || b.value('fill-pattern', zoom, asked)) return;
  canvas.globalAlpha = b.value<number>('fill-opacity', zoom, asked) ?? 1;
  const colour = css(b.value('fill-color', zoom, asked));
  trace(canvas, feature, at);
  canvas.fillStyle = colour;
  canvas.fill('evenodd');
  const given = (b.layer.paint as Record<string, unknown> | undefined)?.['fill-outline-color'];
  if (b.value('fill-antialias', zoom, asked) === false) return;
  // Neighbours meet without a seam; an outline of its own where the style has one.
  canvas.strokeStyle = given ? css(b.value('fill-outline-color', zoom, asked)) : colour;
  canvas.lineWidth = given ? ratio : 0.5;
  canvas.setLineDash([]);
  if (given || canvas.globalAlpha === 1) canvas.stroke();
}

function line(canvas: Canvas, b: Brush, feature: VectorTileFeature, asked: Feature, at: Placed, zoom: number, ratio: number): void {
  const width = (b.value<number>('line-width', zoom, asked) ?? 1) * ratio;
  if (feature.type === 1 || width <= 0) return;
  const gap = (b.value<number>('line-gap-width', zoom, asked) ?? 0) * ratio;
  canvas.globalAlpha = b.value<number>('line-opacity', zoom, asked) ?? 1;
  canvas.strokeStyle = css(b.value('line-color', zoom, asked));
  // A casing is drawn below what it encases: as one band.
  canvas.lineWidth = gap > 0 ? gap + 2 * width : width;
  canvas.lineCap = b.value<CanvasLineCap>('line-cap', zoom, asked) ?? 'butt';
  canvas.lineJoin = b.value<CanvasLineJoin>('line-join', zoom, asked) ?? 'miter';
  const dashes = b.value<number[] | { from: number[] }>('line-dasharray', zoom, asked);
  const list = Array.isArray(dashes) ? dashes : dashes?.from ?? [];
  canvas.setLineDash(list.map((d) => d * width));
  trace(canvas, feature, at);
  canvas.stroke();
}

function circle(canvas: Canvas, b: Brush, feature: VectorTileFeature, asked: Feature, at: Placed, zoom: number, ratio: number): void {
  const radius = (b.value<number>('circle-radius', zoom, asked) ?? 5) * ratio;
  const stroke = (b.value<number>('circle-stroke-width', zoom, asked) ?? 0) * ratio;
  const k = at.side / feature.extent;
  for (const part of feature.loadGeometry()) {
    // Of lines and polygons MapLibre draws the corners too; on the ground that is noise.
    for (const p of feature.type === 1 ? part : []) {
      canvas.beginPath();
      canvas.arc(at.x + p.x * k, at.y + p.y * k, radius + stroke / 2, 0, 2 * Math.PI);
      canvas.globalAlpha = b.value<number>('circle-opacity', zoom, asked) ?? 1;
      canvas.fillStyle = css(b.value('circle-color', zoom, asked));
      canvas.fill();
      if (stroke > 0) {
        canvas.globalAlpha = b.value<number>('circle-stroke-opacity', zoom, asked) ?? 1;
        canvas.strokeStyle = css(b.value('circle-stroke-color', zoom, asked));
        canvas.lineWidth = stroke;
        canvas.setLineDash([]);
        canvas.stroke();
      }
    }
  }
}

/** The style's colours are premultiplied numbers that write themselves as CSS. */
function css(colour: unknown): string {
  return colour === undefined || colour === null ? 'transparent' : String(colour);
}
