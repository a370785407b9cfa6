import * as React from 'react';
import { english, type ITrans } from '../model/trans';

const TransContext = React.createContext<ITrans>(english);

/** Gives the views below it their translator. */
export const TransProvider = TransContext.Provider;

export function useTrans(): ITrans {
  return React.useContext(TransContext);
}

// Each view of a notebook may carry its own copy of this module, so a counter alone would clash.
const SALT = Math.random().toString(36).slice(2, 8);
let count = 0;

/** An id that no other element of the page has. */
export function useUid(name: string): string {
  const [id] = React.useState(() => `jp-gov-${name}-${SALT}-${++count}`);
  return id;
}

/** The present time, renewed once a second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    if (!running) {
      return;
    }
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
