// The server as the page asks it: addresses relative to where the page was opened, and refusals as errors in words.
// Answers name the server's configured address; `local` turns those into the page's own, so that one origin is enough.

import { t } from './i18n';
import { credential } from './session';

const base = new URL('.', document.baseURI).href;

export function address(path: string): string {
  return base + path.replace(/^\//, '');
}

/** Whether an address is of this server: nobody else gets a credential. */
export const isOwn = (url: string): boolean => url.startsWith(base);

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

/** Called with what is said of the credential when the server will have it no longer. */
let refused: (error: Refusal) => void = () => {};

export function onRefusedCredential(work: (error: Refusal) => void): void {
  refused = work;
}

/** Who asks with a credential never gets what was loaded ahead without one, and sends it to no other server. */
export function asked(headers: Record<string, string> = credential.headers()): RequestInit {
  return Object.keys(headers).length ? { headers, mode: 'same-origin' } : {};
}

export async function ask<Answer>(path: string, signal?: AbortSignal, as: RequestInit = asked()): Promise<Answer> {
  const response = await fetch(address(path), { ...as, signal: signal ?? null }).catch((error: unknown) => {
    throw signal?.aborted ? error : new Refusal(0, 'unreachable', t('error.unreachable'));
  });
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as { type?: string; detail?: string; code?: string };
  const code = problem.code ?? problem.type?.replace('/problems/', '') ?? 'unknown';
  const refusal = new Refusal(response.status, code, problem.detail ?? response.statusText);
  if (ofCredential(refusal)) refused(refusal);
  throw refusal;
}

/** Whether the credential itself is refused, and everything else will be too. */
export const ofCredential = (error: unknown): boolean => error instanceof Refusal && (error.status === 401 || error.code === 'role-missing');

/** An error as a person reads it. */
export function words(error: unknown): string {
  if (!(error instanceof Refusal)) return t('error.unexpected');
  const { status, code, message } = error;
  if (status === 0) return message;
  if (status === 401) return t(code === 'token-expired' ? 'sign.expired' : 'sign.invalid');
  if (status === 403) return t(code === 'role-missing' ? 'sign.roleless' : 'sign.narrow');
  if (status === 404) return t(credential.helps() ? 'error.hidden' : 'error.gone');
  if (status === 429) return t('error.much');
  if (status === 503) return t(code === 'no-snapshot' ? 'error.empty' : code === 'identity-unavailable' ? 'sign.later' : 'error.busy');
  return `${t('error.refused')}${message}`;
}

export const aborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
