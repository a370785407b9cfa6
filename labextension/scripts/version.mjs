// The version lives in package.json; the sources get it as a constant, since bundles must not read files.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('..', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const target = new URL('src/version.ts', root);
const text = `// Written by scripts/version.mjs from package.json.\nexport const VERSION = '${version}';\n`;
let before = '';
try {
  before = readFileSync(target, 'utf8');
} catch {
  // The first build has none.
}
if (before !== text) {
  writeFileSync(target, text);
}
