/** Names that other modules and other extensions may rely on. */

/** Prefix of plugin ids, commands and settings. */
export const NAMESPACE = 'jupyter-gov';

/** Domain of the translations. */
export const DOMAIN = 'jupyter_gov';

export const PLUGIN_IDS = {
  /** Handshake with the server; also the id of the settings (`schema/plugin.json`). */
  main: `${NAMESPACE}:plugin`,
  highlight: `${NAMESPACE}:highlight`
} as const;

/** Where the server extension answers, below the base URL. */
export const API_PATH = 'jupyter-gov/api/v1';

/** The API level that this front-end understands. */
export const API_LEVEL = 1;
