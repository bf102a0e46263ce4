// The canvas, Cesium's scene on it, and when it is drawn: only when something has changed, so that a page left alone costs
// nothing. Knows no layer.

import {
  Cartesian3, Color, Credit, CreditDisplay, EllipsoidTerrainProvider, Globe, PerspectiveFrustum, Scene, type TerrainProvider,
} from '@cesium/engine';
import { type Pose, FOV_Y, fieldOfView } from './camera';
import { HOUR } from './light';

/** More canvas pixels than this a CSS pixel cost more than they show. */
const MOST_PIXELS = 2;
/** While things only arrive and nobody moves anything, a picture is drawn not more often than this, milliseconds: what is
 * drawn takes its time from what is loaded, most of all where the processor draws. */
const ARRIVES_MS = { card: 40, processor: 200 };
/** Nobody has moved anything for so long. */
const STILL_MS = 400;
/** After so long without a picture one looks for changes less often, milliseconds. */
const RESTS_MS = 1500;
const DOZES_MS = 250;

export class Stage {
  readonly canvas: HTMLCanvasElement;
  readonly scene: Scene;
  readonly globe: Globe;
  readonly ratio: number;
  /** Is the picture computed by the processor? Then what is costly a pixel is left out. */
  readonly isSoftware: boolean;
  private readonly resized: ResizeObserver;
  private drawn_ms = performance.now();
  private next: { frame?: number; timer?: number } = {};
  private ended = false;
  private moved_ms = performance.now();
  private isMoving = false;
  /** When the last picture was done. */
  private pictured_ms = 0;
  private readonly wake = () => { this.drawn_ms = this.moved_ms = performance.now(); this.soon(); };
  /** Before each look whether to draw. */
  onFrame: () => void = () => {};
  onResize: () => void = () => {};
  onFault: (e: unknown) => void = () => {};

