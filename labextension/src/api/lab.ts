import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { API_PATH } from '../tokens';
import type { ITransport } from './client';

/** Reaches the server as JupyterLab does: its base URL, token and XSRF header. */
export function labTransport(settings: ServerConnection.ISettings): ITransport {
  return {
    fetch: (path, init = {}) =>
      ServerConnection.makeRequest(URLExt.join(settings.baseUrl, API_PATH, path), init, settings)
  };
}
