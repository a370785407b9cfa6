import * as React from 'react';
import { lookOf, stateWord } from '../model/states';
import { useTrans } from './hooks';
import { Icon } from './icons';

/** A state as icon, word and colour. */
export function State({
  state,
  pill = false
}: {
  readonly state: string | null;
  readonly pill?: boolean;
}): React.ReactElement {
  const look = lookOf(state);
  return (
    <span
      className={`jp-gov-state jp-gov-tone-${look.tone}${pill ? ' jp-gov-pill' : ''}`}
      data-state={state ?? 'NONE'}
    >
      <Icon name={look.icon} />
      <span>{stateWord(useTrans(), state)}</span>
    </span>
  );
}
