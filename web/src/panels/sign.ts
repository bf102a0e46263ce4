// Signing in and out: a dialog for a key or a token, loaded when it is first asked for.

import { Refusal, address, ask, asked, words } from '../api';
import type { Access } from '../catalog';
import { fill, h } from '../dom';
import { t } from '../i18n';
import { credential, headersOf, pasted } from '../session';

/** `access`: how the server knows the asker; `why` one is asked to sign in again. */
export function openSign(access: Access | null, why = ''): void {
  const dialog = h('dialog', { class: 'sign card', attrs: { 'aria-labelledby': 'sign-title' }, on: { close: () => dialog.remove() } });
  const close = h('button', { class: 'link', text: t('panel.close'), attrs: { type: 'button' }, on: { click: () => dialog.close() } });
  fill(dialog, access?.role && !why ? known(access.role, close) : form(why, close));
  document.body.append(dialog);
  dialog.showModal();
}

function known(role: string, close: HTMLElement): HTMLElement {
  return h('div', {}, h('h2', { text: t('sign.in'), attrs: { id: 'sign-title' } }),
    h('p', { text: t('sign.as', { role }) }),
    h('p', { class: 'bar' }, h('button', { class: 'primary', text: t('sign.out'), on: { click: signOut } }), close));
}

/** Also where the page did not open, instead of the dialog. */
export function form(why: string, beside: HTMLElement): HTMLElement {
  const input = h('input', { attrs: { type: 'password', id: 'credential', autocomplete: 'off', spellcheck: 'false', autofocus: true, required: true, 'aria-describedby': 'sign-said' } });
  const said = h('p', { class: 'fault', text: why, attrs: { id: 'sign-said', role: 'alert', hidden: why === '' } });
  const button = h('button', { class: 'primary', text: t('sign.in'), attrs: { type: 'submit' } });
  const say = (text: string): void => {
    said.textContent = text;
    said.hidden = text === '';
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const text = pasted(input.value);
    if (text === null) return say(t('sign.none'));
    button.disabled = true;
    try {
      const { access } = await ask<{ access: Access | null }>('catalog', undefined, asked(headersOf(text)));
      if (!access?.role) say(t('sign.useless'));
      else if (!credential.keep(text)) say(t('sign.unkept'));
      else location.reload();
    } catch (error) {
      say(words(error));
    } finally {
      button.disabled = false;
    }
  };
  return h('form', { on: { submit: (e) => void submit(e) } }, h('h2', { text: t('sign.title'), attrs: { id: 'sign-title' } }),
    h('label', { class: 'field', attrs: { for: 'credential' } }, t('sign.label'), input), said,
    h('p', { class: 'muted', text: t('sign.kept') }),
    h('p', { class: 'bar' }, button, beside));
}

export function signOut(): void {
  credential.forget();
  location.reload();
}

/** A document of the server in a window of its own, for whom the address alone would not get it. */
export async function openDocument(path: string): Promise<void> {
  const response = await fetch(address(path), asked());
  if (!response.ok) throw new Refusal(response.status, '', response.statusText);
  const url = URL.createObjectURL(new Blob([await response.text()], { type: 'application/json' }));
  window.open(url, '_blank');
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
