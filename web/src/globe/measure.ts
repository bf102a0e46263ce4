// Measuring on the picture: distances along a chain of places, the height between two, the area of a ring. A click sets a place,
// Backspace takes the last away, a double click or Enter ends the figure, Esc ends measuring.

import { Cartesian2, Cartesian3, ScreenSpaceEventHandler, ScreenSpaceEventType, type Scene } from '@cesium/engine';
import type { Measure } from './interface';
import { type Point, along, area, level, metres, slope, squareMetres } from './measuring';
import { Overlay } from './overlay';
import { middle } from './records';
import { type Language, say } from './words';

const COLOUR = '#1d6ff2';
/** Lines lie a little above what they are on, so that it does not swallow them. */
const LIFT_M = 0.3;
/** A place under the mouse costs a picture: not more often. */
const EVERY_MS = 60;

export class Measuring {
  private readonly overlay: Overlay;
  private readonly handler: ScreenSpaceEventHandler;
  private points: Point[] = [];
  private hover: Point | undefined;
  private isWhole = false;
  private moved_ms = 0;
  private readonly keys = (event: KeyboardEvent) => this.key(event);

  constructor(private readonly scene: Scene, private readonly mode: Exclude<Measure, 'off'>, private readonly language: Language,
    private readonly place: (at: Cartesian2) => Point | undefined, private readonly onResult: (text: string) => void, private readonly onEnd: () => void) {
    this.overlay = new Overlay(scene);
    this.handler = new ScreenSpaceEventHandler(scene.canvas);
    this.handler.setInputAction(({ position }: { position: Cartesian2 }) => this.click(position), ScreenSpaceEventType.LEFT_CLICK);
    this.handler.setInputAction(() => this.whole(), ScreenSpaceEventType.LEFT_DOUBLE_CLICK);
    this.handler.setInputAction(({ endPosition }: { endPosition: Cartesian2 }) => this.move(endPosition), ScreenSpaceEventType.MOUSE_MOVE);
    addEventListener('keydown', this.keys);
    scene.canvas.style.cursor = 'crosshair';
    onResult('');
  }

  private click(at: Cartesian2): void {
    const point = this.place(at);
    if (!point) return;
    if (this.isWhole) { this.points = []; this.isWhole = false; }
    this.points.push(point);
    if (this.mode === 'height' && this.points.length === 2) this.isWhole = true;
    this.hover = undefined;
    this.draw();
  }

  private move(at: Cartesian2): void {
    const now = performance.now();
    if (this.isWhole || this.points.length === 0 || now - this.moved_ms < EVERY_MS) return;
    this.moved_ms = now;
    this.hover = this.place(at);
    this.draw();
  }

  private whole(): void {
    // The second click of a double click has set the last place again.
    const [a, b] = this.points.slice(-2);
    if (a && b && slope(a, b) < 0.05) this.points.pop();
    this.isWhole = this.points.length > 1;
    this.hover = undefined;
    this.draw();
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape') return this.onEnd();
    if (event.key === 'Enter') this.whole();
    if (event.key === 'Backspace') { this.points.pop(); this.isWhole = false; this.draw(); }
  }

  private draw(): void {
    this.overlay.clear();
    const all = [...this.points, ...(this.hover ? [this.hover] : [])];
    const raised = all.map((p) => ({ ...p, height_m: p.height_m + LIFT_M }));
    for (const p of raised) this.overlay.point(p, COLOUR, 7);
    if (this.mode === 'height') this.height(raised);
    else if (this.mode === 'distance') this.distance(raised);
    else this.ring(raised);
  }

  private distance(points: Point[]): void {
    this.overlay.line(points, COLOUR, 4);
    points.slice(1).forEach((p, i) => {
      const at = middle([points[i]!, p]);
      if (at && points.length > 2) this.overlay.text({ text: metres(level(points[i]!, p)), at, lift_px: 8, colour: '#4a5868' });
    });
    const last = points[points.length - 1];
    const total = metres(along(points, level));
    if (last && points.length > 1) this.overlay.text({ text: total, at: last });
    this.onResult(points.length > 1 ? say(this.language, 'distance', total, metres(along(points, slope))) : '');
  }

  private height(points: Point[]): void {
    const [a, b] = points;
    if (!a || !b) return this.onResult('');
    const [low, high] = a.height_m < b.height_m ? [a, b] : [b, a];
    const corner = { ...high, height_m: low.height_m };
    this.overlay.line([low, high], COLOUR, 3);
    this.overlay.line([low, corner], '#7d8a99', 2);
    this.overlay.line([corner, high], '#e0561b', 4);
    const difference = metres(b.height_m - a.height_m);
    this.overlay.text({ text: difference, at: middle([corner, high])!, colour: '#9c3710' });
    this.overlay.text({ text: metres(level(a, b)), at: middle([low, corner])!, colour: '#4a5868' });
    this.onResult(say(this.language, 'height', difference, metres(level(a, b)), metres(slope(a, b))));
  }

  private ring(points: Point[]): void {
    if (points.length < 2) return this.onResult('');
    const ring = [...points, points[0]!];
    this.overlay.face(points, COLOUR, 0.25);
    this.overlay.line(ring, COLOUR, 3);
    if (points.length < 3) return this.onResult('');
    this.overlay.text({ text: squareMetres(area(points)), at: middle(points)!, lift_px: 0 });
    this.onResult(say(this.language, 'area', squareMetres(area(points)), metres(along(ring, level))));
  }

  destroy(): void {
    removeEventListener('keydown', this.keys);
    this.handler.destroy();
    this.overlay.destroy();
    this.scene.canvas.style.cursor = '';
    this.scene.requestRender();
  }
}

/** What place is in the picture at a pixel: of a body's face when `hit` is one, else of the ground. */
export function placeAt(scene: Scene, at: Cartesian2, hit: unknown = scene.pick(at)): Point | undefined {
  const onBody = hit && scene.pickPositionSupported ? scene.pickPosition(at) : undefined;
  const ray = scene.camera.getPickRay(at);
  const found = onBody ?? (ray && scene.globe?.pick(ray, scene));
  if (!found) return undefined;
  const c = scene.globe!.ellipsoid.cartesianToCartographic(found, undefined as never) as { longitude: number; latitude: number; height: number } | undefined;
  if (!c || !Number.isFinite(c.height) || Cartesian3.magnitude(found) < 1) return undefined;
  return { lon: c.longitude * 180 / Math.PI, lat: c.latitude * 180 / Math.PI, height_m: c.height };
}
