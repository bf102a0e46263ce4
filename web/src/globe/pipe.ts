// Of a pipe's record: how deep its top and bottom lie at both ends. Depths are to the outer top or the inner bottom, as the
// record says (CJJ 61-2017, items of field survey; docs of the layer); bore and outer size are taken as the same where no
// thickness is known. Pure functions.

export interface Section { width_mm: number; height_mm: number }

/** `300`, `d300`, `DN300`, `φ300`, `1000x800`, `1000×800`: width and height in millimetres. */
export function section(text: unknown): Section | undefined {
  const numbers = String(text ?? '').match(/\d+(?:\.\d+)?/g)?.map(Number).filter((n) => n > 0) ?? [];
  const [width_mm, height_mm = width_mm] = numbers;
  return width_mm === undefined ? undefined : { width_mm, height_mm: height_mm! };
}

/** Metres below the ground, positive downward. */
export interface Depths { top_m: number; bottom_m: number }

/** `wall_mm`: thickness, 0 where it is not known. */
export function depths(depth_m: number, reference: unknown, height_mm: number, wall_mm = 0): Depths {
  const outer_m = (height_mm + 2 * wall_mm) / 1000;
  if (reference === 'inner_bottom') {
    const bottom_m = depth_m + wall_mm / 1000;
    return { top_m: bottom_m - outer_m, bottom_m };
  }
  return { top_m: depth_m, bottom_m: depth_m + outer_m };
}

/** The record's properties with what is asked of a pipe; as they are where they are no pipe's. */
export function withDepths(properties: Record<string, unknown>): Record<string, unknown> {
  const size = section(properties.section_size_mm ?? properties.section_width_mm);
  const out: Record<string, unknown> = { ...properties };
  const number = (v: unknown) => (typeof v === 'number' && Number.isFinite(v) ? v : undefined);
  const wall_mm = number(properties.wall_thickness_mm) ?? 0;
  if (size) out._outer_mm = rounded(size.width_mm + 2 * wall_mm, 0);
  for (const end of ['start', 'end'] as const) {
    const depth_m = number(properties[`${end}_depth_m`]);
    if (depth_m === undefined || !size) continue;
    const { top_m, bottom_m } = depths(depth_m, properties.elevation_ref, size.height_mm, wall_mm);
    out[`_${end}_top_m`] = rounded(top_m, 3);
    out[`_${end}_bottom_m`] = rounded(bottom_m, 3);
  }
  return out;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
