/** Bodies of the REST interface (`jupyter_gov/server/models.py`). */

export interface IErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly request_id?: string;
  readonly problems?: readonly IFieldProblem[];
}

export interface IFieldProblem {
  readonly field: string;
  readonly message: string;
}

export interface IHealth {
  readonly version: string;
  readonly apiLevel: number;
  readonly status: 'ok' | 'broken';
  readonly problem: IErrorBody | null;
  readonly actor: IActorBody;
}

export interface IActorBody {
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
  readonly assurance: string;
}

export type Verdict = 'approve' | 'reject' | 'ask_for_changes';

export interface IDecision {
  readonly verdict: Verdict;
  readonly subjectDigest: string;
  readonly reason: string | null;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface IVoteBody {
  readonly actorId: string;
  readonly actorName: string;
  readonly assurance: string;
  readonly verdict: Verdict;
  readonly at: string;
  readonly reason: string | null;
}

export interface IApprovalBody {
  readonly id: string;
  readonly status: string;
  readonly statusAt: string | null;
  readonly statusBy: string | null;
  readonly reason: string | null;
  readonly subjectDigest: string;
  readonly canDecide: boolean;
  readonly whyNot: string | null;
  readonly votes: readonly IVoteBody[];
}

export interface ITaskRunBody {
  readonly id: string;
  readonly taskId: string;
  readonly state: string;
  readonly started: string;
  readonly ended: string | null;
  readonly attempts: number;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

export interface IExecutionBody {
  readonly id: string;
  readonly state: string;
  readonly ended: string | null;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly taskRuns: readonly ITaskRunBody[];
  readonly approvals: readonly IApprovalBody[];
  readonly updatedAt: string;
}
