import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, RefusedError, type ITransport } from '../src/api/client';
import { pageTransport } from '../src/api/page';
import durations from '../../tests/data/durations.json';
import { act, ChangedError, confirmed, decide, shownError } from '../src/model/decide';
import { initialForm, readForm } from '../src/model/form';
import { duration, elapsed, shortDigest } from '../src/model/format';
import { greeting, isOlder } from '../src/model/handshake';
import { NobodyError, recordedAs, sentence, whoActs, type IIdentity } from '../src/model/identity';
import { isFlowMagic } from '../src/model/magic';
import type { IApproval, IFormField, ISnapshot, ITask } from '../src/model/snapshot';
import { english } from '../src/model/trans';
import { caughtUp, openAtFirst, progressOf, statesByTask } from '../src/model/view';
import { VERSION } from '../src/version';

function field(id: string, type: string, more: Partial<IFormField> = {}): IFormField {
  return {
    id,
    type,
    label: id,
    description: null,
    required: true,
    defaults: null,
    values: null,
    allowCustomValue: false,
    ...more
  };
}

function answering(status: number, body: unknown): ITransport & { readonly sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    fetch: (path, init) => {
      sent.push(`${init?.method ?? 'GET'} ${path} ${String(init?.body ?? '')}`);
      return Promise.resolve(
        new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })
      );
    }
  };
}

const GATE: IApproval = {
  id: 'x-1-g1',
  taskId: 'gate',
  taskRunId: 'x-1',
  status: 'OPEN',
  title: 'Release?',
  description: '',
  artefacts: [],
  form: [],
  verdicts: ['approve', 'reject'],
  subjectDigest: 'sha256:1',
  subject: { revision: 1, digest: 'sha256:2', inputs: [], upstream: [] },
  openedAt: '2026-11-01T10:00:00Z',
  deadline: null,
  behavior: 'FAIL',
  assignment: { users: [], groups: [] },
  votes: [],
  canDecide: true,
  whyNot: null,
  statusBy: null,
  statusAt: null,
  reason: null,
  answers: [],
  auditSeq: null
};

const ANN: IIdentity = { id: 'ann', name: 'Ann', assurance: 'browser', through: 'server' };
const OWNER: IIdentity = { id: 'root', name: 'root', assurance: 'os', through: 'kernel' };
const LOST: ITransport = { fetch: () => Promise.reject(new TypeError('failed to fetch')) };

function knowing(id: string, name: string, assurance: string): Client {
  const actor = { id, name, groups: [], assurance };
  return new Client(
    answering(200, { version: '1', apiLevel: 1, status: 'ok', problem: null, actor })
  );
}

const ANSWER = { verdict: 'approve', reason: 'ok', inputs: { n: 1 } } as const;

function task(id: string, state: string, more: Partial<ITask> = {}): ITask {
  return {
    id,
    taskId: id,
    type: 't',
    value: null,
    depth: 0,
    parentId: null,
    state,
    started: null,
    ended: null,
    attempts: 1,
    failure: null,
    outputs: [],
    progress: null,
    logs: [],
    logTotal: 0,
    ...more
  };
}

function snapshot(state: string, tasks: readonly ITask[]): ISnapshot {
  return {
    execution: {
      id: 'x',
      flow: 'f',
      namespace: 'n',
      revision: 1,
      digest: '',
      state,
      created: '2026-11-01T10:00:00Z',
      ended: null,
      starter: 's',
      runAs: 's',
      inputs: [],
      outputs: [],
      failure: null,
      labels: {}
    },
    graph: {
      nodes: ['a', 'b', 'c'].map(id => ({ id, label: id, type: 't', kind: 'task', parent: null })),
      edges: []
    },
    tasks,
    approvals: [GATE],
    messages: [],
    verbs: ['kill'],
    updatedAt: '2026-11-01T10:00:10Z',
    viewer: null,
    serverPath: ''
  };
}

test('the form gives typed values and leaves out what is empty and optional', () => {
  const fields = [
    field('n', 'INT'),
    field('x', 'FLOAT'),
    field('ok', 'BOOL'),
    field('why', 'STRING', { required: false }),
    field('tags', 'MULTISELECT', { values: ['a', 'b'] }),
    field('data', 'JSON')
  ];
  const raw = { n: ' 42', x: '1.5', ok: 'false', why: ' ', tags: ['a'], data: '{"k": [1]}' };
  assert.deepEqual(readForm(english, fields, raw), {
    values: { n: 42, x: 1.5, ok: false, tags: ['a'], data: { k: [1] } },
    problems: {}
  });
});

test('the form says beside each field what is wrong, all at once', () => {
  const fields = [
    field('n', 'INT'),
    field('data', 'JSON'),
    field('list', 'ARRAY'),
    field('must', 'STRING')
  ];
  const { values, problems } = readForm(english, fields, {
    n: '1.5',
    data: '{',
    list: '{}',
    must: ''
  });
  assert.deepEqual(values, {});
  assert.deepEqual(Object.keys(problems), ['n', 'data', 'list', 'must']);
});

