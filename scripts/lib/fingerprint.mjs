// Remembers what was built, so that the next start does not build: a hash over names and contents of the sources.
// Contents rather than times, since a fresh clone or a switch of branches changes times and nothing else.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'target', 'gen', 'coverage', 'output', '.git', '.cache']);
const TESTS = /\.test\.(ts|tsx|mjs)$/;

/** A hash over the files and folders `inputs` below `root`; what is missing counts as missing. */
export function fingerprint(root, inputs) {
  const hash = createHash('sha256');
  for (const path of inputs.flatMap((input) => files(root, input)).sort()) {
    hash.update(`${path}\0`);
    hash.update(createHash('sha256').update(readFileSync(join(root, path))).digest());
  }
  return hash.digest('hex');
}

/** What is remembered in `file`, or an empty object: a broken or missing memory only means that we build again. */
export function recall(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}

/** Adds `facts` to what is remembered in `file`. */
export function remember(file, facts) {
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file}.${process.pid}.tmp`;
  writeFileSync(next, `${JSON.stringify({ ...recall(file), ...facts }, null, 2)}\n`);
  renameSync(next, file);
}

function files(root, input) {
  const path = join(root, input);
  if (!existsSync(path)) return [];
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch {
    return [input];
  }
  return entries.flatMap((entry) => {
    if (SKIPPED.has(entry.name) || TESTS.test(entry.name)) return [];
    const child = `${input}/${entry.name}`;
    if (entry.isDirectory()) return files(root, child);
    return entry.isFile() ? [child] : [];
  });
}
