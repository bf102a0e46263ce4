// Where a panel stands: at a side of a wide window, as a sheet from below on a narrow one, folded by its handle.

import { fill, h } from '../dom';

export class Sheet {
  readonly element: HTMLElement;
  private readonly body = h('div', { class: 'body' });

  constructor(name: string, label: string) {
    const handle = h('button', { class: 'handle', attrs: { 'aria-label': label, tabindex: -1 }, on: { click: () => this.element.classList.toggle('tall') } });
    this.element = h('aside', { class: `sheet ${name}`, attrs: { 'aria-label': label, hidden: true } }, handle, this.body);
    this.drag(handle);
  }

  show(content: HTMLElement | null): void {
    this.element.hidden = content === null;
    if (content && content.parentElement !== this.body) fill(this.body, content);
  }

  /** Up makes it tall, down makes it low. */
  private drag(handle: HTMLElement): void {
    let from: number | null = null;
    handle.addEventListener('pointerdown', (e) => { from = e.clientY; handle.setPointerCapture(e.pointerId); });
    handle.addEventListener('pointerup', (e) => {
      const moved = from === null ? 0 : e.clientY - from;
      from = null;
      if (Math.abs(moved) < 12) return;
      this.element.classList.toggle('tall', moved < 0);
      handle.addEventListener('click', (click) => click.stopImmediatePropagation(), { once: true, capture: true });
    });
  }
}