test('an integer beyond exact numbers stays text, defaults fill the form', () => {
  const big = '123456789012345678901';
  assert.deepEqual(readForm(english, [field('n', 'INT')], { n: big }).values, { n: big });
  assert.deepEqual(
    initialForm([
      field('a', 'STRING', { defaults: 'x' }),
      field('b', 'MULTISELECT', { defaults: ['u'] }),
      field('c', 'BOOL', { defaults: true }),
      field('d', 'JSON', { defaults: { k: 1 } })
    ]),
    { a: 'x', b: ['u'], c: 'true', d: '{\n  "k": 1\n}' }
  );
});

test('a decision goes to the server with the digest that was shown', async () => {
  const server = answering(200, { ...GATE, status: 'APPROVED', statusBy: 'ann', votes: [] });
  const gate = await decide(new Client(server), ANN, GATE, ANSWER, () =>
    assert.fail('the kernel was asked')
  );
  assert.equal(gate?.status, 'APPROVED');
  assert.match(
    server.sent[0] ?? '',
    /^POST approvals\/x-1-g1\/decision .*"subjectDigest":"sha256:1"/
  );
});

test('a refusal is final: the kernel is no way around it', async () => {
  for (const [status, body] of [
    [403, { code: 'GOV403', message: 'no', hint: null }],
    [412, { code: 'GOV412', message: 'stale', hint: null }],
    [403, '<html>some proxy</html>']
  ] as const) {
    await assert.rejects(
      decide(new Client(answering(status, body)), ANN, GATE, ANSWER, () =>
        assert.fail('the kernel was asked')
      ),
      RefusedError
    );
  }
});

test('where no server of ours answers, one acts as the account of the kernel', async () => {
  for (const client of [
    null,
    new Client(LOST),
    new Client(answering(404, '<html>not found</html>'))
  ]) {
    assert.deepEqual(await whoActs(client, OWNER), OWNER);
  }
  assert.deepEqual(await whoActs(null, null), { ...OWNER, id: '', name: '' });
});

test('the server says as whom one acts; when it refuses, nobody acts', async () => {
  const found = await whoActs(knowing('ann', 'Ann', 'browser'), OWNER);
  assert.deepEqual(found, ANN);
  const refusing = new Client(answering(403, { code: 'GOV483', message: 'no', hint: null }));
  await assert.rejects(whoActs(refusing, OWNER), NobodyError);
});

test('an act goes one way only: a silent server does not make it the kernel\u2019s', async () => {
  const never = () => assert.fail('the kernel was asked');
  await assert.rejects(decide(new Client(LOST), ANN, GATE, ANSWER, never));
  await assert.rejects(act(new Client(LOST), ANN, 'x', 'kill', null, never));
  let asked = 0;
  const once = () => {
    asked += 1;
    return Promise.resolve();
  };
  assert.equal(await decide(new Client(LOST), OWNER, GATE, ANSWER, once), null);
  assert.equal(await act(null, OWNER, 'x', 'kill', null, once), null);
  assert.equal(asked, 2);
});

test('a kill goes to the server with its reason', async () => {
  const server = answering(200, { id: 'x' });
  await act(new Client(server), ANN, 'x', 'kill', 'wrong data', () => assert.fail('kernel'));
  assert.deepEqual(server.sent, ['POST executions/x/kill {"reason":"wrong data"}']);
});

test('nothing is sent under another name than the one that was shown', async () => {
  await confirmed(knowing('ann', 'Ann', 'browser'), OWNER, ANN);
  for (const client of [knowing('bob', 'Bob', 'browser'), new Client(LOST)]) {
    const error = await confirmed(client, OWNER, ANN).catch((reason: unknown) => reason);
    assert.ok(error instanceof ChangedError);
    assert.equal(shownError(error).code, 'GOV491');
  }
  await assert.rejects(confirmed(knowing('ann', 'Ann', 'browser'), OWNER, OWNER), ChangedError);
});

test('one reads as whom one answers', () => {
  assert.equal(recordedAs(ANN), 'Ann (ann)');
  assert.equal(recordedAs({ ...ANN, name: 'Bob (bob)' }), 'Bob (bob) (ann)');
  assert.equal(
    sentence(english, { ...ANN, name: 'Ann Bold (ann)' }),
    'You answer as Ann Bold (ann).'
  );
  assert.match(sentence(english, OWNER), /as root, the account that runs this kernel/);
  const nobody = { ...ANN, id: 'anonymous@lab', name: 'anonymous user', assurance: 'anonymous' };
  assert.match(sentence(english, nobody), /as anonymous@lab: this server cannot tell its users/);
});

