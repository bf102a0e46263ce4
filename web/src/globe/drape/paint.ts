// One tile of the map painted on a 2D canvas after a MapLibre style: fills, lines and circles with all their expressions.
// No letters, no icons, no patterns: those do not lie on the ground.

import { type Feature, type LayerSpecification, type StylePropertyExpression, expression, featureFilter, latest } from '@maplibre/maplibre-gl-style-spec';
import type { VectorTile, VectorTileFeature } from '@mapbox/vector-tile';
import { type Tile, isSeen } from './style';

type Canvas = Pick<OffscreenCanvasRenderingContext2D, 'beginPath' | 'moveTo' | 'lineTo' | 'closePath' | 'arc' | 'fill' | 'stroke' | 'fillRect'
  | 'setLineDash' | 'fillStyle' | 'strokeStyle' | 'globalAlpha' | 'lineWidth' | 'lineCap' | 'lineJoin'>;

/** Where a vector tile lies on the canvas: offset of its corner and length of its side, canvas pixels. */
export interface Placed { x: number; y: number; side: number }

/** Vector tiles by the name of their source, each with its place in the grid. */
export type Tiles = Map<string, Tile & { tile: VectorTile }>;

export interface Brush {
  layer: LayerSpecification;
  passes: (feature: Feature, zoom: number) => boolean;
  value: <T>(name: string, zoom: number, feature?: Feature) => T | undefined;
}

export const TYPES = ['Unknown', 'Point', 'LineString', 'Polygon'] as const;

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
  const shared = new Map<string, { zoom: number; value: unknown }>();
  const own = 'source-layer' in layer && layer['source-layer'] ? opacity[layer['source-layer']] ?? 1 : 1;
  return {
    layer,
    passes: (feature, zoom) => filter({ zoom }, feature),
    value: <T>(name: string, zoom: number, feature?: Feature) => {
      const value = values.get(name);
      // What does not look at the feature is the same for all of them.
      const isShared = value?.kind === 'constant' || value?.kind === 'camera';
      const known = isShared ? shared.get(name) : undefined;
      if (known?.zoom === zoom) return known.value as T | undefined;
      const found = value?.evaluate({ zoom }, feature as Feature, {}) as T | undefined;
      const whole = name.endsWith('-opacity') && typeof found === 'number' ? (found * own) as T : found;
      if (isShared) shared.set(name, { zoom, value: whole });
      return whole;
    },
  };
}

/**
 * Paints a tile of `side` canvas pixels, layer over layer. `zoom` is the style's; a CSS pixel is `ratio` canvas pixels. Of
 * `tiles` that stand above it a part is drawn larger.
 * What of a layer looks the same is one path: a city's tile has tens of thousands of shapes and a handful of looks.
 */
export function paint(canvas: Canvas, list: Brush[], tiles: Tiles, whole: Tile & { side: number }, zoom: number, ratio: number): void {
  for (const b of list) {
    if (!isSeen(b.layer, zoom)) continue;
    if (b.layer.type === 'background') {
      canvas.globalAlpha = b.value<number>('background-opacity', zoom) ?? 1;
      canvas.fillStyle = css(b.value('background-color', zoom));
      canvas.fillRect(0, 0, 1e5, 1e5);
      continue;
    }
    const { source, 'source-layer': name } = b.layer as { source: string; 'source-layer': string };
    const found = tiles.get(source);
    const tile = found?.tile.layers[name];
    if (!tile) continue;
    const at = placed(found, whole);
    const paths = new Map<string, { look: Look; shapes: VectorTileFeature[] }>();
    for (let i = 0; i < tile.length; i += 1) {
      const feature = tile.feature(i);
      const asked: Feature = { type: TYPES[feature.type], properties: feature.properties, ...(feature.id === undefined ? {} : { id: feature.id }) };
      if (!b.passes(asked, zoom)) continue;
      if (b.layer.type === 'circle') { circle(canvas, b, feature, asked, at, zoom, ratio); continue; }
      const look = b.layer.type === 'fill' ? fill(b, feature, asked, zoom, ratio) : line(b, feature, asked, zoom, ratio);
      if (!look) continue;
      const key = JSON.stringify(look);
      const path = paths.get(key);
      if (path) path.shapes.push(feature);
      else paths.set(key, { look, shapes: [feature] });
    }
    for (const { look, shapes } of paths.values()) draw(canvas, look, shapes, at);
  }
}

