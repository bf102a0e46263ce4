// The city in 3D, as the page opens it: puts the parts together and keeps what the page has asked for. Each part is a file of
// its own: stage (canvas), ground, drape (the map on it), bodies (tilesets), chosen, underground, measure.

import { Cartesian2, Cartesian3, Cesium3DTileFeature, ImageryLayer, type ImageryProvider, ScreenSpaceEventHandler, ScreenSpaceEventType } from '@cesium/engine';
import type { StyleSpecification } from '@maplibre/maplibre-gl-style-spec';
import { base } from './base';
import { Bodies } from './bodies';
import { pose, view as viewOf } from './camera';
import { type Catalog, catalog as catalogOf, isBelow } from './catalog';
import { Chosen } from './chosen';
import { afterKey, arrange } from './controls';
import { Drape } from './drape/provider';
import { drawn } from './drape/style';
import { Ground } from './ground';
import type { Globe, GlobeOptions, Measure, Picked, Place, View } from './interface';
import { illuminate, light } from './light';
import { Measuring, placeAt } from './measure';
import { Names } from './names';
import { got, sendWith } from './pages';
import { withDepths } from './pipe';
import { record } from './records';
import { Stage } from './stage';
import { GHOST, Underground } from './underground';
import { type Text, say } from './words';

export type { Globe, GlobeOptions, Measure, Picked, Place, View } from './interface';

/** Views are told to the page not more often than this while one moves, milliseconds. */
const TELLS_MS = 120;
/** An error is forgotten when nothing has failed for so long. */
const FORGETS_MS = 8000;
const MOVE_MS = 350;

class City implements Globe {
  private readonly stage: Stage;
  private catalog!: Catalog;
  private ground!: Ground;
  private bodies!: Bodies;
  private chosen!: Chosen;
  private underground!: Underground;
  private names!: Names;
  private drape: { provider: Drape; layer: ImageryLayer; key: string } | undefined;
  private style: StyleSpecification | undefined;
  private visible: string[];
  private readonly opacity = new Map<string, number>();
  private dark: boolean;
  /** The view asked for, as long as nobody has moved the camera since. */
  private pinned: View;
  private pinnedGround_m = 0;
  private wasPinned = true;
  private tween: { from: View; to: View; begun_ms: number } | undefined;
  private measuring: Measuring | undefined;
  private error: { text: string; at_ms: number } | undefined;
  private told = { loading: -1, error: '', at_ms: 0 };
  private readonly handler: ScreenSpaceEventHandler;
  private readonly isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  private ended = false;

  constructor(private readonly options: GlobeOptions) {
    this.visible = options.visible;
    this.dark = options.dark;
    this.pinned = options.view;
    for (const [id, value] of Object.entries(options.opacity ?? {})) this.opacity.set(id, value);
    this.stage = new Stage(options.container, say(options.language, 'picture'));
    this.stage.onFrame = () => this.frame();
    this.stage.onResize = () => { if (this.wasPinned) this.repose(); this.bodies?.resize(); };
    this.stage.onFault = (e) => this.fail('notDrawn', e, e instanceof Error ? e.message : String(e));
    this.stage.canvas.addEventListener('webglcontextlost', () => { if (!this.ended) this.fail('lostContext', undefined); });
    this.stage.canvas.addEventListener('keydown', (event) => this.key(event));
    this.handler = new ScreenSpaceEventHandler(this.stage.canvas);
    this.handler.setInputAction(({ position }: { position: Cartesian2 }) => void this.pick(position), ScreenSpaceEventType.LEFT_CLICK);
    arrange(this.stage.scene, this.isCalm);
    this.stage.scene.camera.percentageChanged = 0.002;
    this.stage.scene.camera.changed.addEventListener(() => this.moved());
    this.stage.scene.camera.moveEnd.addEventListener(() => { this.moved(true); void this.write(); });
  }

