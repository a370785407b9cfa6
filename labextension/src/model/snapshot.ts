/** What a view of an execution shows: the shape of `jupyter_gov/kernel/snapshot_types.py`. */

import type { IFieldProblem, Verdict } from '../api/types';

export interface INamedText {
  readonly name: string;
  readonly text: string;
  readonly truncated: boolean;
}

export interface IFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | null;
  readonly details?: string | null;
}

export interface IExecution {
  readonly id: string;
  readonly flow: string;
  readonly namespace: string;
  readonly revision: number;
  readonly digest: string;
  readonly state: string;
  readonly created: string;
  readonly ended: string | null;
  readonly starter: string;
  readonly runAs: string;
  readonly inputs: readonly INamedText[];
  readonly outputs: readonly INamedText[];
  readonly failure: IFailure | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface IGraphNode {
  readonly id: string;
  readonly label: string;
  readonly type: string;
  readonly kind: 'task' | 'gate' | 'group';
  readonly parent: string | null;
}

/** From, to, label. */
export type GraphEdge = readonly [string, string, string];

export interface IGraph {
  readonly nodes: readonly IGraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface IProgress {
  readonly done: number;
  readonly total: number;
  readonly label: string;
}

export interface ILogLine {
  readonly id: number;
  readonly level: string;
  readonly at: string;
  readonly message: string;
}

export interface ITask {
  readonly id: string;
  readonly taskId: string;
  readonly type: string;
  readonly value: string | null;
  readonly depth: number;
  readonly parentId: string | null;
  readonly state: string;
  readonly started: string | null;
  readonly ended: string | null;
  readonly attempts: number;
  readonly failure: IFailure | null;
  readonly outputs: readonly INamedText[];
  readonly progress: IProgress | null;
  readonly logs: readonly ILogLine[];
  readonly logTotal: number;
}

export interface IFormField {
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly description: string | null;
  readonly required: boolean;
  readonly defaults: unknown;
  readonly values: readonly string[] | null;
  readonly allowCustomValue: boolean;
  readonly minimum?: string | number | null;
  readonly maximum?: string | number | null;
  readonly validator?: string | null;
}

export interface IVote {
  readonly by: string;
  readonly at: string;
  readonly verdict: string;
  readonly reason: string | null;
  readonly assurance: string;
}

export interface ISubject {
  readonly revision: number;
  readonly digest: string;
  readonly inputs: readonly INamedText[];
  readonly upstream: readonly IUpstream[];
}

/** Outputs of a task run under their digest; null where they cannot be shown. The digest does not cover the log. */
export interface IUpstream {
  readonly name: string;
  readonly digest: string;
  readonly outputs: readonly INamedText[] | null;
  readonly logs: readonly ILogLine[];
  readonly logTotal: number;
}

export interface IApproval {
  readonly id: string;
  readonly taskId: string;
  readonly taskRunId: string;
  readonly status: string;
  readonly title: string;
  readonly description: string;
  readonly artefacts: readonly INamedText[];
  readonly form: readonly IFormField[];
  readonly verdicts: readonly string[];
  readonly subjectDigest: string;
  readonly subject: ISubject;
  readonly openedAt: string;
  readonly deadline: string | null;
  readonly behavior: string;
  readonly assignment: {
    readonly users: readonly string[];
    readonly groups: readonly string[];
  };
  readonly votes: readonly IVote[];
  readonly canDecide: boolean;
  readonly whyNot: string | null;
  readonly statusBy: string | null;
  readonly statusAt: string | null;
  readonly reason: string | null;
  readonly answers: readonly INamedText[];
  readonly auditSeq: number | null;
}

export interface IMessage {
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly hint?: string | null;
}

export interface IViewer {
  readonly id: string;
  readonly name: string;
  readonly assurance: string;
}

export type Verb = 'kill' | 'restart';

export interface ISnapshot {
  readonly execution: IExecution;
  readonly graph: IGraph;
  readonly tasks: readonly ITask[];
  readonly approvals: readonly IApproval[];
  readonly messages: readonly IMessage[];
  readonly verbs: readonly Verb[];
  readonly updatedAt: string;
  /** As whom the kernel acts. */
  readonly viewer: IViewer | null;
  readonly serverPath: string;
}

/** An error as views show it; `problems` belong beside the fields of a form. */
export interface IShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly problems?: readonly IFieldProblem[];
}

/** What a person answers at a gate. */
export interface IAnswer {
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** The trait of a widget whose kernel has not sent anything yet is an empty object. */
export function isSnapshot(value: unknown): value is ISnapshot {
  return typeof value === 'object' && value !== null && 'execution' in value && 'tasks' in value;
}
