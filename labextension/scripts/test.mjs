// Bundles the unit tests and hands them to Node's own test runner: the pure modules need no browser and no framework.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'jupyter-gov-tests-'));
const tests = readdirSync(join(root, 'tests')).filter(name => name.endsWith('.test.ts'));
await build({
  absWorkingDir: root,
  entryPoints: tests.map(name => `tests/${name}`),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  sourcemap: 'inline',
  logLevel: 'warning'
});
const files = tests.map(name => join(out, name.replace(/\.ts$/, '.mjs')));
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], {
  stdio: 'inherit'
});
rmSync(out, { recursive: true, force: true });
process.exit(run.status ?? 1);
