import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { Client } from '../api/client';
import { labTransport } from '../api/lab';
import { greeting } from '../model/handshake';
import { DOMAIN, PLUGIN_IDS } from '../tokens';
import { VERSION } from '../version';

/**
 * Asks the server once, at start, whether the two halves fit; says so only when they do not. The settings of the whole
 * extension carry this plugin's id.
 */
export const handshake: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_IDS.main,
  description: 'Checks that front-end and server of jupyter_gov fit together.',
  autoStart: true,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const client = new Client(labTransport(app.serviceManager.serverSettings));
    void app.started
      .then(() => greeting(client, VERSION, trans))
      .then(trouble => {
        if (trouble) {
          Notification.emit(trouble.text, trouble.kind, {
            autoClose: false,
            actions:
              trouble.cure === 'reload'
                ? [{ label: trans.__('Reload the page'), callback: () => window.location.reload() }]
                : []
          });
        }
      });
  }
};
