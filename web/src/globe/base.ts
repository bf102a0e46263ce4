// Where the globe's workers and files are (see assets.mjs, which the build calls): an address that ends in a slash.

import { buildModuleUrl } from '@cesium/engine';

declare const CHENGTU_GLOBE_BASE: string;

export const base = new URL(CHENGTU_GLOBE_BASE, location.href).href;

(buildModuleUrl as unknown as { setBaseUrl(url: string): void }).setBaseUrl(base);
