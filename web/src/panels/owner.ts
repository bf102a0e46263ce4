// The answer to "whose is it?" as a dispatcher reads it: the unit large, why in a sentence, everything else unfolds.

import { ask } from '../api';
import { h, svg, type Child } from '../dom';
import { known, language, number, t } from '../i18n';
import { ICONS } from '../icons';

export interface Subject { id: string; name: string; role: string; role_zh: string; kind?: string; contact?: string; phone?: string; successor_of?: { id: string; name: string } }
interface Cell { id: number; code: string; name: string | null }
interface Step { no: number; rule: string; outcome: string; layer: string | null; feature_id: number | null; subject: Subject | null; reason_zh: string; reason_en: string; numbers: Record<string, number> }
type Candidate = { subject: Subject } | { component: { layer: string; id: number; code: string; distance_m: number } };

export interface Answer {
  outcome: string;
  subject: Subject | null;
  rule: string | null;
  territory: Record<string, Cell | null>;
  component: { layer: string; id: number; code: string; distance_m: number } | null;
  flags: string[];
  border: { level: string; code: string; name: string | null; distance_m: number }[];
  candidates: Candidate[];
  provisional_subject: Subject | null;
  assist: Subject[];
  needs_ruling: boolean;
  trail: Step[] | null;
}

export interface Question { lon: number; lat: number; component?: string | null; class?: string | null; urgent?: boolean; trail?: boolean }

export function whose(q: Question, signal?: AbortSignal): Promise<Answer> {
  const query = new URLSearchParams({ lon: String(q.lon), lat: String(q.lat), trail: String(q.trail ?? true) });
  if (q.component) query.set('component', q.component);
  if (q.class) query.set('class', q.class);
  if (q.urgent) query.set('urgent', 'true');
  return ask<Answer>(`owner?${query}`, signal);
}

const roleOf = (s: Subject): string => (language === 'zh' ? s.role_zh : s.role.replaceAll('_', ' '));
const reasonOf = (s: Step): string => (language === 'zh' ? s.reason_zh : s.reason_en);
const LEVELS = ['district', 'street', 'community', 'unit_grid'];

/** The sentence under the name. */
export function why(answer: Answer): string {
  const role = answer.subject ? roleOf(answer.subject) : '';
  return answer.rule && known(`why.${answer.rule}`) ? t(`why.${answer.rule}` as 'why.R1', { role }) : '';
}

/** What stands where the unit's name stands. */
export function headline(answer: Answer): string {
  if (answer.subject) return answer.subject.name;
  if (answer.outcome === 'CONFLICT') return t('owner.conflict');
  return t(answer.outcome === 'OUT_OF_COVERAGE' ? 'owner.outside' : 'owner.nobody');
}

export function ownerCard(answer: Answer, title: string): HTMLElement {
  const { subject } = answer;
  const tone = subject ? (answer.rule === 'R6' ? 'fallback' : 'sure') : 'open';
  return h('section', { class: `owner ${tone}`, attrs: { 'aria-label': title } },
    h('div', { class: 'eyebrow' }, title),
    h('h2', { class: 'unit', text: headline(answer), attrs: { 'aria-live': 'polite' } }),
    h('p', { class: 'why', text: why(answer) || firstReason(answer) }),
    subject && contact(subject),
    answer.needs_ruling && h('p', { class: 'hint', text: t('owner.ruling') }),
    answer.candidates.length > 0 && people(t('owner.candidates'), answer.candidates.flatMap((c) => ('subject' in c ? [c.subject] : []))),
    answer.provisional_subject && people(t('owner.provisional'), [answer.provisional_subject]),
    answer.assist.length > 0 && people(t('owner.assist'), answer.assist),
    chain(answer),
    notes(answer),
    answer.trail && trail(answer.trail));
}

function firstReason(answer: Answer): string {
  const step = answer.trail?.find((s) => s.outcome === 'conflict') ?? answer.trail?.find((s) => s.rule === 'LOCATE');
  return step ? reasonOf(step) : '';
}

function contact(s: Subject): Child {
  const parts = [
    h('span', { class: 'chip', text: roleOf(s) }),
    s.contact && h('span', { text: s.contact, title: t('owner.contact') }),
    s.phone && (s.phone.includes('*') ? h('span', { class: 'tel', text: s.phone }) : h('a', { class: 'tel', text: s.phone, attrs: { href: `tel:${s.phone}` } })),
    s.successor_of && h('span', { class: 'muted', text: t('owner.successor', { name: s.successor_of.name }) }),
  ];
  return h('p', { class: 'contact' }, ...parts);
}

function people(title: string, subjects: Subject[]): Child {
  return h('div', { class: 'people' }, h('h3', { text: title }), h('ul', {}, ...subjects.map((s) => h('li', {}, h('b', { text: s.name }), ' ', h('span', { class: 'muted', text: roleOf(s) })))));
}

function chain(answer: Answer): Child {
  const cells = LEVELS.flatMap((level) => {
    const cell = answer.territory[level];
    return cell ? [h('li', { title: `${known(`level.${level}`) ? t(`level.${level}` as 'level.street') : level} ${cell.code}`, text: cell.name ?? cell.code })] : [];
  });
  return cells.length > 0 && h('ol', { class: 'chain' }, ...cells);
}

function notes(answer: Answer): Child {
  // Borders are told with their distances.
  const told = answer.flags.filter((f) => f !== 'NEAR_BORDER' || answer.border.length === 0);
  const flags = told.map((f) => (known(`flag.${f}`) ? t(`flag.${f}` as 'flag.NO_UNIT_GRID') : f));
  const borders = answer.border.map((b) => t('owner.border', { name: b.name ?? b.code, m: number(b.distance_m, 1) }));
  const all = [...flags, ...borders];
  return all.length > 0 && h('ul', { class: 'flags' }, ...all.map((text) => h('li', { text })));
}

function trail(steps: Step[]): Child {
  const row = (s: Step): HTMLElement => h('li', { class: `step ${s.outcome}` },
    h('div', {}, h('b', { text: known(`rule.${s.rule}`) ? t(`rule.${s.rule}` as 'rule.R1') : s.rule }), h('span', { class: 'verdict', text: known(`step.${s.outcome}`) ? t(`step.${s.outcome}` as 'step.matched') : s.outcome })),
    h('p', { text: reasonOf(s) }),
    s.subject && h('p', { class: 'to' }, svg(ICONS.who), s.subject.name));
  return h('details', { class: 'trail' },
    h('summary', {}, t('owner.why'), h('span', { class: 'muted', text: t('owner.steps', { n: steps.length }) })),
    h('ol', {}, ...steps.map(row)));
}
