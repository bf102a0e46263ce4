// The tilesets of what is visible: one of each layer, one together of levels of the same buildings. They come, go, are coloured,
// and are opened again when the city has moved on.

import {
  Cartesian3, Cesium3DTileFeature, Cesium3DTileStyle, Cesium3DTileset, ImageBasedLighting, Resource, type Cesium3DTile, type Scene,
} from '@cesium/engine';
import type { Catalog } from './catalog';
import { style } from './look';

/** Addresses are dead for what has gone: a tileset is opened anew, not more often than this. */
const REOPEN_MS = 2000;

interface Body { ids: string[]; under: number; tileset?: Cesium3DTileset; opening: Promise<void>; gone: boolean; replaces?: Body; reopened_ms: number }

/** `height_px` of the canvas: errors of tiles are chosen by the server for 1080 lines. */
export interface Told { height_px(): number; arrived(): void; failed(title: string, e: unknown): void; tileFailed(): void }

export class Bodies {
  private readonly bodies = new Map<string, Body>();
  private visible = new Set<string>();
  private chosen: { layer: string; id: string } | null = null;
  private readonly opacities = new Map<string, number>();
  private ghost: (id: string) => number = () => 1;
  /** Shown features of the chosen thing: of each tile that has it. */
  onChosen: (features: Cesium3DTileFeature[]) => void = () => {};

  constructor(private readonly scene: Scene, private readonly from: { server: string; headers: Record<string, string> }, private readonly catalog: Catalog,
    private readonly light: Light, private readonly told: Told) {}

  get loading(): number {
    let count = 0;
    for (const { tileset, gone, under } of this.bodies.values()) {
      count += gone ? 0 : tileset ? under : 1;
    }
    return count;
  }

  setVisible(ids: Iterable<string>): void {
    this.visible = new Set([...ids].filter((id) => this.catalog.bodies.has(id)));
    const grouped = new Set(this.catalog.families.flat());
    const groups = [...this.catalog.families, ...[...this.visible].filter((id) => !grouped.has(id)).map((id) => [id])];
    const wanted = new Map(groups.map((g) => g.filter((id) => this.visible.has(id))).filter((g) => g.length).map((g) => [g.join(','), g]));
    const leaving = [...this.bodies].filter(([name]) => !wanted.has(name));
    for (const [name, ids] of wanted) {
      if (this.bodies.has(name)) continue;
      // Another choice of the same levels stands until this one is there.
      const before = leaving.find(([, b]) => b.ids.some((id) => this.family(id) === this.family(ids[0]!)))?.[1];
      this.open(name, ids, before);
    }
    const replaced = new Set([...this.bodies.values()].map((b) => b.replaces));
    for (const [name, body] of leaving) {
      this.bodies.delete(name);
      if (!replaced.has(body)) this.drop(body);
    }
    this.scene.requestRender();
  }

  private family(id: string): string[] | string {
    return this.catalog.families.find((f) => f.includes(id)) ?? id;
  }

  private open(name: string, ids: string[], replaces?: Body): void {
    const body: Body = { ids, under: 0, gone: false, opening: Promise.resolve(), reopened_ms: performance.now(), ...(replaces && { replaces }) };
    this.bodies.set(name, body);
    body.opening = this.load(body).catch((e: unknown) => {
      this.settle(body);
      if (!body.gone) this.told.failed(ids.join(','), e);
    });
  }

  private async load(body: Body): Promise<void> {
    const { server, headers } = this.from;
    // What is linked from it is asked for with the same headers.
    const entrance = new Resource({ url: `${server}/3dtiles/${body.ids.join(',')}/tileset.json`, headers: { ...headers } });
    const tileset = await Cesium3DTileset.fromUrl(entrance, {
      maximumScreenSpaceError: fineness(this.told),
      cacheBytes: 384 * 1024 * 1024,
      environmentMapOptions: { enabled: false },
      preloadFlightDestinations: false,
      scene: this.scene,
    });
    if (body.gone || this.scene.isDestroyed()) return tileset.destroy();
    body.tileset = tileset;
    this.lit(tileset);
    tileset.tileFailed.addEventListener((failure: { message: string }) => this.tileFailed(body, failure.message));
    tileset.loadProgress.addEventListener((pending: number, processing: number) => { body.under = pending + processing; });
    tileset.tileLoad.addEventListener((tile: Cesium3DTile) => this.tileLoaded(body, tile));
    tileset.initialTilesLoaded.addEventListener(() => this.settle(body));
    tileset.allTilesLoaded.addEventListener(() => this.told.arrived());
    this.colour(body);
    this.scene.primitives.add(tileset);
    this.told.arrived();
  }

