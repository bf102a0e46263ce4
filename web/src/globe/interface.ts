// What the page and the globe agree on. No code: shapes alone, with their units.

/** Where one looks from, in MapLibre's meaning: degrees; `zoom` of a world that is 512 px wide at 0. */
export interface View { lon: number; lat: number; zoom: number; bearing: number; pitch: number }

/** A place: CGCS2000 degrees, ellipsoidal metres. */
export interface Place { lon: number; lat: number; height_m?: number }

/**
 * What was hit. `properties` are the record's where it can be had, else the tile's columns. Of a pipe with depths there are
 * besides, in metres below the ground: `_start_top_m`, `_start_bottom_m`, `_end_top_m`, `_end_bottom_m`; and `_outer_mm`.
 */
export interface Picked extends Place { layer: string; id: string; properties: Record<string, unknown> }

export interface GlobeLayer { id: string; title: string; theme: string }

export interface Status {
  /** Requests and tiles under way; 0 when the picture is whole. */
  loading: number;
  /** For people, in the language asked for; absent when all is well again. */
  error?: string;
}

export interface GlobeOptions {
  container: HTMLElement;
  /** Address of the server, without a slash at the end; '' is the page's own. */
  server: string;
  /** What goes with every request to it, and to nobody else. */
  headers?: Record<string, string>;
  layers: GlobeLayer[];
  visible: string[];
  view: View;
  language: 'zh' | 'en';
  dark: boolean;
  /** The 2D map's style: a MapLibre style, or its address. Absent: `/styles/standard.json` or `dark.json`. */
  style?: string | object;
  /** Opacity of layers that are not whole, 0 to 1. */
  opacity?: Record<string, number>;
  onView(view: View): void;
  /** `place` is where the ground was hit when nothing else was: for `/identify` and `/owner`. */
  onPick(picked: Picked | null, place?: Place): void;
  onStatus(status: Status): void;
}

export type Measure = 'off' | 'distance' | 'height' | 'area';

export interface Globe {
  view(): View;
  setView(view: View, animate: boolean): void;
  setVisible(ids: string[]): void;
  setOpacity(id: string, opacity: number): void;
  /** The ground is drawn by this style from now on, and the sky suits it. */
  setStyle(style: string | object, dark: boolean): void;
  select(what: { layer: string; id: string } | null): void;
  setUnderground(on: boolean): void;
  /** `onResult` gets a line for people whenever the measure changes; '' when it is begun anew or ended by Esc. */
  measure(mode: Measure, onResult: (text: string) => void): void;
  destroy(): void;
}
