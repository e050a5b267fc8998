// `npm run bench`: builds the release programs, then hands over to tests/bench, which measures what Nox costs beside a
// yardstick in the same run. `npm run bench -- appends engine` measures some of it; the parts stand in tests/bench/bench.mjs.
// It takes minutes and wants a quiet machine; it is no part of the tests. Exit 1 when a figure is outside its bound.
import { join } from 'node:path';
import { CARGO_ENV, CARGO_PACKAGES, buildUi, crates, sources, stale, succeeded } from './lib/build.mjs';
import { orSay } from './lib/missing.mjs';
import { ROOT } from './lib/paths.mjs';
import { endCleanly, handOver, run } from './lib/run.mjs';
import { checkTools, npmPackages, systemPackages, testTools } from './lib/setup.mjs';
import { duration, say, status } from './lib/terminal.mjs';

process.exitCode = await orSay(async () => {
  const undo = endCleanly('npm run bench');
  checkTools();
  await systemPackages(['build', 'test']);
  await npmPackages();
  await testTools();
  const now = sources();
  if (stale(now).ui) await buildUi(now);
  const packages = [...CARGO_PACKAGES, 'nox-bench', 'nox-empty-window'].flatMap((name) => ['-p', name]);
  const onLine = crates((words) => status(`Release build (first time: about 10 minutes) … ${words}`));
  const result = await run(['cargo', 'build', '--release', ...packages], { id: 'build-release', env: CARGO_ENV, onLine, minutes: 60 });
  status('');
  say(`Release build: ${duration(succeeded(result).seconds)}`);
  undo();
  return handOver([process.execPath, join(ROOT, 'tests', 'bench', 'bench.mjs'), ...process.argv.slice(2)], { cwd: ROOT });
});
