import * as React from 'react';
import type { Verdict } from '../api/types';
import { moment } from '../model/format';
import { initialForm, readForm, type Raw, type RawForm } from '../model/form';
import { recordedAs, sentence, type IIdentity } from '../model/identity';
import type { IAnswer, IApproval, IShownError, IVote } from '../model/snapshot';
import type { ITrans } from '../model/trans';
import { Fields } from './fields';
import { useTrans, useUid } from './hooks';
import { State } from './state';
import { Subject } from './subject';
import { Block, ErrorNote, NamedTexts } from './texts';

export interface IApprovalProps {
  readonly approval: IApproval;
  /** The verdict that is on its way to the server. */
  readonly sending: Verdict | null;
  readonly error: IShownError | null;
  /** As whom the reader would answer; null while nobody knows. */
  readonly identity: IIdentity | null;
  readonly onDecide: (answer: IAnswer) => void;
}

/** A gate: what is to be decided, on what ground, and the decision; afterwards who decided, when and why. */
export function ApprovalCard(props: IApprovalProps): React.ReactElement {
  const { approval } = props;
  const trans = useTrans();
  const title = useUid('gate');
  const open = approval.status === 'OPEN';
  return (
    <section
      className={`jp-gov-gate${open ? ' jp-gov-gate-open' : ''}`}
      aria-labelledby={title}
      data-testid="jp-gov-gate"
      data-approval={approval.id}
    >
      <header>
        <h3 id={title}>{approval.title || approval.taskId}</h3>
        <State state={approval.status} pill />
      </header>
      <p className="jp-gov-note">{facts(trans, approval).join(' · ')}</p>
      {approval.description && <p className="jp-gov-description">{approval.description}</p>}
      {approval.artefacts.map(artefact => (
        <figure key={artefact.name} className="jp-gov-artefact">
          <figcaption>{artefact.name}</figcaption>
          <Block text={artefact.text} truncated={artefact.truncated} label={artefact.name} />
        </figure>
      ))}
      <Subject approval={approval} />
      {(open || approval.votes.length > 1) && <Votes votes={approval.votes} />}
      {open ? <Decide {...props} /> : <Decided approval={approval} />}
    </section>
  );
}

function facts(trans: ITrans, approval: IApproval): string[] {
  const { users, groups } = approval.assignment;
  const assigned = [...users, ...groups.map(group => trans.__('group %1', group))];
  return [
    // A gate without a title of its own is called by its id already.
    approval.title && approval.title !== approval.taskId
      ? trans.__('gate %1', approval.taskId)
      : '',
    approval.status === 'OPEN'
      ? trans.__('waiting since %1', moment(approval.openedAt))
      : trans.__('opened %1', moment(approval.openedAt)),
    assigned.length > 0 ? trans.__('to be decided by %1', assigned.join(', ')) : '',
    approval.deadline && approval.status === 'OPEN'
      ? trans.__('until %1, then %2', moment(approval.deadline), approval.behavior)
      : ''
  ].filter(Boolean);
}

/** What people have answered so far; asking for changes leaves the gate open. */
function Votes({ votes }: { readonly votes: readonly IVote[] }): React.ReactElement | null {
  const trans = useTrans();
  if (votes.length === 0) {
    return null;
  }
  return (
    <ul className="jp-gov-votes" aria-label={trans.__('Answers so far')}>
      {votes.map((vote, index) => (
        <li key={index}>
          {trans.__('%1: %2, %3', vote.by, verdictWord(trans, vote.verdict), moment(vote.at))}
          {vote.reason ? ` – ${vote.reason}` : ''}
        </li>
      ))}
    </ul>
  );
}

