// Who asks: a key or a token that somebody has pasted (docs/access.md). Kept as long as the tab is open, sent in a header to this
// server alone, never part of an address. What it shows is the server's business: signing in and out opens the page anew.

const STORED = 'chengtu.credential';

/** What was pasted, without what came along; null of what can be none: a header carries visible ASCII. */
export function pasted(text: string): string | null {
  const bare = text.trim().replace(/^(authorization:\s*)?bearer\s+/i, '').replace(/^x-api-key:\s*/i, '').replace(/\s+/g, '');
  return /^[\x21-\x7e]{1,8192}$/.test(bare) ? bare : null;
}

/** Signed tokens have three parts; all else is a key, which leaves `Authorization` to a proxy that may want it. */
export function headersOf(text: string | null): Record<string, string> {
  if (text === null) return {};
  return text.split('.').length === 3 ? { Authorization: `Bearer ${text}` } : { 'X-API-Key': text };
}

class Credential {
  private text = remembered();
  /** Whether one would be looked at by this server. */
  private isWanted = false;

  headers(): Record<string, string> {
    return headersOf(this.text);
  }

  isThere(): boolean {
    return this.text !== null;
  }

  /** Whether somebody who signs in may see more. */
  helps(): boolean {
    return this.isWanted && this.text === null;
  }

  learn(isWanted: boolean): void {
    this.isWanted = isWanted;
  }

  /** False where the browser keeps nothing. */
  keep(text: string): boolean {
    try {
      sessionStorage.setItem(STORED, text);
      return true;
    } catch {
      return false;
    }
  }

  forget(): void {
    this.text = null;
    try {
      sessionStorage.removeItem(STORED);
    } catch {
      // Then nothing was kept.
    }
  }
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(STORED);
  } catch {
    return null;
  }
}

export const credential = new Credential();
