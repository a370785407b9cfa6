/** What views derive from a snapshot. */

import type { IApprovalBody, IExecutionBody } from '../api/types';
import type { IApproval, IGraph, IGraphNode, ISnapshot, ITask } from './snapshot';
import { isTerminal, telling } from './states';

/** Task id to the state that its runs show together. */
export function statesByTask(tasks: readonly ITask[]): ReadonlyMap<string, string> {
  const states = new Map<string, string>();
  for (const task of tasks) {
    const known = states.get(task.taskId);
    states.set(task.taskId, known === undefined ? task.state : telling(known, task.state));
  }
  return states;
}

/** Tasks of the flow that no run exists of. */
export function waitingNodes(
  graph: IGraph,
  states: ReadonlyMap<string, string>
): readonly IGraphNode[] {
  return graph.nodes.filter(node => !states.has(node.id));
}

export interface IProgressCount {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly running: number;
}

const GOOD = new Set(['SUCCESS', 'WARNING', 'SKIPPED']);

/**
 * How many task runs went well, of how many known so far. Tasks not reached count once each, except after a good end:
 * they were branches not taken.
 */
export function progressOf(snapshot: ISnapshot): IProgressCount {
  const { tasks, execution, graph } = snapshot;
  const ahead = GOOD.has(execution.state) ? 0 : waitingNodes(graph, statesByTask(tasks)).length;
  const count = (wanted: (task: ITask) => boolean) => tasks.filter(wanted).length;
  return {
    done: count(task => GOOD.has(task.state)),
    total: tasks.length + ahead,
    failed: count(task => task.state === 'FAILED'),
    running: count(task => task.state === 'RUNNING')
  };
}

/** Rows that are open until the reader says otherwise: the innermost failures. */
export function openAtFirst(tasks: readonly ITask[]): readonly string[] {
  const failed = tasks.filter(task => task.state === 'FAILED');
  const parents = new Set(failed.map(task => task.parentId));
  return failed.filter(task => !parents.has(task.id)).map(task => task.id);
}

/** The gate as the server says it now stands. */
export function withApproval(gate: IApproval, body: IApprovalBody): IApproval {
  return {
    ...gate,
    status: body.status,
    statusAt: body.statusAt,
    statusBy: body.statusBy,
    reason: body.reason,
    subjectDigest: body.subjectDigest,
    canDecide: body.canDecide,
    whyNot: body.whyNot,
    votes: body.votes.map(vote => ({
      by: vote.actorName,
      at: vote.at,
      verdict: vote.verdict,
      reason: vote.reason,
      assurance: vote.assurance
    }))
  };
}

/** A snapshot brought up to what the server says, for the time in which the kernel says nothing. */
export function caughtUp(snapshot: ISnapshot, body: IExecutionBody): ISnapshot {
  if (
    body.id !== snapshot.execution.id ||
    Date.parse(body.updatedAt) <= Date.parse(snapshot.updatedAt)
  ) {
    return snapshot;
  }
  const runs = new Map(body.taskRuns.map(run => [run.id, run]));
  const gates = new Map(body.approvals.map(gate => [gate.id, gate]));
  const known = new Set(snapshot.tasks.map(task => task.id));
  const types = new Map(snapshot.graph.nodes.map(node => [node.id, node.type]));
  const added: ITask[] = body.taskRuns
    .filter(run => !known.has(run.id))
    .map(run => ({
      ...run,
      type: types.get(run.taskId) ?? '',
      value: null,
      depth: 0,
      parentId: null,
      outputs: [],
      progress: null,
      logs: [],
      logTotal: 0
    }));
  return {
    ...snapshot,
    execution: {
      ...snapshot.execution,
      state: body.state,
      ended: body.ended,
      failure: body.failure ?? snapshot.execution.failure
    },
    tasks: [
      ...snapshot.tasks.map(task => {
        const run = runs.get(task.id);
        return run
          ? {
              ...task,
              state: run.state,
              started: run.started,
              ended: run.ended,
              attempts: run.attempts,
              failure: run.failure ? { ...task.failure, ...run.failure } : null
            }
          : task;
      }),
      ...added
    ],
    approvals: snapshot.approvals.map(gate => {
      const found = gates.get(gate.id);
      return found ? withApproval(gate, found) : gate;
    }),
    verbs: isTerminal(body.state) ? snapshot.verbs.filter(verb => verb !== 'kill') : snapshot.verbs,
    updatedAt: body.updatedAt
  };
}
