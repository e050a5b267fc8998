// `npm run chaos`: builds what tests/chaos needs, then hands over to it. It tries what Nox promises under kills, failing
// disks, damaged files, floods and crowds, and prints one table. The quick form is also a step of `npm test`;
// `npm run chaos -- --long` is the long one: each call ends within nine minutes, and the same command goes on.
import { CARGO_ENV, crates, succeeded } from './lib/build.mjs';
import { orSay } from './lib/missing.mjs';
import { ROOT, built } from './lib/paths.mjs';
import { endCleanly, handOver, run } from './lib/run.mjs';
import { checkTools, systemPackages } from './lib/setup.mjs';
import { say, status } from './lib/terminal.mjs';

process.exitCode = await orSay(async () => {
  const undo = endCleanly('npm run chaos');
  checkTools();
  if (process.platform !== 'linux') say('Parts that need Linux say so in the table.');
  await systemPackages(['build', 'chaos']);
  const onLine = crates((words) => status(`Building … ${words}`));
  const command = ['cargo', 'build', '-p', 'nox-chaos', '-p', 'nox-shim'];
  succeeded(await run(command, { id: 'build-chaos', env: CARGO_ENV, onLine, minutes: 60 }));
  status('');
  undo();
  return handOver([built('nox-chaos'), ...process.argv.slice(2)], { cwd: ROOT });
});