  /** Throws where there is no WebGL. */
  constructor(readonly container: HTMLElement, label: string) {
    this.canvas = document.createElement('canvas');
    Object.assign(this.canvas.style, { position: 'absolute', inset: '0', width: '100%', height: '100%', touchAction: 'none' });
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'application');
    this.canvas.setAttribute('aria-label', label);
    // Cesium keeps the pointer from giving the keys to the picture.
    this.canvas.addEventListener('pointerdown', () => this.canvas.focus({ preventScroll: true }));
    this.canvas.addEventListener('contextmenu', (e) => e.preventDefault());
    container.append(this.canvas);
    const software = isSoftware();
    this.isSoftware = software;
    this.ratio = software ? 1 : Math.min(globalThis.devicePixelRatio || 1, MOST_PIXELS);
    this.measure();
    CreditDisplay.cesiumCredit = new Credit('CesiumJS');
    try {
      this.scene = new Scene({
        canvas: this.canvas,
        creditContainer: document.createElement('div'),
        creditViewport: document.createElement('div'),
        contextOptions: { webgl: { alpha: false, powerPreference: 'high-performance' } },
        scene3DOnly: true,
        msaaSamples: software ? 1 : 4,
        requestRenderMode: true,
        maximumRenderTimeChange: Infinity,
        // Sums of translucent faces without order: the ground that one looks through.
        orderIndependentTranslucency: !software,
      });
    } catch (e) {
      this.canvas.remove();
      throw e;
    }
    this.globe = new Globe();
    Object.assign(this.globe, { depthTestAgainstTerrain: true, showWaterEffect: false, enableLighting: false, tileCacheSize: 200, terrainProvider: new EllipsoidTerrainProvider() });
    this.globe.baseColor = Color.fromCssColorString('#fbf9f4');
    this.scene.globe = this.globe;
    // Of each picture's time Cesium gives loading 5 ms; where pictures are few, they have to be longer ones.
    const surface = (this.globe as unknown as { _surface?: { _loadQueueTimeSlice?: number } })._surface;
    if (software && surface?._loadQueueTimeSlice) surface._loadQueueTimeSlice = 80;
    Object.assign(this.scene, { highDynamicRange: false, pixelRatio: this.ratio, rethrowRenderErrors: false });
    this.scene.postRender.addEventListener(() => { this.drawn_ms = this.pictured_ms = performance.now(); });
    this.scene.renderError.addEventListener((_: Scene, e: unknown) => { this.ended = true; this.onFault(e); });
    this.scene.camera.moveStart.addEventListener(() => { this.isMoving = true; });
    this.scene.camera.moveEnd.addEventListener(() => { this.isMoving = false; });
    this.frustum();
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(container);
    for (const event of ['pointerdown', 'pointermove', 'wheel', 'keydown', 'touchstart'] as const) {
      this.canvas.addEventListener(event, this.wake, { passive: true });
    }
    this.soon();
  }

  get height_px(): number { return Math.max(this.canvas.clientHeight, 1); }

  setTerrain(provider: unknown): void {
    this.globe.terrainProvider = provider as TerrainProvider;
  }

  place({ position, direction, up }: Pose): void {
    this.scene.camera.setView({
      destination: Cartesian3.fromArray(position),
      orientation: { direction: Cartesian3.fromArray(direction), up: Cartesian3.fromArray(up) },
    });
    this.redraw();
  }

  pose(): Pose {
    const { positionWC: p, directionWC: d, upWC: u } = this.scene.camera;
    return { position: [p.x, p.y, p.z], direction: [d.x, d.y, d.z], up: [u.x, u.y, u.z] };
  }

  /** Something is elsewhere: at once. */
  redraw(): void {
    this.moved_ms = performance.now();
    this.arrived();
  }

  /** Something has come: soon. */
  arrived(): void {
    if (this.ended) return;
    this.scene.requestRender();
    this.soon();
  }

  private measure(): void {
    this.canvas.width = Math.max(1, Math.round(this.container.clientWidth * this.ratio));
    this.canvas.height = Math.max(1, Math.round(this.container.clientHeight * this.ratio));
  }

  private frustum(): void {
    const frustum = this.scene.camera.frustum as PerspectiveFrustum;
    frustum.aspectRatio = this.canvas.width / this.canvas.height;
    frustum.fov = this.canvas.width ? fieldOfView(this.canvas.width, this.canvas.height) : FOV_Y;
    frustum.near = 0.2;
  }

  private resize(): void {
    if (!this.container.clientWidth || !this.container.clientHeight) return;
    this.measure();
    this.frustum();
    this.onResize();
    this.redraw();
  }

  private soon(): void {
    if (this.ended || this.next.frame !== undefined) return;
    clearTimeout(this.next.timer);
    this.next = { frame: requestAnimationFrame(() => this.frame()) };
  }

  private frame(): void {
    this.next = {};
    if (this.ended) return;
    this.onFrame();
    const wait_ms = this.isSoftware ? ARRIVES_MS.processor : ARRIVES_MS.card;
    const isStill = !this.isMoving && performance.now() - this.moved_ms > STILL_MS;
    if (isStill && performance.now() - this.pictured_ms < wait_ms) return this.soon();
    (this.scene as unknown as { initializeFrame(): void }).initializeFrame();
    this.scene.render(HOUR);
    const now = performance.now();
    if (now - this.drawn_ms < RESTS_MS) this.soon();
    else if (this.next.frame === undefined) this.next = { timer: setTimeout(() => this.soon(), DOZES_MS) as unknown as number };
  }

  destroy(): void {
    this.ended = true;
    if (this.next.frame !== undefined) cancelAnimationFrame(this.next.frame);
    clearTimeout(this.next.timer);
    this.resized.disconnect();
    // Frees the globe, the primitives and the textures with it; the context itself is given back at once.
    const context = this.canvas.getContext('webgl2');
    if (!this.scene.isDestroyed()) this.scene.destroy();
    context?.getExtension('WEBGL_lose_context')?.loseContext();
    this.canvas.remove();
  }
}

/** Is the picture computed by the processor? Then fewer pixels are better ones. */
function isSoftware(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  const info = context?.getExtension('WEBGL_debug_renderer_info');
  const name = info ? String(context?.getParameter(info.UNMASKED_RENDERER_WEBGL)) : '';
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return /swiftshader|llvmpipe|software/i.test(name);
}
