// `npm run nox -- …`: the command line of this checkout, built when its sources changed. What is built is said on
// stderr, so that `--json` on stdout stays clean.
import { orSay } from './lib/missing.mjs';
import { built } from './lib/paths.mjs';
import { prepareAll } from './lib/prepare.mjs';
import { endCleanly, handOver } from './lib/run.mjs';

process.exitCode = await orSay(async () => {
  const undo = endCleanly('npm run nox');
  await prepareAll(['build'], (line) => console.error(`nox: ${line}`));
  undo();
  return handOver([built('nox'), ...process.argv.slice(2)]);
});
