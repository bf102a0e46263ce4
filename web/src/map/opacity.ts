// A style's paint made fainter: the numbers that an opacity can come out as are scaled, wherever they stand in its
// expression, because a zoom expression must stay outermost and cannot simply be multiplied.

type Paint = Record<string, unknown>;

const OPACITIES: Record<string, string[]> = {
  fill: ['fill-opacity'],
  line: ['line-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'],
  symbol: ['icon-opacity', 'text-opacity'],
  'fill-extrusion': ['fill-extrusion-opacity'],
  heatmap: ['heatmap-opacity'],
  raster: ['raster-opacity'],
};

/** The paint properties that change, with their values. */
export function faded(type: string, paint: Paint | undefined, factor: number): [string, unknown][] {
  return (OPACITIES[type] ?? []).map((property) => [property, scaled(paint?.[property] ?? 1, factor)]);
}

export function scaled(value: unknown, factor: number): unknown {
  if (factor === 1) return value;
  if (typeof value === 'number') return value * factor;
  if (Array.isArray(value)) return scaledExpression(value, factor);
  if (value && typeof value === 'object' && 'stops' in value) {
    const stops = (value as { stops: [unknown, unknown][] }).stops;
    return { ...value, stops: stops.map(([at, output]) => [at, scaled(output, factor)]) };
  }
  return value;
}

function scaledExpression(expression: unknown[], factor: number): unknown[] {
  const outputs = (isOutput: (i: number) => boolean): unknown[] =>
    expression.map((part, i) => (i > 0 && isOutput(i) ? scaled(part, factor) : part));
  const last = expression.length - 1;
  switch (expression[0]) {
    case 'interpolate': case 'interpolate-hcl': case 'interpolate-lab':
      return outputs((i) => i >= 4 && i % 2 === 0);
    case 'step': return outputs((i) => i === 2 || (i > 2 && i % 2 === 0));
    case 'case': return outputs((i) => i % 2 === 0 || i === last);
    case 'match': return outputs((i) => (i > 1 && i % 2 === 1) || i === last);
    case 'coalesce': return outputs(() => true);
    case 'let': return outputs((i) => i === last);
    default: return ['*', factor, expression];
  }
}
