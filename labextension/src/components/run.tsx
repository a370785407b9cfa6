import * as React from 'react';
import type { Verdict } from '../api/types';
import type { IIdentity } from '../model/identity';
import { duration, elapsed, moment, shortDigest } from '../model/format';
import type { IAnswer, IShownError, ISnapshot, Verb } from '../model/snapshot';
import { isTerminal, lookOf, stateWord, type Tone } from '../model/states';
import { openAtFirst, progressOf, statesByTask, waitingNodes } from '../model/view';
import { ApprovalCard } from './approval';
import { GraphView } from './graph';
import { KillForm } from './kill';
import { useNow, useTrans, useUid } from './hooks';
import { State } from './state';
import { TaskList } from './tasks';
import { ErrorNote, Failure, Messages, NamedTexts } from './texts';

/** An answer on its way, or what became of the last one. */
export interface IGateStatus {
  readonly sending: Verdict | null;
  readonly error: IShownError | null;
}

export interface IRunProps {
  readonly snapshot: ISnapshot;
  readonly gates: ReadonlyMap<string, IGateStatus>;
  readonly verb: Verb | null;
  readonly error: IShownError | null;
  readonly onDecide: (approvalId: string, answer: IAnswer) => void;
  /** As whom the reader would act; null while nobody knows. */
  readonly identity: IIdentity | null;
  readonly onVerb: (verb: Verb, reason: string | null) => void;
}

const NO_STATUS: IGateStatus = { sending: null, error: null };
const GRAPH_LIMIT = 200;

/** One execution: where it stands, its gates, its graph, its tasks, its values. */
export function RunView(props: IRunProps): React.ReactElement {
  const { snapshot } = props;
  const { execution } = snapshot;
  const trans = useTrans();
  const title = useUid('run');
  const running = !isTerminal(execution.state);
  const now = useNow(running);
  const [toggled, setToggled] = React.useState<ReadonlyMap<string, boolean>>(new Map());
  const tasks = React.useRef<HTMLDivElement>(null);

  const states = React.useMemo(() => statesByTask(snapshot.tasks), [snapshot.tasks]);
  const open = React.useMemo(() => {
    const ids = new Set(openAtFirst(snapshot.tasks));
    toggled.forEach((isOpen, id) => (isOpen ? ids.add(id) : ids.delete(id)));
    return ids;
  }, [snapshot.tasks, toggled]);
  const toggle = (id: string) => setToggled(before => new Map(before).set(id, !open.has(id)));
  const show = (taskId: string) => {
    const run = snapshot.tasks.find(task => task.taskId === taskId);
    if (run) {
      setToggled(before => new Map(before).set(run.id, true));
      // The row appears with the next paint.
      requestAnimationFrame(() => reveal(tasks.current, taskId));
    }
  };

  const waiting = waitingNodes(snapshot.graph, states);
  const gates = snapshot.approvals.filter(gate => gate.status === 'OPEN');
  const decided = snapshot.approvals.filter(gate => gate.status !== 'OPEN');
  return (
    <article className="jp-gov-run" aria-labelledby={title} data-testid="jp-gov-run">
      <Header {...props} title={title} now={now} />
      <p className="jp-gov-hidden" role="status" aria-live="polite">
        {trans.__('Run of %1: %2', execution.flow, stateWord(trans, execution.state))}
        {gates.map(gate => ` ${trans.__('Waiting for a decision: %1', gate.title || gate.taskId)}`)}
      </p>
      {props.error && <ErrorNote error={props.error} />}
      {execution.failure && <Failure failure={execution.failure} />}
      <Messages messages={snapshot.messages} />
      {gates.map(gate => (
        <ApprovalCard
          key={gate.id}
          approval={gate}
          {...(props.gates.get(gate.id) ?? NO_STATUS)}
          identity={props.identity}
          onDecide={answer => props.onDecide(gate.id, answer)}
        />
      ))}
      {snapshot.graph.nodes.length > 1 && snapshot.graph.nodes.length <= GRAPH_LIMIT && (
        <GraphView graph={snapshot.graph} states={states} onSelect={show} />
      )}
      <div ref={tasks}>
        <h3 className="jp-gov-hidden">{trans.__('Tasks')}</h3>
        <TaskList
          tasks={snapshot.tasks}
          waiting={running ? waiting : []}
          now={now}
          open={open}
          onToggle={toggle}
        />
      </div>
      {decided.map(gate => (
        <ApprovalCard
          key={gate.id}
          approval={gate}
          {...NO_STATUS}
          identity={props.identity}
          onDecide={answer => props.onDecide(gate.id, answer)}
        />
      ))}
      <Values {...props} />
    </article>
  );
}

