import { API_PATH } from '../tokens';
import type { ITransport } from './client';

/**
 * Reaches the server from a page that is not ours to configure (a notebook's widget), or null where there is none, as
 * in an editor's notebook view.
 */
export function pageTransport(page: Document = document): ITransport | null {
  const element = page.getElementById('jupyter-config-data');
  const base = element ? baseUrl(element.textContent ?? '') : null;
  if (base === null) {
    return null;
  }
  return {
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      const xsrf = /(?:^|;\s*)_xsrf=([^;]+)/.exec(page.cookie)?.[1];
      if (xsrf) {
        headers.set('X-XSRFToken', xsrf);
      }
      return fetch(`${base}${API_PATH}/${path}`, {
        ...init,
        headers,
        credentials: 'same-origin'
      });
    }
  };
}

function baseUrl(config: string): string | null {
  try {
    const parsed: unknown = JSON.parse(config);
    const base = (parsed as { baseUrl?: unknown } | null)?.baseUrl;
    return typeof base === 'string' ? base.replace(/\/*$/, '/') : null;
  } catch {
    return null;
  }
}
