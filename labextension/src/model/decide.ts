/** How an act is sent: along the one way by which the person was named, never along another. */

import { RefusedError, type Client } from '../api/client';
import type { IExecutionBody } from '../api/types';
import { isSame, whoActs, type IIdentity } from './identity';
import type { IAnswer, IApproval, IShownError, IViewer, Verb } from './snapshot';
import { withApproval } from './view';

/** Somebody else would have been recorded than the page says; nothing was sent. */
export class ChangedError extends Error {
  constructor(readonly now: IIdentity) {
    super('the identity has changed');
    this.name = 'ChangedError';
  }

  get shown(): IShownError {
    return {
      code: 'GOV491',
      message: 'Nothing was sent: it would now be recorded under another name than the one shown.',
      hint: 'Read below as whom you act now, and press again if that is right.'
    };
  }
}

/** Make sure that what is done now is recorded as the page says. */
export async function confirmed(
  client: Client | null,
  viewer: IViewer | null,
  seen: IIdentity
): Promise<void> {
  const now = await whoActs(client, viewer);
  if (!isSame(now, seen)) {
    throw new ChangedError(now);
  }
}

/** What became of a decision: the gate as it now stands, or null if the kernel will show it. */
export async function decide(
  client: Client | null,
  identity: IIdentity,
  gate: IApproval,
  answer: IAnswer,
  throughKernel: () => Promise<void>
): Promise<IApproval | null> {
  if (client && identity.through === 'server') {
    const body = await client.decide(gate.id, {
      verdict: answer.verdict,
      subjectDigest: gate.subjectDigest,
      reason: answer.reason,
      inputs: answer.inputs
    });
    return withApproval(gate, body);
  }
  await throughKernel();
  return null;
}

/** What became of a kill or a restart: the execution as it now stands, or null if the kernel will show it. */
export async function act(
  client: Client | null,
  identity: IIdentity,
  executionId: string,
  verb: Verb,
  reason: string | null,
  throughKernel: () => Promise<void>
): Promise<IExecutionBody | null> {
  if (client && identity.through === 'server') {
    return verb === 'kill' ? client.kill(executionId, reason) : client.restart(executionId);
  }
  await throughKernel();
  return null;
}

/** An error of an act as the views show it. */
export function shownError(reason: unknown): IShownError {
  if (reason instanceof RefusedError) {
    return reason.body;
  }
  if (typeof reason === 'object' && reason !== null && 'shown' in reason) {
    return reason.shown as IShownError;
  }
  return { code: 'GOV489', message: String(reason), hint: null };
}
