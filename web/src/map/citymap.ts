// The map in two dimensions: MapLibre with a style of the server, the visible layers, and what the page draws above them.
// Knows nothing of panels; tells what was clicked and where the camera is.

import { LngLat, Map as MapLibre, ScaleControl, setWorkerUrl } from 'maplibre-gl';
import type { GeoJSONSource, LayerSpecification, MapGeoJSONFeature, PaddingOptions, StyleSpecification, VectorTileSource } from 'maplibre-gl';
import { address, ask, isOwn, local } from '../api';
import { type Catalog, type Layer, shownBy } from '../catalog';
import { locale } from '../i18n';
import { credential } from '../session';
import type { State, Store, View } from '../state';
import { faded } from './opacity';
import { type Drawing, TileAddresses, prepare } from './style';
import { OVERLAY_SOURCES, overlays } from './overlays';

declare const MAP_WORKER: string;
setWorkerUrl(address(`web/${MAP_WORKER}`));

/** A tolerance for clicks on points and lines, pixels. */
export const CLICK_PX = 6;
/** The zoom at which single things are looked at. */
const NEAR = 18;

/** West, south, east, north. */
export type Box = [number, number, number, number];

export interface StyleEntry { id: string; title?: { zh?: string; en?: string }; url?: string }

export class CityMap {
  readonly map: MapLibre;
  drawing: Drawing | null = null;
  private addresses: TileAddresses | null = null;
  private raw: StyleSpecification | null = null;
  private data = new Map<string, GeoJSON.GeoJSON>();
  private ready: Promise<void> = Promise.resolve();
  /** How often somebody has dragged it. */
  drags = 0;
  private readonly standing: Set<string>;
  private readonly buried: Set<string>;

  constructor(readonly container: HTMLElement, readonly catalog: Catalog, readonly store: Store) {
    const state = store.get();
    const ids = (layers: Layer[]): Set<string> => new Set(layers.map((l) => l.id));
    [this.standing, this.buried] = [ids(catalog.withRole('building_model')), ids(catalog.buried())];
    const [west, south, east, north] = catalog.bounds();
    this.map = new MapLibre({
      container,
      ...(state.view ? camera(state.view) : { bounds: [west, south, east, north], fitBoundsOptions: { padding: 24 } }),
      maxZoom: 22,
      maxPitch: 80,
      attributionControl: false,
      locale: { 'Map.Title': locale === 'zh-CN' ? '地图' : 'Map' },
      localIdeographFontFamily: "'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif",
      fadeDuration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 150,
      transformRequest: (url) => {
        const real = this.addresses?.real(url) ?? local(url);
        return isOwn(real) ? { url: real, headers: credential.headers() } : { url: real };
      },
      rollEnabled: false,
    });
    this.map.addControl(new ScaleControl({ maxWidth: 96 }), 'bottom-left');
    this.map.on('dragstart', () => { this.drags += 1; });
    // Under the globe the map lies still, or moves unseen.
    this.map.on('moveend', () => { if (store.get().mode === '2d') store.set({ view: this.view() }); });
    store.watch(['on', 'off', 'mode', 'underground'], () => this.showLayers());
    store.watch(['opacity'], (now, before) => this.fade(now, before));
  }

  /** Loads a style by its id and draws it with everything that is shown. */
  useStyle(id: string): Promise<void> {
    this.ready = this.load(id);
    return this.ready;
  }

  private async load(id: string): Promise<void> {
    this.raw = await ask<StyleSpecification>(`styles/${id}.json`);
    const loaded = new Promise<void>((done) => this.map.once('style.load', () => done()));
    this.draw();
    await loaded;
    for (const [source, data] of this.data) this.source(source)?.setData(data);
  }

  /** When the style asked for last is drawn. */
  styled(): Promise<void> {
    return this.ready;
  }

  /** The style as the server gave it. */
  served(): StyleSpecification | null {
    return this.raw;
  }

