// `npm run screenshots`: builds the app and lets the harness of the window tests take the pictures of docs/screenshots.
import { orSay } from './lib/missing.mjs';
import { ROOT } from './lib/paths.mjs';
import { prepareAll } from './lib/prepare.mjs';
import { endCleanly, handOver, npm } from './lib/run.mjs';

process.exitCode = await orSay(async () => {
  const undo = endCleanly('npm run screenshots');
  await prepareAll(['build', 'test'], console.log);
  undo();
  return handOver(npm('run', 'screenshots', '-w', 'tests/e2e'), { cwd: ROOT });
});
