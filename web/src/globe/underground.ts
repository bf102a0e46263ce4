// Looking below the ground: the ground is glass, near the camera clearer; what stands above it is a ghost; the camera may go
// down; near pipes say how deep they lie.

import { Cartesian3, Color, NearFarScalar, SceneTransforms, type Globe, type Scene } from '@cesium/engine';
import { type Catalog, isPipe } from './catalog';
import type { View } from './interface';
import { Overlay, cartesian } from './overlay';
import type { Point } from './measuring';
import { section, withDepths } from './pipe';
import { type GeoRecord, middle, vertices, within } from './records';
import { type Language, say } from './words';

/** Depths are written from this zoom on, of so many pipes. */
const WRITTEN_FROM = 18;
const MOST = 80;
/** Signs on the screen. */
const SHOWN = 16;
/** Half of the box that pipes are looked for in, metres. */
const REACH_M = 70;
/** What is above the ground, while one looks below it. */
export const GHOST = 0.22;

interface Sign { text: string; at: Point }

export class Underground {
  isOn = false;
  private readonly overlay: Overlay;
  private asked = 0;
  private shown = '';
  private signs: Sign[] = [];

  constructor(private readonly scene: Scene, private readonly globe: Globe, private readonly server: string, private readonly catalog: Catalog,
    private readonly title: (layer: string) => string, private readonly language: Language, private readonly geoid_m: () => number) {
    this.overlay = new Overlay(scene);
  }

  set(on: boolean, dark: boolean): void {
    this.isOn = on;
    const { translucency } = this.globe;
    translucency.enabled = on;
    translucency.frontFaceAlphaByDistance = new NearFarScalar(60, 0.34, 2500, 0.8);
    translucency.backFaceAlpha = 1;
    this.globe.undergroundColor = Color.fromCssColorString(dark ? '#0c1016' : '#3b342c');
    this.globe.undergroundColorAlphaByDistance = new NearFarScalar(2, 0, 600, 1);
    this.scene.screenSpaceCameraController.enableCollisionDetection = !on;
    if (!on) { this.overlay.clear(); this.shown = ''; this.asked += 1; }
    this.scene.requestRender();
  }

  /** Writes depths at the pipes about the middle of the view. */
  async write(view: View, visible: string[]): Promise<void> {
    const pipes = visible.filter((id) => { const l = this.catalog.layers.get(id); return l && isPipe(l); });
    if (!this.isOn || view.zoom < WRITTEN_FROM || pipes.length === 0) {
      if (this.shown) this.overlay.clear();
      this.shown = '';
      return;
    }
    const box = around(view);
    const what = `${pipes.join()} ${box.map((v) => v.toFixed(4)).join()}`;
    if (what === this.shown) return this.place();
    this.shown = what;
    this.asked += 1;
    const turn = this.asked;
    const lists = await Promise.all(pipes.map((id) => within(this.server, id, box, Math.ceil(MOST / pipes.length)).catch(() => [])));
    if (turn !== this.asked || this.scene.isDestroyed()) return;
    this.signs = lists.flatMap((list, i) => list.flatMap((found) => this.sign(this.title(pipes[i]!), found)));
    this.place();
  }

  private sign(title: string, { geometry, properties }: GeoRecord): Sign[] {
    const at = middle(vertices(geometry));
    const depth_m = meanDepth(withDepths(properties));
    if (!at || depth_m === undefined || !Number.isFinite(at.height_m)) return [];
    const size = section(properties.section_size_mm);
    const across = !size ? '' : size.height_mm === size.width_mm ? ` ${size.width_mm}` : ` ${size.width_mm}×${size.height_mm}`;
    const text = `${title}${across} · ${say(this.language, 'depth')} ${depth_m.toFixed(1)} m`;
    return [{ text, at: { ...at, height_m: at.height_m + this.geoid_m() } }];
  }

  /** Those that do not cover one another on the screen, the nearest first. */
  private place(): void {
    this.overlay.clear();
    const taken: { x: number; y: number; half: number }[] = [];
    const seen = this.signs.map((sign) => {
      const place = cartesian(sign.at);
      return { sign, on: SceneTransforms.worldToWindowCoordinates(this.scene, place), far_m: Cartesian3.distance(place, this.scene.camera.positionWC) };
    }).sort((a, b) => a.far_m - b.far_m);
    for (const { sign, on } of seen) {
      const half = sign.text.length * 5 + 8;
      if (!on || taken.some((t) => Math.abs(t.y - on.y) < 30 && Math.abs(t.x - on.x) < t.half + half)) continue;
      taken.push({ x: on.x, y: on.y, half });
      this.overlay.text({ ...sign, lift_px: 10, colour: '#2b3440' });
      this.overlay.point(sign.at, '#2b3440', 4);
      if (taken.length >= SHOWN) break;
    }
  }

  destroy(): void { this.overlay.destroy(); }
}

function around({ lon, lat }: View): [number, number, number, number] {
  const [dx, dy] = [REACH_M / 111_320 / Math.cos(lat * Math.PI / 180), REACH_M / 111_000];
  // On a raster, so that a small move asks nothing new.
  const near = (v: number) => Math.round(v * 4000) / 4000;
  return [near(lon) - dx, near(lat) - dy, near(lon) + dx, near(lat) + dy];
}

function meanDepth(properties: Record<string, unknown>): number | undefined {
  const both = [properties._start_top_m, properties._end_top_m].filter((v): v is number => typeof v === 'number');
  return both.length ? both.reduce((a, b) => a + b, 0) / both.length : undefined;
}