function placed(found: Tile, { z, x, y, side }: Tile & { side: number }): Placed {
  const parts = 2 ** (z - found.z);
  return { x: -(x - found.x * parts) * side, y: -(y - found.y * parts) * side, side: side * parts };
}

interface Look { opacity: number; fill?: string; stroke?: string; width: number; dash: number[]; cap?: CanvasLineCap; join?: CanvasLineJoin }

function draw(canvas: Canvas, look: Look, shapes: VectorTileFeature[], at: Placed): void {
  canvas.globalAlpha = look.opacity;
  canvas.beginPath();
  for (const feature of shapes) trace(canvas, feature, at);
  if (look.fill) {
    canvas.fillStyle = look.fill;
    // Outer rings turn one way and holes the other: neighbours that overlap by a hair do not cancel.
    canvas.fill('nonzero');
  }
  if (!look.stroke) return;
  canvas.strokeStyle = look.stroke;
  canvas.lineWidth = look.width;
  canvas.lineCap = look.cap ?? 'butt';
  canvas.lineJoin = look.join ?? 'miter';
  canvas.setLineDash(look.dash);
  canvas.stroke();
}

function trace(canvas: Canvas, feature: VectorTileFeature, at: Placed): void {
  const k = at.side / feature.extent;
  for (const part of feature.loadGeometry()) {
    part.forEach((p, n) => (n === 0 ? canvas.moveTo(at.x + p.x * k, at.y + p.y * k) : canvas.lineTo(at.x + p.x * k, at.y + p.y * k)));
    if (feature.type === 3) canvas.closePath();
  }
}

function fill(b: Brush, feature: VectorTileFeature, asked: Feature, zoom: number, ratio: number): Look | undefined {
  if (feature.type !== 3 || hasPattern(b)) return undefined;
  const opacity = b.value<number>('fill-opacity', zoom, asked) ?? 1;
  const colour = css(b.value('fill-color', zoom, asked));
  const outline = (b.layer.paint as Record<string, unknown> | undefined)?.['fill-outline-color'];
  const look: Look = { opacity, fill: colour, width: 0.5, dash: [] };
  if (b.value('fill-antialias', zoom, asked) === false) return look;
  // Neighbours meet without a seam; an outline of its own where the style has one.
  if (outline) return { ...look, stroke: css(b.value('fill-outline-color', zoom, asked)), width: ratio };
  return opacity === 1 ? { ...look, stroke: colour } : look;
}

/** By the style's text: evaluated without its sprite, a pattern is nothing, and its layer a band of black. */
function hasPattern({ layer }: Brush): boolean {
  return `${layer.type}-pattern` in (layer.paint ?? {});
}

function line(b: Brush, feature: VectorTileFeature, asked: Feature, zoom: number, ratio: number): Look | undefined {
  const width = (b.value<number>('line-width', zoom, asked) ?? 1) * ratio;
  if (feature.type === 1 || width <= 0 || hasPattern(b)) return undefined;
  const gap = (b.value<number>('line-gap-width', zoom, asked) ?? 0) * ratio;
  const dashes = b.value<number[] | { from: number[] }>('line-dasharray', zoom, asked);
  const list = Array.isArray(dashes) ? dashes : dashes?.from ?? [];
  return {
    opacity: b.value<number>('line-opacity', zoom, asked) ?? 1,
    stroke: css(b.value('line-color', zoom, asked)),
    // A casing is drawn below what it encases: as one band.
    width: gap > 0 ? gap + 2 * width : width,
    dash: list.map((d) => d * width),
    cap: b.value<CanvasLineCap>('line-cap', zoom, asked) ?? 'butt',
    join: b.value<CanvasLineJoin>('line-join', zoom, asked) ?? 'miter',
  };
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
export function css(colour: unknown): string {
  return colour === undefined || colour === null ? 'transparent' : String(colour);
}
