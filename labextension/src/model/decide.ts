/** How a decision is sent: to the server, which knows who is signed in; to the kernel only where there is no server. */

import { RefusedError, UnreachableError, type Client } from '../api/client';
import type { IApproval, IAnswer } from './snapshot';
import { withApproval } from './view';

/** What became of a decision: the gate as it now stands, or null if the kernel will show it. */
export async function decide(
  client: Client | null,
  gate: IApproval,
  answer: IAnswer,
  throughKernel: () => Promise<void>
): Promise<IApproval | null> {
  if (client) {
    try {
      const body = await client.decide(gate.id, {
        verdict: answer.verdict,
        subjectDigest: gate.subjectDigest,
        reason: answer.reason,
        inputs: answer.inputs
      });
      return withApproval(gate, body);
    } catch (error) {
      // A refusal is final: the kernel, which asks nobody to sign in, must not become a way around it.
      if (error instanceof RefusedError || !(error instanceof UnreachableError)) {
        throw error;
      }
    }
  }
  await throughKernel();
  return null;
}
