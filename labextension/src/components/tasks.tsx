import * as React from 'react';
import { clock, duration, elapsed } from '../model/format';
import type { IGraphNode, ILogLine, ITask } from '../model/snapshot';
import { isTerminal } from '../model/states';
import { useTrans, useUid } from './hooks';
import { Failure, NamedTexts } from './texts';
import { State } from './state';

interface ITaskListProps {
  readonly tasks: readonly ITask[];
  /** Tasks of the flow that have no run yet. */
  readonly waiting: readonly IGraphNode[];
  readonly now: number;
  readonly open: ReadonlySet<string>;
  readonly onToggle: (taskRunId: string) => void;
}

/** All task runs in order, each to be opened for its outputs, its log and its failure. */
export function TaskList(props: ITaskListProps): React.ReactElement {
  const trans = useTrans();
  if (props.tasks.length === 0 && props.waiting.length === 0) {
    return <p className="jp-gov-note">{trans.__('No task has started yet.')}</p>;
  }
  return (
    <div className="jp-gov-scroll" tabIndex={0} role="group" aria-label={trans.__('Tasks')}>
      <table className="jp-gov-tasks">
        <thead>
          <tr>
            <th scope="col">{trans.__('Task')}</th>
            <th scope="col">{trans.__('State')}</th>
            <th scope="col" className="jp-gov-number">
              {trans.__('Time')}
            </th>
            <th scope="col" className="jp-gov-number">
              {trans.__('Attempts')}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.tasks.map(task => (
            <TaskRows
              key={task.id}
              task={task}
              now={props.now}
              open={props.open.has(task.id)}
              onToggle={props.onToggle}
            />
          ))}
          {props.waiting.map(node => (
            <tr key={node.id} className="jp-gov-unstarted">
              <td>
                <span className="jp-gov-tasklabel">{node.label}</span>
              </td>
              <td>
                <State state={null} />
              </td>
              <td className="jp-gov-number" />
              <td className="jp-gov-number" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface ITaskRowsProps {
  readonly task: ITask;
  readonly now: number;
  readonly open: boolean;
  readonly onToggle: (taskRunId: string) => void;
}

function TaskRows({ task, now, open, onToggle }: ITaskRowsProps): React.ReactElement {
  const trans = useTrans();
  const details = useUid('task');
  const running = isTerminal(task.state) ? null : task.progress;
  return (
    <>
      <tr data-task={task.taskId}>
        <td style={{ paddingInlineStart: `${8 + Math.min(task.depth, 8) * 16}px` }}>
          <button
            type="button"
            className="jp-gov-disclose"
            aria-expanded={open}
            aria-controls={open ? details : undefined}
            onClick={() => onToggle(task.id)}
          >
            <span className="jp-gov-chevron" aria-hidden="true" />
            <span className="jp-gov-tasklabel">{task.taskId}</span>
            {task.value !== null && (
              <span className="jp-gov-value" title={task.value}>
                {task.value}
              </span>
            )}
          </button>
          {running && <TaskProgress task={task} />}
        </td>
        <td>
          <State state={task.state} />
        </td>
        <td className="jp-gov-number">{duration(elapsed(task.started, task.ended, now))}</td>
        <td className="jp-gov-number">{task.attempts > 0 ? task.attempts : ''}</td>
      </tr>
      {open && (
        <tr className="jp-gov-details" id={details}>
          <td colSpan={4}>
            <p className="jp-gov-note">{task.type}</p>
            {task.failure && <Failure failure={task.failure} />}
            <NamedTexts items={task.outputs} caption={trans.__('Outputs')} />
            <Log lines={task.logs} total={task.logTotal} task={task.taskId} />
          </td>
        </tr>
      )}
    </>
  );
}

function TaskProgress({ task }: { readonly task: ITask }): React.ReactElement | null {
  const trans = useTrans();
  const progress = task.progress;
  if (!progress) {
    return null;
  }
  const known = progress.total > 0;
  return (
    <div className="jp-gov-taskprogress">
      <progress
        aria-label={trans.__('Progress of %1', task.taskId)}
        max={known ? progress.total : undefined}
        value={known ? progress.done : undefined}
      />
      <span>
        {known ? `${progress.done}/${progress.total}` : ''} {progress.label}
      </span>
    </div>
  );
}

export interface ILogProps {
  readonly lines: readonly ILogLine[];
  readonly total: number;
  readonly task: string;
}

function Log(props: ILogProps): React.ReactElement {
  const trans = useTrans();
  if (props.lines.length === 0) {
    return <p className="jp-gov-note">{trans.__('No log lines.')}</p>;
  }
  return (
    <div className="jp-gov-log">
      <h4>{trans.__('Log')}</h4>
      <LogLines {...props} />
    </div>
  );
}

/** The end of a log; it follows new lines as long as the reader has not scrolled up. */
export function LogLines({ lines, total, task }: ILogProps): React.ReactElement {
  const trans = useTrans();
  const box = React.useRef<HTMLDivElement>(null);
  const following = React.useRef(true);
  const newest = lines[lines.length - 1]?.id;
  React.useEffect(() => {
    if (box.current && following.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [newest]);
  return (
    <>
      {total > lines.length && (
        <p className="jp-gov-note">{trans.__('The last %1 of %2 lines.', lines.length, total)}</p>
      )}
      <div
        className="jp-gov-loglines"
        ref={box}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={trans.__('Log of %1', task)}
        onScroll={event => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          following.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {lines.map(line => (
          <div key={line.id} className={`jp-gov-logline jp-gov-level-${levelOf(line)}`}>
            <time dateTime={line.at}>{clock(line.at)}</time>
            <span className="jp-gov-level">{line.level}</span>
            <span className="jp-gov-logtext">{line.message}</span>
          </div>
        ))}
      </div>
    </>
  );
}

function levelOf(line: ILogLine): string {
  const level = line.level.toLowerCase();
  return level === 'error' || level === 'warn' || level === 'warning' ? level : 'other';
}
