// The server as the page asks it: addresses relative to where the page was opened, and refusals as errors in words.
// Answers name the server's configured address; `local` turns those into the page's own, so that one origin is enough.

import { t } from './i18n';

const base = new URL('.', document.baseURI).href;

export function address(path: string): string {
  return base + path.replace(/^\//, '');
}

let elsewhere = base;

/** `sample` is an address out of an answer and `path` the part below the server's root. */
export function learnServer(sample: string, path: string): void {
  if (sample.endsWith(path)) elsewhere = sample.slice(0, -path.length) + '/';
}

export function local(url: string): string {
  if (url.startsWith(elsewhere)) return base + url.slice(elsewhere.length);
  return url.startsWith('/') ? address(url) : url;
}

/** Why there is no answer. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, detail: string) {
    super(detail);
  }
}

export async function ask<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(address(path), { signal: signal ?? null }).catch((error: unknown) => {
    throw signal?.aborted ? error : new Refusal(0, 'unreachable', t('error.unreachable'));
  });
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as { type?: string; detail?: string; code?: string };
  const code = problem.code ?? problem.type?.replace('/problems/', '') ?? 'unknown';
  throw new Refusal(response.status, code, problem.detail ?? response.statusText);
}

/** An error as a person reads it. */
export function words(error: unknown): string {
  if (!(error instanceof Refusal)) return t('error.unexpected');
  if (error.status === 0) return error.message;
  if (error.status === 503) return t(error.code === 'no-snapshot' ? 'error.empty' : 'error.busy');
  if (error.status === 404) return t('error.gone');
  return `${t('error.refused')}${error.message}`;
}

export const aborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