test('a page without the configuration of a Jupyter server has no transport', () => {
  const page = (text: string | null) =>
    ({
      cookie: '',
      getElementById: () => (text === null ? null : { textContent: text })
    }) as unknown as Document;
  assert.equal(pageTransport(page(null)), null);
  assert.equal(pageTransport(page('{}')), null);
  assert.equal(pageTransport(page('nonsense')), null);
  assert.notEqual(pageTransport(page('{"baseUrl": "/user/ann/"}')), null);
});

test('the handshake names both versions and the cure', async () => {
  const health = (version: string, apiLevel = 1, status = 'ok') =>
    new Client(answering(200, { version, apiLevel, status, problem: null, actor: {} }));
  assert.equal(await greeting(health('1.2.0'), '1.2.0', english), null);
  const newer = await greeting(health('1.3.0'), '1.2.0', english);
  assert.match(newer?.text ?? '', /1\.2\.0.*1\.3\.0.*Reload the page/);
  const older = await greeting(health('1.1.9'), '1.2.0', english);
  assert.match(older?.text ?? '', /1\.2\.0.*1\.1\.9.*Restart the Jupyter server/);
  const missing = await greeting(new Client(answering(404, 'x')), '1.2.0', english);
  assert.match(missing?.text ?? '', /jupyter server extension enable/);
  assert.ok(isOlder('0.9', '0.10') && !isOlder('1.0', '1.0.0'));
  assert.match(VERSION, /^\d+\.\d+\.\d+/);
});

test('a loop shows the state that says most, progress counts what is ahead', () => {
  const tasks = [
    task('a', 'SUCCESS'),
    task('b', 'SUCCESS'),
    { ...task('b2', 'FAILED'), taskId: 'b' }
  ];
  assert.deepEqual(
    [...statesByTask(tasks)],
    [
      ['a', 'SUCCESS'],
      ['b', 'FAILED']
    ]
  );
  assert.deepEqual(progressOf(snapshot('RUNNING', tasks)), {
    done: 2,
    total: 4,
    failed: 1,
    running: 0
  });
  assert.equal(progressOf(snapshot('FAILED', tasks)).total, 4);
  assert.equal(progressOf(snapshot('SUCCESS', tasks.slice(0, 2))).total, 2);
});

test('of a chain of failures the innermost is open', () => {
  const tasks = [
    task('outer', 'FAILED'),
    task('inner', 'FAILED', { parentId: 'outer' }),
    task('a', 'SUCCESS')
  ];
  assert.deepEqual(openAtFirst(tasks), ['inner']);
});

test('an older answer of the server changes nothing, a newer one brings states and gates', () => {
  const before = snapshot('PAUSED', [task('a', 'RUNNING')]);
  const body = {
    id: 'x',
    state: 'SUCCESS',
    ended: '2026-11-01T10:00:20Z',
    failure: null,
    taskRuns: [
      {
        id: 'a',
        taskId: 'a',
        state: 'SUCCESS',
        started: '',
        ended: null,
        attempts: 1,
        failure: null
      },
      {
        id: 'n',
        taskId: 'b',
        state: 'SUCCESS',
        started: '',
        ended: null,
        attempts: 1,
        failure: null
      }
    ],
    approvals: [{ ...GATE, status: 'APPROVED', statusBy: 'ann', votes: [] }],
    updatedAt: '2026-11-01T10:00:30Z'
  };
  assert.equal(caughtUp(before, { ...body, updatedAt: before.updatedAt }), before);
  assert.equal(caughtUp(before, { ...body, id: 'other' }), before);
  const after = caughtUp(before, body);
  assert.equal(after.execution.state, 'SUCCESS');
  assert.deepEqual(
    after.tasks.map(one => [one.id, one.state]),
    [
      ['a', 'SUCCESS'],
      ['n', 'SUCCESS']
    ]
  );
  assert.equal(after.approvals[0]?.statusBy, 'ann');
  assert.deepEqual(after.verbs, []);
});

test('durations and digests read well', () => {
  // The same table as in Python: a run must not change its numbers when its view becomes static.
  for (const [milliseconds, told] of durations as [number, string][]) {
    assert.equal(duration(milliseconds), told);
  }
  assert.equal(elapsed(null, null, 0), null);
  const exact = elapsed('2026-11-01T10:00:00.000900+00:00', '2026-11-01T10:00:00.048100+00:00', 0);
  assert.equal(duration(exact), '47 ms');
  assert.equal(shortDigest('sha256:0123456789abcdef'), 'sha256:0123456789ab…');
});

test('only our cell magics make a cell YAML', () => {
  assert.ok(isFlowMagic('%%govflow --run') && isFlowMagic('%%govtest'));
  assert.ok(!isFlowMagic('%%govflows') && !isFlowMagic('%gov runs') && !isFlowMagic(' %%govflow'));
});