/** The bar is blue on the way, whatever it waits for, and then takes the colour of the end. */
function toneOfBar(state: string): Tone {
  return isTerminal(state) ? lookOf(state).tone : 'active';
}

function reveal(root: HTMLElement | null, taskId: string): void {
  const rows = root?.querySelectorAll<HTMLElement>('tr[data-task]') ?? [];
  for (const row of rows) {
    if (row.dataset.task === taskId) {
      row.querySelector('button')?.focus();
      return;
    }
  }
}

function Header(
  props: IRunProps & { readonly title: string; readonly now: number }
): React.ReactElement {
  const { snapshot, verb, onVerb, title, now } = props;
  const trans = useTrans();
  const { execution } = snapshot;
  const progress = progressOf(snapshot);
  const [asking, setAsking] = React.useState(false);
  const killer = React.useRef<HTMLButtonElement>(null);
  const killable = snapshot.verbs.includes('kill');
  return (
    <header className="jp-gov-header">
      <div className="jp-gov-headline">
        <div className="jp-gov-names">
          <State state={execution.state} pill />
          <h2 id={title} title={execution.flow}>
            {execution.flow}
          </h2>
          <span className="jp-gov-note">
            {execution.namespace} · {trans.__('revision %1', execution.revision)} ·{' '}
            <code title={execution.id}>{execution.id}</code>
          </span>
        </div>
        <div className="jp-gov-acts">
          <span className="jp-gov-duration" title={moment(execution.created)}>
            {duration(elapsed(execution.created, execution.ended, now))}
          </span>
          {killable && (
            <button
              ref={killer}
              type="button"
              className="jp-gov-button"
              disabled={verb !== null}
              aria-expanded={asking}
              data-testid="jp-gov-kill"
              onClick={() => setAsking(!asking)}
            >
              {trans.__('Kill…')}
            </button>
          )}
          {snapshot.verbs.includes('restart') && (
            <button
              type="button"
              className="jp-gov-button"
              disabled={verb !== null}
              aria-busy={verb === 'restart' || undefined}
              data-testid="jp-gov-restart"
              onClick={() => onVerb('restart', null)}
            >
              {trans.__('Restart')}
            </button>
          )}
        </div>
      </div>
      {killable && asking && (
        <KillForm
          identity={props.identity}
          busy={verb !== null}
          onKill={reason => onVerb('kill', reason)}
          onCancel={() => {
            setAsking(false);
            killer.current?.focus();
          }}
        />
      )}
      <div className={`jp-gov-progress jp-gov-tone-${toneOfBar(execution.state)}`}>
        <progress
          max={Math.max(1, progress.total)}
          value={progress.done}
          aria-label={trans.__('Progress of the run')}
        />
        <span className="jp-gov-note">
          {[
            trans.__('%1 of %2 tasks done', progress.done, progress.total),
            progress.failed > 0 ? trans.__('%1 failed', progress.failed) : '',
            progress.running > 1 ? trans.__('%1 running', progress.running) : ''
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </div>
    </header>
  );
}

function Values({ snapshot }: IRunProps): React.ReactElement {
  const trans = useTrans();
  const { execution } = snapshot;
  const labels = Object.entries(execution.labels).map(([name, text]) => ({
    name,
    text,
    truncated: false
  }));
  return (
    <>
      {execution.outputs.length > 0 && (
        <NamedTexts items={execution.outputs} caption={trans.__('Outputs of the flow')} />
      )}
      <details className="jp-gov-about">
        <summary>{trans.__('Inputs and origin')}</summary>
        <NamedTexts items={execution.inputs} caption={trans.__('Inputs')} />
        <NamedTexts items={labels} caption={trans.__('Labels')} />
        <dl>
          <div>
            <dt>{trans.__('Started by')}</dt>
            <dd>{execution.starter}</dd>
          </div>
          <div>
            <dt>{trans.__('Runs as')}</dt>
            <dd>{execution.runAs}</dd>
          </div>
          <div>
            <dt>{trans.__('Created')}</dt>
            <dd>{moment(execution.created)}</dd>
          </div>
          <div>
            <dt>{trans.__('Flow digest')}</dt>
            <dd>
              <code title={execution.digest}>{shortDigest(execution.digest)}</code>
            </dd>
          </div>
          <div>
            <dt>{trans.__('Shown as of')}</dt>
            <dd>{moment(snapshot.updatedAt)}</dd>
          </div>
        </dl>
      </details>
    </>
  );
}
