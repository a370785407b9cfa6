/** Do this front-end and the server belong together, and if not: what is to be done? */

import { RefusedError, type Client } from '../api/client';
import type { IHealth } from '../api/types';
import { API_LEVEL } from '../tokens';
import type { ITrans } from './trans';

export interface ITrouble {
  readonly kind: 'warning' | 'error';
  readonly text: string;
  readonly cure: 'reload' | 'none';
}

/** Null when all is well. */
export async function greeting(
  client: Client,
  version: string,
  trans: ITrans
): Promise<ITrouble | null> {
  let health: IHealth;
  try {
    health = await client.health();
  } catch (error) {
    if (error instanceof RefusedError) {
      return {
        kind: 'warning',
        text: `jupyter_gov: ${error.body.code} ${error.message}`,
        cure: 'none'
      };
    }
    return {
      kind: 'warning',
      text: trans.__(
        'The front-end of jupyter_gov %1 found no server extension. Enable it with "jupyter server extension enable jupyter_gov" and restart the Jupyter server.',
        version
      ),
      cure: 'none'
    };
  }
  return mismatch(health, version, trans) ?? broken(health, trans);
}

function mismatch(health: IHealth, version: string, trans: ITrans): ITrouble | null {
  if (health.version === version && health.apiLevel === API_LEVEL) {
    return null;
  }
  // The page keeps the front-end that it was loaded with; the server keeps the code that it was started with.
  const pageIsOlder = health.apiLevel > API_LEVEL || isOlder(version, health.version);
  return {
    kind: 'warning',
    text: pageIsOlder
      ? trans.__(
          'This page runs jupyter_gov %1, but the server runs %2. Reload the page.',
          version,
          health.version
        )
      : trans.__(
          'This page runs jupyter_gov %1, but the server still runs %2. Restart the Jupyter server.',
          version,
          health.version
        ),
    cure: pageIsOlder ? 'reload' : 'none'
  };
}

function broken(health: IHealth, trans: ITrans): ITrouble | null {
  if (health.status === 'ok') {
    return null;
  }
  const { code, message, hint } = health.problem ?? { code: '', message: '', hint: null };
  return {
    kind: 'error',
    text: trans.__('jupyter_gov cannot work: %1', [code, message, hint].filter(Boolean).join(' ')),
    cure: 'none'
  };
}

/** Whether release `a` comes before release `b`; pre-release marks are ignored. */
export function isOlder(a: string, b: string): boolean {
  const [left, right] = [a, b].map(text =>
    text.split('.').map(part => Number.parseInt(part, 10) || 0)
  );
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}
