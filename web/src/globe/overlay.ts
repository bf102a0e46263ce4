// Lines, points and letters drawn over the picture for tools: what they mark is seen through what stands before it. One
// overlay a tool; it is cleared as a whole.

import {
  ArcType, BlendingState, Cartesian2, Cartesian3, Color, ColorGeometryInstanceAttribute, GeometryInstance, HorizontalOrigin, LabelCollection, LabelStyle,
  PerInstanceColorAppearance, PointPrimitiveCollection, PolygonGeometry, PolygonHierarchy, PolylineColorAppearance, PolylineGeometry, Primitive, PrimitiveCollection, VerticalOrigin, type Scene,
} from '@cesium/engine';
import type { Point } from './measuring';

const FONT = '600 13px "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif';
/** Of a line, where something stands before it. */
const HIDDEN = 0.45;

export interface Mark { text: string; at: Point; colour?: string; /** Pixels above the place. */ lift_px?: number; far_m?: number }

export class Overlay {
  private readonly all = new PrimitiveCollection();
  private readonly labels: LabelCollection;
  private readonly points = new PointPrimitiveCollection();
  private readonly shapes = new PrimitiveCollection();

  constructor(private readonly scene: Scene) {
    this.labels = new LabelCollection({ scene });
    for (const part of [this.shapes, this.points, this.labels]) this.all.add(part);
    scene.primitives.add(this.all);
  }

  clear(): void {
    this.shapes.removeAll();
    this.points.removeAll();
    this.labels.removeAll();
    this.scene.requestRender();
  }

  line(points: Point[], colour: string, width_px: number, hidden = HIDDEN): void {
    const places = points.map(cartesian).filter((p, i, all) => i === 0 || !Cartesian3.equalsEpsilon(p, all[i - 1]!, 0, 1e-4));
    if (places.length < 2) return;
    const tint = Color.fromCssColorString(colour);
    const instance = (alpha: number) => ({ color: ColorGeometryInstanceAttribute.fromColor(tint.withAlpha(alpha)), depthFailColor: ColorGeometryInstanceAttribute.fromColor(tint.withAlpha(alpha * hidden)) });
    this.shapes.add(new Primitive({
      geometryInstances: new GeometryInstance({
        geometry: new PolylineGeometry({ positions: places, width: width_px, arcType: ArcType.NONE, vertexFormat: PolylineColorAppearance.VERTEX_FORMAT }),
        attributes: instance(1),
      }),
      appearance: new PolylineColorAppearance({ translucent: false }),
      depthFailAppearance: new PolylineColorAppearance({ translucent: true }),
      asynchronous: false,
      allowPicking: false,
    }));
    this.scene.requestRender();
  }

  face(points: Point[], colour: string, alpha: number): void {
    if (points.length < 3) return;
    const color = ColorGeometryInstanceAttribute.fromColor(Color.fromCssColorString(colour).withAlpha(alpha));
    const appearance = () => new PerInstanceColorAppearance({
      flat: true, translucent: true, closed: false,
      renderState: { depthTest: { enabled: false }, depthMask: false, blending: BlendingState.ALPHA_BLEND },
    });
    this.shapes.add(new Primitive({
      geometryInstances: new GeometryInstance({
        geometry: new PolygonGeometry({
          polygonHierarchy: new PolygonHierarchy(points.map(cartesian)), perPositionHeight: true, vertexFormat: PerInstanceColorAppearance.FLAT_VERTEX_FORMAT,
        }),
        attributes: { color },
      }),
      appearance: appearance(),
      asynchronous: false,
      allowPicking: false,
    }));
  }

  point(at: Point, colour: string, size_px = 8): void {
    this.points.add({
      position: cartesian(at), color: Color.fromCssColorString(colour), pixelSize: size_px, outlineColor: Color.WHITE, outlineWidth: 2,
      disableDepthTestDistance: Number.POSITIVE_INFINITY,
    });
    this.scene.requestRender();
  }

  text({ text, at, colour = '#16202c', lift_px = 14 }: Mark): void {
    this.labels.add({
      position: cartesian(at), text, font: FONT, fillColor: Color.WHITE, style: LabelStyle.FILL,
      showBackground: true, backgroundColor: Color.fromCssColorString(colour).withAlpha(0.86), backgroundPadding: new Cartesian2(8, 5),
      pixelOffset: new Cartesian2(0, -lift_px), horizontalOrigin: HorizontalOrigin.CENTER, verticalOrigin: VerticalOrigin.BOTTOM,
      disableDepthTestDistance: Number.POSITIVE_INFINITY,
    });
    this.scene.requestRender();
  }

  destroy(): void {
    if (!this.scene.isDestroyed()) this.scene.primitives.remove(this.all);
  }
}

export function cartesian(p: Point): Cartesian3 {
  return Cartesian3.fromDegrees(p.lon, p.lat, p.height_m);
}
