// The names on the ground about the middle of the view, as many as do not cover one another. They are asked of the worker that
// paints the ground, by tiles, and chosen anew when the camera rests.

import {
  Cartesian2, Cartesian3, Color, DistanceDisplayCondition, HorizontalOrigin, LabelCollection, LabelStyle, NearFarScalar, type Scene, SceneTransforms, VerticalOrigin,
} from '@cesium/engine';
import type { Letters } from './drape/letters';
import type { Drape } from './drape/provider';
import type { View } from './interface';

/** Names shown at most. */
const SHOWN = 40;
/** Deepest tiles that names are taken from; above, the same ones stand nearer. */
const DEEPEST = 17;
/** Names wait for the ground's pictures, five times a second, so often. */
const PATIENCE = 20;
const FACE = '"Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif';

export class Names {
  private readonly labels: LabelCollection;
  private turn = 0;
  private readonly known = new Map<string, Promise<Letters[]>>();

  constructor(private readonly scene: Scene, private readonly ground: (lon: number, lat: number) => number) {
    this.labels = scene.primitives.add(new LabelCollection({ scene })) as LabelCollection;
  }

  forget(): void { this.known.clear(); }

  async write(view: View, drape: Drape | undefined): Promise<void> {
    this.turn += 1;
    const turn = this.turn;
    // First the ground, then what it is called.
    for (let waits = 0; drape && drape.loading > 0 && waits < PATIENCE; waits += 1) await new Promise((done) => setTimeout(done, 200));
    if (turn !== this.turn) return;
    const tiles = about(view);
    const lists = await Promise.all(tiles.map(([z, x, y]) => this.of(drape, z, x, y)));
    if (turn !== this.turn || this.scene.isDestroyed()) return;
    this.place(lists.flat());
  }

  private of(drape: Drape | undefined, z: number, x: number, y: number): Promise<Letters[]> {
    const key = `${z}/${x}/${y}`;
    const asked = this.known.get(key) ?? drape?.letters(z, x, y).catch(() => { this.known.delete(key); return []; }) ?? Promise.resolve([]);
    if (drape) this.known.set(key, asked);
    if (this.known.size > 200) this.known.delete(this.known.keys().next().value!);
    return asked;
  }

  private place(all: Letters[]): void {
    this.labels.removeAll();
    const { camera, canvas } = this.scene;
    const taken: { x: number; y: number; half: number }[] = [];
    const words = new Set<string>();
    const seen = all.map((sign) => {
      const place = Cartesian3.fromDegrees(sign.lon, sign.lat, this.ground(sign.lon, sign.lat) + 1);
      return { sign, place, far_m: Cartesian3.distance(place, camera.positionWC) };
    }).sort((a, b) => b.sign.rank - a.sign.rank || a.far_m - b.far_m);
    for (const { sign, place } of seen) {
      const text = sign.text.split('\n')[0]!.slice(0, 24);
      const on = SceneTransforms.worldToWindowCoordinates(this.scene, place);
      const half = [...text].length * sign.size_px * 0.5 + 10;
      const isOut = !on || on.x < 0 || on.y < 0 || on.x > canvas.clientWidth || on.y > canvas.clientHeight;
      if (isOut || words.has(text) || taken.some((t) => Math.abs(t.y - on.y) < 26 && Math.abs(t.x - on.x) < t.half + half)) continue;
      words.add(text);
      taken.push({ x: on.x, y: on.y, half });
      this.labels.add({
        position: place, text, font: `500 ${Math.round(sign.size_px + 2)}px ${FACE}`, style: LabelStyle.FILL_AND_OUTLINE,
        fillColor: Color.fromCssColorString(sign.colour) ?? Color.BLACK, outlineColor: Color.fromCssColorString(sign.halo) ?? Color.WHITE, outlineWidth: 4,
        horizontalOrigin: HorizontalOrigin.CENTER, verticalOrigin: VerticalOrigin.BOTTOM, pixelOffset: new Cartesian2(0, -4),
        scaleByDistance: new NearFarScalar(500, 1, 20_000, 0.8),
        distanceDisplayCondition: new DistanceDisplayCondition(0, 2e6),
        disableDepthTestDistance: Number.POSITIVE_INFINITY,
      });
      if (taken.length >= SHOWN) break;
    }
    this.scene.requestRender();
  }

  destroy(): void {
    this.turn += 1;
    if (!this.scene.isDestroyed()) this.scene.primitives.remove(this.labels);
  }
}

/** The nine tiles about the middle at the zoom of the view: z, x, y. */
function about({ lon, lat, zoom }: View): [number, number, number][] {
  const z = Math.max(2, Math.min(Math.floor(zoom), DEEPEST));
  const world = 2 ** z;
  const x = Math.floor((lon + 180) / 360 * world);
  const y = Math.floor((1 - Math.asinh(Math.tan(lat * Math.PI / 180)) / Math.PI) / 2 * world);
  const steps = [-1, 0, 1];
  return steps.flatMap((dy) => steps.map((dx): [number, number, number] => [z, (x + dx + world) % world, y + dy])).filter(([, , ty]) => ty >= 0 && ty < world);
}