  async open(): Promise<void> {
    const { server, view, language, headers = {} } = this.options;
    sendWith(headers);
    illuminate(this.stage.scene, this.stage.globe, view.lon, view.lat, this.dark, this.stage.isSoftware);
    this.repose();
    const style = this.readStyle(this.options.style);
    this.catalog = await catalogOf(server);
    const url = this.catalog.ground ? `${server}/3dtiles/${this.catalog.ground}/tileset.json` : '';
    const redraw = () => this.stage.arrived();
    this.ground = await Ground.open(url, redraw, (e) => this.fail('noGround', e)).catch((e: unknown) => {
      this.fail('noGround', e);
      return Ground.open('', redraw, () => {});
    });
    if (this.ended) return;
    this.stage.setTerrain(this.ground);
    this.repose();
    const height = (lon: number, lat: number) => this.ground.height(lon, lat);
    const geoid = () => this.ground.geoid_m;
    this.bodies = new Bodies(this.stage.scene, { server, headers }, this.catalog, light(this.dark), {
      height_px: () => this.stage.canvas.height,
      arrived: redraw,
      failed: (ids, e) => this.fail('noTileset', e, this.title(ids)),
      tileFailed: () => this.fail('noTiles', undefined),
    });
    this.chosen = new Chosen(this.stage.scene, server, language, height, geoid);
    this.bodies.onChosen = (features) => this.chosen.features(features);
    this.underground = new Underground(this.stage.scene, this.stage.globe, server, this.catalog, (id) => this.title(id), language, geoid);
    this.names = new Names(this.stage.scene, height);
    this.underground.set(false, this.dark);
    for (const [id, value] of this.opacity) this.bodies.setOpacity(id, value);
    this.bodies.setVisible(this.visible);
    this.style = await style;
    if (!this.ended) this.paint();
  }

  private title(ids: string): string {
    return ids.split(',').map((id) => this.options.layers.find((l) => l.id === id)?.title ?? id).join(', ');
  }

  private async readStyle(style: string | object | undefined): Promise<StyleSpecification | undefined> {
    const { server } = this.options;
    if (typeof style === 'object') return style as StyleSpecification;
    const url = style ?? `${server}/styles/${this.dark ? 'dark' : 'standard'}.json`;
    return got(url).then((a) => a.json() as Promise<StyleSpecification>).catch((e: unknown) => {
      this.fail('noStyle', e);
      return undefined;
    });
  }

  private fail(text: Text, cause: unknown, ...values: string[]): void {
    if (this.ended) return;
    if (cause) console.warn(`3D: ${text}`, cause);
    this.error = { text: say(this.options.language, text, ...values), at_ms: performance.now() };
    this.stage.redraw();
  }

  // ---- the camera ----

  view(): View {
    if (this.isPinned()) return this.pinned;
    const { scene, globe, canvas } = this.stage;
    const camera = this.stage.pose();
    const ray = scene.camera.getPickRay(new Cartesian2(canvas.clientWidth / 2, canvas.clientHeight / 2));
    const hit = ray && globe.pick(ray, scene);
    const here = scene.camera.positionCartographic;
    const ground_m = this.ground?.height(here.longitude * 180 / Math.PI, here.latitude * 180 / Math.PI) ?? 0;
    const frame = { height_px: this.stage.height_px, ground_m };
    const isAbove = here.height > ground_m;
    return viewOf(camera, frame, hit && isAbove ? [hit.x, hit.y, hit.z] : undefined);
  }

  setView(view: View, animate: boolean): void {
    const from = this.view();
    const isNear = Math.abs(from.zoom - view.zoom) < 4 && apart_px(from, view) < 4000;
    if (animate && !this.isCalm && isNear) this.tween = { from, to: view, begun_ms: performance.now() };
    else if (animate && !this.isCalm) this.fly(view);
    else { this.tween = undefined; this.pinned = view; this.repose(); }
    this.stage.redraw();
  }

  private fly(view: View): void {
    this.tween = undefined;
    this.pinned = view;
    const { position, direction, up } = this.poseOf(view);
    this.stage.scene.camera.flyTo({
      destination: Cartesian3.fromArray(position),
      orientation: { direction: Cartesian3.fromArray(direction), up: Cartesian3.fromArray(up) },
      complete: () => { this.pinned = view; this.repose(); },
    });
  }

  private poseOf(view: View) {
    this.pinnedGround_m = this.ground?.height(view.lon, view.lat) ?? 0;
    return pose(view, { height_px: this.stage.height_px, ground_m: this.pinnedGround_m });
  }

  /** Puts the camera where the view asked for says, with what is known of the ground by now. */
  private repose(): void {
    this.stage.place(this.poseOf(this.pinned));
  }

  private isPinned(): boolean {
    const now = this.stage.pose().position;
    const then = pose(this.pinned, { height_px: this.stage.height_px, ground_m: this.pinnedGround_m });
    const { position, direction } = then;
    const turned = this.stage.pose().direction.reduce((s, v, i) => s + v * direction[i]!, 0);
    return Math.hypot(...now.map((v, i) => v - position[i]!)) < 0.02 && turned > 1 - 1e-9;
  }

  private moved(isRest = false): void {
    const now = performance.now();
    if (this.ended || (!isRest && now - this.told.at_ms < TELLS_MS)) return;
    this.told.at_ms = now;
    this.options.onView(this.view());
  }

  private key(event: KeyboardEvent): void {
    const next = afterKey(this.tween?.to ?? this.view(), event);
    if (!next) return;
    event.preventDefault();
    this.setView(next, true);
  }

