import * as React from 'react';
import type { IconName } from '../model/states';

const PATHS: Readonly<Record<IconName, string>> = {
  circle: 'M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z',
  play: 'M5 3.2v9.6L13 8Z',
  pause: 'M4.5 3.5h2.6v9H4.5ZM8.9 3.5h2.6v9H8.9Z',
  check: 'm3.2 8.4 3.2 3.2 6.4-6.8',
  alert: 'M8 2.5 14.2 13.5H1.8ZM8 6.4v3.4M8 11.3v.9',
  cross: 'm4 4 8 8M12 4l-8 8',
  stop: 'M4 4h8v8H4Z',
  skip: 'M3.5 8h9',
  retry: 'M12.6 8a4.6 4.6 0 1 1-1.5-3.4M11.3 2v2.8H8.5'
};

const FILLED = new Set<IconName>(['play', 'pause', 'stop']);

/** A small picture beside a word; it says nothing that the word does not. */
export function Icon({ name }: { readonly name: IconName }): React.ReactElement {
  return (
    <svg
      className={`jp-gov-icon${name === 'play' ? ' jp-gov-pulse' : ''}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      aria-hidden="true"
      focusable="false"
    >
      <path
        d={PATHS[name]}
        fill={FILLED.has(name) ? 'currentColor' : 'none'}
        stroke="currentColor"
        strokeWidth={FILLED.has(name) ? 0 : 1.8}
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
}
