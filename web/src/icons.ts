// The page's own line icons, 20 × 20, drawn with the colour of the text.

const icon = (paths: string): string =>
  `<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">${paths}</svg>`;

export const ICONS = {
  search: icon('<circle cx="8.8" cy="8.8" r="5.3"/><path d="m12.8 12.8 4 4"/>'),
  close: icon('<path d="m5 5 10 10M15 5 5 15"/>'),
  layers: icon('<path d="m10 3 7.5 4L10 11 2.5 7 10 3Z"/><path d="m3 10.6 7 3.7 7-3.7M3 13.9l7 3.7 7-3.7" opacity=".75"/>'),
  who: icon('<path d="M3 4.5 8 3l4.5 1.5L17 3v12.5L12.5 17 8 15.5 3 17V4.5Z"/><path d="M8 3v12.5M12.5 4.5V17"/>'),
  dispatch: icon('<circle cx="10" cy="10" r="5.2"/><path d="M10 1.8v4M10 14.2v4M1.8 10h4M14.2 10h4"/>'),
  plus: icon('<path d="M10 4v12M4 10h12"/>'),
  minus: icon('<path d="M4 10h12"/>'),
  north: icon('<path d="m10 2.5 4 14-4-2.8-4 2.8 4-14Z"/>'),
  city: icon('<path d="M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4"/><path d="M7.5 12.5V9L10 7.5 12.5 9v3.5Z"/>'),
  cube: icon('<path d="m10 2.5 6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2L10 2.5Z"/><path d="m3.5 6.2 6.5 3.7 6.5-3.7M10 9.9v7.6"/>'),
  flat: icon('<path d="M3 5.5 7.7 3.5l4.6 2 4.7-2v11l-4.7 2-4.6-2L3 16.5v-11Z"/>'),
  below: icon('<path d="M2.5 6h15"/><circle cx="10" cy="12.5" r="3.7"/><circle cx="10" cy="12.5" r="1.2"/><path d="M4.5 3.2h2M9 3.2h2M13.5 3.2h2" opacity=".6"/>'),
  palette: icon('<path d="M10 2.8a7.2 7.2 0 1 0 0 14.4c1.3 0 1.7-.8 1.5-1.7-.3-1.3.3-2.2 1.6-2.2h1.7c1.5 0 2.4-1 2.4-2.8C17.2 6 14 2.8 10 2.8Z"/><circle cx="6.7" cy="9.5" r=".7"/><circle cx="9.3" cy="6.4" r=".7"/><circle cx="13" cy="7.5" r=".7"/>'),
  ruler: icon('<path d="m3 12.8 9.8-9.8 4.2 4.2-9.8 9.8L3 12.8Z"/><path d="m6.2 9.6 1.7 1.7M8.7 7.1l2.3 2.3M11.3 4.6 13 6.3"/>'),
  share: icon('<path d="M8.3 11.7a3.2 3.2 0 0 0 4.6 0l2.8-2.8a3.2 3.2 0 0 0-4.6-4.6L10 5.4"/><path d="M11.7 8.3a3.2 3.2 0 0 0-4.6 0l-2.8 2.8a3.2 3.2 0 0 0 4.6 4.6l1.1-1.1"/>'),
  language: icon('<circle cx="10" cy="10" r="7.2"/><path d="M2.8 10h14.4M10 2.8c4 4.4 4 10 0 14.4-4-4.4-4-10 0-14.4Z"/>'),
  person: icon('<circle cx="10" cy="7" r="3.4"/><path d="M3.6 17c.6-3.6 3.2-5.4 6.4-5.4s5.8 1.8 6.4 5.4"/>'),
  down: icon('<path d="m5.5 8 4.5 4.5L14.5 8"/>'),
  copy: icon('<rect x="6.8" y="6.8" width="9.7" height="9.7" rx="2"/><path d="M13.2 6.8V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.7A1.5 1.5 0 0 0 5 13.2h1.8"/>'),
  target: icon('<circle cx="10" cy="10" r="3"/><path d="M10 3v3M10 14v3M3 10h3M14 10h3"/>'),
  pin: icon('<path d="M10 17.5s5.5-5.3 5.5-9.3a5.5 5.5 0 1 0-11 0c0 4 5.5 9.3 5.5 9.3Z"/><circle cx="10" cy="8.2" r="1.9"/>'),
  phone: icon('<path d="M6.3 3.2 8.2 7 6.6 8.4c.9 2 3 4.1 5 5l1.4-1.6 3.8 1.9c0 2-1.2 3.3-2.9 3.1C8.4 16 4 11.6 3.2 6.1 3 4.4 4.3 3.2 6.3 3.2Z"/>'),
  more: icon('<circle cx="4.5" cy="10" r=".8"/><circle cx="10" cy="10" r=".8"/><circle cx="15.5" cy="10" r=".8"/>'),
  undo: icon('<path d="M7 4 3.5 7.5 7 11"/><path d="M3.5 7.5h8a4.5 4.5 0 0 1 0 9H8"/>'),
};
