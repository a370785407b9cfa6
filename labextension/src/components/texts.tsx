import * as React from 'react';
import type { IFailure, IMessage, INamedText, IShownError } from '../model/snapshot';
import { useTrans } from './hooks';
import { Icon } from './icons';

/** Text of a flow or a task, exactly as it is: never markup. */
export function Block({
  text,
  truncated = false,
  label
}: {
  readonly text: string;
  readonly truncated?: boolean;
  readonly label: string;
}): React.ReactElement {
  const trans = useTrans();
  return (
    <>
      <pre className="jp-gov-block" tabIndex={0} role="group" aria-label={label}>
        {text}
      </pre>
      {truncated && <p className="jp-gov-note">{trans.__('Only the beginning is shown here.')}</p>}
    </>
  );
}

/** Values under their names; a long or many-lined one gets a block of its own. */
export function NamedTexts({
  items,
  caption
}: {
  readonly items: readonly INamedText[];
  readonly caption: string;
}): React.ReactElement | null {
  if (items.length === 0) {
    return null;
  }
  return (
    <div className="jp-gov-named">
      <h4>{caption}</h4>
      <dl>
        {items.map(item => (
          <div key={item.name}>
            <dt>{item.name}</dt>
            <dd>
              {item.truncated || item.text.length > 120 || item.text.includes('\n') ? (
                <Block text={item.text} truncated={item.truncated} label={item.name} />
              ) : (
                <code>{item.text}</code>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Why something failed. */
export function Failure({ failure }: { readonly failure: IFailure }): React.ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-gov-message jp-gov-tone-bad">
      <Icon name="cross" />
      <div>
        <p>
          <code>{failure.code}</code> {failure.message}
        </p>
        {failure.hint && <p className="jp-gov-note">{failure.hint}</p>}
        {failure.details && (
          <Block text={failure.details} label={trans.__('Details of the failure')} />
        )}
      </div>
    </div>
  );
}

/** An answer that could not be carried out; announced at once. */
export function ErrorNote({ error }: { readonly error: IShownError }): React.ReactElement {
  return (
    <div className="jp-gov-message jp-gov-tone-bad" role="alert">
      <Icon name="alert" />
      <div>
        <p>
          <code>{error.code}</code> {error.message}
        </p>
        {error.hint && <p className="jp-gov-note">{error.hint}</p>}
      </div>
    </div>
  );
}

const LOOK = {
  info: { tone: 'active', icon: 'circle' },
  warning: { tone: 'warn', icon: 'alert' },
  error: { tone: 'bad', icon: 'cross' }
} as const;

/** Warnings of the check and other remarks. */
export function Messages({
  messages
}: {
  readonly messages: readonly IMessage[];
}): React.ReactElement | null {
  if (messages.length === 0) {
    return null;
  }
  return (
    <ul className="jp-gov-messages">
      {messages.map((message, index) => {
        const look = LOOK[message.level];
        return (
          <li key={index} className={`jp-gov-message jp-gov-tone-${look.tone}`}>
            <Icon name={look.icon} />
            <div>
              <p>{message.text}</p>
              {message.hint && <p className="jp-gov-note">{message.hint}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
