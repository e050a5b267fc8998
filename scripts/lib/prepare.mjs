// Makes the programs of this checkout ready for the scripts that need them and are not about building.
import { buildEngine, buildUi, sources, stale } from './build.mjs';
import { checkTools, npmPackages, systemPackages, testTools } from './setup.mjs';

/** Sets up the packages of `kinds` and builds what changed; says nothing when nothing had to be done. */
export async function prepareAll(kinds, say) {
  const now = sources();
  const wanted = stale(now);
  const building = wanted.ui || wanted.engine;
  if (!building && !kinds.includes('test')) return;
  checkTools();
  await systemPackages(kinds);
  await npmPackages();
  if (kinds.includes('test')) await testTools();
  if (building) say('building first (the first time takes about 5 minutes) …');
  if (wanted.ui) await buildUi(now);
  if (wanted.engine) await buildEngine(now);
}
