import * as React from 'react';
import { Client } from '../api/client';
import { pageTransport } from '../api/page';
import type { IExecutionBody } from '../api/types';
import type { IGateStatus } from '../components/run';
import { RunView } from '../components/run';
import { useTrans } from '../components/hooks';
import { ErrorNote } from '../components/texts';
import { act, ChangedError, confirmed, decide, shownError } from '../model/decide';
import type { IIdentity } from '../model/identity';
import {
  isSnapshot,
  type IAnswer,
  type IApproval,
  type IShownError,
  type ISnapshot,
  type Verb
} from '../model/snapshot';
import { isTerminal } from '../model/states';
import { caughtUp } from '../model/view';
import { useActing } from './acting';
import { askKernel, type IWidgetModel } from './kernel';

/** One execution in the output of a cell. */
export function App({ model }: { readonly model: IWidgetModel }): React.ReactElement {
  const trans = useTrans();
  const client = React.useMemo(() => {
    const transport = pageTransport();
    return transport && new Client(transport);
  }, []);
  const { snapshot, error, decided, newer } = useSnapshot(model, client);
  const { identity, problem, renew, standing } = useActing(client, snapshot);
  const [gates, setGates] = React.useState<ReadonlyMap<string, IGateStatus>>(new Map());
  const [verb, setVerb] = React.useState<Verb | null>(null);
  const [refusal, setRefusal] = React.useState<IShownError | null>(null);

  if (!snapshot) {
    return error ? (
      <ErrorNote error={error} />
    ) : (
      <p className="jp-gov-note jp-gov-empty" role="status">
        {trans.__('Waiting for the kernel to report…')}
      </p>
    );
  }

  /** Do something as the person whom the page names; returns the error to show. */
  const acting = async (act: (as: IIdentity) => Promise<void>): Promise<IShownError | null> => {
    if (!identity) {
      return problem;
    }
    try {
      await confirmed(client, snapshot.viewer, identity);
      await act(identity);
      return null;
    } catch (reason) {
      if (reason instanceof ChangedError) {
        renew(reason.now);
      }
      return shownError(reason);
    }
  };
  const setGate = (id: string, status: IGateStatus) =>
    setGates(before => new Map(before).set(id, status));
  const onDecide = async (approvalId: string, answer: IAnswer): Promise<void> => {
    const gate = snapshot.approvals.find(one => one.id === approvalId);
    if (!gate) {
      return;
    }
    setGate(approvalId, { sending: answer.verdict, error: null });
    const failed = await acting(async as => {
      const request = {
        action: 'decide',
        approvalId,
        subjectDigest: gate.subjectDigest,
        ...answer
      } as const;
      const now = await decide(client, as, gate, answer, () => askKernel(model, request));
      if (now) {
        decided(now);
      }
    });
    setGate(approvalId, { sending: null, error: failed });
  };
  const onVerb = async (asked: Verb, reason: string | null): Promise<void> => {
    setVerb(asked);
    setRefusal(null);
    const failed = await acting(async as => {
      const request = { action: asked, reason };
      const id = snapshot.execution.id;
      const now = await act(client, as, id, asked, reason, () => askKernel(model, request));
      if (now) {
        newer(now);
      }
    });
    setRefusal(failed);
    setVerb(null);
  };
  return (
    <RunView
      snapshot={{ ...snapshot, approvals: snapshot.approvals.map(standing) }}
      gates={gates}
      verb={verb}
      error={refusal ?? problem ?? error}
      identity={identity}
      onDecide={(id, answer) => void onDecide(id, answer)}
      onVerb={(asked, reason) => void onVerb(asked, reason)}
    />
  );
}

interface ILive {
  readonly snapshot: ISnapshot | null;
  readonly error: IShownError | null;
  /** Show a gate as the server has just said it stands. */
  readonly decided: (gate: IApproval) => void;
  /** Show the execution as the server has just said it stands. */
  readonly newer: (body: IExecutionBody) => void;
}

/** The newest of what the kernel sent and what the server says. */
function useSnapshot(model: IWidgetModel, client: Client | null): ILive {
  const [snapshot, setSnapshot] = React.useState(() => read(model));
  const [error, setError] = React.useState(() => readError(model));
  React.useEffect(() => {
    const renew = () => {
      setSnapshot(read(model));
      setError(readError(model));
    };
    // The kernel may have sent something between the first rendering and this effect.
    renew();
    model.on('change:snapshot', renew);
    model.on('change:error', renew);
    return () => {
      model.off('change:snapshot', renew);
      model.off('change:error', renew);
    };
  }, [model]);
  useCatchUp(snapshot, client, setSnapshot);
  const decided = React.useCallback(
    (gate: IApproval) =>
      setSnapshot(
        before =>
          before && {
            ...before,
            approvals: before.approvals.map(one => (one.id === gate.id ? gate : one))
          }
      ),
    []
  );
  const newer = React.useCallback(
    (body: IExecutionBody) => setSnapshot(before => before && caughtUp(before, body)),
    []
  );
  return { snapshot, error, decided, newer };
}

function read(model: IWidgetModel): ISnapshot | null {
  const value = model.get('snapshot');
  return isSnapshot(value) ? value : null;
}

function readError(model: IWidgetModel): IShownError | null {
  return (model.get('error') as IShownError | null | undefined) ?? null;
}

const FIRST_WAIT = 4_000;
const LONGEST_WAIT = 30_000;

/** Ask the server now and then while a run goes on of which the kernel (busy, restarted, gone) says nothing. */
function useCatchUp(
  snapshot: ISnapshot | null,
  client: Client | null,
  update: React.Dispatch<React.SetStateAction<ISnapshot | null>>
): void {
  const id = snapshot?.execution.id;
  const live = snapshot !== null && !isTerminal(snapshot.execution.state);
  const newest = React.useRef(snapshot?.updatedAt);
  const wait = React.useRef(FIRST_WAIT);
  if (newest.current !== snapshot?.updatedAt) {
    newest.current = snapshot?.updatedAt;
    wait.current = FIRST_WAIT;
  }
  React.useEffect(() => {
    if (!client || !live || id === undefined) {
      return;
    }
    let timer: ReturnType<typeof setTimeout>;
    let ended = false;
    const ask = async (): Promise<void> => {
      if (document.visibilityState === 'visible') {
        const body = await client.execution(id).catch(() => null);
        if (ended) {
          return;
        }
        if (body) {
          update(before => before && caughtUp(before, body));
        }
      }
      wait.current = Math.min(LONGEST_WAIT, wait.current * 1.5);
      timer = setTimeout(() => void ask(), wait.current);
    };
    timer = setTimeout(() => void ask(), wait.current);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [client, id, live]);
}
