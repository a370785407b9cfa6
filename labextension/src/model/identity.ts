/** As whom a person acts: the server's word where a server of ours answers, else the account of the kernel. */

import { RefusedError, UnreachableError, type Client } from '../api/client';
import type { IShownError, IViewer } from './snapshot';
import type { ITrans } from './trans';

export interface IIdentity extends IViewer {
  readonly through: 'server' | 'kernel';
}

/** Nobody can say who would act, so nobody can. */
export class NobodyError extends Error {
  constructor(readonly shown: IShownError) {
    super(shown.message);
    this.name = 'NobodyError';
  }
}

const PATIENCE = 10_000;

/** Ask who would be recorded for what is done on this page now. */
export async function whoActs(client: Client | null, viewer: IViewer | null): Promise<IIdentity> {
  if (client) {
    try {
      const { actor } = await client.health(AbortSignal.timeout(PATIENCE));
      return { id: actor.id, name: actor.name, assurance: actor.assurance, through: 'server' };
    } catch (error) {
      // A server that refuses is there: the kernel, which asks nobody to sign in, must not become a way around it.
      if (error instanceof RefusedError) {
        throw new NobodyError(error.body);
      }
      if (!(error instanceof UnreachableError)) {
        throw error;
      }
    }
  }
  return { id: '', name: '', assurance: 'os', ...viewer, through: 'kernel' };
}

export function isSame(a: IIdentity, b: IIdentity): boolean {
  return a.id === b.id && a.through === b.through && a.assurance === b.assurance;
}

/** What goes on record; a name that a user may choose herself stands beside it, never alone. */
export function recordedAs({ id, name, assurance }: IViewer): string {
  if (assurance === 'anonymous' || name === '' || name === id) {
    return id;
  }
  return name.endsWith(`(${id})`) ? name : `${name} (${id})`;
}

/** One sentence beside the buttons. */
export function sentence(trans: ITrans, identity: IIdentity): string {
  const name = recordedAs(identity);
  if (identity.through === 'kernel') {
    return name === ''
      ? trans.__('You answer as the account that runs this kernel: no server can say who you are.')
      : trans.__('You answer as %1, the account that runs this kernel.', name);
  }
  return identity.assurance === 'anonymous'
    ? trans.__('You answer as %1: this server cannot tell its users apart.', name)
    : trans.__('You answer as %1.', name);
}
