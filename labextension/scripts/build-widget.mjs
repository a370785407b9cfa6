// Bundles the notebook widget: one ES module and one style sheet that travel over the kernel's comm channel.
// React's components are shared with the JupyterLab panels; here Preact stands in for React, since every view of a
// run carries its own copy of this bundle.
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const out = fileURLToPath(new URL('../jupyter_gov/kernel/static/', root));
const LIMIT = 150_000;

mkdirSync(out, { recursive: true });
const licence = readFileSync(new URL('node_modules/preact/LICENSE', root), 'utf8').trim();
await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: { widget: 'src/widget/index.tsx' },
  outfile: `${out}widget.js`,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  banner: { js: `/* Contains Preact.\n${licence}\n*/` },
  jsx: 'transform',
  alias: {
    react: 'preact/compat',
    'react-dom': 'preact/compat',
    'react-dom/client': 'preact/compat/client'
  },
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning'
});
await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: ['style/widget.css'],
  outfile: `${out}widget.css`,
  bundle: true,
  minify: true,
  logLevel: 'warning'
});
const size = statSync(`${out}widget.js`).size;
console.log(`widget.js ${size} bytes`);
if (size > LIMIT) {
  console.error(`widget.js is larger than ${LIMIT} bytes`);
  process.exit(1);
}