  private frame(): void {
    if (this.ended || !this.ground) return;
    this.wasPinned = this.isPinned();
    if (this.tween) this.step(this.tween);
    else if (this.wasPinned && Math.abs(this.ground.height(this.pinned.lon, this.pinned.lat) - this.pinnedGround_m) > 0.2) this.repose();
    this.tell();
  }

  private step({ from, to, begun_ms }: { from: View; to: View; begun_ms: number }): void {
    const t = Math.min((performance.now() - begun_ms) / MOVE_MS, 1);
    const k = t * (2 - t);
    const between = (a: number, b: number) => a + (b - a) * k;
    const turn = ((to.bearing - from.bearing + 540) % 360) - 180;
    this.pinned = t === 1 ? to : {
      lon: between(from.lon, to.lon), lat: between(from.lat, to.lat), zoom: between(from.zoom, to.zoom),
      bearing: from.bearing + turn * k, pitch: between(from.pitch, to.pitch),
    };
    if (t === 1) this.tween = undefined;
    this.repose();
  }

  private tell(): void {
    const queue = (this.stage.globe as unknown as { _surface?: { tileProvider: unknown } })._surface ? (this.stage.globe.tilesLoaded ? 0 : 1) : 0;
    const loading = (this.bodies?.loading ?? 0) + this.ground.loading + (this.drape?.provider.loading ?? 0) + queue;
    if (this.error && loading === 0 && performance.now() - this.error.at_ms > FORGETS_MS) this.error = undefined;
    // What was put off asks again in the next picture.
    if (queue > 0) this.stage.arrived();
    const error = this.error?.text ?? '';
    if (loading === this.told.loading && error === this.told.error) return;
    Object.assign(this.told, { loading, error });
    this.options.onStatus(error ? { loading, error } : { loading });
  }

  // ---- what is shown ----

  setVisible(ids: string[]): void {
    this.visible = ids;
    this.bodies?.setVisible(ids);
    if (this.style) this.paint();
    void this.write();
  }

  setOpacity(id: string, opacity: number): void {
    this.opacity.set(id, opacity);
    this.bodies?.setOpacity(id, opacity);
    if (this.style && !this.catalog.bodies.has(id) && this.visible.includes(id)) this.paint();
  }

  setStyle(style: string | object, dark: boolean): void {
    this.dark = dark;
    illuminate(this.stage.scene, this.stage.globe, this.pinned.lon, this.pinned.lat, dark, this.stage.isSoftware);
    this.bodies?.setLight(light(dark));
    this.underground?.set(this.underground.isOn, dark);
    void this.readStyle(style).then((found) => {
      if (this.ended || !found) return;
      this.style = found;
      if (this.catalog) this.paint();
    });
  }

  /** Draws the map on the ground anew, when it is another one than before. What is there stays until the new one covers it. */
  private paint(): void {
    const { server, headers = {} } = this.options;
    const visible = new Set(this.visible);
    const what = drawn(this.style!, (id) => visible.has(id) && !this.catalog.bodies.has(id) && this.catalog.layers.has(id));
    const letters = drawn(this.style!, (id) => visible.has(id) && !this.catalog.bodies.has(id) && this.catalog.layers.has(id), 'letters');
    const ids = [...new Set([...what.sources, ...letters.sources].flatMap((s) => s.ids))];
    const opacity = Object.fromEntries(ids.map((id) => [id, this.opacity.get(id) ?? 1]));
    const key = JSON.stringify([what, letters, opacity]);
    if (key === this.drape?.key) return;
    const zooms = Object.fromEntries(ids.map((id) => {
      const layer = this.catalog.layers.get(id)!;
      return [id, { min: layer.minzoom, max: layer.maxzoom }];
    }));
    const provider = new Drape(`${base}drape.js`, { what, letters, zooms, opacity, server: absolute(server), headers, ratio: this.stage.ratio }, this.stage.isSoftware,
      () => this.stage.arrived(), (e) => this.fail('noMap', e));
    const layer = new ImageryLayer(provider as unknown as ImageryProvider, { maximumAnisotropy: this.stage.isSoftware ? 2 : 16 });
    const before = this.drape;
    this.drape = { provider, layer, key };
    const { imageryLayers } = this.stage.globe;
    imageryLayers.add(layer);
    if (before) this.replaced(before);
    this.names.forget();
    void this.write();
    this.stage.redraw();
  }

  private replaced(before: { provider: Drape; layer: ImageryLayer }): void {
    const begun_ms = performance.now();
    const look = () => {
      const isCovered = this.stage.globe.tilesLoaded || performance.now() - begun_ms > 4000;
      if (!this.ended && !isCovered) return void setTimeout(look, 100);
      if (!this.ended) this.stage.globe.imageryLayers.remove(before.layer, true);
      before.provider.destroy();
      this.stage.redraw();
    };
    setTimeout(look, 300);
  }