function Decide(props: IApprovalProps): React.ReactElement {
  const { approval, sending, error, identity } = props;
  const trans = useTrans();
  const reasonId = useUid('reason');
  const whoId = useUid('who');
  const [raw, setRaw] = React.useState<RawForm>(() => initialForm(approval.form));
  const [reason, setReason] = React.useState('');
  const [problems, setProblems] = React.useState<Readonly<Record<string, string>>>({});
  const root = React.useRef<HTMLFormElement>(null);
  const busy = sending !== null;

  React.useEffect(() => {
    const found = (error?.problems ?? []).map(one => [one.field, one.message]);
    setProblems(Object.fromEntries(found) as Record<string, string>);
  }, [error]);

  const sent = React.useRef(false);
  React.useEffect(() => {
    // An answer that left the gate open was taken: its reason belongs to it and not to the next one.
    if (sent.current && !busy && !error) {
      setReason('');
    }
    sent.current = busy;
  }, [busy, error]);

  React.useEffect(() => {
    if (Object.keys(problems).length > 0) {
      root.current?.querySelector<HTMLElement>('[aria-invalid] input, [aria-invalid]')?.focus();
    }
  }, [problems]);

  const answer = (verdict: Verdict) => {
    const found: Record<string, string> = {};
    let inputs: Readonly<Record<string, unknown>> = {};
    if (verdict === 'approve') {
      const read = readForm(trans, approval.form, raw);
      Object.assign(found, read.problems);
      inputs = read.values;
    } else if (reason.trim() === '') {
      found[REASON] = trans.__('Say why, so that the person who started the run can act on it.');
    }
    setProblems(found);
    if (Object.keys(found).length === 0) {
      props.onDecide({ verdict, reason: reason.trim() || null, inputs });
    }
  };

  if (!approval.canDecide) {
    return (
      <p className="jp-gov-note">
        {trans.__('You cannot decide this: %1', approval.whyNot ?? trans.__('no reason given'))}
        {identity && ` ${trans.__('You act as %1.', recordedAs(identity))}`}
      </p>
    );
  }
  return (
    <form
      ref={root}
      noValidate
      // Enter in a field must not decide; only a button does.
      onSubmit={event => event.preventDefault()}
    >
      <Fields
        fields={approval.form}
        raw={raw}
        problems={problems}
        disabled={busy}
        onChange={(id: string, value: Raw) => setRaw(before => ({ ...before, [id]: value }))}
      />
      <div className="jp-gov-field">
        <label htmlFor={reasonId}>
          {trans.__('Reason')}{' '}
          <span className="jp-gov-optional">
            {trans.__('(goes on record; needed unless you approve)')}
          </span>
        </label>
        <textarea
          id={reasonId}
          rows={2}
          maxLength={10000}
          value={reason}
          disabled={busy}
          aria-invalid={problems[REASON] ? true : undefined}
          aria-describedby={problems[REASON] ? `${reasonId}-problem` : undefined}
          onChange={event => setReason(event.target.value)}
        />
        {problems[REASON] && (
          <p className="jp-gov-problem" id={`${reasonId}-problem`}>
            {problems[REASON]}
          </p>
        )}
      </div>
      {error && <ErrorNote error={error} />}
      <div className="jp-gov-actions">
        {VERDICTS.filter(verdict => approval.verdicts.includes(verdict)).map(verdict => (
          <button
            key={verdict}
            type="button"
            className={`jp-gov-button jp-gov-${verdict.replace(/_/g, '-')}`}
            disabled={busy || !identity}
            aria-describedby={whoId}
            aria-busy={sending === verdict || undefined}
            data-testid={`jp-gov-${verdict}`}
            onClick={() => answer(verdict)}
          >
            {sending === verdict ? sendingWord(trans, verdict) : verdictWord(trans, verdict)}
          </button>
        ))}
        <span className="jp-gov-note">
          {trans.__('Approving lets the run go on; rejecting ends it.')}
        </span>
      </div>
      <p className="jp-gov-identity" id={whoId} data-testid="jp-gov-identity">
        {identity ? sentence(trans, identity) : trans.__('Asking as whom you answer…')}
      </p>
    </form>
  );
}

const REASON = '#reason';
const VERDICTS: readonly Verdict[] = ['approve', 'reject', 'ask_for_changes'];

function verdictWord(trans: ITrans, verdict: string): string {
  switch (verdict) {
    case 'approve':
      return trans.__('Approve');
    case 'reject':
      return trans.__('Reject');
    case 'ask_for_changes':
      return trans.__('Ask for changes');
    default:
      return verdict;
  }
}

function sendingWord(trans: ITrans, verdict: Verdict): string {
  switch (verdict) {
    case 'approve':
      return trans.__('Approving…');
    case 'reject':
      return trans.__('Rejecting…');
    case 'ask_for_changes':
      return trans.__('Asking…');
  }
}

function Decided({ approval }: { readonly approval: IApproval }): React.ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-gov-decided">
      <dl>
        <Fact name={trans.__('By')} text={approval.statusBy} />
        <Fact name={trans.__('On')} text={approval.statusAt && moment(approval.statusAt)} />
        <Fact name={trans.__('Reason')} text={approval.reason} />
        <Fact
          name={trans.__('Audit entry')}
          text={approval.auditSeq === null ? null : String(approval.auditSeq)}
        />
      </dl>
      <NamedTexts items={approval.answers} caption={trans.__('Answers')} />
    </div>
  );
}

function Fact({
  name,
  text
}: {
  readonly name: string;
  readonly text: string | null;
}): React.ReactElement | null {
  return text ? (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  ) : null;
}