  private draw(): void {
    if (!this.raw) return;
    const drawing = prepare(this.raw, this.catalog);
    this.drawing = drawing;
    this.addresses = new TileAddresses(drawing, this.catalog, (id) => this.isVisible(id), (layer) => this.begins(layer));
    const { opacity } = this.store.get();
    const layers = drawing.spec.layers.map((layer) => {
      const id = idOf(layer);
      if (!id) return layer;
      const paint = { ...layer.paint, ...Object.fromEntries(opacity.has(id) ? faded(layer.type, layer.paint, opacity.get(id) ?? 1) : []) };
      return { ...layer, minzoom: this.begins(layer), paint, layout: { ...layer.layout, visibility: this.visibility(id, layer.layout?.visibility) } } as typeof layer;
    });
    const extra = overlays(drawing.dark);
    const below = layers.findIndex((l) => l.type === 'symbol');
    const at = below < 0 ? layers.length : below;
    const spec: StyleSpecification = {
      ...drawing.spec,
      sources: { ...drawing.spec.sources, ...OVERLAY_SOURCES },
      layers: [...layers.slice(0, at), ...extra.belowLabels, ...layers.slice(at), ...extra.above],
    };
    this.map.setStyle(spec, { diff: false, validate: false });
  }

  /** A part that the style hides while it shows others of the same layer stays hidden. */
  private visibility(id: string, own: unknown): 'visible' | 'none' {
    if (!this.isVisible(id)) return 'none';
    return own === 'none' && this.drawing?.defaults.has(id) ? 'none' : 'visible';
  }

  /** The zoom that a style layer begins at: with its tiles where somebody wants to see it who switched it on. */
  begins(layer: LayerSpecification): number {
    const own = layer.minzoom ?? 0, id = idOf(layer);
    return id !== undefined && this.store.get().on.has(id) ? (this.drawing?.earliest.get(layer.id) ?? own) : own;
  }

  /** The zoom from which something of a layer is drawn on the flat map; null where nothing of it ever is. */
  from(id: string): number | null {
    const layers = this.drawing?.byLayer.get(id), layer = this.catalog.layer(id);
    return layers && layer ? Math.min(...layers.map((l) => Math.max(this.begins(l), layer.minzoom))) : null;
  }

  isVisible(id: string): boolean {
    const { on, off } = this.store.get();
    return on.has(id) || (this.isUnasked(id) && !off.has(id));
  }

  /** Whether a layer is shown without being asked for: as the style has it; on the globe the buildings, below its ground the pipes. */
  isUnasked(id: string): boolean {
    const { mode, underground } = this.store.get();
    if (mode === '3d' && (this.standing.has(id) || (underground && this.buried.has(id)))) return true;
    return this.drawing?.defaults.has(id) ?? false;
  }

  /** Of what is looked at, be it the map or the globe. */
  zoom(): number {
    const { mode, view } = this.store.get();
    return mode === '3d' && view ? view.zoom : this.map.getZoom();
  }

  /** Whether something of a layer is drawn at the zoom looked at. */
  isDrawn(id: string): boolean {
    const layer = this.catalog.layer(id), zoom = this.zoom();
    if (layer?.tileset && this.store.get().mode === '3d') return true;
    return !!layer && zoom >= layer.minzoom && (this.drawing?.byLayer.get(id) ?? []).some((l) => this.begins(l) <= zoom && (l.maxzoom ?? 24) > zoom);
  }

  /** Ids of the layers that are switched on, in the catalog's order. */
  visible(): string[] {
    return this.catalog.layers.filter((l) => this.isVisible(l.id)).map((l) => l.id);
  }

  private showLayers(): void {
    const appeared = new Set<string>();
    for (const [id, layers] of this.drawing?.byLayer ?? []) {
      for (const layer of layers) {
        const visibility = this.visibility(id, layer.layout?.visibility);
        if (this.drawing?.earliest.has(layer.id)) this.map.setLayerZoomRange(layer.id, this.begins(layer), layer.maxzoom ?? 24);
        if (this.map.getLayoutProperty(layer.id, 'visibility') === visibility) continue;
        this.map.setLayoutProperty(layer.id, 'visibility', visibility);
        if (visibility === 'visible') appeared.add(id);
      }
    }
    for (const [source, tiles] of this.addresses?.outdated(appeared) ?? []) {
      (this.map.getSource(source) as VectorTileSource | undefined)?.setTiles([tiles]);
    }
  }

  private fade(now: State, before: State): void {
    for (const id of new Set([...now.opacity.keys(), ...before.opacity.keys()])) {
      const factor = now.opacity.get(id) ?? 1;
      if (factor === (before.opacity.get(id) ?? 1)) continue;
      for (const layer of this.drawing?.byLayer.get(id) ?? []) {
        for (const [property, value] of faded(layer.type, layer.paint, factor)) this.map.setPaintProperty(layer.id, property as never, value as never);
      }
    }
  }

