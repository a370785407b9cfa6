/** The kernel behind a widget: its traits, and requests that it answers. */

import type { IAnswer, IShownError, Verb } from '../model/snapshot';

/** The part of anywidget's model that we use. */
export interface IWidgetModel {
  get(name: string): unknown;
  on(event: string, callback: (...args: readonly unknown[]) => void): void;
  off(event: string, callback: (...args: readonly unknown[]) => void): void;
  send(content: unknown): void;
}

export type KernelRequest =
  | { readonly action: Verb | 'refresh'; readonly reason?: string | null }
  | ({
      readonly action: 'decide';
      readonly approvalId: string;
      readonly subjectDigest: string;
    } & IAnswer);

interface IReply {
  readonly kind: 'reply';
  readonly requestId: string;
  readonly ok: boolean;
  readonly error: IShownError | null;
}

/** The kernel refused, or did not answer. */
export class KernelError extends Error {
  constructor(readonly shown: IShownError) {
    super(shown.message);
    this.name = 'KernelError';
  }
}

const PATIENCE = 60_000;

/** Sends a request and waits for the kernel's reply to it. */
export function askKernel(
  model: IWidgetModel,
  request: KernelRequest,
  patience = PATIENCE
): Promise<void> {
  const requestId = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      model.off('msg:custom', listen);
    };
    const listen = (content: unknown) => {
      if (!isReply(content) || content.requestId !== requestId) {
        return;
      }
      end();
      if (content.ok) {
        resolve();
      } else {
        reject(new KernelError(content.error ?? SILENT));
      }
    };
    const timer = setTimeout(() => {
      end();
      reject(new KernelError(SILENT));
    }, patience);
    model.on('msg:custom', listen);
    model.send({ ...request, requestId });
  });
}

const SILENT: IShownError = {
  code: 'GOV488',
  message: 'The kernel has not answered: it is busy, or it was restarted.',
  hint: 'Wait until it is idle and try again, or use `jupyter gov` in a terminal.'
};

function isReply(content: unknown): content is IReply {
  return (
    typeof content === 'object' &&
    content !== null &&
    (content as { kind?: unknown }).kind === 'reply' &&
    typeof (content as { requestId?: unknown }).requestId === 'string'
  );
}
