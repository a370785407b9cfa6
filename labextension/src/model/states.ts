import type { ITrans } from './trans';

/** How a state is painted; the word always stands beside it. */
export type Tone = 'idle' | 'active' | 'waiting' | 'good' | 'warn' | 'bad';

export type IconName =
  'circle' | 'play' | 'pause' | 'check' | 'alert' | 'cross' | 'stop' | 'skip' | 'retry';

interface ILook {
  readonly tone: Tone;
  readonly icon: IconName;
}

const IDLE: ILook = { tone: 'idle', icon: 'circle' };

const LOOKS: Readonly<Record<string, ILook>> = {
  CREATED: IDLE,
  QUEUED: IDLE,
  RUNNING: { tone: 'active', icon: 'play' },
  RESTARTED: { tone: 'active', icon: 'play' },
  RETRYING: { tone: 'waiting', icon: 'retry' },
  PAUSED: { tone: 'waiting', icon: 'pause' },
  KILLING: { tone: 'bad', icon: 'stop' },
  SUCCESS: { tone: 'good', icon: 'check' },
  WARNING: { tone: 'warn', icon: 'alert' },
  FAILED: { tone: 'bad', icon: 'cross' },
  KILLED: { tone: 'bad', icon: 'stop' },
  CANCELLED: { tone: 'idle', icon: 'stop' },
  RETRIED: { tone: 'idle', icon: 'retry' },
  SKIPPED: { tone: 'idle', icon: 'skip' },
  LOST: { tone: 'bad', icon: 'alert' },
  OPEN: { tone: 'waiting', icon: 'pause' },
  APPROVED: { tone: 'good', icon: 'check' },
  REJECTED: { tone: 'bad', icon: 'cross' },
  EXPIRED: { tone: 'bad', icon: 'alert' },
  WITHDRAWN: { tone: 'idle', icon: 'stop' }
};

const TERMINAL = new Set([
  'SUCCESS',
  'WARNING',
  'FAILED',
  'KILLED',
  'CANCELLED',
  'RETRIED',
  'SKIPPED'
]);

/** Look of a state; null stands for a task that the run has not reached. */
export function lookOf(state: string | null): ILook {
  return (state !== null && LOOKS[state]) || IDLE;
}

export function isTerminal(state: string): boolean {
  return TERMINAL.has(state);
}

/** The word for a state: that of the flow language, of terminals and of the history, so that it can be searched for. */
export function stateWord(trans: ITrans, state: string | null): string {
  return state ?? trans.__('not reached');
}

// Of a loop's task runs the graph shows the state that says most.
const WEIGHT = [
  'FAILED',
  'KILLED',
  'KILLING',
  'PAUSED',
  'RUNNING',
  'RETRYING',
  'WARNING',
  'CREATED',
  'SUCCESS'
];

/** Which of two states a node shows that stands for both. */
export function telling(a: string, b: string): string {
  const [x, y] = [WEIGHT.indexOf(a), WEIGHT.indexOf(b)];
  return (y >= 0 && y < x) || x < 0 ? b : a;
}
