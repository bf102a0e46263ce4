// Mouse, fingers and keys as in the 2D map: left drag moves, right drag (or Ctrl) turns and tips, the wheel goes nearer. Keys:
// arrows move, + and - zoom, Shift and arrows turn and tip.

import { CameraEventType, KeyboardEventModifier, type Scene } from '@cesium/engine';
import type { View } from './interface';
import { metresPerPixel } from './camera';
import { RAD, radii } from './geodesy';

/** Pixels a key moves, degrees it turns and tips: MapLibre's. */
const MOVE_PX = 100;
const TURN = 15;
const TIP = 10;

export function arrange(scene: Scene, isCalm: boolean): void {
  const control = scene.screenSpaceCameraController;
  const { LEFT_DRAG, RIGHT_DRAG, MIDDLE_DRAG, WHEEL, PINCH } = CameraEventType;
  control.rotateEventTypes = [LEFT_DRAG];
  control.zoomEventTypes = [WHEEL, PINCH];
  control.tiltEventTypes = [RIGHT_DRAG, MIDDLE_DRAG, PINCH, { eventType: LEFT_DRAG, modifier: KeyboardEventModifier.CTRL }];
  control.lookEventTypes = [{ eventType: LEFT_DRAG, modifier: KeyboardEventModifier.SHIFT }];
  control.minimumZoomDistance = 2;
  control.maximumZoomDistance = 2_000_000;
  if (isCalm) control.inertiaSpin = control.inertiaTranslate = control.inertiaZoom = 0;
}

/** The view after a key, undefined for keys that mean nothing here. */
export function afterKey(view: View, event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey'>): View | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const turned = (bearing: number) => ((view.bearing + bearing + 540) % 360) - 180;
  const tipped = (pitch: number) => Math.min(Math.max(view.pitch + pitch, 0), 85);
  const zoomed = (by: number) => Math.min(Math.max(view.zoom + by, 2), 23);
  switch (event.key) {
    case '+': case '=': return { ...view, zoom: zoomed(1) };
    case '-': case '_': return { ...view, zoom: zoomed(-1) };
    case 'ArrowLeft': return event.shiftKey ? { ...view, bearing: turned(-TURN) } : moved(view, -1, 0);
    case 'ArrowRight': return event.shiftKey ? { ...view, bearing: turned(TURN) } : moved(view, 1, 0);
    case 'ArrowUp': return event.shiftKey ? { ...view, pitch: tipped(TIP) } : moved(view, 0, 1);
    case 'ArrowDown': return event.shiftKey ? { ...view, pitch: tipped(-TIP) } : moved(view, 0, -1);
    default: return undefined;
  }
}

function moved(view: View, right: number, ahead: number): View {
  const metres = MOVE_PX * metresPerPixel(view.zoom, view.lat);
  const b = view.bearing * RAD;
  const east = (right * Math.cos(b) + ahead * Math.sin(b)) * metres;
  const north = (ahead * Math.cos(b) - right * Math.sin(b)) * metres;
  const { across_m, along_m } = radii(view.lat);
  const lat = Math.min(Math.max(view.lat + north / along_m / RAD, -85), 85);
  return { ...view, lat, lon: view.lon + east / (across_m * Math.cos(view.lat * RAD)) / RAD };
}
