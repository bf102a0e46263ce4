// How features of a tileset are coloured: opacity by layer, what is chosen, what is a ghost while one looks underground. As the
// text of a 3D Tiles style, so that it holds for every tile that comes. Pure functions.

export interface Look {
  /** Layers of the tileset: several are levels of the same things. */
  ids: string[];
  opacity: (id: string) => number;
  chosen: { layer: string; id: string } | null;
}

/** The chosen one's colour, over its own. */
export const CHOSEN = '#ffb52e';

/** Conditions of a 3D Tiles style; undefined where everything is drawn as it is. */
export function style(look: Look): { color: { conditions: [string, string][] } } | undefined {
  const conditions: [string, string][] = [];
  const { chosen } = look;
  // Ids are digits; anything else could not be told from an expression.
  if (chosen && look.ids.includes(chosen.layer) && /^[\w.:-]+$/.test(chosen.id)) {
    const layer = look.ids.length > 1 ? ` && \${_layer} === '${chosen.layer}'` : '';
    conditions.push([`\${id} === '${chosen.id}'${layer}`, `color('${CHOSEN}')`]);
  }
  const faint = look.ids.filter((id) => look.opacity(id) < 1);
  if (conditions.length === 0 && faint.length === 0) return undefined;
  if (look.ids.length > 1) for (const id of faint) conditions.push([`\${_layer} === '${id}'`, white(look.opacity(id))]);
  conditions.push(['true', white(look.ids.length > 1 ? 1 : look.opacity(look.ids[0]!))]);
  return { color: { conditions } };
}

function white(opacity: number): string {
  return `color('white', ${Math.min(1, Math.max(0, opacity)).toFixed(3)})`;
}
