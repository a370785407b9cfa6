import * as React from 'react';
import { recordedAs, type IIdentity } from '../model/identity';
import { useTrans, useUid } from './hooks';

interface IKillFormProps {
  readonly identity: IIdentity | null;
  readonly busy: boolean;
  readonly onKill: (reason: string | null) => void;
  readonly onCancel: () => void;
}

/** The second step of a kill: what it does, under which name, why; Escape takes it back. */
export function KillForm(props: IKillFormProps): React.ReactElement {
  const { identity, busy } = props;
  const trans = useTrans();
  const id = useUid('kill');
  const [reason, setReason] = React.useState('');
  const first = React.useRef<HTMLInputElement>(null);
  React.useLayoutEffect(() => first.current?.focus(), []);
  return (
    <form
      className="jp-gov-confirm"
      aria-labelledby={id}
      data-testid="jp-gov-confirm"
      noValidate
      // Enter in the field must not kill; only the button does.
      onSubmit={event => event.preventDefault()}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onCancel();
        }
      }}
    >
      <p id={id}>
        <b>{trans.__('Kill this run?')}</b>{' '}
        {trans.__('What it has at work is stopped, and its open gates can no longer be answered.')}{' '}
        <span className="jp-gov-identity">
          {identity && trans.__('It goes on record as done by %1.', recordedAs(identity))}
        </span>
      </p>
      <div className="jp-gov-field">
        <label htmlFor={`${id}-reason`}>
          {trans.__('Reason to kill it')}{' '}
          <span className="jp-gov-optional">{trans.__('(optional; goes on record)')}</span>
        </label>
        <input
          ref={first}
          id={`${id}-reason`}
          type="text"
          maxLength={10000}
          autoComplete="off"
          value={reason}
          disabled={busy}
          onChange={event => setReason(event.target.value)}
        />
      </div>
      <div className="jp-gov-actions">
        <button
          type="button"
          className="jp-gov-button jp-gov-reject"
          disabled={busy || !identity}
          aria-busy={busy || undefined}
          data-testid="jp-gov-kill-now"
          onClick={() => props.onKill(reason.trim() || null)}
        >
          {busy ? trans.__('Killing…') : trans.__('Kill the run')}
        </button>
        <button type="button" className="jp-gov-button" disabled={busy} onClick={props.onCancel}>
          {trans.__('Keep it')}
        </button>
      </div>
    </form>
  );
}