  view(): View {
    const { lng, lat } = this.map.getCenter();
    return { lon: lng, lat, zoom: this.map.getZoom(), bearing: this.map.getBearing(), pitch: this.map.getPitch() };
  }

  /** Where a box is seen whole between the panels; a point as near as single things are seen. */
  around([west, south, east, north]: Box): View {
    const fits = this.map.cameraForBounds([[west, south], [east, north]], { padding: this.free(), maxZoom: NEAR, bearing: this.map.getBearing() });
    const { lng, lat } = fits?.center ? LngLat.convert(fits.center) : this.map.getCenter();
    const near = (fits?.zoom ?? 0) >= NEAR;
    return { ...this.view(), lon: lng, lat, zoom: near ? Math.max(NEAR, this.map.getZoom()) : (fits?.zoom ?? this.map.getZoom()) };
  }

  goTo(box: Box): void {
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.map.flyTo({ ...camera(this.around(box)), duration: still ? 0 : 900 });
  }

  /** Pixels at each side that panels cover, and a little more. */
  private free(): Required<PaddingOptions> {
    const free = { top: 40, right: 70, bottom: 40, left: 40 };
    const whole = this.container.getBoundingClientRect();
    for (const panel of document.querySelectorAll('.sheet:not([hidden]), .top')) {
      const box = panel.getBoundingClientRect();
      if (box.width > whole.width * 0.8) {
        if (box.top > whole.height / 3) free.bottom = Math.max(free.bottom, whole.bottom - box.top + 20);
      } else if (box.left < whole.width / 2) free.left = Math.max(free.left, box.right + 24);
      else free.right = Math.max(free.right, whole.right - box.left + 24);
    }
    return free;
  }

  /** Moves just so far that a place is not below a panel. */
  reveal(place: { lon: number; lat: number }): void {
    if (this.store.get().mode === '3d') return;
    const at = this.map.project([place.lon, place.lat]);
    const { clientWidth, clientHeight } = this.container;
    const free = this.free();
    const x = Math.min(Math.max(at.x, free.left), clientWidth - free.right), y = Math.min(Math.max(at.y, free.top), clientHeight - free.bottom);
    if (x !== at.x || y !== at.y) this.map.panBy([at.x - x, at.y - y]);
  }

  setView(view: View): void {
    this.map.jumpTo(camera(view));
  }

  private source(name: string): GeoJSONSource | undefined {
    return this.map.getSource(name) as GeoJSONSource | undefined;
  }

  /** Shows GeoJSON in one of the page's own sources, now and after every change of style. */
  setData(source: keyof typeof OVERLAY_SOURCES, data: GeoJSON.GeoJSON | null): void {
    const shown = data ?? { type: 'FeatureCollection', features: [] };
    this.data.set(source, shown);
    this.source(source)?.setData(shown);
  }

  /** Template of the tiles of some layers. */
  tiles(ids: string[]): string {
    return `${address(`tiles/${ids.join(',')}`)}/{z}/{x}/{y}.mvt`;
  }

  /** What is drawn about a point of the screen, the topmost first. */
  drawnAt(point: { x: number; y: number }): MapGeoJSONFeature[] {
    const { x, y } = point;
    const features = this.map.queryRenderedFeatures([[x - CLICK_PX, y - CLICK_PX], [x + CLICK_PX, y + CLICK_PX]]);
    return features.filter((f) => f.sourceLayer !== undefined && this.catalog.layer(shownBy(f.sourceLayer)) !== undefined);
  }

  /** Metres on the ground that a number of pixels spans at a place. */
  metres(pixels: number, at: { lat: number }): number {
    return (pixels * 40_075_016.686 * Math.cos((at.lat * Math.PI) / 180)) / (512 * 2 ** this.zoom());
  }
}

function idOf(layer: LayerSpecification): string | undefined {
  return 'source-layer' in layer && layer['source-layer'] ? shownBy(layer['source-layer']) : undefined;
}

export function camera(view: View): { center: [number, number]; zoom: number; bearing: number; pitch: number } {
  return { center: [view.lon, view.lat], zoom: view.zoom, bearing: view.bearing, pitch: view.pitch };
}
