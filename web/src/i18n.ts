// The page's words in Chinese and English. One language per visit: switching reloads with the state in the address.

import { zh, en, type Key } from './words';

export type Language = 'zh' | 'en';

const STORED = 'chengtu.language';

function chosen(): Language {
  const asked = /[#&]lang=(zh|en)/.exec(location.hash)?.[1] ?? remembered();
  if (asked === 'zh' || asked === 'en') return asked;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : navigator.languages.some((l) => l.toLowerCase().startsWith('zh')) ? 'zh' : 'en';
}

/** A browser that keeps nothing must not keep the page from opening. */
function remembered(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const language: Language = chosen();
export const locale = language === 'zh' ? 'zh-CN' : 'en';
document.documentElement.lang = locale;

export function switchLanguage(): void {
  const other: Language = language === 'zh' ? 'en' : 'zh';
  try {
    localStorage.setItem(STORED, other);
  } catch {
    // Then the address carries it.
  }
  location.hash = `${location.hash.replace(/&lang=(zh|en)/, '')}&lang=${other}`;
  location.reload();
}

/** `{name}` in a text is replaced. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const text = (language === 'zh' ? zh : en)[key];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

/** Whether the dictionary has such a text; for keys made of data. */
export function known(key: string): key is Key {
  return key in zh;
}

/** 12.3万 / 123K */
export function compact(count: number): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

export function number(value: number, digits = 2): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
}
