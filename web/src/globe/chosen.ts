// What marks the chosen thing besides its colour: an outline on the screen, and of a pipe its line with the depth at both ends,
// which is seen through the ground.

import { Color, type Cesium3DTileFeature, type PostProcessStage, PostProcessStageLibrary, type Scene } from '@cesium/engine';
import { CHOSEN } from './look';
import { Overlay } from './overlay';
import { withDepths } from './pipe';
import { middle, record, vertices } from './records';
import { type Language, say } from './words';

export class Chosen {
  private readonly overlay: Overlay;
  private outline: PostProcessStage | undefined;
  private asked = 0;

  constructor(private readonly scene: Scene, private readonly server: string, private readonly language: Language,
    private readonly ground: (lon: number, lat: number) => number, private readonly geoid_m: () => number) {
    this.overlay = new Overlay(scene);
  }

  async show(what: { layer: string; id: string } | null): Promise<void> {
    this.overlay.clear();
    this.asked += 1;
    const turn = this.asked;
    const found = what && await record(this.server, what.layer, what.id).catch(() => undefined);
    if (!found || turn !== this.asked || this.scene.isDestroyed()) return;
    const properties = withDepths(found.properties);
    const line = vertices(found.geometry).map((p) => ({ ...p, height_m: p.height_m + this.geoid_m() }));
    if (typeof properties._start_top_m === 'number' && line.length > 1) this.pipe(line, properties);
    else this.mark(line);
  }

  private mark(points: { lon: number; lat: number; height_m: number }[]): void {
    const at = points.length === 1 ? points[0] : undefined;
    if (!at) return;
    const foot_m = this.ground(at.lon, at.lat);
    const top = { ...at, height_m: (Number.isFinite(at.height_m) ? Math.max(at.height_m, foot_m) : foot_m) + 14 };
    this.overlay.line([{ ...at, height_m: foot_m }, top], CHOSEN, 2);
    this.overlay.point(top, CHOSEN, 10);
  }

  private pipe(line: { lon: number; lat: number; height_m: number }[], properties: Record<string, unknown>): void {
    const ends = [['start', line[0]!], ['end', line[line.length - 1]!]] as const;
    const tops = ends.map(([name, at]) => {
      const top_m = properties[`_${name}_top_m`] as number | undefined;
      const ground_m = this.ground(at.lon, at.lat);
      return { name, top_m, foot: { ...at, height_m: ground_m }, top: { ...at, height_m: ground_m - (top_m ?? 0) } };
    });
    if (line.every((p) => Number.isFinite(p.height_m))) this.overlay.line(line, CHOSEN, 4, 0.9);
    for (const { name, top_m, foot, top } of tops) {
      if (top_m === undefined) continue;
      this.overlay.line([foot, top], '#ffffff', 2, 0.9);
      this.overlay.point(foot, CHOSEN, 6);
      const text = `${say(this.language, name as 'start' | 'end')} ${say(this.language, 'depth')} ${top_m.toFixed(2)}–${(properties[`_${name}_bottom_m`] as number).toFixed(2)} m`;
      this.overlay.text({ text, at: foot });
    }
    const centre = middle([tops[0]!.foot, tops[1]!.foot]);
    const size = properties._outer_mm ? `DN${String(properties._outer_mm)}` : '';
    const text = [size, properties.material].filter(Boolean).join(' · ');
    if (centre && text) this.overlay.text({ text, at: line[Math.floor(line.length / 2)] && Number.isFinite(line[0]!.height_m) ? middle(line)! : centre, colour: '#8a5a00' });
  }

  /** Features of all tiles that show the chosen thing. */
  features(list: Cesium3DTileFeature[]): void {
    if (this.outline) this.scene.postProcessStages.remove(this.outline);
    this.outline = undefined;
    if (list.length && PostProcessStageLibrary.isSilhouetteSupported(this.scene)) {
      const edge = PostProcessStageLibrary.createEdgeDetectionStage();
      edge.uniforms.color = Color.fromCssColorString(CHOSEN);
      edge.uniforms.length = 0.4;
      edge.selected = list;
      this.outline = this.scene.postProcessStages.add(PostProcessStageLibrary.createSilhouetteStage([edge])) as PostProcessStage;
    }
    this.scene.requestRender();
  }

  destroy(): void { this.overlay.destroy(); }
}
