// The ground as Cesium's terrain: the server's tiles of the ground are squares of the lattice that Cesium's geographic tiles
// are, so that a height of theirs is a height here. Beyond the city the ground goes on as it is at the city's edge.

import {
  Credit, Ellipsoid, Event, GeographicTilingScheme, HeightmapTerrainData, type Request, TerrainProvider,
} from '@cesium/engine';
import { nodeHeights } from './glb';
import { type At, NODES, corner, filled, heightIn, key, width } from './lattice';
import { Pages, Refused, got } from './pages';

/** Requests for heights at the same time. */
const AT_ONCE = 6;
/** Cells of the lattice are finer than Cesium supposes of a height map: it may draw them coarser. */
const EASE = 0.5;

/** Some tile of a place, for what asks for a height between frames. */
interface Known { at: At; heights: Float32Array }

export class Ground {
  readonly tilingScheme = new GeographicTilingScheme();
  readonly credit = new Credit('');
  readonly errorEvent = new Event();
  readonly hasWaterMask = false;
  readonly hasVertexNormals = false;
  readonly availability = undefined;
  private readonly known = new Map<string, Known>();
  private tops: Known[] = [];
  private underWay = 0;
  private readonly zero_m = TerrainProvider.getEstimatedLevelZeroGeometricErrorForAHeightmap(Ellipsoid.WGS84, NODES, 2) * EASE;

  private constructor(private pages: Pages | undefined, private readonly url: string, private readonly arrived: () => void,
    private readonly failed: (e: unknown) => void) {}

  /** `url` of the ground's tileset, '' for none: then the ground is the ellipsoid. `arrived` after each tile. */
  static async open(url: string, arrived: () => void, failed: (e: unknown) => void): Promise<Ground> {
    const pages = url ? await Pages.open(url) : undefined;
    const ground = new Ground(pages && !pages.isEmpty ? pages : undefined, url, arrived, failed);
    for (const top of ground.pages?.tops ?? []) {
      const heights = await ground.heights(top.at);
      if (heights) ground.tops.push({ at: top.at, heights });
    }
    return ground;
  }

  /** What is added to a height of the data to make an ellipsoidal one, metres. */
  get geoid_m(): number { return this.pages?.geoid_m ?? 0; }

  getLevelMaximumGeometricError(level: number): number {
    return this.zero_m / 2 ** level;
  }

  getTileDataAvailable(x: number, y: number, level: number): boolean | undefined {
    return level <= this.topLevel() ? true : this.pages?.has({ level, x, y }) ?? false;
  }

  loadTileDataAvailability(): undefined { return undefined; }

  requestTileGeometry(x: number, y: number, level: number, _request?: Request): Promise<HeightmapTerrainData> | undefined {
    const at = { level, x, y };
    if (this.pages?.has(at) === false || !this.pages) {
      return level <= this.topLevel() ? Promise.resolve(terrain(this.beyond(at))) : Promise.reject(new Error('no heights here'));
    }
    if (this.underWay >= AT_ONCE) return undefined;
    this.underWay += 1;
    return this.heights(at).then((heights) => {
      if (!heights && level > this.topLevel()) throw new Error('no heights here');
      return terrain(heights ?? this.beyond(at));
    }).finally(() => {
      this.underWay -= 1;
      this.arrived();
    });
  }

  get loading(): number { return this.underWay; }

  /** Ellipsoidal height of the ground at a place, as fine as has been loaded; metres. */
  height(lon: number, lat: number): number {
    for (let level = this.pages?.deepest ?? 0; level > this.topLevel(); level -= 1) {
      const w = width(level);
      const at = { level, x: Math.floor((lon + 180) / w), y: Math.floor((90 - lat) / w) };
      const known = this.known.get(key(at));
      if (known) return heightIn(at, known.heights, lon, lat);
    }
    return this.coarse(lon, lat);
  }

  private topLevel(): number {
    return this.tops[0]?.at.level ?? this.pages?.tops[0]?.at.level ?? 0;
  }

  private async heights(at: At): Promise<Float32Array | undefined> {
    const known = this.known.get(key(at));
    if (known) return known.heights;
    try {
      const content = await this.pages?.find(at);
      if (!content) return undefined;
      const glb = await (await got(content.url)).arrayBuffer();
      const heights = filled(await nodeHeights(glb, content.to, at));
      if (heights) this.known.set(key(at), { at, heights });
      return heights;
    } catch (e) {
      if (e instanceof Refused && (e.status === 410 || e.status === 404)) await this.reopen();
      else this.failed(e);
      throw e;
    }
  }

  /** The city has moved on: the tiles' addresses are new ones. What is drawn stays until it is asked for again. */
  private async reopen(): Promise<void> {
    const pages = await Pages.open(this.url).catch((e: unknown) => { this.failed(e); return undefined; });
    if (pages && !pages.isEmpty) this.pages = pages;
  }

  private coarse(lon: number, lat: number): number {
    let best: Known | undefined;
    let nearest = Infinity;
    for (const top of this.tops) {
      const [west, south] = corner(top.at);
      const w = width(top.at.level);
      const out = Math.max(west - lon, lon - west - w, 0) + Math.max(south - lat, lat - south - w, 0);
      if (out < nearest) { nearest = out; best = top; }
    }
    return best ? heightIn(best.at, best.heights, lon, lat) : 0;
  }

  private beyond(at: At): Float32Array {
    const [west, south] = corner(at);
    const step = width(at.level) / (NODES - 1);
    return Float32Array.from({ length: NODES * NODES }, (_, k) =>
      this.coarse(west + (k % NODES) * step, south + (NODES - 1 - Math.floor(k / NODES)) * step));
  }
}

function terrain(heights: Float32Array): HeightmapTerrainData {
  // Cesium may keep and change what it is given.
  return new HeightmapTerrainData({ buffer: heights.slice(), width: NODES, height: NODES });
}