  select(what: { layer: string; id: string } | null): void {
    this.bodies?.choose(what);
    void this.chosen?.show(what);
    this.stage.redraw();
  }

  setUnderground(on: boolean): void {
    if (!this.underground) return;
    const isBelowNow = this.stage.scene.camera.positionCartographic.height < this.ground.height(this.view().lon, this.view().lat);
    const view = this.view();
    this.underground.set(on, this.dark);
    this.bodies.setGhost(on ? (id) => (isBelow(this.catalog.layers.get(id)!) ? 1 : GHOST) : () => 1);
    // Who stands below the ground when it is closed comes up.
    if (!on && isBelowNow) this.setView({ ...view, pitch: Math.min(view.pitch, 60) }, false);
    this.names.forget();
    void this.write();
    this.stage.redraw();
  }

  /** Names on the ground; below it depths. */
  private async write(): Promise<void> {
    if (this.ended || !this.names) return;
    const view = this.view();
    const isOn = this.underground.isOn;
    await Promise.all([this.names.write(view, isOn ? undefined : this.drape?.provider), isOn ? this.underground.write(view, this.visible) : undefined]);
  }

  // ---- what is asked ----

  private async pick(at: Cartesian2): Promise<void> {
    if (this.measuring || !this.bodies) return;
    const feature = this.hit(at);
    const place = placeAt(this.stage.scene, at, feature);
    if (!(feature instanceof Cesium3DTileFeature)) return this.options.onPick(null, place && placed(place));
    const layer = this.bodies.layerOf(feature);
    const id = String(feature.getProperty('id') ?? '');
    if (!layer || !id) return this.options.onPick(null, place && placed(place));
    const columns = Object.fromEntries(feature.getPropertyIds().map((name) => [name, feature.getProperty(name) as unknown]));
    const whole = await record(this.options.server, layer, id).catch(() => undefined);
    const properties = whole ? withDepths(whole.properties) : columns;
    const where = place ?? { ...this.view(), height_m: undefined };
    const picked: Picked = { layer, id, lon: where.lon, lat: where.lat, properties, ...(place && { height_m: place.height_m }) };
    if (!this.ended) this.options.onPick(picked, place && placed(place));
  }

  /** What is under the pointer. While one looks underground, what lies there goes before the ghosts that stand above it. */
  private hit(at: Cartesian2): unknown {
    const { scene } = this.stage;
    if (!this.underground.isOn) return scene.pick(at, 5, 5) as unknown;
    const all = scene.drillPick(at, 5, 5, 5) as unknown[];
    const isDown = (f: unknown) => {
      const layer = f instanceof Cesium3DTileFeature ? this.bodies.layerOf(f) : undefined;
      return layer !== undefined && isBelow(this.catalog.layers.get(layer)!);
    };
    return all.find(isDown) ?? all[0];
  }

  measure(mode: Measure, onResult: (text: string) => void): void {
    this.measuring?.destroy();
    this.measuring = undefined;
    if (mode === 'off') return;
    const end = () => { this.measure('off', onResult); onResult(''); };
    this.measuring = new Measuring(this.stage.scene, mode, this.options.language, (at) => placeAt(this.stage.scene, at), onResult, end);
  }

  destroy(): void {
    if (this.ended) return;
    this.ended = true;
    this.measuring?.destroy();
    this.handler.destroy();
    this.drape?.provider.destroy();
    this.chosen?.destroy();
    this.underground?.destroy();
    this.names?.destroy();
    this.bodies?.destroy();
    this.stage.destroy();
  }
}

/** Pixels between the centres of two views at the coarser zoom. */
function apart_px(a: View, b: View): number {
  const world = 512 * 2 ** Math.min(a.zoom, b.zoom) / 360;
  return Math.hypot((a.lon - b.lon) * world, (a.lat - b.lat) * world / Math.cos(a.lat * Math.PI / 180));
}

function absolute(server: string): string {
  return new URL(server || '/', location.href).href.replace(/\/$/, '');
}

function placed({ lon, lat, height_m }: Required<Place>): Place {
  return { lon, lat, height_m };
}

/** Opens the city in 3D. Rejects, with words for people, where it cannot be shown at all. */
export async function openGlobe(options: GlobeOptions): Promise<Globe> {
  let city: City;
  try {
    city = new City(options);
  } catch (e) {
    const text = say(options.language, 'noWebgl');
    options.onStatus({ loading: 0, error: text });
    throw new Error(text, { cause: e });
  }
  try {
    await city.open();
  } catch (e) {
    city.destroy();
    const text = say(options.language, 'noCatalog');
    options.onStatus({ loading: 0, error: text });
    throw new Error(text, { cause: e });
  }
  return city;
}
