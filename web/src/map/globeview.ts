// The step between two and three dimensions: the globe is loaded when it is first asked for, gets the camera, the layers
// and the selection, and hands them back. Knows nothing of how the globe draws.

import type { Globe, Measure } from '../globe/interface';
import { address, local, words } from '../api';
import { type Catalog, titleOf } from '../catalog';
import { language, t } from '../i18n';
import { credential } from '../session';
import type { Place, Selection, State, Store } from '../state';
import { type Box, type CityMap, camera } from './citymap';

export interface Calls {
  pick(place: Place, meant: Selection | null): void;
  say(text: string): void;
  /** Whether anything is still on its way to the picture. */
  busy(is: boolean): void;
}

/** Until its first picture is whole the globe lies unseen over the flat map; not longer than this. */
const UNSEEN_MS = 12_000;

export class GlobeView {
  private globe: Globe | null = null;
  private opening: Promise<void> | null = null;

  constructor(private readonly element: HTMLElement, private readonly map: CityMap, private readonly catalog: Catalog, private readonly store: Store, private readonly calls: Calls) {
    store.watch(['mode'], ({ mode }) => void (mode === '3d' ? this.enter() : this.leave()));
    store.watch(['on', 'off', 'underground'], () => this.globe?.setVisible(map.visible()));
    store.watch(['opacity'], (now, before) => this.fade(now, before));
    store.watch(['selected'], ({ selected }) => this.globe?.select(selected));
    store.watch(['underground'], ({ underground }) => this.globe?.setUnderground(underground));
  }

  enter(): Promise<void> {
    this.opening ??= this.open().finally(() => { this.opening = null; });
    return this.opening;
  }

  private async open(): Promise<void> {
    this.element.hidden = false;
    this.element.classList.add('opening-globe');
    this.element.setAttribute('aria-busy', 'true');
    this.element.setAttribute('data-words', t('globe.loading'));
    this.calls.busy(true);
    const shown = (): void => this.element.classList.remove('opening-globe');
    try {
      const [{ openGlobe }] = await Promise.all([import('../globe/index'), this.map.styled()]);
      const state = this.store.get();
      const view = { ...this.map.view(), pitch: Math.max(this.map.map.getPitch(), state.view?.pitch ?? 0) };
      this.globe = await openGlobe({
        container: this.element,
        server: address('').replace(/\/$/, ''),
        headers: credential.headers(),
        layers: this.catalog.layers.map((l) => ({ id: l.id, title: titleOf(l), theme: l.theme })),
        visible: this.map.visible(),
        view,
        language,
        dark: this.map.drawing?.dark ?? false,
        style: this.style(),
        opacity: Object.fromEntries(state.opacity),
        onView: (view) => this.store.set({ view }),
        onPick: (picked, place) => this.picked(picked, place),
        onStatus: ({ loading, error }) => {
          this.element.setAttribute('aria-busy', String(loading > 0));
          this.calls.busy(loading > 0);
          if (loading === 0 && this.globe) shown();
          if (error) this.calls.say(error);
        },
      });
      if (this.store.get().mode === '2d') return this.leave();
      if (state.selected) this.globe.select(state.selected);
      if (state.underground) this.globe.setUnderground(true);
      setTimeout(shown, UNSEEN_MS);
    } catch (error) {
      this.calls.say(`${t('globe.failed')} ${error instanceof Error ? error.message : words(error)}`);
      this.store.set({ mode: '2d' });
      shown();
      this.calls.busy(false);
    }
  }

  /** Back to the flat map, at the same place. The map lay below all the while. */
  private leave(): void {
    if (!this.globe) return;
    const view = this.globe.view();
    this.map.map.jumpTo(camera({ ...view, pitch: Math.min(view.pitch, this.map.map.getMaxPitch()) }));
    this.globe.destroy();
    this.globe = null;
    this.calls.busy(false);
    this.element.hidden = true;
    this.element.classList.remove('opening-globe');
    this.element.replaceChildren();
  }

  /** A copy with the page's own addresses. */
  private style(): object | string {
    const raw = this.map.served();
    if (!raw) return address(`styles/${this.store.get().style ?? ''}.json`);
    return JSON.parse(JSON.stringify(raw), (_, value: unknown) => (typeof value === 'string' && value.includes('/') ? local(value) : value)) as object;
  }

  restyle(): void {
    this.globe?.setStyle(this.style(), this.map.drawing?.dark ?? false);
    this.globe?.setVisible(this.map.visible());
  }

  private picked(picked: { layer: string; id: string; lon: number; lat: number } | null, place?: Place): void {
    if (picked) this.calls.pick({ lon: picked.lon, lat: picked.lat }, { layer: picked.layer, id: picked.id });
    else if (place) this.calls.pick({ lon: place.lon, lat: place.lat }, null);
  }

  private fade(now: State, before: State): void {
    for (const id of new Set([...now.opacity.keys(), ...before.opacity.keys()])) {
      const opacity = now.opacity.get(id) ?? 1;
      if (opacity !== (before.opacity.get(id) ?? 1)) this.globe?.setOpacity(id, opacity);
    }
  }

  measure(mode: Measure, onResult: (text: string) => void): void {
    this.globe?.measure(mode, onResult);
  }

  zoom(by: number): void {
    if (!this.globe) return;
    const view = this.globe.view();
    this.globe.setView({ ...view, zoom: view.zoom + by }, true);
  }

  north(): void {
    if (this.globe) this.globe.setView({ ...this.globe.view(), bearing: 0 }, true);
  }

  goTo(box: Box): void {
    if (!this.globe) return;
    const { lon, lat, zoom } = this.map.around(box);
    this.globe.setView({ ...this.globe.view(), lon, lat, zoom }, true);
  }
}
