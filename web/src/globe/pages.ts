// The ground's tileset as an index: which tile of the lattice has which content. Pages are read when somebody asks for what
// is below them. Draws nothing.

import { geographic } from './geodesy';
import { IDENTITY, type Matrix, times } from './glb';
import { type At, isWithin, key, tileWithMiddle } from './lattice';

interface Tile { transform?: number[]; content?: { uri: string }; children?: Tile[] }
interface Tileset { asset?: { extras?: { heights?: { geoid_m?: number; bias_m?: number } } }; root: Tile }

export interface Content { at: At; url: string; to: Matrix }

/** What a tileset answered instead of itself. */
export class Refused extends Error {
  constructor(readonly status: number, url: string) { super(`${status} ${url}`); }
}

/** Headers of every request: the asker's credential. One globe is open at a time. */
let sent: Record<string, string> = {};

export function sendWith(headers: Record<string, string>): void {
  sent = headers;
}

/** With a credential to the page's own server alone. */
export function request(headers: Record<string, string>): RequestInit {
  return Object.keys(headers).length ? { headers, mode: 'same-origin' } : {};
}

export async function got(url: string): Promise<Response> {
  const answer = await fetch(url, request(sent));
  if (!answer.ok) throw new Refused(answer.status, url);
  return answer;
}

export class Pages {
  private readonly contents = new Map<string, Content>();
  /** Pages not yet read, by the tile that they begin with. */
  private links: { at: At; url: string; to: Matrix; reading?: Promise<void> | undefined }[] = [];
  /** What is added to a height of the data (1985) to make an ellipsoidal one, metres. */
  geoid_m = 0;
  tops: Content[] = [];
  deepest = 0;

  static async open(url: string): Promise<Pages> {
    const pages = new Pages();
    const tileset = await pages.read(url, IDENTITY);
    const heights = tileset.asset?.extras?.heights;
    pages.geoid_m = (heights?.geoid_m ?? 0) + (heights?.bias_m ?? 0);
    const levels = [...pages.contents.values()].map((c) => c.at.level);
    const first = Math.min(...levels);
    pages.tops = [...pages.contents.values()].filter((c) => c.at.level === first);
    return pages;
  }

  get isEmpty(): boolean { return this.tops.length === 0; }

  private async read(url: string, over: Matrix): Promise<Tileset> {
    const answer = await got(url);
    const tileset = await answer.json() as Tileset;
    this.enter(tileset.root, over, answer.url || url);
    return tileset;
  }

  private enter(tile: Tile, over: Matrix, base: string): void {
    const to = tile.transform ? times(over, tile.transform) : over;
    const { lon, lat } = geographic([to[12]!, to[13]!, to[14]!]);
    const at = tile.content && tileWithMiddle(lon, lat);
    if (at && tile.content) {
      const url = new URL(tile.content.uri, new URL(base, globalThis.location?.href)).href;
      const isPage = new URL(url).pathname.endsWith('.json');
      if (isPage) this.links.push({ at, url, to });
      else this.contents.set(key(at), { at, url, to });
      this.deepest = Math.max(this.deepest, at.level);
    }
    for (const child of tile.children ?? []) this.enter(child, to, base);
  }

  /** Is there content for a tile? undefined: a page that is not read yet would say. */
  has(at: At): boolean | undefined {
    if (this.contents.has(key(at))) return true;
    return this.links.some((link) => isWithin(at, link.at)) ? undefined : false;
  }

  async find(at: At): Promise<Content | undefined> {
    for (;;) {
      const content = this.contents.get(key(at));
      if (content) return content;
      const link = this.links.find((l) => isWithin(at, l.at));
      if (!link) return undefined;
      link.reading ??= this.read(link.url, link.to).then(() => {
        this.links = this.links.filter((l) => l !== link);
      }, (e: unknown) => { link.reading = undefined; throw e; });
      await link.reading;
    }
  }
}