  private lit(tileset: Cesium3DTileset): void {
    tileset.imageBasedLighting = new ImageBasedLighting();
    tileset.imageBasedLighting.sphericalHarmonicCoefficients = this.light.ambient;
    tileset.lightColor = this.light.sun;
  }

  setLight(light: Light): void {
    Object.assign(this.light, light);
    for (const { tileset } of this.bodies.values()) if (tileset) this.lit(tileset);
    this.scene.requestRender();
  }

  resize(): void {
    for (const { tileset } of this.bodies.values()) if (tileset) tileset.maximumScreenSpaceError = fineness(this.told);
  }

  /** What it stood in for may go. */
  private settle(body: Body): void {
    if (body.replaces) this.drop(body.replaces);
    delete body.replaces;
    this.told.arrived();
  }

  private drop(body: Body): void {
    body.gone = true;
    if (body.replaces) this.drop(body.replaces);
    if (body.tileset) this.scene.primitives.remove(body.tileset);
    delete body.tileset;
    this.findChosen();
    this.scene.requestRender();
  }

  private tileFailed(body: Body, message: string): void {
    const gone = /\b(404|410)\b/.test(message);
    const now = performance.now();
    if (!gone || now - body.reopened_ms < REOPEN_MS) return this.told.tileFailed();
    const name = body.ids.join(',');
    if (body.gone || this.bodies.get(name) !== body) return;
    this.open(name, body.ids, body);
  }

  private tileLoaded(body: Body, tile: Cesium3DTile): void {
    if (this.chosen && body.ids.includes(this.chosen.layer) && this.matching(tile).length) this.findChosen();
    this.told.arrived();
  }

  setOpacity(id: string, opacity: number): void {
    this.opacities.set(id, opacity);
    this.recolour((b) => b.ids.includes(id));
  }

  /** Each layer's opacity besides its own while one looks below the ground. */
  setGhost(ghost: (id: string) => number): void {
    this.ghost = ghost;
    this.recolour(() => true);
  }

  choose(chosen: { layer: string; id: string } | null): void {
    const before = this.chosen?.layer;
    this.chosen = chosen;
    this.recolour((b) => b.ids.some((id) => id === before || id === chosen?.layer));
    this.findChosen();
  }

  private recolour(which: (b: Body) => boolean): void {
    for (const body of this.bodies.values()) if (which(body)) this.colour(body);
    this.scene.requestRender();
  }

  private colour(body: Body): void {
    if (!body.tileset) return;
    const opacity = (id: string) => (this.opacities.get(id) ?? 1) * this.ghost(id);
    const look = style({ ids: body.ids, opacity, chosen: this.chosen });
    // Without a style features keep the colours they were given last: white is their own.
    const had = body.tileset.style !== undefined;
    body.tileset.style = look || had ? new Cesium3DTileStyle(look ?? { color: "color('white')" }) : undefined;
  }

  private findChosen(): void {
    const found: Cesium3DTileFeature[] = [];
    const walk = (tile: Cesium3DTile) => {
      found.push(...this.matching(tile));
      tile.children?.forEach(walk);
    };
    for (const body of this.bodies.values()) {
      if (this.chosen && body.ids.includes(this.chosen.layer) && body.tileset) walk(body.tileset.root);
    }
    this.onChosen(found);
  }

  private matching(tile: Cesium3DTile): Cesium3DTileFeature[] {
    const content = tile.content as { featuresLength: number; getFeature(i: number): Cesium3DTileFeature } | undefined;
    const found: Cesium3DTileFeature[] = [];
    for (let i = 0; i < (content?.featuresLength ?? 0); i += 1) {
      const feature = content!.getFeature(i);
      if (feature.getProperty('id') !== this.chosen?.id) continue;
      if ((feature.getProperty('_layer') ?? this.chosen?.layer) === this.chosen?.layer) found.push(feature);
    }
    return found;
  }

  /** Which layer a picked feature is of. */
  layerOf(feature: Cesium3DTileFeature): string | undefined {
    const named = feature.getProperty('_layer') as string | undefined;
    if (named) return named;
    for (const body of this.bodies.values()) if (body.tileset === feature.tileset) return body.ids[0];
    return undefined;
  }

  destroy(): void {
    for (const body of this.bodies.values()) this.drop(body);
    this.bodies.clear();
  }
}

/** Things come as near as the server means, however many lines the window has; not finer than every eighth pixel. */
function fineness({ height_px }: Told): number {
  return Math.max(8, 16 * height_px() / 1080);
}

/** What lights the bodies: the sun's colour and the sky's as spherical harmonics. */
export interface Light { sun: Cartesian3; ambient: Cartesian3[] }
