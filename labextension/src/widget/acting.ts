/** As whom the reader of a view acts, and what the server lets that person do. */

import * as React from 'react';
import type { Client } from '../api/client';
import { shownError } from '../model/decide';
import { whoActs, type IIdentity } from '../model/identity';
import type { IApproval, IShownError, ISnapshot } from '../model/snapshot';
import { isTerminal } from '../model/states';

interface IStanding {
  readonly canDecide: boolean;
  readonly whyNot: string | null;
}

export interface IActing {
  /** Null until it is known, or when nobody can say. */
  readonly identity: IIdentity | null;
  readonly problem: IShownError | null;
  readonly renew: (identity: IIdentity) => void;
  /** A gate as it stands for this person and not for the kernel's. */
  readonly standing: (gate: IApproval) => IApproval;
}

export function useActing(client: Client | null, snapshot: ISnapshot | null): IActing {
  const [identity, setIdentity] = React.useState<IIdentity | null>(null);
  const [problem, setProblem] = React.useState<IShownError | null>(null);
  const [standings, setStandings] = React.useState<ReadonlyMap<string, IStanding>>(new Map());
  const viewer = snapshot?.viewer ?? null;
  const wanted = snapshot !== null && !isTerminal(snapshot.execution.state);
  React.useEffect(() => {
    if (!wanted) {
      return;
    }
    let ended = false;
    const unless = (set: () => void) => {
      if (!ended) {
        set();
      }
    };
    whoActs(client, viewer).then(
      found => unless(() => (setIdentity(found), setProblem(null))),
      (error: unknown) => unless(() => setProblem(shownError(error)))
    );
    return () => {
      ended = true;
    };
  }, [client, viewer?.id, wanted]);

  const id = snapshot?.execution.id;
  const open = snapshot?.approvals.filter(gate => gate.status === 'OPEN').map(gate => gate.id);
  const gates = open?.join(' ') ?? '';
  const server = identity?.through === 'server' ? identity.id : null;
  React.useEffect(() => {
    if (!client || server === null || id === undefined || gates === '') {
      return;
    }
    let ended = false;
    void client.execution(id).then(
      body => {
        if (!ended) {
          setStandings(new Map(body.approvals.map(gate => [gate.id, gate])));
        }
      },
      // The button says it then.
      () => undefined
    );
    return () => {
      ended = true;
    };
  }, [client, server, id, gates]);

  const standing = (gate: IApproval): IApproval => {
    const found = server === null ? undefined : standings.get(gate.id);
    return found && gate.status === 'OPEN'
      ? { ...gate, canDecide: found.canDecide, whyNot: found.whyNot }
      : gate;
  };
  return { identity, problem, renew: setIdentity, standing };
}
