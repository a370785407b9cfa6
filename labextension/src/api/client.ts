import type { IApprovalBody, IDecision, IErrorBody, IExecutionBody, IHealth } from './types';

/** How a request reaches the server: through JupyterLab's connection, or from a bare page. */
export interface ITransport {
  /** `path` is below the API's address; rejects only when there was no answer at all. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** The server refused; `body` says why. */
export class RefusedError extends Error {
  constructor(
    readonly status: number,
    readonly body: IErrorBody
  ) {
    super(body.message);
    this.name = 'RefusedError';
  }
}

/** Nobody of ours answered: no server, no extension, or something else at its address. */
export class UnreachableError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'UnreachableError';
  }
}

/** Typed calls of the REST interface. */
export class Client {
  constructor(private readonly transport: ITransport) {}

  health(signal?: AbortSignal): Promise<IHealth> {
    return this.request<IHealth>('health', { signal: signal ?? null });
  }

  execution(id: string): Promise<IExecutionBody> {
    return this.request<IExecutionBody>(`executions/${encodeURIComponent(id)}`);
  }

  decide(approvalId: string, decision: IDecision): Promise<IApprovalBody> {
    return this.post<IApprovalBody>(
      `approvals/${encodeURIComponent(approvalId)}/decision`,
      decision
    );
  }

  kill(executionId: string, reason: string | null): Promise<IExecutionBody> {
    return this.post<IExecutionBody>(`executions/${encodeURIComponent(executionId)}/kill`, {
      reason
    });
  }

  restart(executionId: string): Promise<IExecutionBody> {
    return this.post<IExecutionBody>(`executions/${encodeURIComponent(executionId)}/restart`, {});
  }

  private post<T>(path: string, body: unknown): Promise<T> {
    return this.request<T>(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body)
    });
  }

  private async request<T>(path: string, init?: RequestInit): Promise<T> {
    let response: Response;
    try {
      response = await this.transport.fetch(path, init);
    } catch (error) {
      throw new UnreachableError(String(error));
    }
    const body: unknown = await response.json().catch(() => null);
    if (response.ok && isObject(body)) {
      return body as T;
    }
    if (isErrorBody(body)) {
      throw new RefusedError(response.status, body);
    }
    if (response.status === 401 || response.status === 403) {
      // Not ours, but a refusal all the same: nobody may get around it by another way.
      throw new RefusedError(response.status, {
        code: 'GOV483',
        message: `The server answered ${response.status}.`,
        hint: null
      });
    }
    throw new UnreachableError(`The server answered ${response.status}.`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isErrorBody(value: unknown): value is IErrorBody {
  return (
    isObject(value) &&
    typeof value.code === 'string' &&
    value.code.startsWith('GOV') &&
    typeof value.message === 'string'
  );
}
