// The 2D map as imagery of the ground: Cesium asks for squares, a worker paints them.

import { Credit, Event, WebMercatorTilingScheme } from '@cesium/engine';
import type { Letters } from './letters';
import type { Done, Order, Setting } from './worker';

/** Tiles painted or asked for at the same time; Cesium asks again, the nearest first. */
const AT_ONCE = 8;
/** Pixels of a tile's side: MapLibre's. */
const SIDE = 512;
/** Cesium lets a pixel of imagery be one to two of the picture; told of fewer pixels a side it takes finer tiles: 0.7 to 1.4. */
const TOLD = 362;
/** Below the deepest vector tiles a few levels are drawn larger. */
const DEEPEST = 20;

export type Painting = Omit<Setting, 'kind' | 'side'>;

export class Drape {
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly minimumLevel = 0;
  readonly maximumLevel = DEEPEST;
  readonly tilingScheme = new WebMercatorTilingScheme();
  readonly rectangle = this.tilingScheme.rectangle;
  readonly tileDiscardPolicy = undefined;
  readonly errorEvent = new Event();
  readonly credit = new Credit('');
  readonly proxy = undefined;
  readonly hasAlphaChannel = false;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { done: (answer: Done) => void; failed: (e: Error) => void }>();
  private last = 0;
  private pictures = 0;

  constructor(workerUrl: string, painting: Painting, isCoarse: boolean, private readonly arrived: () => void, private readonly failed: (e: Error) => void) {
    this.tileWidth = this.tileHeight = isCoarse ? SIDE : TOLD;
    this.worker = new Worker(workerUrl, { type: 'module' });
    this.worker.onmessage = (event: MessageEvent<Done>) => this.answer(event.data);
    this.worker.onerror = (event) => this.failed(new Error(event.message || 'worker'));
    this.worker.postMessage({ kind: 'style', side: SIDE, ...painting } satisfies Setting);
  }

  get loading(): number { return this.waiting.size; }

  requestImage(x: number, y: number, level: number): Promise<ImageBitmap> | undefined {
    if (this.pictures >= AT_ONCE) return undefined;
    this.pictures += 1;
    return this.ask('tile', level, x, y).then(({ image }) => image!).finally(() => { this.pictures -= 1; });
  }

  /** The names in a tile, for the style's zoom of the same number. */
  async letters(z: number, x: number, y: number): Promise<Letters[]> {
    return (await this.ask('letters', z, x, y)).letters ?? [];
  }

  private ask(kind: Order['kind'], z: number, x: number, y: number): Promise<Done> {
    this.last += 1;
    const number = this.last;
    this.worker.postMessage({ kind, number, z, x, y } satisfies Order);
    return new Promise((done, failed) => this.waiting.set(number, { done, failed }));
  }

  getTileCredits(): undefined { return undefined; }
  pickFeatures(): undefined { return undefined; }

  private answer(answer: Done): void {
    const { number, error } = answer;
    const one = this.waiting.get(number);
    this.waiting.delete(number);
    if (error === undefined) one?.done(answer);
    else {
      const e = new Error(error);
      one?.failed(e);
      this.failed(e);
    }
    this.arrived();
  }

  destroy(): void {
    this.worker.terminate();
    // Nobody is told: who asked has gone too.
    this.waiting.clear();
  }
}
