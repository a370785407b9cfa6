import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, RefusedError, type ITransport } from '../src/api/client';
import { pageTransport } from '../src/api/page';
import { decide } from '../src/model/decide';
import { initialForm, readForm } from '../src/model/form';
import { duration, elapsed, shortDigest } from '../src/model/format';
import { greeting, isOlder } from '../src/model/handshake';
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
  const gate = await decide(new Client(server), GATE, ANSWER, () =>
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
      decide(new Client(answering(status, body)), GATE, ANSWER, () =>
        assert.fail('the kernel was asked')
      ),
      RefusedError
    );
  }
});

test('the kernel is asked where there is no server of ours', async () => {
  const lost: ITransport = { fetch: () => Promise.reject(new TypeError('failed to fetch')) };
  for (const client of [
    null,
    new Client(lost),
    new Client(answering(404, '<html>not found</html>'))
  ]) {
    let asked = 0;
    assert.equal(
      await decide(client, GATE, ANSWER, () => {
        asked += 1;
        return Promise.resolve();
      }),
      null
    );
    assert.equal(asked, 1);
  }
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
  const shown = [0, 240, 4300, 59_400, 64_000, 7_380_000, 100 * 3600_000].map(duration);
  assert.deepEqual(shown, ['0 ms', '0.2 s', '4.3 s', '59 s', '1 m 04 s', '2 h 03 m', '4 d 04 h']);
  assert.equal(elapsed(null, null, 0), null);
  assert.equal(shortDigest('sha256:0123456789abcdef'), 'sha256:0123456789ab…');
});

test('only our cell magics make a cell YAML', () => {
  assert.ok(isFlowMagic('%%govflow --run') && isFlowMagic('%%govtest'));
  assert.ok(!isFlowMagic('%%govflows') && !isFlowMagic('%gov runs') && !isFlowMagic(' %%govflow'));
});
